package proton

import (
	"errors"
	"fmt"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
)

// The errors of this package, for [errors.Is]. None contains input.
var (
	// ErrMalformed means invalid text or bytes.
	ErrMalformed = errors.New("proton: malformed")
	// ErrUnsupported means an OpenPGP version, algorithm or protection that is
	// unknown or too weak.
	ErrUnsupported = errors.New("proton: unsupported OpenPGP")
	// ErrPolicy means input that is too large or too expensive, refused before
	// the work.
	ErrPolicy = errors.New("proton: refused by policy")
	// ErrKey means an unsuitable key: public, incomplete, locked or not locked,
	// or unable to sign.
	ErrKey = errors.New("proton: unsuitable key")
	// ErrPassphrase means a wrong passphrase or an altered key.
	ErrPassphrase = errors.New("proton: wrong passphrase or altered key")
	// ErrSecret means that no recovery secret opens the file, or that it
	// was altered.
	ErrSecret = errors.New("proton: no recovery secret opens the file")
	// ErrSignature means that none of the keys signed the recovery secret.
	ErrSignature = errors.New("proton: recovery secret not signed by the user's key")
)

// refused returns ErrPolicy with a reason.
func refused(why string) error { return fmt.Errorf("%w: %s", ErrPolicy, why) }

// unsuitable returns ErrKey with a reason.
func unsuitable(why string) error { return fmt.Errorf("%w: %s", ErrKey, why) }

var (
	errWords    = refused("the phrase must have 12 words")
	errTooLarge = refused("more than 1 MiB of text, or too many or too large packets")
	errKeys     = refused("there must be 1 to 32 different keys")
	errSecrets  = refused("there must be 1 to 32 recovery secrets")
	errCost     = refused("the derivation from the passphrase would cost too much")
	errWork     = refused("the keys have too many parts or too large numbers")
	errLength   = refused("the passphrase must have 1 to 1024 bytes")

	errPublic   = unsuitable("the key or a subkey is public")
	errLocked   = unsuitable("the key or a subkey is locked")
	errUnlocked = unsuitable("the key or a subkey is not locked")
	errStub     = unsuitable("a secret part is missing or on a smart card")
	errSigner   = unsuitable("the key cannot sign: it is expired, revoked or not for signatures")
)

// readError translates an error of package openpgp's parsers, whose text can
// contain input.
func readError(err error) error {
	if _, ok := errors.AsType[pgperrors.UnsupportedError](err); ok {
		return ErrUnsupported
	}
	return ErrMalformed
}

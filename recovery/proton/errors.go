package proton

import (
	"errors"
	"fmt"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
)

// The errors of this package, to be told apart by errors.Is: some come with a
// constant text that says more. None of them holds input.
var (
	// ErrMalformed means text or bytes that are not what they are said to be.
	ErrMalformed = errors.New("proton: malformed")
	// ErrUnsupported means OpenPGP that this package does not read: a version,
	// algorithm or protection that is too old or unknown to it.
	ErrUnsupported = errors.New("proton: unsupported OpenPGP")
	// ErrPolicy means something that is refused before any work: too large, too
	// many, at too high a cost.
	ErrPolicy = errors.New("proton: refused by policy")
	// ErrKey means an OpenPGP key that is not what the call needs: public, or in
	// part; locked, or not; unable to sign.
	ErrKey = errors.New("proton: unsuitable key")
	// ErrPassphrase means a wrong passphrase or an altered key, and does not tell
	// them apart.
	ErrPassphrase = errors.New("proton: wrong passphrase or altered key")
	// ErrSecret means that no recovery secret opens the file, or that the file was
	// altered, and does not tell them apart.
	ErrSecret = errors.New("proton: no recovery secret opens the file")
	// ErrSignature means a recovery secret that no key at hand has signed.
	ErrSignature = errors.New("proton: recovery secret not signed by the user's key")
)

// refused is ErrPolicy with a reason.
func refused(why string) error { return fmt.Errorf("%w: %s", ErrPolicy, why) }

// unsuitable is ErrKey with a reason.
func unsuitable(why string) error { return fmt.Errorf("%w: %s", ErrKey, why) }

var (
	errWords    = refused("Proton's phrases have 12 words")
	errTooLarge = refused("more than 1 MiB of text, or too many or too large packets in it")
	errKeys     = refused("1 to 32 different keys")
	errSecrets  = refused("1 to 32 recovery secrets")
	errCost     = refused("the derivation from the passphrase would cost too much")
	errWork     = refused("the keys would cost too much to check: too many, or of too large numbers")
	errLength   = refused("a passphrase has 1 to 1024 bytes")

	errPublic   = unsuitable("it is public, or a part of it is")
	errLocked   = unsuitable("it is locked by a passphrase, or a part of it is")
	errUnlocked = unsuitable("it is not locked by a passphrase, or a part of it is not")
	errStub     = unsuitable("its secret part, or that of a subkey, is kept elsewhere")
	errSigner   = unsuitable("it cannot sign: expired, revoked, or not for signatures")
)

// readError is what an error of package openpgp's parsers comes to. Its texts can
// hold input.
func readError(err error) error {
	if _, ok := errors.AsType[pgperrors.UnsupportedError](err); ok {
		return ErrUnsupported
	}
	return ErrMalformed
}

package srp

import (
	"errors"
	"fmt"
)

// The errors of this package, to be told apart by errors.Is: ErrPolicy comes
// with a constant text that says what was refused. No error holds input.
//
// An HTTP handler of logins answers the first two with one and the same 401,
// ErrMalformed with 400, and all others with 500. In a handler of registrations
// the errors of Server.Admit are the client's fault: 400.
var (
	// ErrAuthentication means a wrong password, an unknown user, or a wrong
	// proof, and does not tell them apart. It is also what follows from two sides
	// that have another identity, ServerIdentity or context: look there first if
	// every login fails. Server.Finish, Server.Verify,
	// Login.Finish and Login.Confirm return it.
	ErrAuthentication = errors.New("srp: authentication failed")
	// ErrState means pending state that is forged, altered, expired, used, or
	// of another user or server. Server.Finish and Server.Verify return it.
	ErrState = errors.New("srp: no such login in progress")
	// ErrMalformed means a message or a value in it that no honest peer sends:
	// a wrong length, a number outside its range.
	ErrMalformed = errors.New("srp: malformed message")
	// ErrRecord means a stored or registered record that cannot be used.
	ErrRecord = errors.New("srp: unusable record")
	// ErrPolicy means that something was refused before the password or a
	// record was touched: a profile or group that the configuration does not
	// allow or that is not what it seems, KDF parameters outside the policy (it is
	// then kdf.ErrWeak or kdf.ErrExcessive too), a password or identity of
	// impossible length, a server with too many logins in progress.
	ErrPolicy = errors.New("srp: refused by policy")
	// ErrUsed means that a one-time value, a Login, was used twice.
	ErrUsed = errors.New("srp: login already used")
)

// refused is ErrPolicy with a reason.
func refused(why string) error { return fmt.Errorf("%w: %s", ErrPolicy, why) }

var (
	errProfile      = refused("not a profile")
	errNotListed    = refused("the profile is not in ClientConfig.Profiles")
	errRegistration = refused("nobody registers with this profile")
	errGroupFit     = refused("the group does not fit the profile")
	errSaltFit      = refused("the salt's size does not fit the profile")
	errKDFFit       = refused("the KDF parameters do not fit the profile: Nescio has Argon2id, without a salt, others none")
	errGroupSize    = refused("N must have 2048 to 8192 bits in whole bytes and be odd, and g at least 2")
	errGroupProof   = refused("N is not a safe prime, or g does not generate its whole group")
	errOrigin       = refused("no policy accepts the group: by default those of RFC 5054 of 2048 to 4096 bits")
	errCredential   = refused("a credential has at most 16 KiB")
	errTemplate     = refused("a record is not of a kind that a template offers")
	errFull         = refused("too many logins in progress")
	errPassword     = refused("a password has 1 to 1024 bytes")
	errIdentity     = refused("an identity has at most 1024 bytes")
	errServerName   = refused("a server identity has at most 1024 bytes")
	errContext      = refused("a context has 1 to 60,000 bytes")
	errNoContext    = refused("the profile's proofs hold no context")
)

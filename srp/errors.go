package srp

import (
	"fmt"

	"github.com/nescio-go/nescio/internal/sentinel"
)

// The errors of this package. Package opaque exports the same values, so that
// [errors.Is] finds each of them under either name. ErrPolicy and ErrRecord can
// carry a constant text that says more. No error contains input. The package
// documentation has the table of errors, calls and HTTP statuses.
var (
	// ErrAuthentication means a wrong password, an unknown user or a wrong
	// proof, and does not tell them apart. It also follows if the two sides have
	// another identity, ServerIdentity or context: look there first if every
	// login fails. [Server.FinishLogin], [Server.Verify], [Login.Finish] and
	// [Login.Confirm] return it.
	ErrAuthentication = sentinel.ErrAuthentication

	// ErrState means pending state that is forged, altered, expired, used, or of
	// another user or server, or a record that has changed since the login
	// began. [Server.FinishLogin] and [Server.Verify] return it.
	ErrState = sentinel.ErrState

	// ErrMalformed means a message, an id or a value that no honest peer sends: a
	// wrong length, or a number outside its range. [Server.BeginRegistration],
	// [Server.BeginLogin] and [Server.FinishLogin] return it, [Registration.Finish],
	// [Login.Respond], [Login.Finish], and their typed forms.
	ErrMalformed = sentinel.ErrMalformed

	// ErrRecord means a stored or registered record that cannot be used.
	// [Server.FinishRegistration], [Server.BeginLogin], [Server.Check],
	// [NewRecord], [ParseRecord], [ParseRecordText], [CheckRecord] and [ImportSJCL]
	// return it.
	ErrRecord = sentinel.ErrRecord

	// ErrPolicy means that something was refused before the password or a record
	// was touched: a profile or group that the configuration does not allow or
	// that is not what it seems, KDF parameters outside the policy (it is then
	// kdf.ErrWeak or kdf.ErrExcessive too), a password or identity of invalid
	// length, a record of a kind that the server does not admit.
	ErrPolicy = sentinel.ErrPolicy

	// ErrBusy means that a server has too many logins in progress.
	// [Server.BeginLogin] and [Server.Challenge] return it.
	ErrBusy = sentinel.ErrBusy

	// ErrUsed means that a one-time value, a [Login] or a [Registration], was
	// used twice or out of order. Their methods return it.
	ErrUsed = sentinel.ErrUsed
)

// refused is ErrPolicy with a reason.
func refused(why string) error { return fmt.Errorf("%w: %s", ErrPolicy, why) }

// unusable is ErrRecord with a reason.
func unusable(why string) error { return fmt.Errorf("%w: %s", ErrRecord, why) }

var (
	errProfile     = refused("not a profile")
	errNotListed   = refused("the profile is not in ClientConfig.Profiles")
	errLoginOnly   = refused("the profile is for logins of old accounts only")
	errGroupFit    = refused("the group does not fit the profile")
	errSaltFit     = refused("the salt's size does not fit the profile")
	errKDFFit      = refused("the KDF parameters do not fit the profile: Nescio has Argon2id, without a salt, others none")
	errGroupSize   = refused("N must have 2048 to 8192 bits in whole bytes and be odd, and g must be at least 2")
	errGroupProof  = refused("N is not a safe prime, or g does not generate its whole group")
	errOrigin      = refused("no policy accepts the group: by default those of RFC 5054 of 2048 to 4096 bits")
	errCertificate = refused("a certificate has at most 16 KiB")
	errKind        = refused("the record is not of a kind that the server offers or accepts")
	errWrongName   = refused("the record has another identity than the account")
	errPassword    = refused("a password has 1 to 1,024 bytes")
	errIdentity    = refused("an identity has at most 1,024 bytes")
	errServerName  = refused("ServerIdentity has at most 1,024 bytes")
	errContext     = refused("a context has 1 to 60,000 bytes")
	errNoContext   = refused("the profile's proofs cover no context")
	errDecoyKey    = refused("DecoyKey must be 32 random bytes")
	errStateKeys   = refused("StateKeys must be 1 to 16 distinct keys of 32 random bytes, one of them due")
	errLimits      = refused("Lifetime and MaxPending must not be negative")
	errKindParts   = refused("a kind needs a profile and a group")
)

var (
	errVerifierLength = unusable("the verifier must be as long as N: put zero bytes in front of a shorter one, behind it for Proton's profiles")
	errVerifierRange  = unusable("the verifier is not between 1 and N-1")
	errRecordForm     = unusable("not the encoding of a record")
	errUnlisted       = unusable("its kind is in none of Offer, Accept and Old")
	errRecordProof    = unusable("its N is not a safe prime, or its g does not generate the whole group")
)

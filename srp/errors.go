package srp

import (
	"fmt"

	"github.com/nescio-go/nescio/internal/sentinel"
)

// The errors of packages srp and opaque, for [errors.Is]. No error contains
// input.
var (
	// ErrAuthentication means a wrong password, an unknown user or a wrong
	// proof. Different identities, server identities or contexts cause it too.
	ErrAuthentication = sentinel.ErrAuthentication

	// ErrState means unusable pending state, another id or a changed record.
	ErrState = sentinel.ErrState

	// ErrPolicy means that the configuration or a policy refuses a value. It
	// can also be [kdf.ErrWeak] or [kdf.ErrExcessive].
	ErrPolicy = sentinel.ErrPolicy

	ErrMalformed = sentinel.ErrMalformed // invalid message, id or value
	ErrRecord    = sentinel.ErrRecord    // unusable record
	ErrBusy      = sentinel.ErrBusy      // too many logins in progress
	ErrUsed      = sentinel.ErrUsed      // used twice or out of order
)

// refused is ErrPolicy with a reason.
func refused(why string) error { return fmt.Errorf("%w: %s", ErrPolicy, why) }

// unusable is ErrRecord with a reason.
func unusable(why string) error { return fmt.Errorf("%w: %s", ErrRecord, why) }

var (
	errProfile     = refused("not a valid profile")
	errNotListed   = refused("the profile is not in ClientConfig.Profiles")
	errLoginOnly   = refused("the profile is only for logins of old accounts")
	errGroupFit    = refused("the group does not fit the profile")
	errSaltFit     = refused("the salt's size does not fit the profile")
	errKDFFit      = refused("the KDF parameters do not fit the profile: Argon2id without a salt for Nescio, none for others")
	errGroupSize   = refused("N must be odd and 2048 to 8192 bits long, in whole bytes, and g must be at least 2")
	errGroupProof  = refused("N is not a safe prime, or g does not generate its whole group")
	errOrigin      = refused("no policy accepts the group; by default only groups of RFC 5054 of 2048 to 4096 bits are accepted")
	errCertificate = refused("a certificate must be at most 16 KiB long")
	errKind        = refused("the record is not of a kind that the server offers or accepts")
	errWrongName   = refused("the record has another identity than the account")
	errPassword    = refused("a password must be 1 to 1,024 bytes long")
	errIdentity    = refused("an identity must be at most 1,024 bytes long")
	errServerName  = refused("ServerIdentity must be at most 1,024 bytes long")
	errContext     = refused("a context must be 1 to 60,000 bytes long")
	errNoContext   = refused("the profile's proofs do not cover a context")
	errDecoyKey    = refused("DecoyKey must be 32 random bytes")
	errStateKeys   = refused("StateKeys must be 1 to 16 distinct keys of 32 random bytes, one of them due")
	errLimits      = refused("Lifetime must be 0 to 1 hour, and MaxPending must not be negative")
	errKindParts   = refused("a kind needs a profile and a group")
)

var (
	errVerifierLength = unusable("the verifier must be as long as N: put zero bytes in front of a shorter one, or behind it for Proton's profiles")
	errVerifierRange  = unusable("the verifier must be between 2 and N-2")
	errRecordForm     = unusable("not a valid encoding of a record")
	errUnlisted       = unusable("its kind is not in Offer, Accept or Old")
	errRecordProof    = unusable("its N is not a safe prime, or its g does not generate the whole group")
)

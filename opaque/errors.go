package opaque

import (
	"fmt"

	"github.com/nescio-go/nescio/internal/sentinel"
)

// The errors are the same values as in package srp. Test with errors.Is.
var (
	// A wrong password, an unknown name, or different keys, identities,
	// contexts or KSFs.
	ErrAuthentication = sentinel.ErrAuthentication
	// Pending state is forged, expired, used or of another login, or the record
	// has changed.
	ErrState = sentinel.ErrState
	// A message that no correct peer sends, or an id of invalid length.
	ErrMalformed = sentinel.ErrMalformed
	// A record or a setup that cannot be used.
	ErrRecord = sentinel.ErrRecord
	// A value that the policy or the configuration does not allow. The password
	// was not used.
	ErrPolicy = sentinel.ErrPolicy
	// Too many logins in progress without a [Replay].
	ErrBusy = sentinel.ErrBusy
	// A [Login] or [Registration] that was used twice, out of order or after
	// Discard.
	ErrUsed = sentinel.ErrUsed
)

// refused returns ErrPolicy with a reason.
func refused(why string) error { return fmt.Errorf("%w: %s", ErrPolicy, why) }

// unusable returns ErrRecord with a reason.
func unusable(why string) error { return fmt.Errorf("%w: %s", ErrRecord, why) }

var (
	errSetupGone  = unusable("its setup is not in Setups")
	errOtherSetup = unusable("the setup with its number has another fingerprint or suite")
	errUnlisted   = unusable("its kind is not in Offer, Accept or Old")
)

var (
	errSuite        = refused("invalid Suite")
	errKSF          = refused("KSF parameters are missing, incomplete or have a salt")
	errFixedKSF     = refused("FixedKSF must be zero on WireFramed")
	errPassword     = refused("a password must be 1 to 1,024 bytes long")
	errIdentity     = refused("an identity must be at most 1,024 bytes long")
	errContext      = refused("a context must be 1 to 60,000 bytes long, on WireRFC9807 1 to 65,535")
	errID           = refused("an id must be 1 to 1,024 bytes long")
	errPin          = refused("the server's public key is not in ServerPublicKeys")
	errWire         = refused("WireRFC9807 supports one setup and one kind")
	errNotAdmitted  = refused("the kind of the registration is not in Offer or Accept")
	errOtherName    = refused("the record has another identity than the account")
	errNoService    = refused("the KeyService is nil")
	errServiceOnly  = refused("the keys of this setup are in a KeyService")
	errDecoyKey     = refused("DecoyKey must be 32 random bytes")
	errStateKeys    = refused("StateKeys must be 1 to 16 distinct keys of 32 random bytes, one of them due")
	errLimits       = refused("Lifetime must be 0 to 1 hour, and MaxPending must not be negative")
	errNoSetups     = refused("Setups is empty or contains a setup without keys")
	errManySetups   = refused("with several setups, Offer must name one")
	errNoSetup      = refused("a kind names a setup that is not in Setups")
	errKindSuite    = refused("a kind has another suite than its setup")
	errDefaultKind  = refused("Weights needs the setup of each kind, and a zero Kind has none")
	errOtherWire    = refused("invalid Wire")
	errPublicKeys   = refused("ServerPublicKeys contains an invalid public key")
	errStep         = refused("invalid MigrationStep")
	errShortSession = refused("a session key must be at least 32 bytes long")

	errZeroMigration = refused("a zero Migration has no session key; use NewMigration")
)

package opaque

import (
	"fmt"

	"github.com/nescio-go/nescio/internal/sentinel"
)

// The errors of this package. Test for them with errors.Is, because some are
// returned with a constant text that gives the reason. No error contains input.
// They are the same values as in package srp. The package documentation has a
// table of calls, errors and HTTP statuses.
var (
	// ErrAuthentication means a wrong password, an unknown user, or a peer with
	// other keys, and does not say which. It is also the result if the two
	// sides have different identities, contexts or KSFs: check these first if
	// every login fails. [Login.Respond] returns it at the client,
	// [Server.FinishLogin] at the server. [Login.Finish] and [Migration.Verify]
	// return it for a message that was altered.
	ErrAuthentication = sentinel.ErrAuthentication
	// ErrState means that the login cannot be finished: the pending state is
	// forged, altered, expired or used, belongs to another user, context or
	// server, or the account's record is another one now. [Server.FinishLogin]
	// returns it.
	ErrState = sentinel.ErrState
	// ErrMalformed means a message that no correct peer sends: a wrong length,
	// an invalid encoding, another suite than the account's, or an id of
	// invalid length. [Server.BeginRegistration], [Server.BeginLogin] and
	// [Server.FinishLogin] return it, and so do [Registration.Finish],
	// [Login.Respond] and [Login.Finish]. [Server.FinishRegistration] returns
	// [ErrRecord] instead.
	ErrMalformed = sentinel.ErrMalformed
	// ErrRecord means a record or a setup that cannot be used. [ParseRecord],
	// [ImportRecord], [ParseSetup], [NewKeyServiceSetup], [Server.Check],
	// [Server.BeginLogin] and [Server.FinishRegistration] return it.
	ErrRecord = sentinel.ErrRecord
	// ErrPolicy means that a value was refused before the password or a record
	// was used: KSF parameters outside the client's policy, a registration of a
	// kind that the server does not admit, a configuration that is out of
	// range. [Server.FinishRegistration], [Client.Register], [Client.Login],
	// [Registration.Finish], [Login.Respond], [Migration.Protect],
	// [Setup.Bytes], [Weights], all constructors and all methods whose names
	// begin with With return it.
	ErrPolicy = sentinel.ErrPolicy
	// ErrBusy means that too many logins are in progress. [Server.BeginLogin]
	// returns it if the server has no shared [Replay].
	ErrBusy = sentinel.ErrBusy
	// ErrUsed means that a [Login] or a [Registration] was used twice or out of
	// order, or was discarded.
	ErrUsed = sentinel.ErrUsed
)

// refused returns ErrPolicy with a reason.
func refused(why string) error { return fmt.Errorf("%w: %s", ErrPolicy, why) }

// unusable returns ErrRecord with a reason.
func unusable(why string) error { return fmt.Errorf("%w: %s", ErrRecord, why) }

var (
	errSetupGone  = unusable("the setup that it names is not in Setups")
	errOtherSetup = unusable("the setup with its number has another fingerprint or suite")
	errUnlisted   = unusable("its kind is not in Offer, Accept or Old")
)

var (
	errSuite        = refused("not a suite")
	errKSF          = refused("KSF parameters are missing, incomplete or have a salt")
	errFixedKSF     = refused("FixedKSF is for WireRFC9807; on WireFramed use KSFPolicy")
	errPassword     = refused("a password must be 1 to 1,024 bytes long")
	errIdentity     = refused("an identity must be at most 1,024 bytes long")
	errContext      = refused("a context must be 1 to 60,000 bytes long, on WireRFC9807 1 to 65,535")
	errID           = refused("an id must be 1 to 1,024 bytes long")
	errPin          = refused("the server's public key is not in ClientConfig.ServerPublicKeys")
	errWire         = refused("WireRFC9807 supports one setup and one kind")
	errNotAdmitted  = refused("the registration is of a kind that is neither offered nor accepted")
	errOtherName    = refused("the record has another identity than the account")
	errNoService    = refused("the KeyService is nil")
	errServiceOnly  = refused("the keys of this setup are in a KeyService")
	errDecoyKey     = refused("DecoyKey must be 32 random bytes")
	errStateKeys    = refused("StateKeys must be 1 to 16 distinct keys of 32 random bytes, one of them due")
	errLimits       = refused("Lifetime and MaxPending must not be negative")
	errNoSetups     = refused("Setups is empty or has a setup without keys")
	errManySetups   = refused("with several setups, Offer must name one")
	errNoSetup      = refused("a kind names a setup that is not in Setups")
	errKindSuite    = refused("a kind has another suite than its setup")
	errDefaultKind  = refused("the zero Kind has no setup; name it to compute its weight")
	errOtherWire    = refused("not a wire")
	errPublicKeys   = refused("ServerPublicKeys has a value that is not a public key of the suite")
	errStep         = refused("not a step of a registration")
	errShortSession = refused("a session key must be at least 32 bytes long")

	errZeroMigration = refused("a zero Migration has no session key; use NewMigration")
)

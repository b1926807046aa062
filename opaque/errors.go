package opaque

import (
	"errors"
	"fmt"
)

// The errors of this package, to be told apart by errors.Is: some come with a
// constant text that says more. No error holds input.
//
// An HTTP handler of logins answers the first two with one and the same 401,
// ErrMalformed with 400, and all others with 500. In a handler of registrations
// ErrPolicy and ErrRecord, of Server.Register and Server.Admit, are the client's fault
// too: 400.
var (
	// ErrAuthentication means a wrong password, an unknown user, or a peer that
	// has another key, and does not tell them apart. It is also what follows from
	// two sides that have other identities, another context or another KSF: look
	// there first if every login fails. On the client Login.Respond returns it, on
	// the server Server.Finish; Login.Finish and Migration.Open do for a message that
	// was altered.
	ErrAuthentication = errors.New("opaque: authentication failed")
	// ErrState means pending state that is forged, altered, expired, used, or of
	// another user, context or server. Server.Finish returns it.
	ErrState = errors.New("opaque: no such login in progress")
	// ErrMalformed means a message that no honest peer sends: a wrong length, an
	// encoding that is not an element of the group, a suite that is not the
	// account's.
	ErrMalformed = errors.New("opaque: malformed message")
	// ErrRecord means a stored or registered record, or a setup, that cannot be
	// used.
	ErrRecord = errors.New("opaque: unusable record")
	// ErrPolicy means that something was refused before the password or a record
	// was touched: KSF parameters outside the policy, a registration of another
	// kind than the server offers, a value of impossible length. Server.Begin returns
	// it if too many logins are in progress: 503.
	ErrPolicy = errors.New("opaque: refused by policy")
	// ErrUsed means that a one-time value, a Login or a Registration, was used
	// twice, or out of order.
	ErrUsed = errors.New("opaque: already used, or not yet begun")
)

// refused is ErrPolicy with a reason.
func refused(why string) error { return fmt.Errorf("%w: %s", ErrPolicy, why) }

var errSetupGone = fmt.Errorf("%w: its setup is not in Setups", ErrRecord)

var (
	errSuite      = refused("not a suite")
	errKSF        = refused("KSF parameters are missing, incomplete or have a salt")
	errFixedKSF   = refused("FixedKSF is for the RFC's wire: set Wire, or bound the KSF by KSF")
	errPassword   = refused("a password has 1 to 1024 bytes")
	errIdentity   = refused("an identity has at most 65,535 bytes")
	errContext    = refused("a context has 1 to 60,000 bytes, on the RFC's wire to 65,535")
	errID         = refused("an id has 1 to 1024 bytes")
	errPin        = refused("the server has another public key than ClientConfig.ServerPublicKeys")
	errWire       = refused("the RFC's wire has room for one setup and one template")
	errTemplate   = refused("the registration is not of the kind that the first template offers")
	errFull       = refused("too many logins in progress")
	errNoKeys     = refused("there are no keys")
	errKeysOnly   = refused("the keys of this setup are elsewhere")
	errDecoy      = refused("Secrets.Decoy must be 32 random bytes")
	errStateKeys  = refused("Secrets.State must be 1 to 16 distinct keys of 32 random bytes")
	errLimits     = refused("Lifetime and MaxPending must not be negative")
	errNoSetups   = refused("Setups is empty")
	errManySetups = refused("several setups need Templates that say which accounts have which")
	errNoSetup    = refused("a template names a setup that is not in Setups")
	errNoWeight   = refused("no template has a weight")
	errOtherWire  = refused("not a wire")
	errPublicKeys = refused("ServerPublicKeys has a value that is no public key of the suite")
)

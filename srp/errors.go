package srp

import "errors"

// The errors of this package. Their texts are constant and hold no input. An
// HTTP handler answers the first two with one and the same 401, ErrMalformed
// with 400, and all others with 500.
var (
	// ErrAuthentication means a wrong password, an unknown user, or a wrong
	// proof, and does not tell them apart. Server.Finish, Server.Verify,
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
	// ErrPolicy means that something was refused before any work was done on
	// it: a profile or group that the configuration does not allow, a password
	// or name of impossible length, a server with too many logins in progress.
	ErrPolicy = errors.New("srp: refused by policy")
	// ErrUsed means that a one-time value, a Login, was used twice.
	ErrUsed = errors.New("srp: login already used")
)

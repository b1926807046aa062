// Package sentinel has the errors that packages srp and opaque share, so that
// one handler tells the errors of both apart with one set of comparisons.
package sentinel

import "errors"

// Packages srp and opaque export these values under the same names and document
// which of their calls return them.
var (
	ErrAuthentication = errors.New("nescio: authentication failed")
	ErrState          = errors.New("nescio: no such login in progress")
	ErrMalformed      = errors.New("nescio: malformed message")
	ErrRecord         = errors.New("nescio: unusable record")
	ErrPolicy         = errors.New("nescio: refused by policy")
	ErrBusy           = errors.New("nescio: too many logins in progress")
	ErrUsed           = errors.New("nescio: already used, or not yet begun")
)

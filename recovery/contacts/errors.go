package contacts

import (
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/recovery"
)

// Errors about one contact or share are wrapped in a [ShareError]. Zero values
// and calls out of order return [recovery.ErrPolicy].
var (
	// ErrMalformed means invalid bytes, or a nil or zero argument.
	ErrMalformed = errors.New("contacts: malformed")
	// ErrOpen means that a message is for another key or was altered.
	ErrOpen = errors.New("contacts: the message does not open")
	// ErrWrong means that the contact has forged or altered the share.
	ErrWrong = errors.New("contacts: the share is wrong")
	// ErrForeign means a share of another account or slot.
	ErrForeign = errors.New("contacts: the share is of another account or slot")
	// ErrSplit means that a share does not fit the slot's parameters. The
	// contact has forged the share, or the server the slot. If k contacts who
	// compared fingerprints agree, it was the server.
	ErrSplit = errors.New("contacts: the share is not of this slot's split")
	// ErrDuplicate means a second share with one index.
	ErrDuplicate = errors.New("contacts: the share was added already")
	// ErrFew means fewer than k shares.
	ErrFew = errors.New("contacts: too few shares")
)

// ShareError names the contact or share that an error is about.
type ShareError struct {
	// Index counts from 1, in the order of the keys of [NewSplit]. A forged
	// share may state any index.
	Index int
	Err   error
}

// Error returns a text with the index.
func (e *ShareError) Error() string { return fmt.Sprintf("%v (share %d)", e.Err, e.Index) }

// Unwrap returns Err.
func (e *ShareError) Unwrap() error { return e.Err }

// refused returns recovery.ErrPolicy with a reason.
func refused(why string) error { return fmt.Errorf("%w: %s", recovery.ErrPolicy, why) }

var (
	errThreshold = refused("threshold must be between 1 and the number of contacts, which is at most 32")
	errTwice     = refused("two public keys are equal")
	errUsed      = refused("a Split makes one slot")
	errZero      = refused("the value is zero")
	errAccount   = refused("the account's number is zero")
	errOver      = refused("the request or approval has ended, or has taken this step")
	errOrder     = refused("call Code before Grant")
	errApproval  = fmt.Errorf("%w: the approval's messages or the typed half do not belong together", recovery.ErrUntrusted)
	errSlot      = fmt.Errorf("%w: the slot does not open with the shares that its parameters accept", recovery.ErrUntrusted)
	errParams    = fmt.Errorf("%w: the slot's parameters changed", recovery.ErrUntrusted)
	errInternal  = errors.New("contacts: internal error")
	errJSON      = errors.New("contacts: no JSON form, store the Secret")
)

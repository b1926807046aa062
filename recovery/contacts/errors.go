package contacts

import (
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/recovery"
)

// The errors of this package, for [errors.Is]. An error about one of several
// contacts or shares is wrapped in a [ShareError]. Errors of package recovery
// mean what they mean there. Methods of zero values return
// [recovery.ErrPolicy].
var (
	// ErrMalformed means bytes or text that no version of this package wrote,
	// an invalid public key, or a nil or zero argument.
	ErrMalformed = errors.New("contacts: malformed")
	// ErrOpen means that a message is for another key, or was altered.
	ErrOpen = errors.New("contacts: the message does not open")
	// ErrWrong means that a share does not fit the commitment to it. The
	// contact has altered the share or made it up.
	ErrWrong = errors.New("contacts: the share is wrong")
	// ErrForeign means a share of another account or another slot, such as a
	// slot that was replaced.
	ErrForeign = errors.New("contacts: the share is of another account or slot")
	// ErrSplit means that the digest in a share, or its k or n, does not match
	// the slot's parameters. Either the contact has forged the share or kept a
	// forged one, or the server has forged the slot. If the contacts compared
	// the fingerprint when they received their shares, and k of them agree, the
	// server has forged the slot.
	ErrSplit = errors.New("contacts: the share is not of this slot's split")
	// ErrDuplicate means a second share with one index.
	ErrDuplicate = errors.New("contacts: the share is there already")
	// ErrFew means fewer than k shares.
	ErrFew = errors.New("contacts: too few shares")
)

// ShareError says which contact or share an error is about.
type ShareError struct {
	// Index counts from 1, in the order of the keys of [NewSplit]. The index of
	// a share is the one that the share itself states. The [Request] tells
	// which contact has answered.
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
	errOver      = refused("the request or the approval is over, or took this step before")
	errOrder     = refused("call Code before Grant")
	errApproval  = fmt.Errorf("%w: the approval's messages or the typed half do not belong together", recovery.ErrUntrusted)
	errSlot      = fmt.Errorf("%w: the slot does not open with the shares that its parameters accept", recovery.ErrUntrusted)
	errParams    = fmt.Errorf("%w: the slot's parameters changed", recovery.ErrUntrusted)
	errInternal  = errors.New("contacts: internal error")
	errJSON      = errors.New("contacts: no JSON form, store the Secret")
)

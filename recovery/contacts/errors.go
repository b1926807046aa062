package contacts

import (
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/recovery"
)

// The errors of this package, for [errors.Is]. An error about one of several
// contacts or shares is wrapped in a [ShareError]. [Split] and [Collection]
// also return errors of package recovery.
var (
	// ErrMalformed means bytes that no version of this package wrote, or an
	// invalid public key.
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
	// Index counts from 1, in the order of NewSplit's keys. The index of a
	// share is the one that the share itself states. The Request tells which
	// contact has answered.
	Index int
	Err   error
}

// Error returns a text with the index.
func (e *ShareError) Error() string { return fmt.Sprintf("%v (share %d)", e.Err, e.Index) }

// Unwrap returns Err.
func (e *ShareError) Unwrap() error { return e.Err }

func refused(why string) error { return fmt.Errorf("%w: %s", recovery.ErrPolicy, why) }

var (
	errThreshold = refused("threshold must be between 1 and the number of contacts, which is at most 32")
	errTwice     = refused("two public keys are equal")
	errInternal  = errors.New("contacts: internal error")
	errJSON      = errors.New("contacts: no JSON form, store the Secret")
)

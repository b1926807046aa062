package contacts

import (
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/recovery"
)

// The errors of this package, to be told apart by errors.Is. What is wrong with one of
// several contacts or shares comes in a [ShareError]. Sealer and Opener return those of
// package recovery too.
var (
	// ErrMalformed means bytes that no version of this package wrote, or a public key
	// that is none.
	ErrMalformed = errors.New("contacts: malformed")
	// ErrOpen means a message that is not for this key, or was altered.
	ErrOpen = errors.New("contacts: the message does not open")
	// ErrWrong means a share that does not fit its own commitments: whoever made it
	// lies, or has lost it.
	ErrWrong = errors.New("contacts: the share is wrong")
	// ErrForeign means a share of another account, or of another slot, such as one that
	// was replaced.
	ErrForeign = errors.New("contacts: the share is of another account or slot")
	// ErrSplit means a share whose commitments, or k and n, are not the slot's: the
	// contact has forged it, or kept one that somebody made up, or the server has forged
	// the slot. What all contacts agree on, after they compared fingerprints, is genuine.
	ErrSplit = errors.New("contacts: the share is not of this slot's split")
	// ErrDuplicate means a second share of one index.
	ErrDuplicate = errors.New("contacts: the share is there already")
	// ErrFew means fewer than k shares.
	ErrFew = errors.New("contacts: too few shares")
)

// ShareError says which contact or share an error is about.
type ShareError struct {
	// Index is from 1, in the order of NewSplit's keys. Of a share it is what the share
	// itself says: who handed it out is told by the Request that it answered.
	Index int
	Err   error
}

// Error returns a text with the index.
func (e *ShareError) Error() string { return fmt.Sprintf("%v (share %d)", e.Err, e.Index) }

// Unwrap returns Err.
func (e *ShareError) Unwrap() error { return e.Err }

func refused(why string) error { return fmt.Errorf("%w: %s", recovery.ErrPolicy, why) }

var (
	errThreshold = refused("of at most 32 contacts 2 or more have to agree, and no more than there are")
	errTwice     = refused("a public key is there twice")
	errInternal  = errors.New("contacts: internal error")
	errJSON      = errors.New("contacts: no JSON form, store the Secret")
)

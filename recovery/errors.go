package recovery

import (
	"errors"
	"fmt"
)

// The errors of this package, to be told apart by errors.Is: some come with a
// constant text that says more. None of them holds input.
var (
	// ErrMalformed means bytes or text that no version of this package wrote.
	ErrMalformed = errors.New("recovery: malformed")
	// ErrNotMine means that no slot opens with the given secret: a wrong password,
	// phrase or file, or one that was removed. An Opener returns it for a slot that
	// is not its own, and Open goes on with the next.
	ErrNotMine = errors.New("recovery: no slot opens with this")
	// ErrUntrusted means a header that somebody else made or altered: it does not
	// come from one who was in before, or its master key of the pinned epoch is not
	// the pinned one.
	ErrUntrusted = errors.New("recovery: the header is not authentic")
	// ErrRollback means a header older than the pinned one.
	ErrRollback = errors.New("recovery: the header is older than one seen before")
	// ErrFork means another header of the pinned revision, or one of the next that
	// does not name the pinned one. Further on a fork shows only by another master
	// key of the pinned epoch, which is ErrUntrusted.
	ErrFork = errors.New("recovery: the header does not follow from the one seen before")
	// ErrReset means a header of another account: after a Reset, go on only with
	// the user's explicit consent, and keep the old header.
	ErrReset = errors.New("recovery: the header is of another account")
	// ErrPolicy means something that is refused before any work: KDF parameters
	// outside the policy or weaker than pinned, too many slots, a keyring that nobody
	// could open again.
	ErrPolicy = errors.New("recovery: refused by policy")
	// ErrPin means a pin that cannot be used: the zero Pin, or one of an epoch whose
	// key the header no longer leads to. Go on by FirstUse, with the user's consent.
	ErrPin = errors.New("recovery: unusable pin")
	// ErrEpoch means an epoch without a key, in the future or forgotten, or that the
	// current one cannot be forgotten.
	ErrEpoch = errors.New("recovery: no key of this epoch")
	// ErrUsed means that a one-time value was used twice, a recovery file in two
	// slots, or that a keyring was used after Destroy.
	ErrUsed = errors.New("recovery: already used")
)

var (
	errPinZero      = fmt.Errorf("%w: it is the zero Pin, or FirstUse of an account that has not 16 bytes", ErrPin)
	errPinForgotten = fmt.Errorf("%w: the header no longer leads to the key of its epoch", ErrPin)
)

// refused is ErrPolicy with a reason.
func refused(why string) error { return fmt.Errorf("%w: %s", ErrPolicy, why) }

var (
	errAccount  = refused("an account has 16 bytes that are not all zero")
	errNoSlot   = refused("a keyring needs a way in other than a passkey")
	errSlots    = refused("at most 24 slots, 4 of them with a password")
	errNoSuch   = refused("there is no such slot in this revision")
	errSealer   = refused("a Sealer gave parameters that its type does not have")
	errEpochs   = refused("the epochs are used up")
	errAdopt    = refused("an old key is adopted at epoch 1, while there is no history")
	errTooLarge = refused("the header would be longer than 128 KiB")
	errSecret   = refused("the secret has an invalid length or is all zero")
	errWeaker   = refused("a password slot's KDF is weaker than pinned")
	errRecord   = refused("the raw record of an OPAQUE registration is 192 or 129 bytes long")
	errNoSealer = refused("the Sealer is nil")
	errNoOpener = refused("the Opener is nil")
)

package recovery

import (
	"errors"
	"fmt"
)

// The errors of this package, for [errors.Is]. Most are wrapped with a reason.
// No error contains a secret or input.
var (
	// ErrMalformed means bytes or text that no version of this package wrote.
	ErrMalformed = errors.New("recovery: malformed")
	// ErrWrongSecret means that no slot opens with the given secret. It is a
	// wrong password, phrase or file, or the secret of a slot that was removed.
	// An [Opener] returns it for a slot that is not its own.
	ErrWrongSecret = errors.New("recovery: no slot opens with this secret")
	// ErrUntrusted means that something is not authentic: a header that nobody
	// with access made, a blob that was altered or is for something else, or an
	// approval whose messages do not belong together.
	ErrUntrusted = errors.New("recovery: not authentic")
	// ErrRollback means a header that is older than what the device has seen.
	// For a blob it means that the keyring is older than the blob: see
	// [Client.Refresh].
	ErrRollback = errors.New("recovery: the header is too old")
	// ErrFork means a header that does not follow from the one that the device
	// has seen.
	ErrFork = errors.New("recovery: the header does not follow from the one seen before")
	// ErrOtherAccount means a header of another account.
	ErrOtherAccount = errors.New("recovery: the header is of another account")
	// ErrPolicy means a request that is refused before any work. Examples are
	// KDF parameters outside the policy, too many slots, or a keyring that
	// nobody could open again.
	ErrPolicy = errors.New("recovery: refused by policy")
	// ErrNoCheckpoint means that the device has no checkpoint to compare a
	// header with. [Client.OpenFirst] starts without one.
	ErrNoCheckpoint = errors.New("recovery: no checkpoint")
	// ErrOldKey means a blob whose secret was first wrapped in an earlier
	// epoch. Somebody who was removed since may know the secret. Read with it,
	// using UnwrapOld, and draw a new key to write.
	ErrOldKey = errors.New("recovery: the wrapped secret is of an earlier epoch")
	// ErrEpochClosed means a blob of an epoch below the floor that
	// [Edit.CloseBefore] has set.
	ErrEpochClosed = errors.New("recovery: the epoch of the blob is closed")
	// ErrConflict means that another header or another state is stored than the
	// caller expected. A [Remote] and a [Local] return it from Swap.
	ErrConflict = errors.New("recovery: something else is stored")
	// ErrUnconfirmed means that a change was sent and that the server did not
	// say whether it is stored. The client sends it again at the next call.
	ErrUnconfirmed = errors.New("recovery: the change is not confirmed")
	// ErrOvertaken means that a change which removes slots lost to another
	// change. [Client.Resolve] continues.
	ErrOvertaken = errors.New("recovery: the removal was overtaken by another change")
	// ErrUnseen means that the user has not been shown new slots. Show
	// [Client.Unseen], then revoke them or name them in [Edit.Keep].
	ErrUnseen = errors.New("recovery: there are slots that the user has not seen")
)

// refused returns ErrPolicy with a reason.
func refused(why string) error { return fmt.Errorf("%w: %s", ErrPolicy, why) }

// untrusted returns ErrUntrusted with a reason.
func untrusted(why string) error { return fmt.Errorf("%w: %s", ErrUntrusted, why) }

var (
	errNoSlot      = refused("a keyring needs a slot that is not a passkey's")
	errSlots       = refused("a keyring has at most 20 slots, 3 of them with a password")
	errManySlots   = refused("a keyring has at most 24 slots, 4 of them with a password, while secrets change")
	errNoSuch      = refused("the keyring does not have this slot")
	errTwice       = refused("the keyring has this slot already")
	errNotLogin    = refused("Supersede is for slots of the types password and export")
	errNothing     = refused("the edit changes nothing")
	errNoIDs       = refused("Revoke needs a slot")
	errSealed      = refused("the sealed slot is nil or belongs to another keyring")
	errSealer      = refused("the Sealer returned parameters that its type does not have")
	errEpochs      = refused("no revision or epoch is left")
	errHistory     = refused("the history is full: call CloseBefore with a later epoch")
	errFloor       = refused("an epoch in the future cannot be closed")
	errAccount     = refused("the account's number is zero")
	errTooLarge    = refused("the header would be longer than 128 KiB")
	errSecret      = refused("the secret has an invalid length or is all zero")
	errRecord      = refused("the raw record of an OPAQUE registration is 192 or 129 bytes long")
	errNoSealer    = refused("the Sealer is nil")
	errNoOpener    = refused("the Opener is nil")
	errBinding     = refused("the keyring fills in the account and the epoch of a binding")
	errPurpose     = refused("purposes that begin with nescio/ belong to this module")
	errKeyLength   = refused("a secret is 1 byte to 64 KiB long")
	errOrder       = refused("call Code before Grant")
	errUsed        = refused("used before")
	errDestroyed   = refused("the keyring was destroyed")
	errNoClient    = refused("the client has no Local or no Remote")
	errNotOpen     = refused("the client has no open keyring")
	errNotEmpty    = refused("this device has a state of an account already")
	errOlderBlob   = fmt.Errorf("%w for this blob", ErrRollback)
	errApproval    = untrusted("the approval's messages or the typed half do not belong together")
	errBlob        = untrusted("the blob was altered or is for something else")
	errHeaderMAC   = untrusted("the header's MAC is wrong")
	errUnreachable = untrusted("the header's history does not reach the epoch of the checkpoint")
	errOtherKey    = untrusted("the header has another master key for the epoch of the checkpoint")
	errEpochJump   = untrusted("the epoch grew by more than the revision")
	errBusy        = errors.New("recovery: another process writes Local all the time")
	errInternal    = errors.New("recovery: internal error")
)

package recovery

import (
	"errors"
	"fmt"
)

// Parsers return [ErrMalformed]. Invalid values and calls out of order return
// [ErrPolicy]. No error contains a secret.
var (
	// ErrMalformed means invalid bytes or text.
	ErrMalformed = errors.New("recovery: malformed")
	// ErrWrongSecret means that the secret opens no slot.
	ErrWrongSecret = errors.New("recovery: wrong secret")
	// ErrUntrusted means that something is not authentic.
	ErrUntrusted = errors.New("recovery: not authentic")
	// ErrRollback means an old header, or a blob newer than the keyring.
	ErrRollback = errors.New("recovery: header too old")
	// ErrFork means a header that does not follow.
	ErrFork = errors.New("recovery: header does not follow the one seen")
	// ErrOtherAccount means another account's header.
	ErrOtherAccount = errors.New("recovery: header of another account")
	// ErrPolicy means an invalid call or an exceeded limit.
	ErrPolicy = errors.New("recovery: refused by policy")
	// ErrNoCheckpoint means a new device: see [Client.Join].
	ErrNoCheckpoint = errors.New("recovery: no checkpoint")
	// ErrOldKey means a secret from an earlier epoch.
	ErrOldKey = errors.New("recovery: secret of an earlier epoch")
	// ErrEpochClosed means a blob below the floor.
	ErrEpochClosed = errors.New("recovery: epoch closed")
	// ErrConflict means that something else is stored, and a change was lost.
	ErrConflict = errors.New("recovery: something else is stored")
	// ErrUnconfirmed means that a change may be stored.
	ErrUnconfirmed = errors.New("recovery: change not confirmed")
	// ErrOvertaken means that another change came before a removal: see
	// [Client.Resolve].
	ErrOvertaken = errors.New("recovery: removal overtaken")
	// ErrUnseen means slots that the user was not shown.
	ErrUnseen = errors.New("recovery: unseen slots")
)

// refused returns ErrPolicy with a reason.
func refused(why string) error { return fmt.Errorf("%w: %s", ErrPolicy, why) }

// untrusted returns ErrUntrusted with a reason.
func untrusted(why string) error { return fmt.Errorf("%w: %s", ErrUntrusted, why) }

var (
	errNoSlot      = refused("a keyring needs a slot other than passkeys")
	errSlots       = refused("a keyring has at most 20 slots, 3 of them with a password")
	errManySlots   = refused("a keyring has at most 24 slots, 4 of them with a password, while secrets change")
	errNoSuch      = refused("the keyring does not have this slot")
	errTwice       = refused("the keyring already has this slot")
	errNotLogin    = refused("Supersede is for slots of the types password and export")
	errNothing     = refused("the edit changes nothing")
	errNoIDs       = refused("Revoke needs a slot")
	errSealed      = refused("the sealed slot is nil or of another keyring")
	errSealer      = refused("the Sealer returned invalid parameters")
	errEpochs      = refused("no revision or epoch is left")
	errHistory     = refused("the history is full: call CloseBefore with a later epoch")
	errFloor       = refused("CloseBefore takes at most the current epoch")
	errAccount     = refused("the account's number is zero")
	errTooLarge    = refused("the header would be longer than 128 KiB")
	errSecret      = refused("the secret has an invalid length or is all zero")
	errRecord      = refused("the raw record of an OPAQUE registration is 192 or 129 bytes long")
	errNoSealer    = refused("the Sealer is nil")
	errNoOpener    = refused("the Opener is nil")
	errBinding     = refused("the keyring fills in the account and the epoch of a binding")
	errPurpose     = refused("purposes that begin with nescio/ are reserved")
	errKeyLength   = refused("a secret is 1 byte to 64 KiB long")
	errOrder       = refused("call Code before Grant")
	errUsed        = refused("used before")
	errDestroyed   = refused("the keyring was destroyed")
	errNoClient    = refused("the client has no Local or no Remote")
	errNotOpen     = refused("the client has no open keyring")
	errNotEmpty    = refused("this device already has the state of an account")
	errOlderBlob   = fmt.Errorf("%w for this blob", ErrRollback)
	errApproval    = untrusted("the approval's messages or the typed half do not belong together")
	errBlob        = untrusted("the blob was altered or is for something else")
	errHeaderMAC   = untrusted("the header's MAC is wrong")
	errUnreachable = untrusted("the header's history does not reach the epoch of the checkpoint")
	errOtherKey    = untrusted("the header has another master key for the epoch of the checkpoint")
	errEpochJump   = untrusted("the epoch grew by more than the revision")
	errBusy        = errors.New("recovery: other processes keep changing Local")
	errInternal    = errors.New("recovery: internal error")
)

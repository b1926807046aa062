package approval

import (
	"errors"
	"fmt"
)

// The errors of this package. None of them contains input.
var (
	// ErrMalformed means a message or a QR code with an invalid length, version
	// or purpose, or an invalid public key.
	ErrMalformed = errors.New("approval: malformed")
	// ErrUntrusted means messages that do not belong together, or a wrong half
	// of the short code. The cause is another requester, another approver,
	// another account, an attacker in between, or a typing error.
	ErrUntrusted = errors.New("approval: not authentic")
	// ErrPolicy means a call that was refused before any work: an invalid
	// purpose, account or payload, or calls in the wrong order.
	ErrPolicy = errors.New("approval: refused by policy")
	// ErrUsed means that this side has ended, or that it took the step before.
	// The zero values of this package have ended.
	ErrUsed = errors.New("approval: already used")
)

// refused returns [ErrPolicy] with a reason.
func refused(why string) error { return fmt.Errorf("%w: %s", ErrPolicy, why) }

var (
	errPurpose = refused("the purpose must be Device or Share")
	errAccount = refused("the account must not be zero")
	errPayload = refused("the payload must be 1 to 4096 bytes long")
	errOrder   = refused("call Code, then Check, then Grant")
)

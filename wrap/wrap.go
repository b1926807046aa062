package wrap

import (
	"context"
	"errors"
)

const (
	Overhead  = 74    // bytes, blob minus secret
	MaxSecret = 65536 // bytes
	KeySize   = 32    // bytes
)

var (
	// ErrOpen means a wrong key, binding or blob.
	ErrOpen      = errors.New("wrap: cannot open")
	ErrBinding   = errors.New("wrap: binding out of range")
	ErrSecret    = errors.New("wrap: invalid secret length")
	ErrSuite     = errors.New("wrap: unknown suite")
	ErrDestroyed = errors.New("wrap: key destroyed")
)

// Wrapper must authenticate bindings ([Binding.MarshalBinary]), return
// [ErrOpen] for blobs that do not open, be safe for concurrent use, and not
// keep secrets, which the caller may clear.
type Wrapper interface {
	Wrap(ctx context.Context, secret []byte, b Binding) (blob []byte, err error)
	Unwrap(ctx context.Context, blob []byte, b Binding) (secret []byte, err error)
}

// Double wraps the secret with a new middle key, and that key with outer. Use
// outer for nothing else with this binding, because blobs could be exchanged.
// To change outer, [Rewrap] wrappedKey with the same binding. Double returns
// [ErrSecret], [ErrBinding] or the error of outer.
func Double(ctx context.Context, outer Wrapper, b Binding, secret []byte) (wrappedKey, wrappedSecret []byte, err error) {
	middle := NewKey()
	defer middle.Destroy()
	wrappedSecret, err = middle.Wrap(ctx, secret, b)
	if err != nil {
		return nil, nil, err
	}
	key, err := middle.bytes()
	if err != nil {
		return nil, nil, err
	}
	defer clear(key[:])
	wrappedKey, err = outer.Wrap(ctx, key[:], b)
	if err != nil {
		return nil, nil, err
	}
	return wrappedKey, wrappedSecret, nil
}

// Rewrap unwraps a blob and wraps its secret, for example with a new password
// and the next Epoch. It returns [ErrOpen], or the error of from or to.
func Rewrap(ctx context.Context, from Wrapper, oldBinding Binding, to Wrapper, newBinding Binding, blob []byte) ([]byte, error) {
	secret, err := from.Unwrap(ctx, blob, oldBinding)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return to.Wrap(ctx, secret, newBinding)
}

// OpenDouble reverses [Double]. It returns [ErrOpen], [ErrBinding] or the error
// of outer.
func OpenDouble(ctx context.Context, outer Wrapper, b Binding, wrappedKey, wrappedSecret []byte) ([]byte, error) {
	key, err := outer.Unwrap(ctx, wrappedKey, b)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	if len(key) != KeySize {
		return nil, ErrOpen
	}
	middle := ImportKey([KeySize]byte(key))
	defer middle.Destroy()
	return middle.Unwrap(ctx, wrappedSecret, b)
}

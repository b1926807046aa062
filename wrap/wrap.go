package wrap

import (
	"context"
	"errors"
)

const (
	// Overhead is the difference in bytes between a blob and its secret.
	Overhead = 74
	// MaxSecret is the length in bytes of the longest secret that can be
	// wrapped.
	MaxSecret = 65536
	// KeySize is the size of a key-encryption key in bytes.
	KeySize = 32
)

var (
	// ErrOpen means that a blob does not open: another key, another binding, an
	// altered or truncated blob, an unknown version or suite. [Key.Unwrap],
	// [Rewrap] and [OpenDouble] return it.
	ErrOpen = errors.New("wrap: cannot open")
	// ErrBinding means a [Binding] with fields out of range. Every function
	// that takes a Binding returns it, and [Binding.MarshalBinary].
	ErrBinding = errors.New("wrap: binding out of range")
	// ErrSecret means a secret of invalid length. Wrap returns it for an empty
	// secret and for one longer than [MaxSecret], [DeriveKey] for a secret
	// shorter than 16 bytes.
	ErrSecret = errors.New("wrap: invalid length of a secret")
	// ErrSuite means an unknown suite. [Key.WithSuite] returns it.
	ErrSuite = errors.New("wrap: unknown suite")
	// ErrDestroyed means a [Key] after [Key.Destroy], or the zero Key.
	ErrDestroyed = errors.New("wrap: key destroyed")
)

// Wrapper wraps and unwraps secrets under a key that it does not reveal: a
// [Key], a key service or an HSM. It must authenticate the binding (see
// [Binding.MarshalBinary]), return [ErrOpen] for every blob that does not open,
// and be safe for concurrent use. Wrap must not keep the secret, which its
// caller may clear. The caller owns what Unwrap returns and may clear it.
type Wrapper interface {
	Wrap(ctx context.Context, secret []byte, b Binding) (blob []byte, err error)
	Unwrap(ctx context.Context, blob []byte, b Binding) (secret []byte, err error)
}

// Double wraps the secret under a new middle key, and the middle key under
// outer, both for the same binding. [OpenDouble] needs both blobs and outer.
// The outer key can change: pass wrappedKey to [Rewrap] with the same binding
// on both sides. The secret need not be wrapped again. Several outer keys can
// wrap the same middle key. The blob of the secret keeps its binding, so a new
// epoch needs a new Double. Use the outer key for nothing else with this
// binding, because the blobs could be exchanged. To change from Wrap to Double,
// use another Purpose.
//
// Double returns [ErrSecret], [ErrBinding] or the error of outer.
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

// Rewrap opens a blob with one key and returns its secret wrapped under another
// key, for another binding. Typical uses are a new password and a new device,
// with the binding's Epoch one higher. The secret does not change. The old blob
// still opens under the old key, for the old binding. Rewrap returns [ErrOpen]
// if the blob does not open, or the error of from or to.
func Rewrap(ctx context.Context, from Wrapper, oldBinding Binding, to Wrapper, newBinding Binding, blob []byte) ([]byte, error) {
	secret, err := from.Unwrap(ctx, blob, oldBinding)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return to.Wrap(ctx, secret, newBinding)
}

// OpenDouble returns the secret that [Double] wrapped. It returns [ErrOpen] if
// one of the blobs does not open, [ErrBinding], or the error of outer.
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

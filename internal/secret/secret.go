// Package secret keeps values that fmt, log/slog, encoding/json, encoding/gob
// and reflection cannot print. The value lives inside a func. A type that holds
// one can be an unexported field of any other struct, behind any pointer, and
// every verb shows an address at most.
package secret

// Value returns a pointer to the secret, the same pointer every time. The nil
// Value is valid: its secret is the zero T. A Value that is not nil is safe for
// concurrent use as far as *T is.
type Value[T any] func() *T

// New returns a Value that holds v itself, not a deep copy of it.
func New[T any](v T) Value[T] {
	return func() *T { return &v }
}

// Get returns the pointer. For the nil Value it returns a pointer to a new
// zero T, so that methods of zero types do not panic.
func (v Value[T]) Get() *T {
	if v == nil {
		return new(T)
	}
	return v()
}

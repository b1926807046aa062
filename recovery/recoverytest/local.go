package recoverytest

import (
	"bytes"
	"context"
	"sync"

	"github.com/nescio-go/nescio/recovery"
)

// Local is the store of one device, in memory. The zero Local is empty. Its
// methods are safe for concurrent use.
type Local struct {
	// Fault, if not nil, is called before every [Local.Load], with write false,
	// and before every [Local.Swap], with write true. If run is false, the call
	// does nothing. The client gets err. (false, err) is a crash before a
	// write, and (true, err) is a crash after it.
	Fault func(write bool) (run bool, err error)

	mu    sync.Mutex
	value []byte
}

var _ recovery.Local = (*Local)(nil)

// Load implements [recovery.Local].
func (l *Local) Load(context.Context) ([]byte, error) {
	run, err := ask(l.Fault, false)
	if err != nil || !run {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.value), nil
}

// Swap implements [recovery.Local].
func (l *Local) Swap(_ context.Context, previous, next []byte) error {
	run, err := ask(l.Fault, true)
	if !run {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !bytes.Equal(previous, l.value) {
		return firstErr(err, recovery.ErrConflict)
	}
	l.value = bytes.Clone(next)
	return err
}

// Clone returns a copy without Fault. It stands for the device after a restart,
// or for a backup of the device.
func (l *Local) Clone() *Local {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Local{value: bytes.Clone(l.value)}
}

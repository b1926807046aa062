package recovery

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// What the tests of Client have in common: a server and a device's memory whose
// every call can be watched, answered otherwise, or be the last one.

var (
	errNetwork = errors.New("no network")
	errCrash   = errors.New("the process has stopped")
)

var noteBinding = wrap.Binding{Purpose: "example.org/note/v1", Item: []byte("a note")}

// testServer is an honest server.
type testServer struct {
	mu     sync.Mutex
	stored []byte
	log    [][]byte // all that was ever stored
	swaps  int
}

func (s *testServer) Fetch(context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.stored), nil
}

func (s *testServer) Swap(_ context.Context, previous [32]byte, header []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.swaps++
	h, err := ParseHeader(header)
	if err != nil {
		return ErrConflict
	}
	var old *Header
	if s.stored != nil {
		if old, err = ParseHeader(s.stored); err != nil {
			return err
		}
		if sha256.Sum256(s.stored) != previous {
			return ErrConflict
		}
	} else if previous != ([32]byte{}) {
		return ErrConflict
	}
	if h.Follows(old) != nil {
		return ErrConflict
	}
	s.stored = bytes.Clone(header)
	s.log = append(s.log, s.stored)
	return nil
}

func (s *testServer) header(t testing.TB) *Header {
	h, err := ParseHeader(s.stored)
	require.NoError(t, err)
	return h
}

// testLocal is a device's memory.
type testLocal struct {
	mu    sync.Mutex
	value []byte
	swaps int
}

func (l *testLocal) Load(context.Context) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.value), nil
}

func (l *testLocal) Swap(_ context.Context, previous, next []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.swaps++
	if !bytes.Equal(l.value, previous) {
		return ErrConflict
	}
	l.value = bytes.Clone(next)
	return nil
}

func (l *testLocal) state(t testing.TB) *localState {
	s, err := parseState(l.value)
	require.NoError(t, err)
	return s
}

// heldSlot is a slot whose holder keeps the secret as it is: cheap to seal and
// to open.
type heldSlot struct {
	id     SlotID
	secret []byte
}

func (h *heldSlot) Type() string { return typeDevice }
func (h *heldSlot) Flags() uint8 { return 0 }

func (h *heldSlot) Seal(_ context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	h.id, h.secret = SlotID(b.Item), bytes.Clone(secret)
	return nil, nil, nil
}

func (h *heldSlot) Open(_ context.Context, _ wrap.Binding, s Slot) ([]byte, error) {
	if s.ID != h.id {
		return nil, ErrWrongSecret
	}
	return bytes.Clone(h.secret), nil
}

// loginSlot is the slot of a login, with a key and a record of its own.
type loginSlot struct {
	ExportKey
	id SlotID
}

func newLogin() *loginSlot {
	key, record := make([]byte, 64), make([]byte, 192)
	rand.Read(key)
	rand.Read(record)
	return &loginSlot{ExportKey: NewExportKey(key, record)}
}

func (l *loginSlot) Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	l.id = SlotID(b.Item)
	return l.ExportKey.Seal(ctx, b, secret)
}

// testDevice is a device of an account.
type testDevice struct {
	*Client
	local *testLocal
	slot  *heldSlot
}

// newAccount signs up on one device, whose account also has the given slots.
func newAccount(t testing.TB, server Remote, others ...Sealer) *testDevice {
	d := &testDevice{local: new(testLocal), slot: new(heldSlot)}
	d.Client = NewClient(d.local, server)
	require.NoError(t, d.Create(t.Context(), append([]Sealer{d.slot}, others...)...))
	return d
}

// join gives the account another device, which has seen all slots.
func (d *testDevice) join(t testing.TB, server Remote) *testDevice {
	other := &testDevice{local: new(testLocal), slot: new(heldSlot)}
	_, err := d.Add(t.Context(), other.slot)
	require.NoError(t, err)
	other.Client = NewClient(other.local, server)
	require.NoError(t, other.OpenFirst(t.Context(), d.Account(), other.slot))
	require.NoError(t, other.MarkSeen(t.Context(), other.Unseen()))
	return other
}

// restarted returns the device in a new process that has not opened yet.
func (d *testDevice) restarted(server Remote) *testDevice {
	return &testDevice{NewClient(d.local, server), d.local, d.slot}
}

// requireWorks checks that a device can do all that devices do.
func (d *testDevice) requireWorks(t testing.TB) {
	t.Helper()
	secret := []byte("a secret of now")
	blob, err := d.Wrap(secret, noteBinding)
	require.NoError(t, err)
	got, err := d.Unwrap(blob, noteBinding)
	require.NoError(t, err)
	require.Equal(t, secret, got)
	require.NoError(t, d.Change(t.Context(), func(e *Edit) error { e.Rotate(); return nil }))
	_, err = d.Unwrap(blob, noteBinding)
	require.Equal(t, ErrOldKey, err)
	got, err = d.UnwrapOld(blob, noteBinding)
	require.NoError(t, err)
	require.Equal(t, secret, got)
}

func (d *testDevice) has(id SlotID) bool {
	for _, s := range d.Slots() {
		if s.ID == id {
			return true
		}
	}
	return false
}

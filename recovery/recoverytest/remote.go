package recoverytest

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/nescio-go/nescio/recovery"
)

// Remote is a server that keeps every header that it was sent. It stores
// headers as an honest server does, with [recovery.Header.Follows], until
// [Remote.Serve] or Fault changes that. The zero Remote has no header. Its
// methods are safe for concurrent use.
type Remote struct {
	// Fault, if not nil, is called before every [Remote.Fetch], with write
	// false, and before every [Remote.Swap], with write true. If run is false,
	// the call does nothing. The client gets err as the answer. (false, err)
	// loses a request, (true, err) loses an answer, and (false, nil) claims to
	// have stored a header.
	Fault func(write bool) (run bool, err error)

	mu      sync.Mutex
	stored  []byte
	headers [][]byte
}

var _ recovery.Remote = (*Remote)(nil)

// Fetch implements [recovery.Remote].
func (r *Remote) Fetch(context.Context) ([]byte, error) {
	run, err := ask(r.Fault, false)
	if err != nil || !run {
		return nil, err
	}
	return r.Stored(), nil
}

// Swap implements [recovery.Remote]. It returns [recovery.ErrConflict] for a
// header that an honest server does not store.
func (r *Remote) Swap(_ context.Context, previous [32]byte, header []byte) error {
	run, err := ask(r.Fault, true)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.ContainsFunc(r.headers, func(h []byte) bool { return bytes.Equal(h, header) }) {
		r.headers = append(r.headers, bytes.Clone(header))
	}
	if run && !r.follows(previous, header) {
		run, err = false, firstErr(err, recovery.ErrConflict)
	}
	if run {
		r.stored = bytes.Clone(header)
	}
	return err
}

// follows reports whether an honest server stores the header.
func (r *Remote) follows(previous [32]byte, header []byte) bool {
	next, err := recovery.ParseHeader(header)
	if err != nil || next.Previous() != previous {
		return false
	}
	if r.stored == nil {
		return next.Follows(nil) == nil
	}
	stored, err := recovery.ParseHeader(r.stored)
	return err == nil && next.Follows(stored) == nil
}

// Stored returns the header that the server serves, or nil.
func (r *Remote) Stored() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.stored)
}

// Headers returns every header that a client has sent, each once, in the order
// of arrival. It includes headers that the server refused or dropped.
func (r *Remote) Headers() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.headers)
}

// Serve makes the server serve a header, without any check. Nil means that none
// is stored.
func (r *Remote) Serve(header []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stored = bytes.Clone(header)
}

// Fork returns a second server with the same past, to answer a client
// differently. Changes of one do not affect the other.
func (r *Remote) Fork() *Remote {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &Remote{stored: bytes.Clone(r.stored), headers: slices.Clone(r.headers)}
}

// ask returns what happens to a call.
func ask(fault func(bool) (bool, error), write bool) (run bool, err error) {
	if fault == nil {
		return true, nil
	}
	return fault(write)
}

// firstErr returns the first error that is not nil.
func firstErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

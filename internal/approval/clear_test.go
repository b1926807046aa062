package approval_test

import (
	"runtime"
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

// What is left in memory of the secrets of an approval.

// TestRequestIsCleared by everything that ends it, and by nothing else.
func TestRequestIsCleared(t *testing.T) {
	for _, way := range []struct {
		name  string
		start func() (r *approval.Request, grant func() []byte, typed string)
	}{
		{"by QR code", func() (*approval.Request, func() []byte, string) {
			r, c := newScan(t, approval.Device)
			return r, func() []byte { return must(c.Grant(payload)) }, ""
		}},
		{"by short code", func() (*approval.Request, func() []byte, string) {
			s := newSession(t, approval.Device)
			return s.r, func() []byte { return s.grant(t) }, s.atA
		}},
	} {
		for name, c := range map[string]struct {
			end   func(r *approval.Request, grant func() []byte, typed string) error
			wiped bool
			want  error
		}{
			"discarded": {func(r *approval.Request, _ func() []byte, _ string) error { r.Discard(); return nil }, true, nil},
			"granted": {func(r *approval.Request, grant func() []byte, typed string) error {
				_, _, err := r.Open(grant(), typed)
				return err
			}, true, nil},
			"wrong half": {func(r *approval.Request, grant func() []byte, typed string) error {
				_, _, err := r.Open(grant(), typed+"0")
				return err
			}, true, approval.ErrUntrusted},
			"noise": {func(r *approval.Request, _ func() []byte, typed string) error {
				_, _, err := r.Open(random(2000), typed)
				return err
			}, false, approval.ErrUntrusted},
			"too long": {func(r *approval.Request, _ func() []byte, typed string) error {
				_, _, err := r.Open(random(9000), typed)
				return err
			}, false, approval.ErrMalformed},
		} {
			r, grant, typed := way.start()
			wiped := approval.WatchRequest(r)
			require.False(t, wiped())
			require.Equal(t, c.want, c.end(r, grant, typed), name)
			require.Equal(t, c.wiped, wiped(), "%s: %s", way.name, name)
			if c.wiped {
				requireRequestOver(t, r)
			}
			require.Equal(t, account, r.Account(), "it stays")
		}
	}
}

func TestApprovalIsCleared(t *testing.T) {
	for name, end := range map[string]func(s *session){
		"discarded":         func(s *session) { s.a.Discard() },
		"discarded late":    func(s *session) { require.NoError(t, s.a.Check(s.atR)); s.a.Discard() },
		"granted":           func(s *session) { s.grant(t) },
		"wrong half":        func(s *session) { require.Error(t, s.a.Check(s.atA)) },
		"nothing was typed": func(s *session) { require.Error(t, s.a.Check("")) },
	} {
		s := newSession(t, approval.Share)
		wiped := approval.WatchApproval(s.a)
		require.False(t, wiped())
		end(s)
		require.True(t, wiped(), name)
		requireApprovalOver(t, s.a)
	}
	r := newRequest(t, approval.Share)
	a, err := approval.Begin(approval.Share, account, r.Ask())
	require.NoError(t, err)
	wiped := approval.WatchApproval(a)
	_, err = a.Code(random(32))
	require.Equal(t, approval.ErrUntrusted, err)
	require.True(t, wiped())
}

func TestScanIsCleared(t *testing.T) {
	for name, end := range map[string]func(c *approval.Scan){
		"discarded": func(c *approval.Scan) { c.Discard() },
		"granted":   func(c *approval.Scan) { must(c.Grant(payload)) },
	} {
		_, c := newScan(t, approval.Share)
		wiped := approval.WatchScan(c)
		require.False(t, wiped())
		end(c)
		require.True(t, wiped(), name)
		_, err := c.Grant(payload)
		require.Equal(t, approval.ErrUsed, err)
	}
}

// TestZeroValues have ended.
func TestZeroValues(t *testing.T) {
	requireRequestOver(t, new(approval.Request))
	requireApprovalOver(t, new(approval.Approval))
	_, err := new(approval.Scan).Grant(payload)
	require.Equal(t, approval.ErrUsed, err)
	new(approval.Request).Discard()
	new(approval.Approval).Discard()
	new(approval.Scan).Discard()
	require.Zero(t, new(approval.Request).Account())
	require.Empty(t, new(approval.Approval).PublicKey())
	require.Empty(t, new(approval.Approval).Answer())
	require.Empty(t, new(approval.Scan).PublicKey())
}

// hidden is a secret that is not in memory as it is.
type hidden []byte

func hide(secret []byte) hidden {
	h := make(hidden, len(secret))
	for i, b := range secret {
		h[i] = b ^ 0xa5
	}
	return h
}

func (h hidden) show() []byte { return hide(h) }

// secretsOf hides the secrets of a request: the seed, s and r1.
func secretsOf(r *approval.Request) (hiddens []hidden) {
	seed, s, r1 := approval.RandomOf(r)
	for _, b := range [][]byte{seed, s, r1} {
		hiddens = append(hiddens, hide(b))
		clear(b)
	}
	return hiddens
}

// TestNothingIsLeft searches the memory for the secrets of sides that have
// ended and are still held. What package crypto/hpke keeps for itself goes with
// the next collection.
func TestNothingIsLeft(t *testing.T) {
	var sides []any
	var alive *approval.Request
	var living, ended []hidden
	var secret hidden
	testvec.Elsewhere(func() {
		payload := random(64)
		defer clear(payload)
		secret = hide(payload)
		alive = newRequest(t, approval.Device)
		living = secretsOf(alive)
		open := func(r *approval.Request, grant []byte, typed string) {
			got, seed, err := r.Open(grant, typed)
			if err != nil {
				t.Error(err)
			}
			clear(got)
			clear(seed)
		}

		byQR, c := newScan(t, approval.Device)
		ended = append(ended, secretsOf(byQR)...)
		open(byQR, must(c.Grant(payload)), "")

		s := newSession(t, approval.Device)
		ended = append(ended, secretsOf(s.r)[:1]...) // r1 was revealed
		if err := s.a.Check(s.atR); err != nil {
			t.Error(err)
		}
		open(s.r, must(s.a.Grant(payload)), s.atA)

		discarded, d := newScan(t, approval.Device)
		ended = append(ended, secretsOf(discarded)...)
		discarded.Discard()
		d.Discard()

		wrong := newSession(t, approval.Device)
		ended = append(ended, secretsOf(wrong.r)[:1]...)
		if _, _, err := wrong.r.Open(nil, ""); err != approval.ErrUntrusted {
			t.Error(err)
		}
		sides = []any{byQR, c, s.r, s.a, discarded, d, wrong.r, wrong.a}
	})
	runtime.GC()
	heap := testvec.Heap(t)
	for i, h := range living {
		require.True(t, heap.Holds(h.show()), "secret %d of a request that goes on is found", i)
	}
	for i, h := range ended {
		require.False(t, heap.Holds(h.show()), "secret %d", i)
	}
	require.False(t, heap.Holds(secret.show()), "the payload")
	runtime.KeepAlive([]any{sides, alive})
}

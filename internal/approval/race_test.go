package approval_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// atOnce runs f eight times at once and returns how many runs succeeded. The
// others must return ErrUsed.
func atOnce(t *testing.T, f func() error) (succeeded int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			err := f()
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				succeeded++
			} else {
				assert.Equal(t, approval.ErrUsed, err)
			}
		})
	}
	wg.Wait()
	return succeeded
}

// TestOneOfMany: of many calls at once, one succeeds.
func TestOneOfMany(t *testing.T) {
	r := newRequest(t, approval.Device)
	a, err := approval.Begin(approval.Device, account, r.Ask())
	require.NoError(t, err)
	var mu sync.Mutex
	var reveal, grant []byte
	var atR, atA string
	keep := func(err error, f func()) error {
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			f()
		}
		return err
	}
	require.Equal(t, 1, atOnce(t, func() error {
		b, shown, err := r.Reveal(a.Answer())
		return keep(err, func() { reveal, atR = b, shown })
	}))
	require.Equal(t, 1, atOnce(t, func() error {
		shown, err := a.Code(reveal)
		return keep(err, func() { atA = shown })
	}))
	require.Equal(t, 8, atOnce(t, func() error { return a.Check(atR) }))
	require.Equal(t, 1, atOnce(t, func() error {
		b, err := a.Grant(payload)
		return keep(err, func() { grant = b })
	}))
	require.Equal(t, 1, atOnce(t, func() error { _, _, err := r.Open(grant, atA); return err }))

	r, c := newScan(t, approval.Device)
	require.Equal(t, 1, atOnce(t, func() error {
		b, err := c.Grant(payload)
		return keep(err, func() { grant = b })
	}))
	require.Equal(t, 1, atOnce(t, func() error { _, _, err := r.Open(grant, ""); return err }))
}

// TestDiscardBesideEverything, for the race detector.
func TestDiscardBesideEverything(t *testing.T) {
	for range 8 {
		s := newSession(t, approval.Device)
		r, c := newScan(t, approval.Device)
		var wg sync.WaitGroup
		for _, f := range []func(){
			func() { s.r.Ask() }, func() { s.r.QR() }, func() { s.r.Account() }, func() { _, _, _ = s.r.Reveal(s.answer) },
			func() { _, _, _ = s.r.Open(nil, s.atA) }, func() { s.r.Discard() }, func() { _ = fmt.Sprint(s.r, s.a, c) },
			func() { s.a.PublicKey() }, func() { s.a.Answer() }, func() { _, _ = s.a.Code(s.reveal) },
			func() { _ = s.a.Check(s.atR) }, func() { _, _ = s.a.Grant(payload) }, func() { s.a.Discard() },
			func() { c.PublicKey() }, func() { _, _ = c.Grant(payload) }, func() { c.Discard() },
			func() { r.QR() }, func() { _, _, _ = r.Open(make([]byte, 2000), "") }, func() { r.Discard() },
		} {
			wg.Go(f)
		}
		wg.Wait()
		requireRequestOver(t, s.r)
		requireRequestOver(t, r)
		requireApprovalOver(t, s.a)
	}
}

package recovery_test

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Approvals while others change the keyring: what a grant says is of one moment.

// compared is an approval by short code that both users have said yes to.
func compared(t testing.TB, k *recovery.Keyring) (*recovery.Request, *recovery.Approval) {
	r := request(t, recovery.ForDevice)
	a, err := k.Approve(r.Ask())
	require.NoError(t, err)
	reveal, _, err := r.Reveal(a.Answer())
	require.NoError(t, err)
	_, err = a.Compare(reveal)
	require.NoError(t, err)
	return r, a
}

// requireOneMoment: a grant opens, so that its pin is of its master key. If its slot is
// still there, it has the keyring's lineage key and opens the keyring. If a Renew has
// dropped the slot, it has neither.
func requireOneMoment(t testing.TB, k *recovery.Keyring, r *recovery.Request, grant []byte, id recovery.SlotID) {
	t.Helper()
	d, p, err := r.OpenDevice(grant)
	require.NoError(t, err)
	require.Equal(t, id, d.ID())
	lineage, _ := k.Keys()
	isIn := slices.Contains(ids(k), id)
	require.Equal(t, isIn, bytes.Equal(lineage, d.Secret()[66:]), "the lineage key is that of the keyring with the slot")
	if isIn {
		requireSame(t, k, open(t, k.Bytes(), d, p), k.Epoch())
	} else {
		require.Equal(t, recovery.ErrNotMine, openErr(t, k.Bytes(), d, p))
	}
}

// slow is a way in whose Seal, during which the keyring is locked, takes a while.
type slow struct {
	recovery.Sealer
	seal func()
}

func (s slow) Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	s.seal()
	return s.Sealer.Seal(ctx, b, secret)
}

// TestApprovalBesideRenew: Renew comes as soon as the device's slot is there. A Grant
// that took the keys only then would give the new ones to a device that was just shut
// out. The order is sync.Mutex's: who was woken after more than a millisecond and did not
// get it, since the same goroutine took it once more, has it handed over, and so has the
// next in the queue.
func TestApprovalBesideRenew(t *testing.T) {
	for range 3 {
		words := phrase(t)
		k := create(t, words)
		old, _ := k.Keys()
		r, a := compared(t, k)

		var wg sync.WaitGroup
		locked, release := make(chan struct{}), make(chan struct{})
		wg.Go(func() {
			_, err := k.Add(context.Background(), slow{export(1), func() { close(locked); <-release }})
			assert.NoError(t, err)
			_, err = k.Add(context.Background(), slow{export(2), func() { time.Sleep(2 * time.Millisecond) }})
			assert.NoError(t, err)
		})
		<-locked
		var grant []byte
		wg.Go(func() {
			var err error
			grant, err = a.Grant()
			assert.NoError(t, err)
		})
		time.Sleep(5 * time.Millisecond) // until Grant waits, with luck
		wg.Go(func() {
			assert.NoError(t, k.Renew(context.Background(), slow{words, func() { time.Sleep(2 * time.Millisecond) }}))
		})
		time.Sleep(5 * time.Millisecond) // and Renew behind it
		close(release)
		wg.Wait()

		requireOneMoment(t, k, r, grant, a.Slot())
		open(t, k.Bytes(), words, recovery.FirstUse(account))
		lineage, _ := k.Keys()
		require.NotEqual(t, old, lineage)
	}
}

// TestApprovalsBesideChanges: several approvals by both ways at once, beside rotations
// and a Renew.
func TestApprovalsBesideChanges(t *testing.T) {
	type granted struct {
		r     *recovery.Request
		grant []byte
		id    recovery.SlotID
	}
	for range 4 {
		words := phrase(t)
		k := create(t, words)
		var mu sync.Mutex
		var grants []granted
		var wg sync.WaitGroup
		add := func(r *recovery.Request, grant []byte, id recovery.SlotID, err error) {
			assert.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			grants = append(grants, granted{r, grant, id})
		}
		for range 4 {
			byQR := request(t, recovery.ForDevice)
			qr, ask := byQR.QR(), byQR.Ask()
			wg.Go(func() {
				grant, id, err := k.ApproveQR(qr, ask)
				add(byQR, grant, id, err)
			})
			byCode, a := compared(t, k)
			wg.Go(func() {
				grant, err := a.Grant()
				add(byCode, grant, a.Slot(), err)
			})
		}
		wg.Go(func() {
			for range 4 {
				assert.NoError(t, k.Rotate(context.Background()))
			}
		})
		wg.Go(func() { assert.NoError(t, k.Renew(context.Background(), words)) })
		wg.Wait()
		require.Len(t, grants, 8)
		for _, g := range grants {
			requireOneMoment(t, k, g.r, g.grant, g.id)
		}
	}
}

// TestOneGrantARequest: of many that open at once, one does. And of one approval there is
// one code and one grant.
func TestOneGrantARequest(t *testing.T) {
	k := create(t, phrase(t))
	atOnce := func(f func() error) (succeeded int) {
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
					assert.Equal(t, recovery.ErrUsed, err)
				}
			})
		}
		wg.Wait()
		return succeeded
	}
	r := request(t, recovery.ForDevice)
	a, err := k.Approve(r.Ask())
	require.NoError(t, err)
	var reveal, grant []byte
	require.Equal(t, 1, atOnce(func() error {
		b, _, err := r.Reveal(a.Answer())
		if err == nil {
			reveal = b
		}
		return err
	}))
	require.Equal(t, 1, atOnce(func() error { return errOf(a.Compare(reveal)) }))
	require.Equal(t, 1, atOnce(func() error {
		b, err := a.Grant()
		if err == nil {
			grant = b
		}
		return err
	}))
	require.Len(t, k.Slots(), 2)
	require.Equal(t, 1, atOnce(func() error { _, _, err := r.OpenDevice(grant); return err }))
}

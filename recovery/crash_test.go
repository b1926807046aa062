package recovery_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// A device and a server as values that outlive a crash, and procedures as the package
// documentation tells them, which begin anew from those values alone.

var errCrash = errors.New("crash")

type crashing struct {
	t *testing.T
	// What the server has: the header, and the login's record, which is of one of the
	// user's secrets.
	header []byte
	record string
	// What the device has on its disk: the pins, the newest first.
	pins []recovery.Pin
	// What the user knows.
	secrets map[string]recovery.Opener
	words   recovery.Opener
	// What others have: a device that slept through all, and the first master key.
	asleep    recovery.Pin
	sleeper   *heldDevice
	first     *wrap.Key
	stepsLeft int
	steps     int
	// accepts is what the server demands of a header besides its order, if anything.
	accepts func(*recovery.Header) bool
	// beforeStep runs before each write, if it is set.
	beforeStep func()
}

func newCrashing(t *testing.T) *crashing {
	c := &crashing{t: t, record: "old", sleeper: new(heldDevice), words: phrase(t), stepsLeft: 1 << 20,
		secrets: map[string]recovery.Opener{"old": password(t, "the old password"), "new": password(t, "the new password"), "opaque": export(0xe1)}}
	k := create(t, c.secrets["old"].(recovery.Sealer), c.words.(recovery.Sealer), c.sleeper)
	c.header, c.pins, c.asleep = k.Bytes(), []recovery.Pin{pin(t, k)}, pin(t, k)
	c.first = must(k.Key(1))
	return c
}

// step is one write that lasts. A crash comes before it.
func (c *crashing) step(write func()) {
	if c.stepsLeft == 0 {
		panic(errCrash)
	}
	c.stepsLeft--
	c.steps++
	if c.beforeStep != nil {
		c.beforeStep()
	}
	write()
}

// open opens by whichever pin accepts.
func (c *crashing) open(way recovery.Opener) (*recovery.Keyring, recovery.Pin, error) {
	var errs []error
	for _, p := range c.pins {
		k, err := recovery.Open(context.Background(), parse(c.t, c.header), way, p)
		if err == nil {
			return k, p, nil
		}
		errs = append(errs, err)
	}
	return nil, recovery.Pin{}, errors.Join(errs...)
}

// settle is what a device does first of all: where the newer pin accepts, the upload
// was done, and the older one goes.
func (c *crashing) settle() {
	if _, accepted := c.mustOpen(c.words); len(c.pins) == 2 && accepted.Revision() == c.pins[0].Revision() {
		c.step(func() { c.pins = c.pins[:1] })
	}
}

func (c *crashing) mustOpen(way recovery.Opener) (*recovery.Keyring, recovery.Pin) {
	k, p, err := c.open(way)
	require.NoError(c.t, err)
	return k, p
}

// save writes the new pin beside the one that accepted, uploads, and drops the old.
func (c *crashing) save(k *recovery.Keyring, accepted recovery.Pin) bool {
	next := pin(c.t, k)
	c.step(func() { c.pins = []recovery.Pin{next, accepted} })
	swapped := false
	c.step(func() {
		h := parse(c.t, k.Bytes())
		if swapped = h.Previous() == parse(c.t, c.header).Digest() && (c.accepts == nil || c.accepts(h)); swapped {
			c.header = k.Bytes()
		}
	})
	if swapped {
		c.step(func() { c.pins = []recovery.Pin{next} })
	}
	return swapped
}

// change moves the account from one secret to another.
func (c *crashing) change(from, to string) {
	ctx := c.t.Context()
	if c.record == from {
		k, accepted := c.mustOpen(c.secrets[from])
		if _, _, err := c.open(c.secrets[to]); err != nil {
			must(k.Add(ctx, c.secrets[to].(recovery.Sealer)))
			require.True(c.t, c.save(k, accepted))
		}
		c.step(func() { c.record = to })
	}
	// The next login, by the new record.
	k, accepted := c.mustOpen(c.secrets[to])
	if _, _, err := c.open(c.secrets[from]); err == nil {
		require.NoError(c.t, k.Revoke(ctx, learn(c.t, c.header, c.secrets[from]).id))
		require.True(c.t, c.save(k, accepted))
	}
}

func (c *crashing) rotate() {
	k, accepted := c.mustOpen(c.secrets[c.record])
	require.NoError(c.t, k.Rotate(c.t.Context()))
	require.True(c.t, c.save(k, accepted))
}

// update is a pin that follows what another device has changed.
func (c *crashing) update() {
	k, accepted := c.mustOpen(c.secrets[c.record])
	next := pin(c.t, k)
	c.step(func() { c.pins = []recovery.Pin{next, accepted} })
	c.step(func() { c.pins = []recovery.Pin{next} })
}

// check is what holds after a crash at any moment: whoever logs in opens by what they
// logged in with, the phrase opens, and so does a device that slept through it; all come
// to the same data.
func (c *crashing) check() {
	require.NotEmpty(c.t, c.pins)
	require.LessOrEqual(c.t, len(c.pins), 2)
	for _, way := range []recovery.Opener{c.secrets[c.record], c.words, c.sleeper} {
		k, _ := c.mustOpen(way)
		require.True(c.t, must(k.Key(1)).Equal(c.first))
	}
	open(c.t, c.header, c.words, c.asleep)
	open(c.t, c.header, c.sleeper, c.asleep)
	for _, p := range c.pins { // a pin that was written is one to read again
		var again recovery.Pin
		require.NoError(c.t, again.UnmarshalBinary(must(p.MarshalBinary())))
		require.Equal(c.t, p, again)
	}
}

// until runs a procedure until its next step would be one too many.
func (c *crashing) until(steps int, run func(c *crashing)) (crashed bool) {
	c.stepsLeft = steps
	defer func() {
		if r := recover(); r != nil {
			if r != errCrash {
				panic(r)
			}
			crashed = true
		}
		c.check()
	}()
	c.settle()
	run(c)
	return false
}

// TestCrashes lets a device die before each write of a procedure, and once more in the
// procedure that it then begins anew; the third time it comes to its end.
func TestCrashes(t *testing.T) {
	others := func(c *crashing) { // another device has rotated
		k, _ := c.mustOpen(c.words)
		require.NoError(t, k.Rotate(t.Context()))
		c.header = k.Bytes()
	}
	none := func(*crashing) {}
	for name, procedure := range map[string]struct {
		steps  int
		before func(c *crashing)
		run    func(c *crashing)
		after  func(c *crashing)
	}{
		"password change": {7, none, func(c *crashing) { c.change("old", "new") }, func(c *crashing) {
			_, _, err := c.open(c.secrets["old"])
			require.ErrorIs(t, err, recovery.ErrNotMine)
			require.Equal(t, "new", c.record)
			require.Len(t, parse(t, c.header).Slots(), 3)
			require.EqualValues(t, 2, parse(t, c.header).Epoch())
		}},
		"migration to OPAQUE": {7, none, func(c *crashing) { c.change("old", "opaque") }, func(c *crashing) {
			require.Equal(t, "opaque", c.record)
			for _, s := range parse(t, c.header).Slots() {
				require.NotEqual(t, recovery.SlotPassword, s.Type, "it could be guessed at without OPAQUE's keys")
			}
		}},
		"rotation": {3, none, func(c *crashing) { c.rotate() }, func(c *crashing) {
			require.GreaterOrEqual(t, parse(t, c.header).Epoch(), uint32(2))
		}},
		"rotation of another device": {2, others, func(c *crashing) { c.update() }, func(c *crashing) {
			require.EqualValues(t, 2, parse(t, c.header).Epoch())
		}},
		"password change behind a rotation of another device": {7, others, func(c *crashing) { c.change("old", "new") }, none},
	} {
		c := newCrashing(t)
		procedure.before(c)
		require.False(t, c.until(1<<20, procedure.run))
		require.Equal(t, procedure.steps, c.steps, name)
		for first := range procedure.steps {
			if testing.Short() && strings.Contains(name, "behind") {
				continue
			}
			for second := range procedure.steps + 1 {
				if testing.Short() && first+second != procedure.steps {
					continue
				}
				c := newCrashing(t)
				procedure.before(c)
				require.True(t, c.until(first, procedure.run))
				c.until(second, procedure.run)
				require.False(t, c.until(1<<20, procedure.run))
				require.Len(t, c.pins, 1)
				procedure.after(c)
				// The pin sees what the server had before.
				require.EqualValues(t, parse(t, c.header).Revision(), c.pins[0].Revision())
			}
		}
	}
}

// TestLostRace: two devices change the header at once. The server takes one of both; the
// other's candidate pin refuses it, and its old pin accepts.
func TestLostRace(t *testing.T) {
	c := newCrashing(t)
	k, accepted := c.mustOpen(c.words)
	winner, _ := c.mustOpen(c.secrets["old"])
	must(winner.Add(t.Context(), phrase(t)))
	c.header = winner.Bytes()

	must(k.Add(t.Context(), phrase(t)))
	require.False(t, c.save(k, accepted))
	require.Equal(t, recovery.ErrFork, openErr(t, c.header, c.words, c.pins[0]))
	require.NoError(t, k.Rotate(t.Context()))
	require.False(t, c.save(k, accepted))
	require.Equal(t, recovery.ErrRollback, openErr(t, c.header, c.words, c.pins[0]), "it is of an older epoch")
	open(t, c.header, c.words, c.pins[1])
	c.check()
	k, accepted = c.mustOpen(c.words)
	require.NoError(t, k.Rotate(t.Context()))
	require.True(t, c.save(k, accepted))
	c.check()
	require.EqualValues(t, 3, parse(t, c.header).Revision())
}

// TestPinnedIsSeen: a header that was pinned is one revision, also before it was asked
// for, so that no change is hidden in it.
func TestPinnedIsSeen(t *testing.T) {
	words := phrase(t)
	k := create(t, words)
	p := pin(t, k)
	must(k.Add(t.Context(), export(1)))
	require.EqualValues(t, 2, k.Header().Revision())
	requireSame(t, k, open(t, k.Bytes(), words, p), 1)
	// Header is as good as Bytes.
	must(k.Add(t.Context(), export(2)))
	require.EqualValues(t, 3, k.Header().Revision())
	must(k.Add(t.Context(), export(3)))
	require.EqualValues(t, 4, k.Header().Revision())
}

// allChanges are the changes of a keyring, each with a Sealer of the caller's.
func allChanges(k *recovery.Keyring, s recovery.Sealer) map[string]func(ctx context.Context) error {
	first := k.Slots()[0].ID
	good := recovery.NewExport(bytes.Repeat([]byte{7}, 64), record(7))
	return map[string]func(ctx context.Context) error{
		"Add":           func(ctx context.Context) error { _, err := k.Add(ctx, s); return err },
		"Replace":       func(ctx context.Context) error { _, err := k.Replace(ctx, first, s); return err },
		"Replace none":  func(ctx context.Context) error { _, err := k.Replace(ctx, recovery.SlotID{}, s); return err },
		"Renew":         func(ctx context.Context) error { return k.Renew(ctx, s) },
		"Renew, second": func(ctx context.Context) error { return k.Renew(ctx, good, s) },
		"Renew, none":   func(ctx context.Context) error { return k.Renew(ctx) },
		"Revoke none":   func(ctx context.Context) error { return k.Revoke(ctx, recovery.SlotID{}) },
		"Remove none":   func(context.Context) error { return k.Remove(recovery.SlotID{}) },
		"Forget none":   func(context.Context) error { return k.Forget(77) },
		"Adopt zero":    func(ctx context.Context) error { return k.Adopt(ctx, [32]byte{}) },
	}
}

// TestFailedChangesChangeNothing: a Sealer that fails, a context that has ended. Header,
// pin, keys and what can be done next are as before.
func TestFailedChangesChangeNothing(t *testing.T) {
	failing := recovery.Export{} // ErrPolicy
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, seen := range []bool{true, false} {
		words := phrase(t)
		k := create(t, words, export(1))
		if !seen {
			k.Bytes()
			require.NoError(t, k.Rotate(t.Context())) // and nobody has asked since
		}
		first, id := must(k.Key(k.Epoch())), k.Slots()[0].ID
		var before []byte
		if seen {
			before = k.Bytes()
		}
		epoch, slots := k.Epoch(), k.Slots()
		for name, change := range allChanges(k, failing) {
			require.Error(t, change(t.Context()), name)
			require.Equal(t, slots, k.Slots(), name)
		}
		more := allChanges(k, export(2))
		for name := range more {
			require.Error(t, more[name](ended), name)
		}
		require.Equal(t, context.Canceled, k.Rotate(ended))
		require.Equal(t, context.Canceled, k.Revoke(ended, id))
		if epoch == 1 {
			require.Equal(t, context.Canceled, k.Adopt(ended, [32]byte{1}))
		} else {
			require.ErrorIs(t, k.Adopt(t.Context(), [32]byte{1}), recovery.ErrPolicy)
		}
		require.Equal(t, epoch, k.Epoch())
		require.Equal(t, slots, k.Slots())
		require.True(t, must(k.Key(epoch)).Equal(first))
		if seen {
			require.True(t, bytes.Equal(before, k.Bytes()))
		}
		require.EqualValues(t, epoch, k.Header().Revision(), "a failed change takes no revision")
		requireSame(t, k, open(t, k.Bytes(), words, pin(t, k)), epoch)
		require.NoError(t, k.Revoke(t.Context(), id), "and what failed can be done")
	}
}

// TestConcurrentUse is for the race detector, and for a last look: whatever was done
// in whatever order, the keyring is one that opens.
func TestConcurrentUse(t *testing.T) {
	ctx := t.Context()
	words := phrase(t)
	k := create(t, words, export(1))
	first := must(k.Key(1))
	p := pin(t, k)
	header := k.Header()
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 6 {
				switch (worker + i) % 6 {
				case 0:
					if id, err := k.Add(ctx, export(byte(2+worker))); err == nil && i%2 == 0 {
						k.Remove(id)
					}
				case 1:
					k.Rotate(ctx)
				case 2:
					h := parse(t, k.Bytes())
					if got, err := recovery.Open(ctx, h, words, p); err != nil || got.Epoch() != h.Epoch() {
						t.Error("what was written does not open", err)
					}
				case 3:
					k.Account()
					k.Slots()
					if _, err := k.Pin(); err != nil {
						t.Error(err)
					}
				case 4:
					if key, err := k.Key(1); err != nil || !key.Equal(first) {
						t.Error("another key", err)
					}
					k.Header().Slots()
				case 5:
					k.Forget(k.Epoch() + 1)
					header.Slots()
					header.Digest()
					k.Revoke(ctx, recovery.SlotID{})
				}
			}
		})
	}
	all.Wait()
	got := open(t, k.Bytes(), words, p)
	requireSame(t, k, got, k.Epoch())
	requireSame(t, k, got, 1)
	for range 2 {
		all.Go(k.Destroy)
		all.Go(func() { k.Key(1) })
		all.Go(func() { k.Rotate(ctx) })
		all.Go(func() { k.Pin() })
	}
	all.Wait()
	require.Equal(t, recovery.ErrUsed, k.Rotate(ctx))
}

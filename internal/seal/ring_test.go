package seal_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/seal"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

func from(k seal.StateKey, notBefore time.Time) seal.StateKey {
	k.NotBefore = notBefore
	return k
}

func TestRingRefuses(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 6e8, time.UTC) // what newBox begins at
	good, c := newBox(t, nil)
	require.Equal(t, start, c.t)
	many := make([]seal.StateKey, seal.MaxKeys+1)
	for i := range many {
		many[i].Key[0] = byte(i + 1)
	}
	for name, keys := range map[string][]seal.StateKey{
		"no key":          nil,
		"zero":            {keyA, {}},
		"twice":           {keyA, keyB, keyA},
		"twice, two days": {keyA, from(keyA, start)},
		"too many":        many,
		"none due":        {from(keyA, start.Add(1)), from(keyB, start.Add(time.Hour))},
	} {
		b, err := seal.New(seal.Config{Keys: keys, Now: c.now})
		require.ErrorIs(t, err, seal.ErrKeys, name)
		require.Nil(t, b, name)
		b, err = good.WithKeys(keys)
		require.ErrorIs(t, err, seal.ErrKeys, name)
		require.Nil(t, b, name)
	}
	for _, keys := range [][]seal.StateKey{many[:seal.MaxKeys], {from(keyA, start)}, {from(keyB, start.Add(1)), keyA}} {
		_, err := good.WithKeys(keys)
		require.NoError(t, err)
	}
}

func TestWhichKeySeals(t *testing.T) {
	names := make(map[string]string) // by key id
	for name, k := range map[string]seal.StateKey{"A": keyA, "B": keyB, "C": keyC} {
		b, _ := newBox(t, func(c *seal.Config) { c.Keys = []seal.StateKey{k} })
		names[string(keyID(t, b))] = name
	}
	_, c := newBox(t, nil)
	at := func(d time.Duration) time.Time { return c.t.Add(d) }
	for _, v := range []struct {
		name string
		keys []seal.StateKey
		want string // the key after 0, 1 and 2 minutes, and after −1 hour
	}{
		{"one", []seal.StateKey{keyB}, "BBBB"},
		{"in turn", []seal.StateKey{keyA, from(keyB, at(time.Minute)), from(keyC, at(2*time.Minute))}, "ABCA"},
		{"the order of the list does not matter", []seal.StateKey{from(keyC, at(2*time.Minute)), from(keyB, at(time.Minute)), keyA}, "ABCA"},
		{"both always due: the first", []seal.StateKey{keyB, keyA}, "BBBB"},
		{"two new at once: the first", []seal.StateKey{keyA, from(keyC, at(time.Minute)), from(keyB, at(time.Minute))}, "ACCA"},
		{"already due", []seal.StateKey{keyA, from(keyB, at(-time.Second))}, "BBBA"},
		{"before all of them: the oldest", []seal.StateKey{from(keyB, at(0)), from(keyA, at(-time.Second))}, "BBBA"},
	} {
		b, c := newBox(t, func(c *seal.Config) { c.Keys = v.keys })
		start, got := c.t, ""
		for _, d := range []time.Duration{0, time.Minute, 2 * time.Minute, -time.Hour} {
			c.t = start.Add(d)
			got += names[string(keyID(t, b))]
		}
		require.Equal(t, v.want, got, v.name)
	}
}

// keyID returns the id of the key that seals.
func keyID(t *testing.T, b *seal.Box) []byte { return mustSeal(t, b)[2:10] }

func TestEveryKeyOpens(t *testing.T) {
	shared := testvec.NewReplay()
	with := func(keys ...seal.StateKey) *seal.Box {
		b, _ := newBox(t, func(c *seal.Config) { c.Keys, c.Replay = keys, shared })
		return b
	}
	_, c := newBox(t, nil)
	opens := func(b *seal.Box, sealed []byte) {
		_, err := b.Open(t.Context(), alice, nowhere, sealed)
		require.NoError(t, err)
	}
	opens(with(keyB, keyA), mustSeal(t, with(keyA)))
	opens(with(keyA, from(keyB, c.t.Add(time.Hour))), mustSeal(t, with(keyB)))
	refused(t, with(keyB, keyC), alice, nowhere, mustSeal(t, with(keyA)))
	refused(t, with(keyA), alice, nowhere, mustSeal(t, with(keyB, keyA)))
}

func TestWithKeysSharesTheSingleUses(t *testing.T) {
	b, c := newBox(t, func(c *seal.Config) { c.Capacity = 2 })
	other, err := b.WithKeys([]seal.StateKey{keyA, from(keyB, c.t)})
	require.NoError(t, err)
	sealed := mustSeal(t, b)
	refused(t, b, alice, nowhere, mustSeal(t, other))
	_, err = other.Reserve()
	require.ErrorIs(t, err, seal.ErrFull)
	_, err = other.Open(t.Context(), alice, nowhere, sealed)
	require.NoError(t, err)
	refused(t, b, alice, nowhere, sealed)
}

func TestBoxHidesItsKeys(t *testing.T) {
	secret := []byte("no key of a box is ever printed.")
	base := []byte("nor is the base, which is secret")
	b, _ := newBox(t, func(c *seal.Config) {
		c.Base, c.Keys = [seal.KeySize]byte(base), []seal.StateKey{{Key: [seal.KeySize]byte(secret)}}
	})
	// What the cipher holds is derived, so the test looks for that as well.
	derived := seal.CipherKey(secret, base, "test")
	type server struct{ box *seal.Box }
	type worse struct{ box seal.Box }
	for _, v := range []any{b, *b, server{b}, &server{b}, worse{*b}, &worse{*b}} {
		testvec.Redacted(t, v, secret, base, derived)
	}
}

// TestOneSecretOpensNothing: state opens with the state key and the base, and not
// with one of them.
func TestOneSecretOpensNothing(t *testing.T) {
	shared := testvec.NewReplay()
	with := func(base byte, key seal.StateKey) *seal.Box {
		b, _ := newBox(t, func(c *seal.Config) {
			c.Base, c.Keys, c.Replay = [seal.KeySize]byte{base}, []seal.StateKey{key}, shared
		})
		return b
	}
	sealed := mustSeal(t, with(1, keyA))
	refused(t, with(2, keyA), alice, nowhere, sealed)
	refused(t, with(1, keyB), alice, nowhere, sealed)
	_, err := with(1, keyA).Open(t.Context(), alice, nowhere, sealed)
	require.NoError(t, err)
	other, err := with(2, keyA).WithKeys([]seal.StateKey{keyB})
	require.NoError(t, err)
	refused(t, other, alice, nowhere, mustSeal(t, with(1, keyB)))
}

// fleet is replicas that share a Replay and have clocks of their own.
type fleet struct {
	now      time.Time
	replicas []*replica
}

type replica struct {
	box  *seal.Box
	skew time.Duration
}

func newFleet(t *testing.T, keys []seal.StateKey, skews ...time.Duration) *fleet {
	f, shared := &fleet{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, testvec.NewReplay()
	for _, skew := range skews {
		b, err := seal.New(seal.Config{Keys: keys, Replay: shared, Now: func() time.Time { return f.now.Add(skew) }})
		require.NoError(t, err)
		f.replicas = append(f.replicas, &replica{b, skew})
	}
	return f
}

func (r *replica) rotate(t *testing.T, keys ...seal.StateKey) {
	var err error
	r.box, err = r.box.WithKeys(keys)
	require.NoError(t, err)
}

// TestOneReplicaRotatesFirst: the key comes with a time in the future, one
// replica knows it before the other and believes the time has come before the
// other does, and each opens what the other seals throughout.
func TestOneReplicaRotatesFirst(t *testing.T) {
	f := newFleet(t, []seal.StateKey{keyA}, 2*time.Second, -2*time.Second)
	fast, slow := f.replicas[0], f.replicas[1]
	next := from(keyB, f.now.Add(5*time.Minute))
	both := func() {
		for _, pair := range [][2]*replica{{fast, slow}, {slow, fast}} {
			_, err := pair[1].box.Open(t.Context(), alice, nowhere, mustSeal(t, pair[0].box))
			require.NoError(t, err)
		}
	}
	both()
	fast.rotate(t, next, keyA)
	both()
	slow.rotate(t, keyA, next)
	both()
	f.now = next.NotBefore // the fast one seals with the next, the slow one does not
	require.NotEqual(t, keyID(t, fast.box), keyID(t, slow.box))
	both()
	f.now = f.now.Add(2 * time.Second)
	require.Equal(t, keyID(t, fast.box), keyID(t, slow.box))
	both()
	f.now = f.now.Add(2*time.Second + seal.DefaultLifetime)
	slow.rotate(t, next)
	both()
}

// TestAKeyWithoutTimeFailsLogins: a key that seals as soon as one replica has it
// is what NotBefore avoids.
func TestAKeyWithoutTimeFailsLogins(t *testing.T) {
	f := newFleet(t, []seal.StateKey{keyA}, 0, 0)
	f.replicas[0].rotate(t, keyB, keyA)
	refused(t, f.replicas[1].box, alice, nowhere, mustSeal(t, f.replicas[0].box))
}

// TestNoLoginFailsWhileKeysRotate is a simulation. Every replica receives each
// key at a time of its own, all before it is due by any clock, and loses it at
// a time of its own, all after a lifetime without use. Logins begin at any
// replica and finish at any other.
func TestNoLoginFailsWhileKeysRotate(t *testing.T) {
	const (
		skew     = 3 * time.Second
		period   = 5 * time.Minute // one key follows the other
		spread   = 2 * time.Minute // of the times at which replicas change
		lifetime = seal.DefaultLifetime
	)
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(6, seed))
		upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d) + 1)) }
		key := func(n int) seal.StateKey { return seal.StateKey{Key: [seal.KeySize]byte{1, byte(n)}} }
		var skews []time.Duration
		for range 2 + random.IntN(3) {
			skews = append(skews, upTo(2*skew)-skew)
		}
		f := newFleet(t, []seal.StateKey{key(0)}, skews...)
		start := f.now
		type change struct{ arrives, leaves time.Time }
		const keys = 6
		changes := make([][keys]change, len(f.replicas))
		due := func(n int) time.Time { return start.Add(time.Duration(n) * period) }
		for i := range changes {
			for n := range keys {
				changes[i][n] = change{
					due(n).Add(-skew - upTo(spread)),
					due(n + 1).Add(lifetime + skew + upTo(spread)),
				}
			}
		}
		type login struct {
			sealed []byte
			begun  time.Time
		}
		var logins []login
		finished := 0
		for f.now.Before(due(keys)) {
			f.now = f.now.Add(upTo(5 * time.Second))
			for i, r := range f.replicas {
				var ring []seal.StateKey
				for n, c := range changes[i] {
					if !f.now.Before(c.arrives) && f.now.Before(c.leaves) {
						k := key(n)
						if n > 0 {
							k.NotBefore = due(n)
						}
						ring = append(ring, k)
					}
				}
				random.Shuffle(len(ring), func(a, b int) { ring[a], ring[b] = ring[b], ring[a] })
				r.rotate(t, ring...)
			}
			some := func() *replica { return f.replicas[random.IntN(len(f.replicas))] }
			logins = append(logins, login{mustSeal(t, some().box), f.now})
			for i := 0; i < len(logins); {
				l := logins[i]
				late := f.now.Sub(l.begun) >= lifetime-2*skew-5*time.Second
				if !late && random.IntN(8) > 0 {
					i++
					continue
				}
				logins = append(logins[:i], logins[i+1:]...)
				_, err := some().box.Open(t.Context(), alice, nowhere, l.sealed)
				require.NoError(t, err, "seed %d, after %v, begun %v before", seed, f.now.Sub(start), f.now.Sub(l.begun))
				finished++
			}
		}
		require.Greater(t, finished, 300)
	}
}

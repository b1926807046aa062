package recoverytest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// Which slots an Opener is given, and what it does with them.

// watched is an Opener that knows which slots it was given.
type watched struct {
	recovery.Opener
	given map[recovery.SlotID]int
}

func (w watched) Open(ctx context.Context, b wrap.Binding, s recovery.Slot) ([]byte, error) {
	w.given[s.ID]++
	return w.Opener.Open(ctx, b, s)
}

// TestAttack_SeenSlotChanged: a slot whose id the device has seen with another
// content is never given to the Opener: not with weaker KDF parameters, and not
// with anything else, whether the server has made it or somebody with all keys.
// So it is also no oracle for guesses.
func TestAttack_SeenSlotChanged(t *testing.T) {
	words := phrase()
	strong := password("correct horse", nil)
	strong.KDF = withArgon2id(64, 2, 1)
	strong.Policy = kdf.FixedPolicy(strong.KDF)
	k := create(t, words, strong, password("another", nil), passkey(0xa1), new(heldDevice))
	in := learn(t, bytesOf(k), words)
	pw := learn(t, bytesOf(k), strong).Slot
	changes := map[string]func(s *recoverytest.SlotParts){
		"flags":      func(s *recoverytest.SlotParts) { s.Flags ^= 1 },
		"family":     func(s *recoverytest.SlotParts) { s.Family[0] ^= 1 },
		"born":       func(s *recoverytest.SlotParts) { s.Born++ },
		"salt":       func(s *recoverytest.SlotParts) { flip(s.Params, 0) },
		"wrapped":    func(s *recoverytest.SlotParts) { flip(s.Wrapped, 137) },
		"public key": func(s *recoverytest.SlotParts) { s.PublicKey = publicKeyOf(t, random(32)) },
	}
	for what, params := range map[string]kdf.Params{"weaker": withArgon2id(8, 1, 1), "one pass less": withArgon2id(64, 1, 1),
		"a bit less": withArgon2id(63, 2, 1), "stronger": withArgon2id(65, 2, 1), "another": withPBKDF2(1 << 26)} {
		changes[what] = func(s *recoverytest.SlotParts) { setKDF(s, params) }
	}
	changes["a file now"] = func(s *recoverytest.SlotParts) { s.Type, s.Params = 4, s.Params[:32] }
	for what, change := range changes {
		p := after(t, bytesOf(k), bytesOf(k), 1)
		change(p.Slot(pw))
		own := random(32)
		require.NoError(t, p.Rekey(2, map[uint32][]byte{1: in.Masters[1], 2: own}))
		for who, b := range map[string][]byte{"the server": p.Join(), "with all keys": p.Sign(in.Lineage, own)} {
			h := parse(t, b)
			for _, o := range []recovery.Opener{nobody{}, strong, password("a guess", nil), words} {
				w := watched{o, map[recovery.SlotID]int{}}
				got, err := recovery.Open(t.Context(), h, w, k.Checkpoint())
				require.Zero(t, w.given[pw], "%s, %s", what, who)
				if o == recovery.Opener(words) && who == "with all keys" {
					require.NoError(t, err, "one slot went and one came")
					require.EqualValues(t, 2, got.Epoch())
					continue
				}
				require.Error(t, err)
				require.Nil(t, got)
			}
			// On first use there is nothing to compare with.
			w := watched{nobody{}, map[recovery.SlotID]int{}}
			_, err := recovery.Open(t.Context(), h, w, firstUse(k))
			requireIs(t, recovery.ErrWrongSecret, err)
			require.Equal(t, 1, w.given[pw])
		}
		// In the same epoch no slot is given to anyone.
		p = after(t, bytesOf(k), bytesOf(k), 1)
		change(p.Slot(pw))
		if h, err := recovery.ParseHeader(p.Sign(in.Lineage, in.Masters[1])); err == nil {
			w := watched{nobody{}, map[recovery.SlotID]int{}}
			_, err := recovery.Open(t.Context(), h, w, k.Checkpoint())
			requireIs(t, recovery.ErrFork, err, what)
			require.Empty(t, w.given)
		}
	}
	// The slot that opened the keyring is no exception for Follow.
	mine := open(t, bytesOf(k), strong, k.Checkpoint())
	for what, change := range changes {
		p := after(t, bytesOf(k), bytesOf(k), 1)
		change(p.Slot(pw))
		own := random(32)
		require.NoError(t, p.Rekey(2, map[uint32][]byte{1: in.Masters[1], 2: own}))
		_, err := mine.Follow(parse(t, p.Sign(in.Lineage, own)), mine.Checkpoint())
		requireIs(t, recovery.ErrWrongSecret, err, what)
	}
}

// nobody opens no slot.
type nobody struct{}

func (nobody) Open(context.Context, wrap.Binding, recovery.Slot) ([]byte, error) {
	return nil, recovery.ErrWrongSecret
}

// TestAttack_RefusedHeaderReachesNoOpener: a header that the checkpoint refuses
// before it is opened is refused before the user's secret is used.
func TestAttack_RefusedHeaderReachesNoOpener(t *testing.T) {
	v, twin := victimAndTwin(t)
	for _, header := range slices.Concat(v.headers, twin.headers) {
		for _, c := range v.seen {
			w := watched{nobody{}, map[recovery.SlotID]int{}}
			err := openErr(t, header, w, c)
			require.Equal(t, refusal(t, header, c) == nil, len(w.given) > 0, err)
		}
	}
}

// TestOpenersByThemselves: no Opener panics on a slot that ParseHeader would
// refuse, or works for it.
func TestOpenersByThemselves(t *testing.T) {
	v := victim(t)
	for _, name := range v.names() {
		if name == "device" {
			continue
		}
		for _, s := range parse(t, v.latest()).Slots() {
			b := wrap.Binding{Purpose: "nescio/slot/" + s.Type + "/v1", Account: v.account[:], Item: s.ID[:], Epoch: uint64(s.Born)}
			requireRefuses := func(s recovery.Slot) {
				t.Helper()
				secret, err := v.ways[name].Open(t.Context(), b, s)
				require.Error(t, err)
				require.Nil(t, secret)
			}
			for n := range len(s.Params) {
				cut := s
				cut.Params = s.Params[:n]
				requireRefuses(cut)
			}
			for _, n := range []int{0, 1, 57, 137} {
				cut := s
				cut.Wrapped = s.Wrapped[:min(n, len(s.Wrapped))]
				requireRefuses(cut)
			}
			requireRefuses(recovery.Slot{Type: s.Type, ID: s.ID})
			requireRefuses(recovery.Slot{})
		}
	}
	for _, params := range []kdf.Params{withArgon2id(1<<20, 64, 1), withArgon2id(8, 1, 1), withPBKDF2(1<<31 - 1)} {
		raw := recoverytest.SlotParts{Params: random(32)}
		setKDF(&raw, params)
		s := recovery.Slot{Type: "password", Params: raw.Params, Wrapped: random(138)}
		start := time.Now()
		_, err := recovery.NewPassword([]byte("x"), nil).Open(t.Context(), wrap.Binding{Purpose: "nescio/slot/password/v1", Item: s.ID[:]}, s)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.Less(t, time.Since(start), time.Second)
	}
	// Passwords and keys that cannot exist.
	for _, text := range []string{"", string(make([]byte, 1025))} {
		require.ErrorIs(t, v.end(t, v.latest(), password(text, nil), v.latestSeen()), recovery.ErrPolicy)
	}
	for _, key := range [][]byte{nil, random(31), random(65), make([]byte, 64)} {
		require.ErrorIs(t, v.end(t, v.latest(), recovery.NewExportKey(key, nil), v.latestSeen()), recovery.ErrPolicy)
	}
}

// TestAttack_LyingOpener: what an Opener returns is checked like everything
// else.
func TestAttack_LyingOpener(t *testing.T) {
	v := victim(t)
	in := v.insider(t)
	for what, secret := range map[string][]byte{
		"nothing":         nil,
		"short":           random(63),
		"long":            random(65),
		"random":          random(64),
		"zeros":           make([]byte, 64),
		"another seed":    slices.Concat(random(32), in.Lineage),
		"another lineage": slices.Concat(in.Seed, random(32)),
		"exchanged":       slices.Concat(in.Lineage, in.Seed),
		"the master key":  slices.Concat(master(in, v.latest()), in.Lineage),
	} {
		for _, c := range v.anySeen() {
			requireIs(t, recovery.ErrUntrusted, v.end(t, v.latest(), always(secret), c), what)
		}
	}
}

// always returns the same for every slot.
type always []byte

func (a always) Open(context.Context, wrap.Binding, recovery.Slot) ([]byte, error) {
	return slices.Clone(a), nil
}

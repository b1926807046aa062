package recovery_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// A server that holds every header that there ever was, and keys of its own.
// Whatever it hands out, world.end checks that Open ends with the account's own
// master keys or with a typed error.

// TestAttack_ForgedHeader: a server makes whole headers with a master key and a
// lineage key of its own, of what it knows of the victim's slots, for devices with any
// pin and for first use.
func TestAttack_ForgedHeader(t *testing.T) {
	v := victim(t)
	lineage, master := random(32), random(32)
	forgeries := map[string]func(w *wire) []byte{
		"own master key, own MACs": func(w *wire) []byte {
			w.sealAll(t, master)
			return w.authenticate(lineage, master)
		},
		"own master key, the real MAC under L": func(w *wire) []byte {
			w.sealAll(t, master)
			return w.authenticateMK(master)
		},
		"the real master key, own MACs": func(w *wire) []byte { return w.authenticate(lineage, master) },
		"own public keys, the real wrapped seeds": func(w *wire) []byte {
			for _, s := range w.slots {
				s.pk = publicKeyOf(t, random(32))
			}
			w.sealAll(t, master)
			return w.authenticate(lineage, master)
		},
		"own slots, the real ids": func(w *wire) []byte {
			for i, s := range w.slots {
				w.slots[i] = ownSlot(t, w.account, s, lineage, random(64))
			}
			w.sealAll(t, master)
			return w.authenticate(lineage, master)
		},
		"own history": func(w *wire) []byte {
			keys := [][]byte{random(32), random(32), random(32), master}
			for i := range w.history {
				w.history[i] = entry(t, w.account, uint32(i+1), keys[i], keys[i+1])
			}
			w.sealAll(t, master)
			return w.authenticate(lineage, master)
		},
		"MACs of zeros": func(w *wire) []byte {
			w.sealAll(t, master)
			w.macL, w.macMK = make([]byte, 32), make([]byte, 32)
			return w.bytes()
		},
		"epoch 1": func(w *wire) []byte {
			w.history = nil
			w.setEpoch(1)
			for _, s := range w.slots {
				s.born = w.epoch
			}
			w.sealAll(t, master)
			return w.fix().authenticate(lineage, master)
		},
	}
	last := len(v.pins) - 1
	for name, forge := range forgeries {
		for by := range uint64(3) {
			w := takeApart(t, v.latest())
			if by > 0 {
				w.follow(v.latest(), by)
			}
			forged := forge(w)
			for _, slot := range sorted(v.ways) {
				for i, p := range v.anyPin() {
					want := recovery.ErrUntrusted
					switch {
					case name == "epoch 1" && i >= 2 && i <= last: // pinned in epoch 2 and later
						want = recovery.ErrRollback
					case by == 0 && i == last:
						want = recovery.ErrFork
					case name == "own slots, the real ids" && slot != "device", name == "epoch 1" && slot == "second password":
						want = recovery.ErrNotMine // not its key, or not its epoch
					}
					require.Equal(t, want, v.end(t, forged, v.ways[slot], p), "%s: %s, pin %d, revision + %d", name, slot, i+1, by)
				}
			}
		}
	}
}

// ownSlot is a slot of the form of another that a server, or who works with it, made
// for ikm.
func ownSlot(t testing.TB, account []byte, like *wireSlot, lineage, ikm []byte) *wireSlot {
	s := *like
	seed := random(32)
	if s.kind() != recovery.SlotDevice {
		var err error
		s.wrapped, err = slotKEK(t, &s, ikm).Wrap(t.Context(), slices.Concat(seed, lineage), slotBinding(account, &s))
		require.NoError(t, err)
	}
	s.pk = publicKeyOf(t, seed)
	return &s
}

// slotKEK is the key of a slot by the format.
func slotKEK(t testing.TB, s *wireSlot, ikm []byte) *wrap.Key {
	kek, err := wrap.DeriveKey(ikm, slices.Concat(s.id, s.salt),
		fmt.Sprintf("nescio/slot/%s/v1\x00%s%s%s", s.kind(), s.flags, s.salt, s.params))
	require.NoError(t, err)
	return kek
}

// TestAttack_SplicedHeader: parts of genuine headers, of this account's and of
// another's, put together anew, with every MAC that there ever was.
func TestAttack_SplicedHeader(t *testing.T) {
	v, twin := victimAndTwin(t)
	var sources []*wire
	for _, b := range append(slices.Clone(v.headers), twin.headers...) {
		sources = append(sources, takeApart(t, b))
	}
	ways := []recovery.Opener{v.ways["phrase"], v.ways["device"], v.ways["file"]}
	if !testing.Short() {
		ways = slices.Collect(maps.Values(v.ways))
	}
	parts := map[string]func(to, from *wire){
		"slots":           func(to, from *wire) { to.slots = from.slots },
		"history":         func(to, from *wire) { to.history = from.history },
		"MACs":            func(to, from *wire) { to.macL, to.macMK = from.macL, from.macMK },
		"all but slots":   func(to, from *wire) { slots := to.slots; *to = *from; to.slots = slots },
		"all but history": func(to, from *wire) { h, e := to.history, to.epoch; *to = *from; to.history, to.epoch = h, e },
		"all but account": func(to, from *wire) { a := to.account; *to = *from; to.account = a },
		"age":             func(to, from *wire) { to.revision, to.prev = from.revision, from.prev },
		"age of ours": func(to, from *wire) {
			r, p := to.revision, to.prev
			*to = *from
			to.revision, to.prev = r, p
		},
		"one slot more": func(to, from *wire) {
			for _, s := range from.slots {
				if !slices.ContainsFunc(to.slots, func(o *wireSlot) bool { return bytes.Equal(o.id, s.id) }) {
					to.slots = append(slices.Clone(to.slots), s)
					return
				}
			}
		},
		"one slot less":    func(to, from *wire) { to.slots = slices.Clone(to.slots[1:]) },
		"slots in reverse": nil,
		"a slot twice":     nil,
		"slot renamed":     func(to, from *wire) { s := *to.slots[0]; s.id = random(16); to.slots[0] = &s },
		"public parts swapped": func(to, from *wire) {
			a, b := *to.slots[0], *to.slots[1]
			a.pk, a.enc, a.ct, b.pk, b.enc, b.ct = b.pk, b.enc, b.ct, a.pk, a.enc, a.ct
			to.slots[0], to.slots[1] = &a, &b
		},
	}
	for name, part := range parts {
		for i, from := range sources {
			to := takeApart(t, v.latest())
			switch name {
			case "slots in reverse":
				to.fix()
				slices.Reverse(to.slots)
			case "a slot twice":
				to.slots = append(to.slots, to.slots[len(to.slots)-1])
				to.slotsLen[0]++
			default:
				part(to, from)
				to.fix()
			}
			spliced := to.bytes()
			genuine := slices.ContainsFunc(v.headers, func(b []byte) bool { return bytes.Equal(b, spliced) })
			if testing.Short() && !genuine && i%5 != 0 {
				continue
			}
			for _, way := range ways {
				for _, p := range []recovery.Pin{v.latestPin(), v.pins[4], v.pins[0], v.firstUse()} {
					err := v.end(t, spliced, way, p)
					require.True(t, err != nil || genuine, "%s of %d", name, i)
				}
			}
		}
	}
}

// TestAttack_AnotherAccount: a server hands out the header of another account of the
// same user, with the same password and phrase.
func TestAttack_AnotherAccount(t *testing.T) {
	v, twin := victimAndTwin(t)
	for i, header := range twin.headers {
		for _, way := range v.ways {
			for _, p := range v.anyPin() {
				require.Equal(t, recovery.ErrReset, v.end(t, header, way, p))
			}
		}
		// With the number of ours on it, also in the place where it would be due.
		w := takeApart(t, header)
		w.account = v.account
		for name, way := range v.ways {
			require.Equal(t, recovery.ErrNotMine, v.end(t, w.bytes(), way, v.firstUse()), "%d: %s", i, name)
		}
	}
	// After a Reset a device needs consent, and then it is another account.
	k, err := recovery.Reset(t.Context(), phrase(t))
	require.NoError(t, err)
	require.NotEqual(t, [16]byte(account), k.Account())
	require.Equal(t, recovery.ErrReset, v.end(t, k.Bytes(), v.someWay(), v.latestPin()))
}

// TestAttack_OneTable: one phrase in two accounts, and twice in one, gives keys that
// have nothing in common: no table serves for two slots.
func TestAttack_OneTable(t *testing.T) {
	p := phrase(t)
	other := bytes.Repeat([]byte{0x43}, 16)
	k1, k2 := create(t, p, p), func() *recovery.Keyring {
		k, err := recovery.Create(t.Context(), other, p)
		require.NoError(t, err)
		return k
	}()
	a, b, c := takeApart(t, k1.Bytes()).slots[0], takeApart(t, k1.Bytes()).slots[1], takeApart(t, k2.Bytes()).slots[0]
	slots := []*wireSlot{a, b, c}
	accounts := [][]byte{account, account, other}
	for i, s := range slots {
		for j, from := range slots {
			_, err := slotKEK(t, s, p.Entropy()).Unwrap(t.Context(), from.wrapped, slotBinding(accounts[j], from))
			require.Equal(t, i == j, err == nil, "%d %d", i, j)
			if i != j {
				require.NotEqual(t, s.salt, from.salt)
				require.NotEqual(t, s.wrapped, from.wrapped)
				require.NotEqual(t, s.pk, from.pk)
			}
		}
	}
	// Even if a server gives both slots one id, salt and account.
	same := *b
	same.id, same.salt = a.id, a.salt
	_, err := slotKEK(t, &same, p.Entropy()).Unwrap(t.Context(), same.wrapped, slotBinding(account, &same))
	require.Equal(t, wrap.ErrOpen, err)

	// Every type has a salt of its own for every slot.
	pw, prf := password(t, "correct horse"), passkey(0xa1)
	every := create(t, p, p, pw, pw, export(1), export(1), prf, prf, recovery.NewFile(), recovery.NewFile())
	salts := make(map[string]bool)
	for _, s := range takeApart(t, every.Bytes()).slots {
		require.NotEqual(t, make([]byte, 32), s.salt, s.kind())
		salts[string(s.salt)] = true
	}
	require.Len(t, salts, 10)

	// The entropy counts, not how the words are written.
	words := p.Words()
	for _, text := range []string{strings.ToUpper(words), "  " + strings.ReplaceAll(words, " ", " \t\n "), fullWidth(words)} {
		q, err := recovery.ParsePhrase(text)
		require.NoError(t, err)
		require.Equal(t, p.Entropy(), q.Entropy())
		requireSame(t, k1, open(t, k1.Bytes(), q, pin(t, k1)), 1)
	}
}

// fullWidth writes letters in a form that NFKD makes ASCII of.
func fullWidth(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'ａ'
		}
		return r
	}, s)
}

// TestAttack_Checksum: of all last words a sixteenth passes, so that the checksum is
// no proof of anything: the commitment is. A typo and a wrong phrase are told apart.
func TestAttack_Checksum(t *testing.T) {
	p := phrase(t)
	k := create(t, p)
	list, err := os.ReadFile("wordlist_english.txt")
	require.NoError(t, err)
	first := p.Words()[:strings.LastIndex(p.Words(), " ")+1]
	passed := 0
	for _, last := range strings.Fields(string(list)) {
		q, err := recovery.ParsePhrase(first + last)
		if err != nil {
			require.Equal(t, recovery.ErrChecksum, err)
			continue
		}
		passed++
		if !bytes.Equal(q.Entropy(), p.Entropy()) {
			require.Equal(t, recovery.ErrNotMine, openErr(t, k.Bytes(), q, pin(t, k)))
		}
	}
	require.Equal(t, 128, passed)
}

// TestAttack_Rollback: each earlier header for each later pin, and each header for each
// pin that is not later.
func TestAttack_Rollback(t *testing.T) {
	v := victim(t)
	for i, header := range v.headers {
		for j, p := range v.pins {
			for _, way := range []recovery.Opener{v.ways["phrase"], v.ways["device"], v.ways["password"]} {
				err := v.end(t, header, way, p)
				if i < j {
					require.Equal(t, recovery.ErrRollback, err, "revision %d, pinned %d", i+1, j+1)
				} else {
					require.NoError(t, err, "revision %d, pinned %d", i+1, j+1)
				}
			}
		}
		// First use sees nothing of it, which is its limit.
		require.NoError(t, v.end(t, header, v.someWay(), v.firstUse()))
	}
	// A removed way in opens what it opened, and no header that is not older.
	require.NoError(t, v.end(t, v.headers[2], v.gone, v.firstUse()))
	require.Equal(t, recovery.ErrRollback, v.end(t, v.headers[2], v.gone, v.pins[3]))
	require.Equal(t, recovery.ErrNotMine, v.end(t, v.headers[3], v.gone, v.pins[2]))

	// An older epoch in a newer revision, made by somebody who has all keys.
	w := takeApart(t, v.headers[1])
	old := learn(t, v.headers[1], v.someWay())
	later := w.follow(v.headers[2], 7).authenticate(old.lineage, old.master)
	require.NoError(t, v.end(t, later, v.someWay(), v.pins[1]))
	require.Equal(t, recovery.ErrRollback, v.end(t, later, v.someWay(), v.pins[2]))
}

// TestAttack_ForkAndGap: two headers of one revision, one that does not name the
// pinned one as the one before, and several revisions at once.
func TestAttack_ForkAndGap(t *testing.T) {
	ctx := t.Context()
	p, way := phrase(t), export(1)
	k := create(t, p, way)
	first, pin1 := k.Bytes(), pin(t, k)
	fork := func(header []byte, pin recovery.Pin) (*recovery.Keyring, []byte, recovery.Pin) {
		k := open(t, header, p, pin)
		_, err := k.Add(ctx, phrase(t))
		require.NoError(t, err)
		return k, k.Bytes(), mustPin(k)
	}
	_, left, pinLeft := fork(first, pin1)
	k, right, pinRight := fork(first, pin1)
	require.Equal(t, recovery.ErrFork, openErr(t, left, p, pinRight))
	require.Equal(t, recovery.ErrFork, openErr(t, right, p, pinLeft))
	open(t, left, p, pin1)
	open(t, right, p, pin1)

	// The next of one branch does not follow from the other.
	_, leftNext, _ := fork(left, pinLeft)
	require.Equal(t, recovery.ErrFork, openErr(t, leftNext, p, pinRight))
	open(t, leftNext, p, pinLeft)
	open(t, leftNext, p, pin1)

	// Everything else the same, and everybody's keys: prevDigest alone.
	h := learn(t, right, p)
	w := takeApart(t, right)
	w.prev = random(32)
	require.Equal(t, recovery.ErrFork, openErr(t, w.authenticate(h.lineage, h.master), p, pin1))
	open(t, w.bytes(), p, recovery.FirstUse(account))

	// A gap is no fork: a device may have slept through revisions, and rotations.
	for range 3 {
		require.NoError(t, k.Rotate(ctx))
		next := k.Bytes()
		requireSame(t, k, open(t, next, p, pin1), 1)
		requireSame(t, k, open(t, next, p, pinRight), k.Epoch())
	}
	w = takeApart(t, k.Bytes())
	w.prev = random(32) // nobody can tell what it was
	h = learn(t, k.Bytes(), p)
	open(t, w.authenticate(h.lineage, h.master), p, pinRight)
}

func mustPin(k *recovery.Keyring) recovery.Pin {
	p, err := k.Pin()
	if err != nil {
		panic(err)
	}
	return p
}

// TestAttack_UnusablePins: the zero Pin, first use without an account, and an epoch
// that was forgotten are errors, and never mean that nothing is checked.
func TestAttack_UnusablePins(t *testing.T) {
	v := victim(t)
	for _, number := range [][]byte{nil, {}, make([]byte, 16), v.account[:15], append(slices.Clone(v.account), 0)} {
		require.Equal(t, recovery.Pin{}, recovery.FirstUse(number))
	}
	for _, way := range v.ways {
		require.ErrorIs(t, v.end(t, v.latest(), way, recovery.Pin{}), recovery.ErrPin)
	}
	_, err := recovery.Pin{}.MarshalBinary()
	require.ErrorIs(t, err, recovery.ErrPin)
	_, err = v.firstUse().MarshalBinary()
	require.ErrorIs(t, err, recovery.ErrPin)

	k := open(t, v.latest(), v.someWay(), v.latestPin())
	require.NoError(t, k.Forget(2))
	forgot := k.Bytes()
	for i, p := range v.pins {
		err := v.end(t, forgot, v.someWay(), p)
		if i < 3 { // pinned in epoch 1 or 2
			require.ErrorIs(t, err, recovery.ErrPin, "revision %d", i+1)
		} else {
			require.NoError(t, err, "revision %d", i+1)
		}
	}
	require.NoError(t, v.end(t, forgot, v.someWay(), v.firstUse()))

	// Who pins epoch 3 and gets a history that ends elsewhere.
	h := learn(t, forgot, v.someWay())
	w := takeApart(t, forgot)
	w.history[0] = entry(t, w.account, 3, random(32), h.master)
	b := w.authenticate(h.lineage, h.master)
	require.Equal(t, recovery.ErrUntrusted, v.end(t, b, v.someWay(), v.pins[3]))
	w.history[0].wrapped = randomWrap(106)
	b = w.authenticate(h.lineage, h.master)
	require.Equal(t, recovery.ErrUntrusted, v.end(t, b, v.someWay(), v.pins[3]))
	_, err = open(t, b, v.someWay(), v.firstUse()).Key(3)
	require.Equal(t, recovery.ErrUntrusted, err)
}

// collusion is what a server and a revoked holder can make of a header: each of those
// that they would like a device to take.
func (v *world) collusion(t testing.TB, from []byte) map[string][]byte {
	lineage, old, own := v.goneKnew.lineage, v.goneKnew.master, random(32)
	base := func() *wire { return takeApart(t, from).follow(v.latest(), 1) }
	withHistory := func(w *wire, epoch uint32, keys ...[]byte) { // keys of the epochs before, the last one's first
		w.history = nil
		w.setEpoch(epoch)
		for i := range len(keys) - 1 {
			w.history = append([]*wireEntry{entry(t, w.account, epoch-1-uint32(i), keys[i+1], keys[i])}, w.history...)
		}
		for _, s := range w.slots {
			if binary.BigEndian.Uint32(s.born) > epoch {
				s.born = w.epoch
			}
		}
		w.sealAll(t, keys[0])
		w.fix()
	}
	out := map[string][]byte{}
	w := base()
	withHistory(w, 2, old)
	out["the old key as the current one"] = w.authenticate(lineage, old)
	w = base()
	withHistory(w, 4, own, random(32), old)
	out["an own key behind the old one"] = w.authenticate(lineage, own)
	w = base()
	withHistory(w, 4, own, old, old)
	out["the old key as that of the pinned epoch"] = w.authenticate(lineage, own)
	w = base()
	withHistory(w, 5, own, old, old, old)
	out["one epoch more"] = w.authenticate(lineage, own)
	w = base()
	withHistory(w, 4, own)
	out["no history"] = w.authenticate(lineage, own)
	w = base()
	w.sealAll(t, own)
	out["an own key, and the real history"] = w.authenticate(lineage, own)
	w = base()
	out["the real key, of which they do not know the MAC"] = w.authenticate(lineage, old)
	w = base()
	w.revision = bytes.Repeat([]byte{0xff}, 8)
	withHistory(w, 0xffffffff, own)
	out["the last of all revisions and epochs"] = w.authenticate(lineage, own)
	return out
}

// TestAttack_ColludingExHolder: somebody whose way in was revoked tells the server the
// lineage key, the master key of then, and the seed of their slot. A device that was
// pinned at the revocation or later is not deceived.
func TestAttack_ColludingExHolder(t *testing.T) {
	v := victim(t)
	for _, from := range [][]byte{v.headers[2], v.latest()} {
		for what, header := range v.collusion(t, from) {
			for _, name := range sorted(v.ways) {
				if testing.Short() && strings.Contains(name, "password") {
					continue
				}
				for i, p := range v.pins[3:] {
					err := v.end(t, header, v.ways[name], p)
					require.Error(t, err, "%s, revision %d: %s", name, i+4, what)
					if what == "no history" && !errors.Is(err, recovery.ErrNotMine) && i == 0 {
						require.ErrorIs(t, err, recovery.ErrPin, "the pinned epoch is gone: only with consent")
					}
				}
			}
		}
	}
	// Nor do they learn a later master key: the old seed opens no sealed key, and the
	// old master key no entry of the history.
	w := takeApart(t, v.headers[3])
	seen := takeApart(t, v.headers[2]).slot(t, v.goneKnew.id)
	_, err := takeApart(t, v.headers[2]).unseal(t, seen, v.goneKnew.seed)
	require.NoError(t, err, "as long as they were in")
	for _, s := range w.slots {
		for _, id := range [][]byte{s.id, v.goneKnew.id[:]} {
			as := *s
			as.id = id
			_, err := w.unseal(t, &as, v.goneKnew.seed)
			require.Error(t, err)
		}
	}
	for _, later := range [][]byte{v.headers[3], v.headers[4]} {
		requireUnrelated(t, v.goneKnew.master, learn(t, later, v.someWay()).master)
	}
	requireUnrelated(t, learn(t, v.headers[3], v.someWay()).master, learn(t, v.headers[4], v.someWay()).master)
	for epoch, e := range w.history {
		_, err := wrap.ImportKey([32]byte(v.goneKnew.master)).Unwrap(t.Context(), e.wrapped, historyBinding(v.account, uint32(epoch+1)))
		require.Equal(t, epoch == 0, err == nil, "theirs was that of epoch 2, which opens the one before it alone")
	}
}

// requireUnrelated checks that two random keys are not alike in more bytes than chance
// allows.
func requireUnrelated(t testing.TB, a, b []byte) {
	t.Helper()
	same := 0
	for i := range a {
		if a[i] == b[i] {
			same++
		}
	}
	require.Less(t, same, 8)
}

// TestLimit_ExHolderAndOlderPins shows what the documentation says: a device whose pin
// is older than the revocation, or that has none, takes a header that the revoked
// holder and the server make.
func TestLimit_ExHolderAndOlderPins(t *testing.T) {
	v := victim(t)
	own := random(32)
	w := takeApart(t, v.headers[2]).follow(v.latest(), 1)
	w.setEpoch(3)
	w.history = append(w.history, entry(t, w.account, 2, v.goneKnew.master, own))
	w.sealAll(t, own)
	forged := w.fix().authenticate(v.goneKnew.lineage, own)
	for _, way := range []string{"phrase", "password", "export", "file", "passkey", "device"} {
		for _, p := range append(slices.Clone(v.pins[:3]), v.firstUse()) {
			k := open(t, forged, v.ways[way], p)
			key, err := k.Key(3)
			require.NoError(t, err)
			require.True(t, key.Equal(wrap.ImportKey([32]byte(own))), "theirs")
		}
		for _, p := range v.pins[3:] {
			require.Error(t, v.end(t, forged, v.ways[way], p))
		}
	}
}

// TestRenewEndsCollusion: after Renew, ways in whose secrets are new are safe from who
// was revoked before, with an old pin and at first use too. A way in whose secret is
// the old one is not: its old slot is still good, under the old lineage key.
func TestRenewEndsCollusion(t *testing.T) {
	v := victim(t)
	k := open(t, v.latest(), v.someWay(), v.latestPin())
	fresh, kept := phrase(t), v.ways["phrase"]
	freshDevice := new(heldDevice)
	require.NoError(t, k.Renew(t.Context(), fresh, kept.(recovery.Sealer), freshDevice))
	renewed, renewedPin := k.Bytes(), pin(t, k)
	for _, p := range v.anyPin() { // everybody follows
		requireSame(t, k, open(t, renewed, fresh, p), k.Epoch())
		requireSame(t, k, open(t, renewed, kept, p), k.Epoch())
		require.Equal(t, recovery.ErrNotMine, openErr(t, renewed, v.ways["device"], p))
		require.Equal(t, recovery.ErrNotMine, openErr(t, renewed, v.ways["password"], p))
	}
	requireUnrelated(t, v.goneKnew.lineage, learn(t, renewed, fresh).lineage)
	requireUnrelated(t, learn(t, v.latest(), kept).seed, learn(t, renewed, kept).seed)
	require.Equal(t, learn(t, renewed, kept).lineage, learn(t, renewed, fresh).lineage)

	v.headers = append(v.headers, renewed)
	v.masters[k.Epoch()], _ = k.Key(k.Epoch())
	own := random(32)
	forge := func(slots []*wireSlot) []byte {
		w := takeApart(t, v.headers[2]).follow(renewed, 1)
		w.setEpoch(3)
		w.history = append(w.history, entry(t, w.account, 2, v.goneKnew.master, own))
		w.slots = slots
		for _, s := range w.slots {
			if binary.BigEndian.Uint32(s.born) > 3 {
				s.born = []byte{0, 0, 0, 3}
			}
		}
		w.sealAll(t, own)
		return w.fix().authenticate(v.goneKnew.lineage, own)
	}
	for _, slots := range [][]*wireSlot{takeApart(t, renewed).slots, takeApart(t, v.headers[2]).slots, takeApart(t, v.latest()).slots} {
		forged := forge(slots)
		for _, p := range append(v.anyPin(), renewedPin) {
			require.Error(t, v.end(t, forged, fresh, p))
			require.Error(t, v.end(t, forged, freshDevice, p))
		}
		for name, way := range v.ways {
			require.Error(t, v.end(t, forged, way, renewedPin), name)
		}
	}
	// The limit: a phrase that was used again, before this device was pinned anew.
	deceived := open(t, forge(takeApart(t, v.headers[2]).slots), kept, v.firstUse())
	key, err := deceived.Key(3)
	require.NoError(t, err)
	require.True(t, key.Equal(wrap.ImportKey([32]byte(own))))
}

// TestAttack_FileInSplitCustody: neither half opens anything without the other, nor
// without the header.
func TestAttack_FileInSplitCustody(t *testing.T) {
	v, twin := victimAndTwin(t)
	saved := func() *recovery.File {
		f, err := recovery.ParseFile(v.file.Text())
		require.NoError(t, err)
		return f
	}
	with := func(secret []byte) *recovery.File {
		f, err := saved().WithServerSecret(secret)
		require.NoError(t, err)
		return f
	}
	right := v.file.ServerSecret()
	require.NoError(t, v.end(t, v.latest(), with(right), v.latestPin()))

	// The file without the server.
	require.ErrorIs(t, v.end(t, v.latest(), saved(), v.latestPin()), recovery.ErrPolicy)
	for _, secret := range [][]byte{nil, {}, make([]byte, 32), right[:31], append(slices.Clone(right), 0)} {
		_, err := saved().WithServerSecret(secret)
		require.Equal(t, recovery.ErrMalformed, err)
	}
	// The server hands out what it likes.
	flipped := slices.Clone(right)
	flipped[31] ^= 1
	for _, secret := range [][]byte{flipped, twin.file.ServerSecret(), random(32), slices.Concat(right[16:], right[:16])} {
		require.Equal(t, recovery.ErrNotMine, v.end(t, v.latest(), with(secret), v.latestPin()))
		require.Equal(t, recovery.ErrNotMine, v.end(t, v.latest(), with(secret), v.firstUse()))
	}
	// The server, or who stole header and S, does not have F: no file of its own opens.
	f := recovery.NewFile()
	create(t, f)
	own, err := f.WithServerSecret(right)
	require.NoError(t, err)
	require.Equal(t, recovery.ErrNotMine, v.end(t, v.latest(), own, v.firstUse()))
	// F and S open no other account's slot, and no other slot of this.
	require.Equal(t, recovery.ErrReset, twin.end(t, v.latest(), with(right), twin.firstUse()))
	require.Equal(t, recovery.ErrNotMine, twin.end(t, twin.latest(), with(right), twin.firstUse()))
	w := takeApart(t, v.latest())
	for _, s := range w.slots {
		if s.kind() == recovery.SlotFile {
			s.id = random(16) // moved to another id
			w.fix()
			break
		}
	}
	require.Equal(t, recovery.ErrNotMine, v.end(t, w.bytes(), with(right), v.firstUse()))
	// The text names no account and holds nothing of S.
	require.NotContains(t, v.file.Text(), string(v.account))
	require.Nil(t, saved().ServerSecret())
	// The file is for one slot.
	k := open(t, v.latest(), v.someWay(), v.latestPin())
	for _, used := range []*recovery.File{v.file, saved(), with(right)} {
		_, err := k.Add(t.Context(), used)
		require.Equal(t, recovery.ErrUsed, err)
	}
	require.Equal(t, v.latest(), k.Bytes())
}

// TestAttack_PasskeyPitfalls: an output that is zero or of another length, one salt for
// all, another relying party or credential, and passkeys alone.
func TestAttack_PasskeyPitfalls(t *testing.T) {
	good := passkey(0xa1)
	change := func(f func(p *recovery.Passkey)) recovery.Passkey {
		p := good
		f(&p)
		return p
	}
	k := create(t, phrase(t), good)
	header := k.Bytes()
	for name, bad := range map[string]recovery.Passkey{
		"zero":              change(func(p *recovery.Passkey) { *p = p.WithPRF(make([]byte, 32)) }),
		"no output":         change(func(p *recovery.Passkey) { *p = p.WithPRF(nil) }),
		"31 bytes":          change(func(p *recovery.Passkey) { *p = p.WithPRF(p.PRF()[:31]) }),
		"33 bytes":          change(func(p *recovery.Passkey) { *p = p.WithPRF(append(slices.Clone(p.PRF()), 1)) }),
		"64 bytes":          change(func(p *recovery.Passkey) { *p = p.WithPRF(bytes.Repeat(p.PRF(), 2)) }),
		"no salt":           change(func(p *recovery.Passkey) { p.Salt = [32]byte{} }),
		"no credential":     change(func(p *recovery.Passkey) { p.CredentialID = nil }),
		"no relying party":  change(func(p *recovery.Passkey) { p.RPID = "" }),
		"a long credential": change(func(p *recovery.Passkey) { p.CredentialID = make([]byte, 1024) }),
		"a long name":       change(func(p *recovery.Passkey) { p.RPID = strings.Repeat("a", 254) }),
		"the zero Passkey":  {},
	} {
		_, err := k.Add(t.Context(), bad)
		require.ErrorIs(t, err, recovery.ErrPolicy, name)
		require.ErrorIs(t, openErr(t, header, bad, pin(t, k)), recovery.ErrPolicy, name)
	}
	for name, other := range map[string]recovery.Passkey{
		"salt":          change(func(p *recovery.Passkey) { p.Salt[0] ^= 1 }),
		"credential":    change(func(p *recovery.Passkey) { p.CredentialID = []byte{1} }),
		"relying party": change(func(p *recovery.Passkey) { p.RPID = "example.com" }),
		"output":        change(func(p *recovery.Passkey) { *p = p.WithPRF(bytes.Repeat([]byte{1}, 32)) }),
	} {
		require.Equal(t, recovery.ErrNotMine, openErr(t, header, other, pin(t, k)), name)
		// Whatever the server writes in the slot, so that it fits.
		w := takeApart(t, header)
		for _, s := range w.slots {
			if s.kind() == recovery.SlotPasskey {
				alike, err := recovery.Create(t.Context(), account, phrase(t), other)
				require.NoError(t, err)
				for _, o := range takeApart(t, alike.Bytes()).slots {
					if o.kind() == recovery.SlotPasskey {
						s.flags, s.params = o.flags, o.params
					}
				}
			}
		}
		require.Equal(t, recovery.ErrNotMine, openErr(t, w.fix().bytes(), other, recovery.FirstUse(account)), name)
	}
	require.NotEqual(t, recovery.NewPasskeySalt(), recovery.NewPasskeySalt())
	for _, largest := range []recovery.Passkey{change(func(p *recovery.Passkey) { p.CredentialID = make([]byte, 1023) }),
		change(func(p *recovery.Passkey) { p.RPID = strings.Repeat("a", 253) })} {
		k := create(t, phrase(t), largest)
		requireSame(t, k, open(t, k.Bytes(), largest, pin(t, k)), 1)
	}
	// Never the only way in.
	_, err := recovery.Create(t.Context(), account, good, passkey(0xa2))
	require.ErrorIs(t, err, recovery.ErrPolicy)
	for _, s := range k.Slots() {
		if s.Type == recovery.SlotPhrase {
			require.ErrorIs(t, k.Remove(s.ID), recovery.ErrPolicy)
			require.ErrorIs(t, k.Revoke(t.Context(), s.ID), recovery.ErrPolicy)
			_, err := k.Replace(t.Context(), s.ID, passkey(0xa3))
			require.ErrorIs(t, err, recovery.ErrPolicy)
		}
	}
	require.ErrorIs(t, k.Renew(t.Context(), good), recovery.ErrPolicy)
	require.ErrorIs(t, k.Renew(t.Context()), recovery.ErrPolicy)
	require.Equal(t, header, k.Bytes())
	// What a slot says is what to ask the authenticator for.
	for _, s := range k.Slots() {
		p, err := recovery.ParsePasskeySlot(s)
		if s.Type != recovery.SlotPasskey {
			require.Equal(t, recovery.ErrMalformed, err)
			require.Zero(t, p)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, good.Salt, p.Salt)
		require.Equal(t, good.RPID, p.RPID)
		require.True(t, p.UserVerified)
	}
}

// TestAttack_KeyFromThePassword: the master key is random and has nothing to do with
// any way in. No exported function takes one, but for Adopt, which puts it in the past;
// and keys of slots come from wrap.DeriveKey alone.
func TestAttack_KeyFromThePassword(t *testing.T) {
	p := password(t, "correct horse")
	a, b := create(t, p), create(t, p)
	x, err := a.Key(1)
	require.NoError(t, err)
	y, err := b.Key(1)
	require.NoError(t, err)
	require.False(t, x.Equal(y))
	inA, inB := learn(t, a.Bytes(), p), learn(t, b.Bytes(), p)
	for _, pair := range [][2][]byte{{inA.lineage, inB.lineage}, {inA.seed, inB.seed}, {inA.master, inB.master}, {inA.seed, inA.master},
		{inA.seed, inA.lineage}, {inA.lineage, inA.master}} {
		requireUnrelated(t, pair[0], pair[1])
	}

	old := [32]byte(random(32))
	require.NoError(t, a.Adopt(t.Context(), old))
	adopted, err := a.Key(0)
	require.NoError(t, err)
	require.True(t, adopted.Equal(wrap.ImportKey(old)))
	again, err := a.Key(1)
	require.NoError(t, err)
	require.True(t, again.Equal(x))

	calls := make(map[string][]string)
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		source, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		require.NoError(t, err)
		ast.Inspect(source, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && fmt.Sprint(s.X) == "wrap" && strings.HasSuffix(s.Sel.Name, "Key") && s.Sel.Name != "Key" {
				if !slices.Contains(calls[s.Sel.Name], f.Name()) {
					calls[s.Sel.Name] = append(calls[s.Sel.Name], f.Name())
				}
			}
			return true
		})
	}
	require.Equal(t, map[string][]string{"DeriveKey": {"slot.go"}, "ImportKey": {"change.go", "keyring.go"}}, calls)
}

// TestAttack_NothingSwitchesChecksOff: no zero value and no missing argument means that
// a check is left out.
func TestAttack_NothingSwitchesChecksOff(t *testing.T) {
	require.Equal(t, reflect.Struct, reflect.TypeOf(recovery.Open).In(3).Kind(), "a pin cannot be nil")
	k := create(t, phrase(t))
	for _, way := range []recovery.Opener{recovery.Export{}, recovery.Passkey{}, recovery.Password{}, recovery.NewFile()} {
		for _, p := range []recovery.Pin{{}, recovery.FirstUse(nil), recovery.FirstUse(make([]byte, 16))} {
			require.ErrorIs(t, openErr(t, k.Bytes(), way, p), recovery.ErrPin)
			_, err := recovery.Open(t.Context(), new(recovery.Header), way, p)
			require.ErrorIs(t, err, recovery.ErrPin)
		}
		_, err := recovery.Open(t.Context(), new(recovery.Header), way, pin(t, k))
		require.Equal(t, recovery.ErrReset, err)
	}
	// What a slot is made with, and what it costs, has no zero value that protects nothing.
	before := k.Bytes()
	for _, way := range []recovery.Sealer{recovery.Export{}, recovery.NewExport(random(64), nil), recovery.NewExport(nil, record(1)),
		recovery.NewExport(make([]byte, 64), record(1)), recovery.Passkey{}, recovery.Password{}} {
		_, err := k.Add(t.Context(), way)
		require.ErrorIs(t, err, recovery.ErrPolicy)
	}
	require.Equal(t, before, k.Bytes())
	weak := password(t, "correct horse")
	weak.Policy = kdf.Policy{}
	_, err := k.Add(t.Context(), weak)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	require.ErrorIs(t, err, kdf.ErrWeak)
}

// TestAttack_SecretsInLogs: what holds secrets redacts itself.
func TestAttack_SecretsInLogs(t *testing.T) {
	key, text, export, prf := []byte("sixteen key byte"), []byte("correct horse battery"), random(64), random(32)
	p := password(t, string(text))
	p = p.WithSecretKey(recovery.NewSecretKey())
	words, err := recovery.PhraseFromEntropy(append([]byte{0xff, 0xff}, random(14)...)) // "zoo", which no field is called
	require.NoError(t, err)
	file := recovery.NewFile()
	k := create(t, words, file)
	saved, err := recovery.ParseFile(file.Text())
	require.NoError(t, err)
	h := learn(t, k.Bytes(), words)
	sk := p.SecretKey()
	secrets := [][]byte{key, text, export, prf, []byte(words.Words()), words.Entropy(), file.ServerSecret(), []byte(file.Text()[40:]),
		[]byte(sk.Text()), h.seed, h.lineage, h.master}
	e := recovery.NewExport(export, record(1))
	passkey := recovery.Passkey{Salt: recovery.NewPasskeySalt(), CredentialID: []byte("credential"), RPID: "example.org"}.WithPRF(prf)
	for _, value := range []any{
		p, &p, e, &e, passkey, &passkey, words, *words, file, *file, saved, *saved, sk, *sk, k, pin(t, k),
		struct{ hidden *recovery.Phrase }{words}, struct{ hidden recovery.Phrase }{*words}, struct{ hidden *recovery.File }{file},
		struct{ hidden recovery.File }{*file}, struct{ hidden *recovery.SecretKey }{sk}, struct{ hidden recovery.SecretKey }{*sk},
		struct{ hidden *recovery.Keyring }{k}, []recovery.Sealer{p, e, passkey, words, file}, []recovery.Opener{&p, &e, &passkey},
	} {
		testvec.Redacted(t, value, secrets...)
	}
	require.Equal(t, "recovery.Password(redacted)", fmt.Sprint(p))
	require.Equal(t, "recovery.Keyring(redacted)", fmt.Sprintf("%#v", k))
	for _, err := range []error{recovery.ErrNotMine, openErr(t, k.Bytes(), phrase(t), pin(t, k)), errOf(recovery.ParsePhrase(words.Words() + "x")),
		errOf(recovery.ParseFile(file.Text() + file.Text())), errOf(recovery.ParseSecretKey(sk.Text() + "0"))} {
		testvec.Redacted(t, err, secrets...)
	}
}

func errOf[T any](_ T, err error) error { return err }

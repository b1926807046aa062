package recoverytest_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// A server without any of the account's keys makes headers. It has all that it
// ever stored, keys of its own, and everything of another account of the same
// user.

// TestAttack_ForgedHeader: a server makes headers with a master key and a
// lineage key of its own, and with what it knows of the slots, for devices with
// any checkpoint and for first use.
func TestAttack_ForgedHeader(t *testing.T) {
	v := victim(t)
	lineage, own := random(32), random(32)
	forgeries := map[string]func(p *parts) []byte{
		"own master key, own MACs": func(p *parts) []byte {
			sealAll(t, p, own)
			return p.Sign(lineage, own)
		},
		"own master key, the real MAC under L": func(p *parts) []byte {
			sealAll(t, p, own)
			return p.Sign(nil, own)
		},
		"own master key, the real MAC under MK": func(p *parts) []byte {
			sealAll(t, p, own)
			return p.Sign(lineage, nil)
		},
		"the real master key, own MACs": func(p *parts) []byte { return p.Sign(lineage, own) },
		"own public keys, the real wrapped seeds": func(p *parts) []byte {
			for i := range p.Slots {
				p.Slots[i].PublicKey = publicKeyOf(t, random(32))
			}
			sealAll(t, p, own)
			return p.Sign(lineage, own)
		},
		"own slots, the real ids": func(p *parts) []byte {
			for i := range p.Slots {
				p.Slots[i] = ownSlot(t, p.Account, p.Slots[i], lineage, random(64))
			}
			sealAll(t, p, own)
			return p.Sign(lineage, own)
		},
		"own slots, own ids": func(p *parts) []byte {
			for i := range p.Slots {
				p.Slots[i].ID = recovery.SlotID(random(16))
				p.Slots[i] = ownSlot(t, p.Account, p.Slots[i], lineage, random(64))
			}
			p.Sort()
			sealAll(t, p, own)
			return p.Sign(lineage, own)
		},
		"one slot of the server's": func(p *parts) []byte {
			_, err := p.AddSlot(t.Context(), nil, random(32), lineage)
			require.NoError(t, err)
			sealAll(t, p, own)
			return p.Sign(lineage, own)
		},
		"own history": func(p *parts) []byte {
			keys := map[uint32][]byte{}
			for e := range p.Epoch {
				keys[e+1] = random(32)
			}
			require.NoError(t, p.Rekey(p.Epoch, keys))
			return p.Sign(lineage, keys[p.Epoch])
		},
		"one epoch more": func(p *parts) []byte {
			require.NoError(t, p.Rekey(p.Epoch+1, map[uint32][]byte{p.Epoch + 1: own}))
			return p.Sign(lineage, own)
		},
		"MACs of zeros": func(p *parts) []byte {
			sealAll(t, p, own)
			p.MACs = [2][32]byte{}
			return p.Join()
		},
		"MACs exchanged": func(p *parts) []byte {
			p.MACs[0], p.MACs[1] = p.MACs[1], p.MACs[0]
			return p.Join()
		},
		"another floor": func(p *parts) []byte {
			p.Floor = p.Epoch
			return p.Join()
		},
		"epoch 1": func(p *parts) []byte {
			for i := range p.Slots {
				p.Slots[i].Born = 1
			}
			require.NoError(t, p.Rekey(1, map[uint32][]byte{1: own}))
			return p.Sign(lineage, own)
		},
	}
	for name, forge := range forgeries {
		for later := range uint64(3) {
			p := split(t, v.latest())
			if later > 0 {
				p = after(t, v.latest(), v.latest(), later)
			}
			forged := forge(p)
			for _, way := range v.names() {
				if !testvec.Long && strings.Contains(way, "pass") {
					continue
				}
				for i, c := range v.anySeen() {
					err := v.end(t, forged, v.ways[way], c)
					require.Error(t, err, "%s: %s, checkpoint %d, revision + %d", name, way, i+1, later)
					require.Error(t, v.follow(t, forged, way, c), "%s: %s, checkpoint %d, revision + %d", name, way, i+1, later)
				}
			}
		}
	}
}

// ownSlot is a slot like another one, that the server made with a key of its
// own.
func ownSlot(t testing.TB, account recovery.AccountID, s recoverytest.SlotParts, lineage, ikm []byte) recoverytest.SlotParts {
	seed := random(32)
	if slotNames[s.Type] != "device" {
		var err error
		s.Wrapped, err = slotKEK(t, &s, ikm).Wrap(t.Context(), slices.Concat(seed, lineage), slotBinding(account, &s))
		require.NoError(t, err)
	}
	s.PublicKey = publicKeyOf(t, seed)
	return s
}

// TestAttack_SplicedHeader: parts of genuine headers, of this account and of
// another one, are put together in new ways, with every MAC that there ever
// was.
func TestAttack_SplicedHeader(t *testing.T) {
	v, twin := victimAndTwin(t)
	ways := []string{"phrase", "device", "file"}
	if testvec.Long {
		ways = v.names()
	}
	splices := map[string]func(to, from *parts){
		"slots":   func(to, from *parts) { to.Slots = from.Slots },
		"history": func(to, from *parts) { to.Epoch, to.History = from.Epoch, from.History },
		"MACs":    func(to, from *parts) { to.MACs = from.MACs },
		"first MAC": func(to, from *parts) {
			to.MACs[0] = from.MACs[0]
		},
		"all but slots": func(to, from *parts) {
			slots := to.Slots
			*to = *from
			to.Slots = slots
		},
		"all but history": func(to, from *parts) {
			epoch, history := to.Epoch, to.History
			*to = *from
			to.Epoch, to.History = epoch, history
		},
		"all but account": func(to, from *parts) {
			account := to.Account
			*to = *from
			to.Account = account
		},
		"floor": func(to, from *parts) { to.Floor = from.Floor },
		"age":   func(to, from *parts) { to.Revision, to.Previous = from.Revision, from.Previous },
		"all but age": func(to, from *parts) {
			revision, previous := to.Revision, to.Previous
			*to = *from
			to.Revision, to.Previous = revision, previous
		},
		"one slot more": func(to, from *parts) {
			for _, s := range from.Slots {
				if to.Slot(s.ID) == nil {
					to.Slots = append(to.Slots, s)
					return
				}
			}
		},
		"one slot less": func(to, _ *parts) { to.Slots = to.Slots[1:] },
		"slot renamed":  func(to, _ *parts) { to.Slots[0].ID = recovery.SlotID(random(16)) },
		"ids exchanged": func(to, _ *parts) { to.Slots[0].ID, to.Slots[1].ID = to.Slots[1].ID, to.Slots[0].ID },
		"public parts exchanged": func(to, _ *parts) {
			a, b := &to.Slots[0], &to.Slots[1]
			a.PublicKey, a.Sealed, b.PublicKey, b.Sealed = b.PublicKey, b.Sealed, a.PublicKey, a.Sealed
		},
		"sealed keys of then": func(to, from *parts) {
			for i := range to.Slots {
				if s := from.Slot(to.Slots[i].ID); s != nil {
					to.Slots[i].Sealed = s.Sealed
				}
			}
		},
		"families of one": func(to, _ *parts) {
			for i := range to.Slots {
				to.Slots[i].Family = to.Slots[0].ID
			}
		},
	}
	for name, splice := range splices {
		for i, source := range slices.Concat(v.headers, twin.headers) {
			to := split(t, v.latest())
			splice(to, split(t, source))
			spliced := sorted(to)
			genuine := slices.ContainsFunc(v.headers, func(b []byte) bool { return bytes.Equal(b, spliced) })
			if !testvec.Long && !genuine && i%5 != 0 {
				continue
			}
			for _, way := range ways {
				for _, c := range []recovery.Checkpoint{v.latestSeen(), v.seen[4], v.seen[0], v.firstUse()} {
					err := v.end(t, spliced, v.ways[way], c)
					require.True(t, err != nil || genuine, "%s of %d", name, i)
					err = v.follow(t, spliced, way, c)
					require.True(t, err != nil || genuine, "%s of %d", name, i)
				}
			}
		}
	}
	// What is not in order does not parse.
	p := split(t, v.latest())
	slices.Reverse(p.Slots)
	requireIs(t, recovery.ErrMalformed, v.end(t, p.Join(), v.someWay(), v.firstUse()))
	p.Slots = append(p.Slots[:2:2], p.Slots[1:]...)
	requireIs(t, recovery.ErrMalformed, v.end(t, sorted(p), v.someWay(), v.firstUse()))
}

// TestAttack_AnotherAccount: a server hands out the header of another account
// of the same user, with the same password and phrase.
func TestAttack_AnotherAccount(t *testing.T) {
	v, twin := victimAndTwin(t)
	for i, header := range twin.headers {
		for name, way := range v.ways {
			for _, c := range v.anySeen() {
				requireIs(t, recovery.ErrOtherAccount, v.end(t, header, way, c))
				requireIs(t, recovery.ErrOtherAccount, v.follow(t, header, name, c))
			}
		}
		// With the number of this account on it.
		p := split(t, header)
		p.Account = v.account
		for name, way := range v.ways {
			requireIs(t, recovery.ErrWrongSecret, v.end(t, p.Join(), way, v.firstUse()), "%d: %s", i, name)
			for _, c := range v.seen {
				require.Error(t, v.end(t, p.Join(), way, c))
			}
		}
	}
	// A keyring that is new altogether.
	k := create(t, phrase())
	requireIs(t, recovery.ErrOtherAccount, v.end(t, bytesOf(k), v.someWay(), v.latestSeen()))
}

// TestAttack_OtherAccountOfTheServer: on first use a device learns the
// account's number from the server. A header of the server's own does not open
// with the user's secrets.
func TestAttack_OtherAccountOfTheServer(t *testing.T) {
	v := victim(t)
	guesses := []recovery.Sealer{password("wrong", nil), phrase(), export(0xe2), passkey(0xa2), recovery.NewFile(), new(heldDevice)}
	own := create(t, guesses...)
	for name, way := range v.ways {
		requireIs(t, recovery.ErrWrongSecret, openErr(t, bytesOf(own), way, firstUse(own)), name)
	}
	// With slots of the victim in it.
	p, theirs := split(t, bytesOf(own)), learn(t, bytesOf(own), guesses[1].(recovery.Opener))
	p.Slots = append(p.Slots, split(t, v.headers[0]).Slots...)
	p.Sort()
	require.NoError(t, p.Rekey(1, theirs.Masters))
	b := p.Sign(theirs.Lineage, theirs.Masters[1])
	for name, way := range v.ways {
		err := openErr(t, b, way, firstUse(own))
		require.Contains(t, []error{recovery.ErrWrongSecret, recovery.ErrUntrusted}, sentinel(err), "%s: %v", name, err)
	}
}

// TestAttack_Families: a server cannot say that slots belong together, so that
// a login would revoke good ones. Nor can a removed holder, for a device that
// has seen the removal.
func TestAttack_Families(t *testing.T) {
	v := victim(t)
	for _, name := range v.names() {
		mine := learn(t, v.latest(), v.ways[name]).Slot
		for what, family := range map[string]recovery.SlotID{"its own": mine, "another": recovery.SlotID(random(16))} {
			for later := range uint64(2) {
				p := split(t, v.latest())
				if later > 0 {
					p = after(t, v.latest(), v.latest(), later)
				}
				for i := range p.Slots {
					p.Slots[i].Family = family
				}
				for _, c := range []recovery.Checkpoint{v.latestSeen(), v.seen[4], v.firstUse()} {
					require.Error(t, v.end(t, p.Join(), v.ways[name], c), what)
				}
				p.Sign(v.goneKnew.Lineage, nil) // with the removed holder
				for _, c := range []recovery.Checkpoint{v.latestSeen(), v.seen[4], v.seen[3], v.firstUse()} {
					require.Error(t, v.end(t, p.Join(), v.ways[name], c), what)
				}
			}
		}
	}
	// With all keys, in the same epoch: another family is another slot.
	in := v.insider(t)
	p := after(t, v.latest(), v.latest(), 1)
	p.Slots[0].Family = recovery.SlotID(random(16))
	requireIs(t, recovery.ErrFork, v.end(t, p.Sign(in.Lineage, master(in, v.latest())), v.someWay(), v.latestSeen()))
	require.NoError(t, v.end(t, p.Join(), v.someWay(), v.firstUse()), "the lie is authentic")
}

// TestDeviceSlotForged: anyone can seal a master key to a device's public
// key. That does not make a header.
func TestDeviceSlotForged(t *testing.T) {
	v := victim(t)
	own := random(32)
	device := learn(t, v.latest(), v.ways["device"])
	for what, change := range map[string]func(p *parts, s *recoverytest.SlotParts){
		"sealed":       func(*parts, *recoverytest.SlotParts) {},
		"public key":   func(_ *parts, s *recoverytest.SlotParts) { s.PublicKey = publicKeyOf(t, random(32)) },
		"alone":        func(p *parts, s *recoverytest.SlotParts) { p.Slots = []recoverytest.SlotParts{*s} },
		"as another":   func(_ *parts, s *recoverytest.SlotParts) { s.ID = recovery.SlotID(random(16)) },
		"younger":      func(_ *parts, s *recoverytest.SlotParts) { s.Born++ },
		"a new family": func(_ *parts, s *recoverytest.SlotParts) { s.Family = recovery.SlotID(random(16)) },
	} {
		for _, lineage := range [][]byte{random(32), device.Seed, own, make([]byte, 32)} {
			p := after(t, v.latest(), v.latest(), 1)
			change(p, p.Slot(device.Slot))
			p.Sort()
			sealAll(t, p, own)
			for _, c := range v.anySeen() {
				err := v.end(t, p.Sign(lineage, own), v.ways["device"], c)
				require.Error(t, err, what)
				require.Error(t, v.follow(t, p.Join(), "device", c), what)
			}
		}
	}
	// The server knows what it has sealed, but not the seed, so it opens
	// nothing.
	s := split(t, v.latest()).Slot(device.Slot)
	require.Empty(t, s.Wrapped)
	require.Empty(t, s.Params)
}

// TestAttack_KeyFromThePassword: the keys of an account have nothing to do with
// any secret that opens it.
func TestAttack_KeyFromThePassword(t *testing.T) {
	p := password("correct horse", nil)
	inA, inB := learn(t, bytesOf(create(t, p)), p), learn(t, bytesOf(create(t, p)), p)
	for _, pair := range [][2][]byte{{inA.Lineage, inB.Lineage}, {inA.Seed, inB.Seed}, {inA.Masters[1], inB.Masters[1]},
		{inA.Seed, inA.Masters[1]}, {inA.Seed, inA.Lineage}, {inA.Lineage, inA.Masters[1]}} {
		requireUnrelated(t, pair[0], pair[1])
	}
	require.NotEqual(t, inA.Account, inB.Account)
	requireUnrelated(t, inA.Account[:], inB.Account[:])
	requireUnrelated(t, inA.Slot[:], inB.Slot[:])
}

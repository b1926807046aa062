package recoverytest_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// field is a field of a header's bytes.
type field struct {
	name     string
	slot     int // -1: of the header itself
	from, to int
}

// fieldsOf are all fields, in the order of the format.
func fieldsOf(t testing.TB, header []byte) (fs []field) {
	p, at := split(t, header), 0
	next := func(name string, slot, size int) {
		fs = append(fs, field{name, slot, at, at + size})
		at += size
	}
	next("magic", -1, 4)
	next("version", -1, 1)
	next("account", -1, 16)
	next("revision", -1, 8)
	next("epoch", -1, 4)
	next("floor", -1, 4)
	next("prevDigest", -1, 32)
	for range p.History {
		next("history entry", -1, 106)
	}
	next("number of slots", -1, 1)
	for i, s := range p.Slots {
		salt := min(32, len(s.Params))
		next("type", i, 1)
		next("flags", i, 1)
		next("id", i, 16)
		next("born", i, 4)
		next("family", i, 16)
		next("length of the body", i, 2)
		next("salt", i, salt)
		next("params", i, len(s.Params)-salt)
		next("wrapped seed", i, len(s.Wrapped))
		next("public key", i, 1216)
		next("enc", i, 1120)
		next("ct", i, 48)
	}
	next("HMAC under L", -1, 32)
	next("HMAC under MK", -1, 32)
	require.Equal(t, len(header), at)
	return fs
}

// mutation is a header in which one field has changed.
type mutation struct {
	what    string
	slot    int // of the field, -1 for the header's own
	changed []byte
}

// sample is which mutations are tried: all, or with -short one of so many.
type sample struct{ n, one int }

func (s *sample) skips() bool {
	s.n++
	return !testvec.Long && s.n%s.one != 0
}

// flips are all bits of the shortest fields, a bit of each byte of others, and
// of some bytes of long ones.
func flips(t testing.TB, header []byte, only sample, yield func(mutation)) {
	for _, f := range fieldsOf(t, header) {
		step, bits := 1, 1
		switch n := f.to - f.from; {
		case n > 200:
			step = 23
		case n <= 4:
			bits = 8
		}
		for i := f.from; i < f.to; i += step {
			for bit := range bits {
				if !only.skips() {
					b := bytes.Clone(header)
					b[i] ^= 1 << ((i - f.from + bit) % 8)
					yield(mutation{"flipped bit of " + f.name, f.slot, b})
				}
			}
		}
	}
}

// exchanges put other values of the same field in its place, and cut, double
// and extend it, with the length of the body as it was and with the right one.
func exchanges(t testing.TB, v, twin *world, header []byte, only sample, yield func(mutation)) {
	sources := map[string][]byte{"another account's": twin.latest(), "the old epoch's": v.headers[0], "the old revision's": v.headers[4]}
	fields := fieldsOf(t, header)
	for n, f := range fields {
		mine := header[f.from:f.to]
		try := func(what string, value []byte) {
			for _, fix := range []bool{false, true} {
				if bytes.Equal(mine, value) || only.skips() || fix && len(value) == len(mine) {
					continue
				}
				b := slices.Concat(header[:f.from], value, header[f.to:])
				if fix && f.slot >= 0 {
					fixLength(b, fields, n, len(value)-len(mine))
				}
				yield(mutation{what + " " + f.name, f.slot, b})
			}
		}
		for _, g := range fields {
			if g.name == f.name && g != f {
				try("another slot's", header[g.from:g.to])
			}
		}
		for whose, source := range sources {
			for _, g := range fieldsOf(t, source) {
				if g.name == f.name {
					try(whose, source[g.from:g.to])
				}
			}
		}
		if len(mine) > 0 {
			try("cut", mine[:len(mine)-1])
			try("beheaded", mine[1:])
			try("empty", nil)
			try("doubled", slices.Concat(mine, mine))
			try("zeroed", make([]byte, len(mine)))
		}
		try("longer", append(slices.Clone(mine), 0))
	}
}

// fixLength sets the length of the body after the n-th field has grown.
func fixLength(b []byte, fields []field, n, grown int) {
	for _, f := range fields[:n] {
		if f.slot == fields[n].slot && f.name == "length of the body" {
			binary.BigEndian.PutUint16(b[f.from:], uint16(int(binary.BigEndian.Uint16(b[f.from:]))+grown))
		}
	}
}

// TestAttack_MutationMatrix changes every field of a header in every way that a
// server can think of, and opens with the secret of the slot that was changed:
// with the checkpoint of this revision, of an older one, and on first use.
// Nothing passes.
func TestAttack_MutationMatrix(t *testing.T) {
	v, twin := victimAndTwin(t)
	header, of := v.latest(), v.namesBySlot(t)
	seen := []recovery.Checkpoint{v.firstUse(), v.seen[4], v.seen[1], v.latestSeen()}
	n := 0
	check := func(m mutation) {
		if bytes.Equal(header, m.changed) {
			return
		}
		// All checkpoints would take long for each bit. Each sees every field.
		n++
		name := of[max(m.slot, 0)]
		require.Error(t, v.end(t, m.changed, v.ways[name], seen[0]), m.what)
		require.Error(t, v.end(t, m.changed, v.ways[name], seen[1+n%3]), m.what)
		require.Error(t, v.follow(t, m.changed, name, seen[1+(n+1)%3]), m.what)
	}
	flips(t, header, sample{one: 23}, check)
	exchanges(t, v, twin, header, sample{one: 23}, check)
	for i := range header { // cut anywhere, and longer
		if i%997 == 0 || i > len(header)-70 || i < 70 {
			requireIs(t, recovery.ErrMalformed, v.end(t, header[:i], v.someWay(), seen[0]))
		}
	}
	requireIs(t, recovery.ErrMalformed, v.end(t, append(slices.Clone(header), 0), v.someWay(), seen[0]))
	requireIs(t, recovery.ErrMalformed, v.end(t, make([]byte, recovery.MaxHeader+1), v.someWay(), seen[0]))
	require.Greater(t, n, map[bool]int{false: 100, true: 4000}[testvec.Long])
}

// namesBySlot are the names of what opens the slots of the latest header.
func (w *world) namesBySlot(t testing.TB) []string {
	p := split(t, w.latest())
	of := make([]string, len(p.Slots))
	for name, way := range w.ways {
		id := learn(t, w.latest(), way).Slot
		for i := range p.Slots {
			if p.Slots[i].ID == id {
				of[i] = name
			}
		}
	}
	return of
}

// signed returns a header with both MACs made again, whatever its form.
func signed(b, lineage, master []byte) []byte {
	b = bytes.Clone(b[:len(b)-64])
	for _, key := range [][]byte{lineage, master} {
		b = append(b, headerMAC(key, b)...)
	}
	return b
}

func headerMAC(key, b []byte) []byte {
	mac := hmac.New(sha256.New, derived(key, "nescio/keyring/v1"))
	mac.Write(b)
	return mac.Sum(nil)
}

func derived(key []byte, label string) []byte { return must(hkdf.Key(sha256.New, key, nil, label, 32)) }

// TestBeneathTheMACs is the same matrix with MACs that are right, as somebody
// with access can make them. What belongs to the slot that opens must not
// change at all. Whatever else changes, the master keys are right or it is an
// error. A family is bound by the MACs alone, and so is the birth of a device's
// slot.
func TestBeneathTheMACs(t *testing.T) {
	v, twin := victimAndTwin(t)
	v.lenient = true
	of, in := v.namesBySlot(t), v.insider(t)
	now, opened := master(in, v.latest()), 0
	check := func(m mutation) {
		b := signed(m.changed, in.Lineage, now)
		if strings.Contains(m.what, "HMAC") || bytes.Equal(b, v.latest()) {
			return
		}
		name := of[max(m.slot, 0)]
		for i, c := range []recovery.Checkpoint{v.firstUse(), v.seen[0]} {
			err := v.end(t, b, v.ways[name], c)
			if err == nil {
				opened++
			}
			free := strings.HasSuffix(m.what, " family") || strings.HasSuffix(m.what, " born") && name == "device"
			unseen := i == 0 || name == "second password"
			if m.slot >= 0 && !(free && unseen) {
				require.Error(t, err, m.what)
			}
		}
	}
	flips(t, v.latest(), sample{one: 37}, check)
	exchanges(t, v, twin, v.latest(), sample{one: 37}, check)
	require.NotZero(t, opened)
}

// TestOtherSlotsMayBeRuined: what a secret needs is its own slot and the MACs.
// A slot that somebody with access has ruined locks nobody else out, and can be
// removed.
func TestOtherSlotsMayBeRuined(t *testing.T) {
	v := victim(t)
	in := v.insider(t)
	p := after(t, v.latest(), v.latest(), 1)
	masters := map[uint32][]byte{4: master(in, v.latest()), 5: random(32)}
	require.NoError(t, p.Rekey(5, masters))
	var ruined []recovery.SlotID
	for i := range p.Slots {
		if s := &p.Slots[i]; s.ID != in.Slot {
			s.Wrapped, s.PublicKey, s.Sealed = random(len(s.Wrapped)), bytes.Repeat([]byte{0xff}, 1216), random(1168)
			ruined = append(ruined, s.ID)
		}
	}
	b := p.Sign(in.Lineage, masters[5])
	k := open(t, b, v.someWay(), v.latestSeen())
	require.Error(t, openErr(t, b, v.ways["export"], v.latestSeen()))
	// A change that would seal to the public keys is refused.
	_, err := k.Edit(func(e *recovery.Edit) error { e.Rotate(); return nil })
	require.ErrorIs(t, err, recovery.ErrUntrusted)
	require.EqualValues(t, 6, revoke(t, k, ruined...).Epoch())
}

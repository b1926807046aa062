package recovery_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// mutation is a header in which one field has changed.
type mutation struct {
	what    string
	slot    int // of the field, -1 for the header's own
	changed *wire
}

// sample is which mutations are tried: all of them, or under -short one of so many.
type sample struct{ n, one int }

func (s *sample) skips() bool {
	s.n++
	return testing.Short() && s.n%s.one != 0
}

// flips are all bits of the shortest fields, a bit of each byte of others, and of some
// bytes of long ones.
func flips(t testing.TB, header []byte, only sample, yield func(mutation)) {
	w := takeApart(t, header)
	for _, f := range w.fields() {
		step, bits := 1, 1
		switch n := len(*f.at); {
		case n > 200:
			step = 23
		case n <= 4:
			bits = 8
		}
		for i := 0; i < len(*f.at); i += step {
			for bit := range bits {
				if only.skips() {
					continue
				}
				mask := byte(1) << ((i + bit) % 8)
				(*f.at)[i] ^= mask
				yield(mutation{"flipped bit of " + f.name, f.slot, w})
				(*f.at)[i] ^= mask
			}
		}
	}
}

// exchanges put other values of the same field in its place, and cut, double and
// extend it, with counts and lengths that are right and with those of before.
func exchanges(t testing.TB, v, twin *world, header []byte, only sample, yield func(mutation)) {
	sources := map[string]*wire{"another account's": takeApart(t, twin.latest()), "the old epoch's": takeApart(t, v.headers[0]),
		"the old revision's": takeApart(t, v.headers[len(v.headers)-2])}
	fields := takeApart(t, header).fields()
	for n, f := range fields {
		try := func(what string, value []byte) {
			for _, fix := range []bool{false, true} {
				if bytes.Equal(*f.at, value) || only.skips() {
					continue
				}
				w := takeApart(t, header)
				at := w.fields()[n].at
				*at = bytes.Clone(value)
				if fix {
					w.fix()
				}
				yield(mutation{what + " " + f.name, f.slot, w})
			}
		}
		mine := *f.at
		for _, g := range fields {
			if g.name == f.name && g.at != f.at {
				try("another slot's", *g.at)
			}
		}
		for whose, source := range sources {
			for _, g := range source.fields() {
				if g.name == f.name {
					try(whose, *g.at)
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

// TestAttack_MutationMatrix changes every field of a header in every way that a
// server can think of, and opens by the secret of the slot that was changed: with the
// pin of this revision, of an older one, and at first use nothing passes.
func TestAttack_MutationMatrix(t *testing.T) {
	v, twin := victimAndTwin(t)
	header := v.latest()
	of := v.waysBySlot(t)
	pins := []recovery.Pin{v.firstUse(), v.pins[4], v.pins[1], v.latestPin()}
	n := 0
	check := func(m mutation) {
		way := of[max(m.slot, 0)]
		b := m.changed.bytes()
		if bytes.Equal(header, b) {
			return // a length that was put right again
		}
		// All pins would take long for each bit; each pin sees every field.
		n++
		require.Error(t, v.end(t, b, way, pins[0]), m.what)
		require.Error(t, v.end(t, b, way, pins[1+n%3]), m.what)
	}
	flips(t, header, sample{one: 23}, check)
	exchanges(t, v, twin, header, sample{one: 23}, check)
	for i := range header { // cut anywhere, and longer
		if i%997 == 0 || i > len(header)-70 || i < 70 {
			require.Equal(t, recovery.ErrMalformed, v.end(t, header[:i], of[0], pins[0]))
		}
	}
	require.Equal(t, recovery.ErrMalformed, v.end(t, append(slices.Clone(header), 0), of[0], pins[0]))
	require.Equal(t, recovery.ErrMalformed, v.end(t, make([]byte, recovery.MaxHeader+1), of[0], pins[0]))
}

// waysBySlot are the ways in by the place of their slots in the latest header.
func (v *world) waysBySlot(t testing.TB) []recovery.Opener {
	w := takeApart(t, v.latest())
	of := make([]recovery.Opener, len(w.slots))
	for id, name := range v.wayOf(t) {
		i := slices.IndexFunc(w.slots, func(s *wireSlot) bool { return bytes.Equal(s.id, id[:]) })
		of[i] = v.ways[name]
	}
	return of
}

// TestBeneathTheMACs is the same matrix with MACs that are right: made by somebody
// who is in, or to see that each field is bound by itself. What belongs to the slot
// that opens must not change at all; whatever else changes, the master keys are right or
// it is an error. A device's slot has no wrap that its birth would be bound to.
func TestBeneathTheMACs(t *testing.T) {
	v, twin := victimAndTwin(t)
	of := v.waysBySlot(t)
	h := learn(t, v.latest(), v.someWay())
	check := func(m mutation) {
		if m.what == "flipped bit of HMAC under L" || m.what == "flipped bit of HMAC under MK" || len(m.changed.macL) != 32 || len(m.changed.macMK) != 32 {
			return
		}
		kept := [2][]byte{m.changed.macL, m.changed.macMK}
		b := m.changed.authenticate(h.lineage, h.master)
		m.changed.macL, m.changed.macMK = kept[0], kept[1]
		if bytes.Equal(b, v.latest()) {
			return
		}
		way := of[max(m.slot, 0)]
		for _, p := range []recovery.Pin{v.firstUse(), v.pins[0]} {
			err := v.end(t, b, way, p)
			if m.slot >= 0 && !(strings.HasSuffix(m.what, " born") && m.changed.slots[m.slot].kind() == recovery.SlotDevice) {
				require.Error(t, err, m.what)
			}
		}
	}
	flips(t, v.latest(), sample{one: 37}, check)
	exchanges(t, v, twin, v.latest(), sample{one: 37}, check)
}

// TestOtherSlotsMayChange: what one way in needs is its own slot and the MACs, so that
// the one beneath is no accident of the test above.
func TestOtherSlotsMayChange(t *testing.T) {
	v := victim(t)
	h := learn(t, v.latest(), v.someWay())
	w := takeApart(t, v.latest()).follow(v.latest(), 1)
	for _, s := range w.slots {
		if !bytes.Equal(s.id, h.id[:]) {
			s.wrapped, s.pk, s.enc, s.ct = randomWrap(len(s.wrapped)), random(pkSize), random(encSize), random(ctSize)
		}
	}
	b := w.authenticate(h.lineage, h.master)
	require.NoError(t, v.end(t, b, v.someWay(), v.latestPin()))
	require.Error(t, v.end(t, b, v.ways["export"], v.latestPin()))
	// A public key that is none: the change that would seal to it is refused, and
	// that slot can be removed.
	k := open(t, b, v.someWay(), v.latestPin())
	require.ErrorIs(t, k.Rotate(t.Context()), recovery.ErrUntrusted)
	require.Equal(t, b, k.Bytes())
}

// TestFormIsStrict: headers that no keyring writes are malformed, whatever their MACs.
func TestFormIsStrict(t *testing.T) {
	v := victim(t)
	h := learn(t, v.latest(), v.someWay())
	number := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	kind := func(w *wire, k recovery.SlotType) *wireSlot {
		return w.slots[slices.IndexFunc(w.slots, func(s *wireSlot) bool { return s.kind() == k })]
	}
	passkeyWith := func(name []byte, length int) func(w *wire) {
		return func(w *wire) {
			s := kind(w, recovery.SlotPasskey)
			s.params = slices.Concat(s.params[:64], []byte{byte(length)}, name)
		}
	}
	contacts := func(k, n byte, commitments int) func(w *wire) {
		return func(w *wire) {
			s := kind(w, recovery.SlotExport)
			s.typ, s.params = []byte{byte(recovery.SlotContacts)}, slices.Concat([]byte{k, n}, random(32*commitments))
		}
	}
	for what, change := range map[string]func(w *wire){
		"magic":                    func(w *wire) { w.magic = []byte("NSCP") },
		"version 2":                func(w *wire) { w.version = []byte{2} },
		"version 0":                func(w *wire) { w.version = []byte{0} },
		"account of 15":            func(w *wire) { w.accountLen, w.account = []byte{15}, w.account[:15] },
		"no account":               func(w *wire) { w.account = make([]byte, 16) },
		"revision 0":               func(w *wire) { w.revision = make([]byte, 8) },
		"revision 1 after another": func(w *wire) { w.revision = []byte{0, 0, 0, 0, 0, 0, 0, 1} },
		"revision 6 after none":    func(w *wire) { w.prev = make([]byte, 32) },
		"epoch 0":                  func(w *wire) { w.epoch, w.history = number(0), nil },
		"longer than its epochs":   func(w *wire) { w.setEpoch(2) },
		"a gap in the history":     func(w *wire) { w.history = slices.Delete(w.history, 1, 2) },
		"history in reverse":       func(w *wire) { slices.Reverse(w.history) },
		"history of the present":   func(w *wire) { w.setEpoch(3) },
		"history of the past":      func(w *wire) { w.history = w.history[:1] },
		"history from epoch -1 on": func(w *wire) {
			w.history = append([]*wireEntry{{number(0xffffffff), randomWrap(106)}, {number(0), randomWrap(106)}}, w.history...)
		},
		"a slot twice":               func(w *wire) { w.slots = append(w.slots, w.slots[0]) },
		"a slot of the future":       func(w *wire) { w.slots[0].born = number(5) },
		"born in epoch 0":            func(w *wire) { w.slots[0].born = number(0) },
		"no slots":                   func(w *wire) { w.slots = nil },
		"type 0":                     func(w *wire) { kind(w, recovery.SlotDevice).typ = []byte{0} },
		"type 8":                     func(w *wire) { kind(w, recovery.SlotFile).typ = []byte{8} },
		"flag 1 of a password":       func(w *wire) { kind(w, recovery.SlotPassword).flags = []byte{2} },
		"flags of an export":         func(w *wire) { kind(w, recovery.SlotExport).flags = []byte{1} },
		"flags of a phrase":          func(w *wire) { kind(w, recovery.SlotPhrase).flags = []byte{1} },
		"flags of a file":            func(w *wire) { kind(w, recovery.SlotFile).flags = []byte{1} },
		"flags of a device":          func(w *wire) { kind(w, recovery.SlotDevice).flags = []byte{1} },
		"flag 1 of a passkey":        func(w *wire) { kind(w, recovery.SlotPasskey).flags = []byte{2} },
		"a phrase of 15 bytes":       func(w *wire) { kind(w, recovery.SlotPhrase).params = []byte{15} },
		"a phrase of 24 bytes":       func(w *wire) { kind(w, recovery.SlotPhrase).params = []byte{24} },
		"a phrase with more":         func(w *wire) { kind(w, recovery.SlotPhrase).params = []byte{16, 0} },
		"a phrase with less":         func(w *wire) { kind(w, recovery.SlotPhrase).params = nil },
		"a file with params":         func(w *wire) { kind(w, recovery.SlotFile).params = []byte{0} },
		"a file without salt":        func(w *wire) { kind(w, recovery.SlotFile).salt = nil },
		"a device with params":       func(w *wire) { kind(w, recovery.SlotDevice).params = []byte{0} },
		"a device with a wrap":       func(w *wire) { kind(w, recovery.SlotDevice).wrapped = random(wrappedSize) },
		"an export of 31":            func(w *wire) { kind(w, recovery.SlotExport).params = random(31) },
		"an export of 33":            func(w *wire) { kind(w, recovery.SlotExport).params = random(33) },
		"a name of 0":                passkeyWith(nil, 0),
		"a name of 254":              passkeyWith(bytes.Repeat([]byte{'a'}, 254), 254),
		"a name with more behind":    passkeyWith([]byte("example.org"), 10),
		"a name that is too short":   passkeyWith([]byte("example.org"), 12),
		"contacts, k of 0":           contacts(0, 3, 3),
		"contacts, k above n":        contacts(4, 3, 3),
		"contacts, n of 33":          contacts(2, 33, 33),
		"contacts, a share too few":  contacts(3, 5, 4),
		"contacts, a share too many": contacts(3, 5, 6),
		"contacts without":           func(w *wire) { contacts(2, 3, 0)(w); kind(w, recovery.SlotContacts).params = nil },
		"25 slots": func(w *wire) {
			for len(w.slots) < 25 {
				s := *kind(w, recovery.SlotDevice)
				s.id = random(16)
				w.slots = append(w.slots, &s)
			}
		},
	} {
		w := takeApart(t, v.latest())
		change(w)
		if what != "history in reverse" {
			w.fix()
		}
		_, err := recovery.ParseHeader(w.authenticate(h.lineage, h.master))
		require.Equal(t, recovery.ErrMalformed, err, what)
	}
	for what, change := range map[string]func(w *wire){
		"1 contact of 1":  contacts(1, 1, 1),
		"1 contact of 3":  contacts(1, 3, 3),
		"contacts of 32":  contacts(2, 32, 32),
		"all of 32":       contacts(32, 32, 32),
		"a name of 253":   passkeyWith(bytes.Repeat([]byte{'a'}, 253), 253),
		"a name of 1":     passkeyWith([]byte("a"), 1),
		"a shorter past":  func(w *wire) { w.history = w.history[1:] },
		"no past":         func(w *wire) { w.history = nil },
		"a long phrase":   func(w *wire) { kind(w, recovery.SlotPhrase).params = []byte{32} },
		"born long ago":   func(w *wire) { w.slots[0].born = number(4) },
		"unverified user": func(w *wire) { kind(w, recovery.SlotPasskey).flags = []byte{0} },
		"24 slots": func(w *wire) {
			for len(w.slots) < 24 {
				s := *kind(w, recovery.SlotDevice)
				s.id = random(16)
				w.slots = append(w.slots, &s)
			}
		},
	} {
		w := takeApart(t, v.latest())
		change(w)
		header, err := recovery.ParseHeader(w.fix().bytes())
		require.NoError(t, err, what)
		require.Equal(t, w.bytes(), header.Bytes())
		require.Len(t, header.Slots(), len(w.slots))
	}
}

package recovery_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

func refuseHeader(t testing.TB, b []byte, why string) {
	t.Helper()
	h, err := recovery.ParseHeader(b)
	require.Equal(t, recovery.ErrMalformed, err, why)
	require.Nil(t, h)
}

// TestHeaderFields: a header shows what is written in it.
func TestHeaderFields(t *testing.T) {
	k, _ := everySlot(t)
	k = rotated(t, k)
	before := k.Header()
	k = edit(t, k, func(e *recovery.Edit) error { return e.CloseBefore(2) })
	for _, h := range []*recovery.Header{k.Header(), parse(t, k.Header().Bytes())} {
		r := refParse(h.Bytes())
		account, digest, prev := h.Account(), h.Digest(), h.Previous()
		require.Equal(t, r.account, account[:])
		require.Equal(t, r.digest, digest[:])
		require.Equal(t, r.prev, prev[:])
		require.Equal(t, before.Digest(), prev)
		require.Equal(t, []any{r.revision, r.epoch, r.floor}, []any{h.Revision(), h.Epoch(), h.Floor()})
		require.Equal(t, []any{uint64(4), uint32(2), uint32(2)}, []any{h.Revision(), h.Epoch(), h.Floor()})
		slots := h.Slots()
		require.Len(t, slots, len(r.slots))
		for i, s := range slots {
			want := r.slots[i]
			require.Equal(t, refNames[want.kind], s.Type)
			require.Equal(t, want.flags, s.Flags)
			require.Equal(t, want.id, s.ID[:])
			require.Equal(t, want.born, s.Born)
			require.Equal(t, want.family, s.Family[:])
			require.True(t, bytes.Equal(want.params, s.Params))
			require.True(t, bytes.Equal(want.wrapped, s.Wrapped))
		}
	}
}

// TestHeaderIsImmutable: its methods return copies, and an Opener gets copies.
func TestHeaderIsImmutable(t *testing.T) {
	k, openers := everySlot(t)
	k = rotated(t, k)
	want := k.Header().Bytes()
	raw := bytes.Clone(want)
	h := parse(t, raw)
	for _, b := range [][]byte{raw, h.Bytes(), k.Header().Bytes()} {
		clear(b)
	}
	for _, slots := range [][]recovery.Slot{h.Slots(), k.Slots(), k.Header().Slots()} {
		for i := range slots {
			clear(slots[i].Params)
			clear(slots[i].Wrapped)
			slots[i] = recovery.Slot{}
		}
	}
	_, err := recovery.Open(t.Context(), h, vandal{}, recovery.TrustOnFirstUse(h.Account()))
	require.Equal(t, recovery.ErrWrongSecret, err)
	for _, h := range []*recovery.Header{h, k.Header()} {
		require.Equal(t, want, h.Bytes())
		require.Equal(t, want[:len(want)-64], must(recovery.Encode(h)))
		requireSame(t, k, must(recovery.Open(t.Context(), h, openers["file"], k.Checkpoint())))
	}
}

// vandal is an Opener that overwrites its arguments.
type vandal struct{}

func (vandal) Open(_ context.Context, b wrap.Binding, s recovery.Slot) ([]byte, error) {
	clear(s.Params)
	clear(s.Wrapped)
	clear(b.Account)
	clear(b.Item)
	return nil, recovery.ErrWrongSecret
}

// TestHeaderLengths: no prefix of a header is a header, and nothing may follow.
func TestHeaderLengths(t *testing.T) {
	k, _ := everySlot(t)
	b := rotated(t, k).Header().Bytes()
	for n, wrong := range enumerate(testvec.Lengths(b)) {
		if n%13 == 0 || !testing.Short() || n > len(b)-100 {
			refuseHeader(t, wrong, "length")
		}
	}
	refuseHeader(t, make([]byte, recovery.MaxHeader+1), "long")
}

func enumerate(seq func(func([]byte) bool)) func(func(int, []byte) bool) {
	return func(yield func(int, []byte) bool) {
		n := 0
		seq(func(b []byte) bool {
			n++
			return yield(n-1, b)
		})
	}
}

// TestHeaderStrict: ParseHeader refuses every field that no keyring writes, and
// takes the values beside it.
func TestHeaderStrict(t *testing.T) {
	k := create(t, phrase(), exportKey(1), passkey(1), password("p"), recovery.NewFile(), contactsOf(2, 3))
	k, _ = addDevice(t, k)
	for range 5 {
		k = rotated(t, k)
	}
	right := k.Header().Bytes()
	r := refParse(right)
	zero := make([]byte, 32)
	u32 := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	u64 := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	put := func(at int, b []byte) []byte {
		out := bytes.Clone(right)
		copy(out[at:], b)
		return out
	}
	good := func(b []byte, why string) {
		t.Helper()
		_, err := recovery.ParseHeader(b)
		require.NoError(t, err, why)
	}
	good(right, "unchanged")
	refuseHeader(t, put(0, []byte("NSCP")), "magic")
	for _, version := range []byte{0, 2, 255} {
		refuseHeader(t, put(4, []byte{version}), "version")
	}
	refuseHeader(t, put(5, zero[:16]), "no account")
	refuseHeader(t, put(21, u64(0)), "no revision")
	refuseHeader(t, put(21, u64(1)), "a first header with a predecessor")
	refuseHeader(t, put(21, u64(uint64(r.epoch)-1)), "more epochs than revisions")
	good(put(21, u64(uint64(r.epoch))), "as many epochs as revisions")
	good(put(21, u64(1<<64-1)), "the last revision")
	refuseHeader(t, put(29, u32(0)), "no epoch")
	for _, epoch := range []uint32{1, r.epoch - 1, r.epoch + 1, 1<<32 - 1} { // the history has another length
		refuseHeader(t, put(29, u32(epoch)), "epoch")
	}
	refuseHeader(t, put(33, u32(0)), "no floor")
	refuseHeader(t, put(33, u32(r.epoch+1)), "a floor above the epoch")
	good(put(33, u32(r.epoch)), "a floor at the epoch")
	refuseHeader(t, put(37, zero), "a later header without a predecessor")

	count := 69 + 106*len(r.history)
	for _, n := range []byte{0, byte(len(r.slots)) - 1, byte(len(r.slots)) + 1, 25, 255} {
		refuseHeader(t, put(count, []byte{n}), "number of slots")
	}
	at := count + 1
	for _, s := range r.slots {
		for typ := range 256 {
			if byte(typ) != s.kind {
				b := put(at, []byte{byte(typ)})
				// A file has no parameters that differ, and random commitments
				// of contacts may have the form of a passkey's.
				if s.kind != 4 && typ != 4 && !(s.kind == 7 && typ == 5) || typ > 7 || typ == 0 {
					refuseHeader(t, b, refNames[s.kind])
				}
			}
		}
		for flags := range 256 {
			b := put(at+1, []byte{byte(flags)})
			if flags > 1 || flags == 1 && s.kind != 1 && s.kind != 5 {
				refuseHeader(t, b, "flags of "+refNames[s.kind])
			} else {
				good(b, "flags")
			}
		}
		refuseHeader(t, put(at+2, zero[:16]), "no id")
		refuseHeader(t, put(at+18, u32(0)), "not born")
		refuseHeader(t, put(at+18, u32(r.epoch+1)), "born later")
		good(put(at+18, u32(r.epoch)), "born now")
		good(put(at+22, random(16)), "any family")
		n := 1216 + 1168 + len(s.params) + len(s.wrapped)
		for _, wrong := range []int{0, 1216 + 1168 - 1, n - 1, n + 1, 1<<16 - 1} {
			refuseHeader(t, put(at+38, refU16(wrong)), "body of "+refNames[s.kind])
		}
		at += 40 + n
	}
	for i := range r.slots[1:] {
		swapped := refParse(right)
		swapped.slots[i], swapped.slots[i+1] = swapped.slots[i+1], swapped.slots[i]
		refuseHeader(t, swapped.encode(zero, zero), "order of ids")
		twice := refParse(right)
		twice.slots[i].id = twice.slots[i+1].id
		refuseHeader(t, twice.encode(zero, zero), "an id twice")
	}
}

// TestHeaderSlotParams: a header with parameters that a type does not have is
// malformed.
func TestHeaderSlotParams(t *testing.T) {
	k := create(t, phrase(), exportKey(1), passkey(1), password("p"), recovery.NewFile(), contactsOf(2, 3))
	zero := make([]byte, 32)
	changed := func(kind byte, f func(p []byte) []byte) []byte {
		h := refParse(k.Header().Bytes())
		for i := range h.slots {
			if h.slots[i].kind == kind {
				h.slots[i].params = f(bytes.Clone(h.slots[i].params))
			}
		}
		return h.encode(zero, zero)
	}
	set := func(at int, b ...byte) func([]byte) []byte {
		return func(p []byte) []byte { return append(append(p[:at:at], b...), p[at+len(b):]...) }
	}
	for kind := byte(1); kind <= 7; kind++ {
		if kind == 6 {
			continue
		}
		refuseHeader(t, changed(kind, func(p []byte) []byte { return append(p, 0) }), "longer "+refNames[kind])
		for n := range 32 {
			refuseHeader(t, changed(kind, func(p []byte) []byte { return p[:n] }), "short "+refNames[kind])
		}
		if kind != 4 {
			refuseHeader(t, changed(kind, func(p []byte) []byte { return p[:len(p)-1] }), "shorter "+refNames[kind])
		}
	}
	for _, n := range []byte{0, 15, 17, 24, 31, 33, 64} {
		refuseHeader(t, changed(3, set(32, n)), "entropy")
	}
	_, err := recovery.ParseHeader(changed(3, set(32, 32)))
	require.NoError(t, err)
	refuseHeader(t, changed(5, func(p []byte) []byte { return append(p[:96], 0) }), "no relying party")
	refuseHeader(t, changed(5, func(p []byte) []byte { return append(append(p[:96], 254), make([]byte, 254)...) }), "long relying party")
	_, err = recovery.ParseHeader(changed(5, func(p []byte) []byte { return append(append(p[:96], 253), make([]byte, 253)...) }))
	require.NoError(t, err)
	for _, kn := range [][2]byte{{0, 3}, {4, 3}, {2, 2}, {2, 4}, {3, 0}, {255, 3}} {
		refuseHeader(t, changed(7, set(32, kn[0], kn[1])), "contacts")
	}
	for at, b := range map[int][]byte{
		32: {0, 14}, 33: {12}, 34: {'k'}, 35: {2}, 36: {0}, 37: {0, 0, 0, 7}, 41: {0, 0, 0, 0}, 45: {0}, 46: {1},
	} {
		refuseHeader(t, changed(1, set(at, b...)), "KDF")
	}
}

package recoverytest_test

import (
	"slices"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// replaced puts other bytes in the place of some bytes at an offset. Headers
// are too long to be mutated as a whole.
func replaced(b []byte, at uint32, cut uint16, put []byte) []byte {
	i := min(int(at%(1<<17)), len(b))
	j := min(i+int(cut), len(b))
	return slices.Concat(b[:i], put, b[j:])
}

// FuzzOpen: a header that was altered opens with the account's master keys, or
// not at all, whatever the device has seen.
func FuzzOpen(f *testing.F) {
	v := victim(f)
	names := []string{"phrase", "device", "file", "export", "passkey"}
	header := v.latest()
	for i := range names {
		for _, field := range fieldsOf(f, header) {
			if i > 0 && (field.slot > 1 || field.to-field.from > 50) {
				continue
			}
			size := uint16(field.to - field.from)
			f.Add(uint8(i), uint8(0), uint32(field.from), size, make([]byte, size))
			f.Add(uint8(i), uint8(5), uint32(field.from), size, []byte(nil))
			f.Add(uint8(i), uint8(6), uint32(field.from), uint16(0), header[field.from:field.to])
		}
	}
	f.Fuzz(func(t *testing.T, name, seen uint8, at uint32, cut uint16, put []byte) {
		b := replaced(header, at, cut, put)
		who, c := names[int(name)%len(names)], v.anySeen()[int(seen)%len(v.anySeen())]
		err, followed := v.end(t, b, v.ways[who], c), v.follow(t, b, who, c)
		if !slices.Equal(b, header) {
			require.Error(t, err, "nobody else has the keys")
			require.Error(t, followed)
		}
	})
}

// FuzzUnwrap: a blob that was altered opens nothing.
func FuzzUnwrap(f *testing.F) {
	k := create(f, phrase())
	next := rotate(f, rotate(f, k))
	blobs := [][]byte{must(k.Wrap(secretOf(1), note)), must(next.Wrap(secretOf(2), note)), must(next.Rewrap(must(k.Wrap(secretOf(1), note)), note))}
	for i := range blobs {
		for _, at := range []uint32{0, 1, 2, 5, 6, 9, 10, 11, 12, 36, 68, 90} {
			f.Add(uint8(i), at, uint16(1), []byte{1})
			f.Add(uint8(i), at, uint16(4), []byte{0, 0, 0, 3})
			f.Add(uint8(i), at, uint16(200), []byte(nil))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint32, cut uint16, put []byte) {
		genuine := blobs[int(which)%len(blobs)]
		b := replaced(genuine, at, cut, put)
		secret, err := next.Unwrap(b, note)
		old, errOld := next.UnwrapOld(b, note)
		again, errAgain := next.Rewrap(b, note)
		if slices.Equal(b, genuine) {
			require.NoError(t, errOld)
			return
		}
		require.True(t, secret == nil && old == nil && again == nil)
		for _, err := range []error{err, errOld, errAgain} {
			require.NotNil(t, sentinel(err), err)
		}
	})
}

// FuzzCheckpoint: what parses is all that there is, and no checkpoint makes
// Open panic.
func FuzzCheckpoint(f *testing.F) {
	v := victim(f)
	for _, c := range v.seen {
		f.Add(must(c.MarshalBinary()))
		f.Add(slices.Concat([]byte("U\x01"), must(v.seen[0].MarshalBinary()), must(c.MarshalBinary())))
	}
	h := parse(f, v.latest())
	f.Fuzz(func(t *testing.T, b []byte) {
		var c recovery.Checkpoint
		if err := c.UnmarshalBinary(b); err != nil {
			requireIs(t, recovery.ErrMalformed, err)
			require.Zero(t, c)
			return
		}
		require.Equal(t, b, must(c.MarshalBinary()))
		k, err := recovery.Open(t.Context(), h, v.someWay(), c)
		require.Equal(t, err == nil, k != nil)
		require.True(t, err == nil || sentinel(err) != nil, err)
	})
}

// FuzzSplit: Split takes every header apart that package recovery parses, and
// Join puts it together again.
func FuzzSplit(f *testing.F) {
	header := bytesOf(rotate(f, create(f, phrase(), export(1), passkey(1), new(heldDevice), password("x", nil))))
	for _, field := range fieldsOf(f, header) {
		f.Add(uint32(field.from), uint16(1), []byte{0xff})
		f.Add(uint32(field.from), uint16(field.to-field.from), []byte(nil))
	}
	f.Fuzz(func(t *testing.T, at uint32, cut uint16, put []byte) {
		b := replaced(header, at, cut, put)
		p, err := recoverytest.Split(b)
		if err != nil {
			require.Nil(t, p)
			_, err := recovery.ParseHeader(b)
			requireIs(t, recovery.ErrMalformed, err)
			return
		}
		require.Equal(t, b, p.Join())
	})
}

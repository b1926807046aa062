package decoy_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"testing"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/stretchr/testify/require"
)

var key = bytes.Repeat([]byte{7}, decoy.KeySize)

func TestFormula(t *testing.T) {
	mac := hmac.New(sha512.New, key)
	mac.Write([]byte("\x08protocolalice"))
	want := mac.Sum(nil)
	require.Equal(t, want, decoy.Bytes(key, "protocol", []byte("alice")))
	require.InDelta(t, float64(binary.BigEndian.Uint64(want))/(1<<64), decoy.Fraction(key, "protocol", []byte("alice")), 1e-15)
}

func TestValidKey(t *testing.T) {
	require.True(t, decoy.ValidKey(key))
	for _, bad := range [][]byte{nil, key[1:], append(bytes.Clone(key), 1), make([]byte, 32)} {
		require.False(t, decoy.ValidKey(bad))
	}
}

// TestPick: each is drawn by its weight, in any unit, and one with a weight of 0
// never, and without changing the others.
func TestPick(t *testing.T) {
	const names = 4000
	counts := make([]int, 4)
	for i := range names {
		index := decoy.Pick(key, id(i), []uint32{0, 1, 0, 3})
		require.Equal(t, index, decoy.Pick(key, id(i), []uint32{0, 1, 0, 3}))
		require.Equal(t, index, 1+decoy.Pick(key, id(i), []uint32{1, 0, 3}))
		require.Equal(t, index, decoy.Pick(key, id(i), []uint32{0, 1 << 30, 0, 3 << 30}))
		counts[index]++
		require.Zero(t, decoy.Pick(key, id(i), []uint32{5}))
		require.Equal(t, 1, decoy.Pick(key, id(i), []uint32{0, 1<<32 - 1}))
		require.Equal(t, 1, decoy.Pick(key, id(i), []uint32{0, 7, 0}))
	}
	require.Zero(t, counts[0]+counts[2])
	require.InDelta(t, names/4, counts[1], 120)
}

// TestPickMovesAsAccountsDo: as the weight of the newest rises, names move to it, and
// in no other way.
func TestPickMovesAsAccountsDo(t *testing.T) {
	for i := range 1000 {
		before := decoy.Pick(key, id(i), []uint32{30, 50}) + 1 // a third is not there yet
		moved := false
		for _, newest := range []uint32{0, 10, 100, 1000, 1 << 31} {
			now := decoy.Pick(key, id(i), []uint32{newest, 30, 50})
			if now == 0 {
				moved = true
				continue
			}
			require.False(t, moved, "it came back")
			require.Equal(t, before, now)
		}
	}
}

func id(i int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(i)) }

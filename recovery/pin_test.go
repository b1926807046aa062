package recovery_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// The offsets of a pin's fields.
const (
	pinAccount  = 2
	pinRevision = pinAccount + 16
	pinDigest   = pinRevision + 8
	pinEpoch    = pinDigest + 32
	pinMKID     = pinEpoch + 4
	pinCount    = pinMKID + 16
	pinCosts    = pinCount + 1
	pinCost     = 16 + 1 + 8
)

func pinBytes(t testing.TB, p recovery.Pin) []byte {
	b, err := p.MarshalBinary()
	require.NoError(t, err)
	return b
}

// pinOf is the pin of a keyring with n passwords.
func pinOf(t testing.TB, n int) []byte {
	k := create(t, phrase(t))
	for range n {
		_, err := k.Add(t.Context(), password(t, "correct horse"))
		require.NoError(t, err)
	}
	return pinBytes(t, pin(t, k))
}

func refusePin(t testing.TB, b []byte, why string) {
	t.Helper()
	var p recovery.Pin
	require.Equal(t, recovery.ErrMalformed, p.UnmarshalBinary(b), why)
	require.Zero(t, p)
}

func TestPin(t *testing.T) {
	for n := range recovery.MaxPasswords + 1 {
		b := pinOf(t, n)
		require.Len(t, b, 79+25*n)
		var p recovery.Pin
		require.NoError(t, p.UnmarshalBinary(b))
		require.Equal(t, b, pinBytes(t, p))
		require.Equal(t, [16]byte(account), p.Account())
		require.EqualValues(t, 1, p.Revision())
		for wrong := range testvec.Lengths(b) {
			refusePin(t, wrong, "length")
		}
	}
}

// TestPinOpens: a pin that was stored is as good as the one that was made.
func TestPinOpens(t *testing.T) {
	k, ways := everyWay(t)
	require.NoError(t, k.Rotate(t.Context()))
	var p recovery.Pin
	require.NoError(t, p.UnmarshalBinary(pinBytes(t, pin(t, k))))
	require.Equal(t, pin(t, k), p)
	header := k.Bytes()
	for _, way := range ways {
		requireSame(t, k, open(t, header, way, p), 2)
	}
}

func TestPinStrict(t *testing.T) {
	b := pinOf(t, 2)
	changed := func(at int, value ...byte) []byte {
		return append(append(bytes.Clone(b[:at]), value...), b[at+len(value):]...)
	}
	refusePin(t, changed(0, 'K'), "kind")
	refusePin(t, changed(1, 2), "version")
	refusePin(t, changed(1, 0), "version")
	refusePin(t, changed(pinAccount, make([]byte, 16)...), "no account")
	refusePin(t, changed(pinRevision, make([]byte, 8)...), "no revision")
	refusePin(t, changed(pinEpoch, make([]byte, 4)...), "no epoch")
	refusePin(t, changed(pinCount, 1), "fewer than there are")
	refusePin(t, changed(pinCount, 3), "more than there are")
	refusePin(t, changed(pinCosts+16, 0), "no algorithm")
	refusePin(t, changed(pinCosts+16, 4), "an unknown algorithm")
	refusePin(t, changed(pinCosts+17, make([]byte, 8)...), "no cost")
	refusePin(t, changed(pinCosts+pinCost+17, make([]byte, 8)...), "no cost")
	first, second := b[pinCosts:pinCosts+pinCost], b[pinCosts+pinCost:]
	refusePin(t, slices.Concat(b[:pinCosts], second, first), "not sorted")
	refusePin(t, slices.Concat(b[:pinCosts], first, first), "a slot twice")
	refusePin(t, slices.Concat(b[:pinCosts], first, first[:16], second[16:]), "a slot twice, with another cost")
	many := bytes.Clone(b[:pinCosts])
	for i := range byte(5) {
		many = append(append(many, bytes.Repeat([]byte{i + 1}, 16)...), second[16:]...)
	}
	many[pinCount] = 5
	refusePin(t, many, "more than a keyring has")
	many[pinCount] = 4
	var p recovery.Pin
	require.NoError(t, p.UnmarshalBinary(many[:len(many)-pinCost]))

	// After an error it is as before.
	require.NoError(t, p.UnmarshalBinary(b))
	require.Equal(t, recovery.ErrMalformed, p.UnmarshalBinary(many))
	require.Equal(t, b, pinBytes(t, p))
}

// TestPinFields: what the accessors say is what is written.
func TestPinFields(t *testing.T) {
	b := pinOf(t, 0)
	copy(b[pinAccount:], bytes.Repeat([]byte{7}, 16))
	binary.BigEndian.PutUint64(b[pinRevision:], 1<<63+5)
	binary.BigEndian.PutUint32(b[pinEpoch:], 1<<31+5)
	var p recovery.Pin
	require.NoError(t, p.UnmarshalBinary(b))
	require.Equal(t, [16]byte(bytes.Repeat([]byte{7}, 16)), p.Account())
	require.EqualValues(t, uint64(1<<63+5), p.Revision())
	require.Equal(t, b, pinBytes(t, p))
}

// TestNoPin: the zero Pin and FirstUse are not to be kept, and a FirstUse of no
// account opens nothing.
func TestNoPin(t *testing.T) {
	for _, p := range []recovery.Pin{{}, recovery.FirstUse(account)} {
		_, err := p.MarshalBinary()
		require.ErrorIs(t, err, recovery.ErrPin)
		require.Zero(t, p.Revision())
	}
	require.Equal(t, [16]byte(account), recovery.FirstUse(account).Account())
	way := phrase(t)
	header := create(t, way).Bytes()
	for _, account := range [][]byte{nil, account[:15], append(bytes.Clone(account), 0), make([]byte, 16)} {
		require.Zero(t, recovery.FirstUse(account))
		require.ErrorIs(t, openErr(t, header, way, recovery.FirstUse(account)), recovery.ErrPin)
	}
	require.ErrorIs(t, openErr(t, header, way, recovery.Pin{}), recovery.ErrPin)
}

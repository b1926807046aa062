package recovery_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// The offsets of a checkpoint's fields.
const (
	atAccount  = 2
	atRevision = 18
	atDigest   = 26
	atEpoch    = 58
	atFloor    = 62
	atMKID     = 66
	atCount    = 82
	atSlots    = 83
)

func refuseCheckpoint(t testing.TB, b []byte, why string) {
	t.Helper()
	var c recovery.Checkpoint
	require.Equal(t, recovery.ErrMalformed, c.UnmarshalBinary(b), why)
	require.Zero(t, c, why)
}

func readCheckpoint(t testing.TB, b []byte) (c recovery.Checkpoint) {
	t.Helper()
	require.NoError(t, c.UnmarshalBinary(b))
	return c
}

// checkpointed is a keyring of some slots and epochs, with a floor.
func checkpointed(t testing.TB) (*recovery.Keyring, map[string]recovery.Opener) {
	t.Helper()
	k, openers := everySlot(t)
	k = rotated(t, rotated(t, k))
	return edit(t, k, func(e *recovery.Edit) error { return e.CloseBefore(2) }), openers
}

// TestCheckpointForm: the bytes are those of FORMAT.md and read back.
func TestCheckpointForm(t *testing.T) {
	k, openers := checkpointed(t)
	h := refParse(k.Header().Bytes())
	_, master := recovery.KeysOf(k)
	b := must(k.Checkpoint().MarshalBinary())
	require.Equal(t, h.refCheckpoint(refMKID(master)), b)
	c := readCheckpoint(t, b)
	require.Equal(t, k.Checkpoint(), c)
	require.Equal(t, k.Account(), c.Account())
	require.Equal(t, k.Header().Revision(), c.Revision())
	for _, o := range openers {
		requireSame(t, k, open(t, k.Header(), o, c))
	}
	text := must(c.MarshalText())
	require.Equal(t, base64.StdEncoding.EncodeToString(b), string(text))
	var again recovery.Checkpoint
	require.NoError(t, again.UnmarshalText(text))
	require.Equal(t, c, again)
}

// TestUnconfirmedForm: an unconfirmed checkpoint is two in one.
func TestUnconfirmedForm(t *testing.T) {
	k, _ := checkpointed(t)
	d := change(t, k, rotate)
	b := must(d.Unconfirmed().MarshalBinary())
	old, candidate := must(k.Checkpoint().MarshalBinary()), must(d.Checkpoint().MarshalBinary())
	require.Equal(t, refUnconfirmed(old, candidate), b)
	c := readCheckpoint(t, b)
	require.Equal(t, d.Unconfirmed(), c)
	require.Equal(t, d.Header().Revision(), c.Revision())
	require.Equal(t, k.Account(), c.Account())
	var again recovery.Checkpoint
	require.NoError(t, again.UnmarshalText(must(c.MarshalText())))
	require.Equal(t, c, again)

	for wrong := range testvec.Lengths(b) {
		refuseCheckpoint(t, wrong, "length")
	}
	refuseCheckpoint(t, refUnconfirmed(b, candidate), "nested")
	refuseCheckpoint(t, refUnconfirmed(old, b), "nested")
	refuseCheckpoint(t, append([]byte("U\x02"), b[2:]...), "version")
	refuseCheckpoint(t, append([]byte("U\x01"), b...), "twice")
	other := must(create(t, phrase()).Checkpoint().MarshalBinary())
	refuseCheckpoint(t, refUnconfirmed(old, other), "another account")
	refuseCheckpoint(t, refUnconfirmed(other, candidate), "another account")
}

// TestCheckpointStrict: a reader refuses what no header has.
func TestCheckpointStrict(t *testing.T) {
	k, _ := checkpointed(t)
	right := must(k.Checkpoint().MarshalBinary())
	for wrong := range testvec.Lengths(right) {
		refuseCheckpoint(t, wrong, "length")
	}
	put := func(at int, value ...byte) []byte {
		return slices.Concat(right[:at], value, right[at+len(value):])
	}
	u32 := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	u64 := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	n := right[atCount]
	for name, b := range map[string][]byte{
		"kind":                      put(0, 'K'),
		"a later version":           put(1, 2),
		"no version":                put(1, 0),
		"no account":                put(atAccount, make([]byte, 16)...),
		"no revision":               put(atRevision, make([]byte, 8)...),
		"more epochs than headers":  put(atRevision, u64(2)...),
		"no epoch":                  put(atEpoch, u32(0)...),
		"an epoch beyond revisions": put(atEpoch, u32(1<<32-1)...),
		"no floor":                  put(atFloor, u32(0)...),
		"a floor above the epoch":   put(atFloor, u32(4)...),
		"no slots":                  put(atCount, 0)[:atSlots],
		"a slot less":               put(atCount, n-1),
		"a slot more":               put(atCount, n+1),
		"swapped":                   slices.Concat(right[:atSlots], right[atSlots+32:atSlots+64], right[atSlots:atSlots+32], right[atSlots+64:]),
		"a slot twice":              slices.Concat(right[:atSlots], right[atSlots:atSlots+32], right[atSlots:atSlots+32], right[atSlots+64:]),
		"an id twice":               slices.Concat(right[:atSlots+32], right[atSlots:atSlots+16], right[atSlots+48:]),
	} {
		refuseCheckpoint(t, b, name)
	}
	many := func(n int) []byte {
		b := put(atCount, byte(n))[:atSlots]
		for i := range n {
			b = append(append(b, bytes.Repeat([]byte{byte(i + 1)}, 16)...), random(16)...)
		}
		return b
	}
	readCheckpoint(t, many(1))
	largest := readCheckpoint(t, many(24))
	refuseCheckpoint(t, many(25), "25 slots")
	require.Len(t, must(recovery.Unconfirmed(largest, largest).MarshalBinary()), 1704)
	readCheckpoint(t, slices.Concat(right[:atDigest], random(32), right[atDigest+32:atMKID], random(16), right[atCount:]))
	far := slices.Concat(right[:atRevision], u64(1<<64-1), right[atDigest:atEpoch], u32(1000), u32(745), right[atMKID:])
	require.EqualValues(t, uint64(1<<64-1), readCheckpoint(t, far).Revision())
	binary.BigEndian.PutUint32(far[atFloor:], 744)
	refuseCheckpoint(t, far, "a floor beyond the history")

	// After an error it is as before.
	c := readCheckpoint(t, right)
	require.Equal(t, recovery.ErrMalformed, c.UnmarshalBinary(many(25)))
	require.Equal(t, recovery.ErrMalformed, c.UnmarshalText([]byte("!")))
	require.Equal(t, k.Checkpoint(), c)
}

// TestCheckpointText: one text for each checkpoint.
func TestCheckpointText(t *testing.T) {
	k, _ := checkpointed(t)
	c := k.Checkpoint()
	text := string(must(c.MarshalText()))
	for _, bad := range []string{
		"", text[1:], text[4:], text + "\n", "\n" + text, text[:40] + "\r\n" + text[40:], text + "====", "!" + text[1:], " " + text,
		strings.Repeat("A", 1000), strings.Repeat("A", 4<<10), strings.ReplaceAll(strings.ReplaceAll(text, "+", "-"), "/", "_") + "-",
		base64.URLEncoding.EncodeToString([]byte(text)),
	} {
		kept := c
		require.Equal(t, recovery.ErrMalformed, kept.UnmarshalText([]byte(bad)), "%q", bad)
		require.Equal(t, c, kept)
	}
	// Unused bits are zero.
	small := must(create(t, phrase()).Checkpoint().MarshalBinary())
	require.Len(t, small, 115)
	loose := []byte(base64.StdEncoding.EncodeToString(small))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	at := len(loose) - 3
	loose[at] = alphabet[strings.IndexByte(alphabet, loose[at])|1]
	require.Equal(t, recovery.ErrMalformed, c.UnmarshalText(loose))
}

// TestNoCheckpoint: the zero Checkpoint and TrustOnFirstUse are not meant to be
// kept.
func TestNoCheckpoint(t *testing.T) {
	o := exportKey(1)
	k := create(t, o)
	for _, c := range []recovery.Checkpoint{
		{}, recovery.TrustOnFirstUse(k.Account()), recovery.TrustOnFirstUse(recovery.AccountID{}),
		recovery.Unconfirmed(recovery.TrustOnFirstUse(k.Account()), k.Checkpoint()), recovery.Unconfirmed(recovery.Checkpoint{}, k.Checkpoint()),
	} {
		_, err := c.MarshalBinary()
		require.ErrorIs(t, err, recovery.ErrNoCheckpoint)
		_, err = c.MarshalText()
		require.ErrorIs(t, err, recovery.ErrNoCheckpoint)
	}
	require.Zero(t, recovery.TrustOnFirstUse(k.Account()).Revision())
	require.Equal(t, k.Account(), recovery.TrustOnFirstUse(k.Account()).Account())
	require.Equal(t, recovery.ErrNoCheckpoint, openErr(t, k.Header(), o, recovery.Checkpoint{}))
	require.Equal(t, recovery.ErrNoCheckpoint, openErr(t, k.Header(), o, recovery.TrustOnFirstUse(recovery.AccountID{})))
	require.Equal(t, recovery.ErrOtherAccount, openErr(t, k.Header(), o, recovery.TrustOnFirstUse(recovery.AccountID{1})))
}

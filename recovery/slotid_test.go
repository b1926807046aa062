package recovery_test

import (
	"encoding/json"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

func TestSlotID_Text(t *testing.T) {
	id := recovery.SlotID{0xa0, 15: 0xff}
	const text = "a00000000000000000000000000000ff"
	require.Equal(t, text, id.String())
	b, err := json.Marshal(map[recovery.SlotID]recovery.SlotID{id: id})
	require.NoError(t, err)
	require.Equal(t, `{"`+text+`":"`+text+`"}`, string(b))
	var read map[recovery.SlotID]recovery.SlotID
	require.NoError(t, json.Unmarshal(b, &read))
	require.Equal(t, map[recovery.SlotID]recovery.SlotID{id: id}, read)

	for _, bad := range []string{"", text[:31], text[:30], text + "0", text + "00", "A" + text[1:], "g" + text[1:], " " + text[1:]} {
		other := recovery.SlotID{7}
		require.Equal(t, recovery.ErrMalformed, other.UnmarshalText([]byte(bad)), bad)
		require.Equal(t, recovery.SlotID{7}, other)
	}
}

// TestKeyring_OpenedBy: of two slots of one kind, the one that opened.
func TestKeyring_OpenedBy(t *testing.T) {
	first, second := export(1), export(2)
	k := create(t, first)
	require.Zero(t, k.OpenedBy())
	id, err := k.Add(t.Context(), second)
	require.NoError(t, err)
	require.Zero(t, k.OpenedBy())
	byFirst, bySecond := open(t, k.Bytes(), first, pin(t, k)), open(t, k.Bytes(), second, pin(t, k))
	require.Equal(t, id, bySecond.OpenedBy())
	require.NotEqual(t, id, byFirst.OpenedBy())
	require.Contains(t, ids(k), byFirst.OpenedBy())

	require.NoError(t, bySecond.Remove(id))
	require.Equal(t, id, bySecond.OpenedBy())
}

// TestKeyring_RevokeSeveral: one revision and one master key for all of them.
func TestKeyring_RevokeSeveral(t *testing.T) {
	stays, first, second := phrase(t), phrase(t), phrase(t)
	k := create(t, stays)
	one, err := k.Add(t.Context(), first)
	require.NoError(t, err)
	two, err := k.Add(t.Context(), second)
	require.NoError(t, err)
	p := pin(t, k)

	requireUnchanged(t, k, func() error { return k.Revoke(t.Context(), one, recovery.SlotID{1}) }, recovery.ErrPolicy)
	requireUnchanged(t, k, func() error { return k.Revoke(t.Context(), one, one) }, recovery.ErrPolicy)
	requireUnchanged(t, k, func() error { return k.Revoke(t.Context()) }, nil)
	require.NoError(t, k.Revoke(t.Context(), one, two))
	require.EqualValues(t, 2, k.Epoch())
	require.EqualValues(t, 2, k.Header().Revision())
	require.Len(t, k.Slots(), 1)
	for _, gone := range []recovery.Opener{first, second} {
		require.Equal(t, recovery.ErrNotMine, openErr(t, k.Bytes(), gone, p))
	}
	requireSame(t, k, open(t, k.Bytes(), stays, p), 2)
}

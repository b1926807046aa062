package recovery_test

import (
	"encoding/json"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

func TestSlotIDText(t *testing.T) {
	id := recovery.SlotID{0xa0, 15: 0xff}
	const text = "a00000000000000000000000000000ff"
	require.Equal(t, text, id.String())
	b, err := json.Marshal(map[recovery.SlotID]recovery.SlotID{id: id})
	require.NoError(t, err)
	require.Equal(t, `{"`+text+`":"`+text+`"}`, string(b))
	var read map[recovery.SlotID]recovery.SlotID
	require.NoError(t, json.Unmarshal(b, &read))
	require.Equal(t, map[recovery.SlotID]recovery.SlotID{id: id}, read)
	var none recovery.SlotID
	require.NoError(t, none.UnmarshalText([]byte(none.String())), "no slot opened a keyring")
	for _, bad := range badIDs(text) {
		other := recovery.SlotID{7}
		require.Equal(t, recovery.ErrMalformed, other.UnmarshalText([]byte(bad)), bad)
		require.Equal(t, recovery.SlotID{7}, other)
	}
}

// TestSlotTypes: the names of the types are part of bindings.
func TestSlotTypes(t *testing.T) {
	k, openers := everySlot(t)
	types := make(map[string]int)
	for _, s := range k.Slots() {
		types[s.Type]++
	}
	require.Equal(t, map[string]int{"password": 2, "export": 1, "phrase": 2, "file": 1, "passkey": 1, "device": 1}, types)
	for _, o := range openers {
		if s, ok := o.(recovery.Sealer); ok {
			require.Contains(t, types, s.Type())
		}
	}
}

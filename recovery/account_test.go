package recovery_test

import (
	"encoding/json"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

func TestParseAccountID(t *testing.T) {
	id := recovery.AccountID(random(16))
	parsed, err := recovery.ParseAccountID(id[:])
	require.NoError(t, err)
	require.Equal(t, id, parsed)
	refuse := func(b []byte) {
		parsed, err := recovery.ParseAccountID(b)
		require.Equal(t, recovery.ErrMalformed, err)
		require.Zero(t, parsed)
	}
	for wrong := range testvec.Lengths(id[:]) {
		refuse(wrong)
	}
	refuse(make([]byte, 16))
	_, err = recovery.ParseAccountID(append(make([]byte, 15), 1))
	require.NoError(t, err)
}

// badIDs are texts of no id.
func badIDs(text string) []string {
	return []string{
		"", text[:31], text[:30], text + "0", text + "00", "A" + text[1:], "g" + text[1:], " " + text[1:], text[1:] + "\n", "0x" + text[2:],
	}
}

func TestAccountIDText(t *testing.T) {
	id := recovery.AccountID{0xa0, 15: 0xff}
	const text = "a00000000000000000000000000000ff"
	require.Equal(t, text, id.String())
	b, err := json.Marshal(map[recovery.AccountID]recovery.AccountID{id: id})
	require.NoError(t, err)
	require.Equal(t, `{"`+text+`":"`+text+`"}`, string(b))
	var read map[recovery.AccountID]recovery.AccountID
	require.NoError(t, json.Unmarshal(b, &read))
	require.Equal(t, map[recovery.AccountID]recovery.AccountID{id: id}, read)
	for _, bad := range append(badIDs(text), recovery.AccountID{}.String()) {
		other := recovery.AccountID{7}
		require.Equal(t, recovery.ErrMalformed, other.UnmarshalText([]byte(bad)), bad)
		require.Equal(t, recovery.AccountID{7}, other)
	}
}

// TestAccountIDsAreRandom: Create draws an id for every account.
func TestAccountIDsAreRandom(t *testing.T) {
	seen := make(map[recovery.AccountID]bool)
	for range 20 {
		k := create(t, phrase())
		require.Equal(t, k.Account(), k.Header().Account())
		require.Equal(t, k.Account(), k.Checkpoint().Account())
		seen[k.Account()] = true
	}
	require.Len(t, seen, 20)
}

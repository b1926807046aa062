package recovery_test

import (
	"testing"
	"unicode/utf8"

	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestPhraseLoginID: nobody can register the login of somebody else's phrase as a
// name of their own, and two accounts do not share one.
func TestPhraseLoginID(t *testing.T) {
	seen := make(map[string]bool)
	for _, id := range []string{"", "alice", "alice/phrase", "alice/", "/phrase", string(make([]byte, opaque.MaxID))} {
		login := recovery.PhraseLoginID([]byte(id))
		require.Len(t, login, 53)
		require.False(t, utf8.Valid(login))
		_, err := prepare.Username(string(login))
		require.Error(t, err)
		seen[string(login)] = true
		seen[string(recovery.PhraseLoginID(login))] = true // a phrase of a phrase is another one
	}
	require.Len(t, seen, 12)
}

package bip39

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWordList compares the list with BIP-39's english.txt. All phrases on
// paper depend on it.
func TestWordList(t *testing.T) {
	require.Equal(t, "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda", fmt.Sprintf("%x", sha256.Sum256([]byte(text))))
	words := list
	require.Len(t, words, 2048)
	require.True(t, slices.IsSorted(words))
	seen := make(map[string]bool)
	for _, w := range words {
		require.GreaterOrEqual(t, len(w), 3)
		prefix := w[:min(4, len(w))]
		require.False(t, seen[prefix], prefix)
		seen[prefix] = true
	}
}

// TestEverySingleWord: each word, and each of its prefixes of four letters or
// more, is read as itself, and shorter ones are not unless they are words.
func TestEverySingleWord(t *testing.T) {
	for i, w := range list {
		for n := range len(w) + 1 {
			at, ok := find(w[:n])
			switch {
			case n >= prefixSize || n == len(w):
				require.True(t, ok)
				require.Equal(t, i, at)
			case slices.Contains(list, w[:n]):
				require.True(t, ok)
			default:
				require.False(t, ok, w[:n])
			}
		}
	}
}

// TestEncodeDecode: what is spelled reads back, and errors name the place.
func TestEncodeDecode(t *testing.T) {
	for _, n := range []int{16, 32} {
		entropy := sha256.Sum256([]byte{byte(n)})
		words := strings.Fields(Encode(entropy[:n]))
		require.Len(t, words, n/16*12)
		read, _, err := Decode(words)
		require.NoError(t, err)
		require.Equal(t, entropy[:n], read)
		for i := range words {
			bad := slices.Clone(words)
			bad[i] = "xyzzy"
			_, at, err := Decode(bad)
			require.Equal(t, ErrWord, err)
			require.Equal(t, i, at)
		}
	}
	_, _, err := Decode(strings.Fields(strings.Repeat("zoo ", 12)))
	require.Equal(t, ErrChecksum, err)
	require.Empty(t, Encode(nil))
}

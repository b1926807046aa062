package recovery_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// english is BIP-39's english.txt.
var english = string(must(os.ReadFile("../internal/bip39/english.txt")))

type bip39Vectors struct {
	Valid []struct {
		Entropy  testvec.Hex `json:"entropy"`
		Sentence string      `json:"sentence"`
	} `json:"valid"`
	Invalid []string `json:"invalid"`
}

func TestBIP39(t *testing.T) {
	lengths := make(map[int]int)
	vectors := testvec.Load[bip39Vectors](t, testdata, "testdata/bip39.json")
	for _, v := range vectors.Valid {
		lengths[len(v.Entropy)]++
		p, err := recovery.ParsePhrase(v.Sentence)
		if len(v.Entropy) == 24 { // 18 words are not supported
			require.Equal(t, &recovery.PhraseError{Words: 18}, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, []byte(v.Entropy), recovery.Entropy(p))
		require.Equal(t, v.Sentence, p.Words())
		require.Equal(t, v.Sentence, recovery.PhraseOf(v.Entropy).Words())
	}
	require.Equal(t, map[int]int{16: 8, 24: 8, 32: 8}, lengths)
	require.Len(t, vectors.Invalid, 5)
	for _, sentence := range vectors.Invalid {
		p, err := recovery.ParsePhrase(sentence)
		require.Nil(t, p)
		switch words := strings.Fields(sentence); {
		case len(words) != 12:
			require.Equal(t, &recovery.PhraseError{Words: len(words)}, err, sentence)
		case words[10] == "risky": // is not in the list
			require.Equal(t, &recovery.PhraseError{Position: 11}, err)
		default:
			require.Equal(t, new(recovery.PhraseError), err, sentence)
		}
	}
}

// TestEveryWord: every word is recognised whole and by any prefix of four
// letters or more, and not by a shorter prefix or with letters added.
func TestEveryWord(t *testing.T) {
	words := strings.Fields(english)
	isWord := func(w string) bool { // the second of 12
		_, err := recovery.ParsePhrase("zoo " + w + strings.Repeat(" zoo", 10))
		if err == nil || err.Error() == new(recovery.PhraseError).Error() {
			return true
		}
		require.Equal(t, &recovery.PhraseError{Position: 2}, err)
		return false
	}
	for _, w := range words {
		for n := 1; n < len(w); n++ {
			short := w[:n]
			_, exact := slices.BinarySearch(words, short)
			require.Equal(t, n >= 4 || exact, isWord(short), short)
		}
		require.True(t, isWord(w))
		require.Equal(t, slices.ContainsFunc(words, func(o string) bool { return strings.HasPrefix(o, w+"s") }), isWord(w+"s"), w)
		require.False(t, isWord(w+"q"), w)
		if len(w) > 4 {
			require.False(t, isWord(w[:4]+"!"), w) // sorts before the word
			require.False(t, isWord(w[:4]+"!"+w[4:]), w)
		}
		require.False(t, isWord(w+"\u0301"), w)
	}
	for _, w := range []string{"a", "zo", "zzzz", "aaaa", "zoom", "abandonn", "ab", "1234", "日本語"} {
		require.False(t, isWord(w), w)
	}
}

package recovery_test

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

//go:embed wordlist_english.txt
var english string

const (
	// sentence is BIP-39's for 16 bytes 0x80.
	sentence     = "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"
	sentenceByte = 0x80
)

type bip39Vectors struct {
	Valid []struct {
		Entropy  testvec.Hex `json:"entropy"`
		Sentence string      `json:"sentence"`
	} `json:"valid"`
	Invalid []string `json:"invalid"`
}

// TestWordList pins BIP-39's english.txt, by which all phrases are written down.
func TestWordList(t *testing.T) {
	require.Equal(t, "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda", fmt.Sprintf("%x", sha256.Sum256([]byte(english))))
	words := strings.Fields(english)
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

func TestBIP39(t *testing.T) {
	lengths := make(map[int]int)
	vectors := testvec.Load[bip39Vectors](t, testdata, "testdata/bip39.json")
	for _, v := range vectors.Valid {
		lengths[len(v.Entropy)]++
		p, err := recovery.ParsePhrase(v.Sentence)
		if len(v.Entropy) == 24 { // 18 words, which we do not have
			require.Equal(t, recovery.ErrWordCount, err)
			_, err = recovery.PhraseFromEntropy(v.Entropy)
			require.Equal(t, recovery.ErrMalformed, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, []byte(v.Entropy), p.Entropy())
		p, err = recovery.PhraseFromEntropy(v.Entropy)
		require.NoError(t, err)
		require.Equal(t, v.Sentence, p.Words())
	}
	require.Equal(t, map[int]int{16: 8, 24: 8, 32: 8}, lengths)
	require.Len(t, vectors.Invalid, 5)
	for _, sentence := range vectors.Invalid {
		p, err := recovery.ParsePhrase(sentence)
		require.Nil(t, p)
		switch words := strings.Fields(sentence); {
		case len(words) != 12:
			require.Equal(t, recovery.ErrWordCount, err, sentence)
		case words[10] == "risky": // which is not in the list
			require.Equal(t, &recovery.WordError{Position: 11}, err)
		default:
			require.Equal(t, recovery.ErrChecksum, err, sentence)
		}
	}
}

func TestNewPhrase(t *testing.T) {
	for _, words := range []int{12, 24} {
		seen := make(map[string]bool)
		for range 50 {
			p, err := recovery.NewPhrase(words)
			require.NoError(t, err)
			require.Len(t, strings.Fields(p.Words()), words)
			require.Len(t, p.Entropy(), words/3*4)
			again, err := recovery.ParsePhrase(p.Words())
			require.NoError(t, err)
			require.Equal(t, p.Entropy(), again.Entropy())
			seen[p.Words()] = true
		}
		require.Len(t, seen, 50)
	}
	for _, words := range []int{-12, 0, 11, 13, 15, 18, 21, 23, 25, 36} {
		_, err := recovery.NewPhrase(words)
		require.Equal(t, recovery.ErrWordCount, err)
	}
	for _, n := range []int{0, 1, 15, 17, 20, 24, 28, 31, 33, 64} {
		_, err := recovery.PhraseFromEntropy(make([]byte, n))
		require.Equal(t, recovery.ErrMalformed, err)
	}
}

// TestPhraseKeepsItsEntropy is against slices that two share.
func TestPhraseKeepsItsEntropy(t *testing.T) {
	entropy := bytes.Repeat([]byte{sentenceByte}, 16)
	p, err := recovery.PhraseFromEntropy(entropy)
	require.NoError(t, err)
	clear(entropy)
	clear(p.Entropy())
	require.Equal(t, sentence, p.Words())
}

// TestPhraseAsWritten: whatever people make of the words, they are the same.
func TestPhraseAsWritten(t *testing.T) {
	words := strings.Fields(sentence)
	shorten := func(n int) string {
		short := make([]string, len(words))
		for i, w := range words {
			short[i] = w[:min(n, len(w))]
		}
		return strings.Join(short, " ")
	}
	fullWidth := func(r rune) rune {
		if r > ' ' {
			return r - '!' + '！'
		}
		return '　'
	}
	for name, text := range map[string]string{
		"as it is":             sentence,
		"upper case":           strings.ToUpper(sentence),
		"mixed case":           strings.ReplaceAll(sentence, "a", "A"),
		"odd spacing":          "  " + strings.ReplaceAll(sentence, " ", "   ") + " ",
		"tabs":                 strings.ReplaceAll(sentence, " ", "\t"),
		"lines":                strings.ReplaceAll(sentence, " ", "\n") + "\n",
		"lines of others":      strings.ReplaceAll(sentence, " ", "\r\n"),
		"ideographic space":    strings.ReplaceAll(sentence, " ", "　"),
		"no-break space":       strings.ReplaceAll(sentence, " ", "\u00a0"),
		"full width":           strings.Map(fullWidth, sentence),
		"full width, capitals": strings.Map(fullWidth, strings.ToUpper(sentence)),
		"mathematical letters": strings.ReplaceAll(sentence, "l", "𝓁"),
		"long s":               strings.ReplaceAll(sentence, "s", "ſ"),
		"4 letters":            shorten(4),
		"5 letters":            shorten(5),
		"6 letters":            strings.ToUpper(shorten(6)),
	} {
		p, err := recovery.ParsePhrase(text)
		require.NoError(t, err, name)
		require.Equal(t, bytes.Repeat([]byte{sentenceByte}, 16), p.Entropy(), name)
	}
}

// TestEveryWord: each is known by itself and by any prefix of four letters or more,
// and not by less, nor with something behind it.
func TestEveryWord(t *testing.T) {
	words := strings.Fields(english)
	isWord := func(w string) bool { // the second of 12
		_, err := recovery.ParsePhrase("zoo " + w + strings.Repeat(" zoo", 10))
		if err == nil || err == recovery.ErrChecksum {
			return true
		}
		require.Equal(t, &recovery.WordError{Position: 2}, err)
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
			require.False(t, isWord(w[:4]+"!"), w) // in the list's order it is before the word
			require.False(t, isWord(w[:4]+"!"+w[4:]), w)
		}
		require.False(t, isWord(w+"\u0301"), w)
	}
	for _, w := range []string{"a", "zo", "zzzz", "aaaa", "zoom", "abandonn", "ab", "1234", "日本語"} {
		require.False(t, isWord(w), w)
	}
}

func TestWordCount(t *testing.T) {
	for _, n := range []int{0, 1, 11, 13, 15, 18, 21, 23, 25, 36, 400, 100_000} {
		_, err := recovery.ParsePhrase(strings.TrimSpace(strings.Repeat("zoo ", n)))
		require.Equal(t, recovery.ErrWordCount, err, n)
		_, err = recovery.ParsePhrase(strings.Repeat("nonsense ", n))
		require.Equal(t, recovery.ErrWordCount, err, "the count is the first that is told")
	}
	_, err := recovery.ParsePhrase(strings.Repeat(" ", 4<<10-len(sentence)) + sentence)
	require.NoError(t, err)
	_, err = recovery.ParsePhrase(strings.Repeat(" ", 4<<10-len(sentence)+1) + sentence)
	require.Equal(t, recovery.ErrWordCount, err)
}

// TestWrongWord: the first wrong one is named by its position, and by that alone.
func TestWrongWord(t *testing.T) {
	for _, n := range []int{12, 24} {
		for i := range n {
			words := slices.Repeat([]string{"zoo"}, n)
			words[i] = "secrett"
			words[n-1] = "secrett"
			_, err := recovery.ParsePhrase(strings.Join(words, " "))
			require.ErrorIs(t, err, recovery.ErrWord)
			var wrong *recovery.WordError
			require.True(t, errors.As(err, &wrong))
			require.Equal(t, i+1, wrong.Position)
			require.Equal(t, fmt.Sprintf("recovery: word %d is not a word of the list", i+1), err.Error())
		}
	}
}

// TestChecksum: of the last words that can follow eleven, 128 pass.
func TestChecksum(t *testing.T) {
	words := strings.Fields(english)
	eleven := strings.Join(strings.Fields(sentence)[:11], " ")
	passed := make(map[string]bool)
	for _, w := range words {
		p, err := recovery.ParsePhrase(eleven + " " + w)
		if err != nil {
			require.Equal(t, recovery.ErrChecksum, err)
			continue
		}
		require.Equal(t, eleven+" "+w, p.Words())
		passed[string(p.Entropy())] = true
	}
	require.Len(t, passed, 128)

	// Of 24 words, 8.
	long := slices.Repeat(strings.Fields(eleven+" zoo"), 2)
	n := 0
	for _, w := range words {
		long[23] = w
		if _, err := recovery.ParsePhrase(strings.Join(long, " ")); err == nil {
			n++
		}
	}
	require.Equal(t, 8, n)
}

// TestSwappedWords: two words that change places fail but for one in 16, and what
// passes is another phrase.
func TestSwappedWords(t *testing.T) {
	passed, all := 0, 0
	r := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		entropy := make([]byte, 16)
		for i := range entropy {
			entropy[i] = byte(r.Uint32())
		}
		p, err := recovery.PhraseFromEntropy(entropy)
		require.NoError(t, err)
		words := strings.Fields(p.Words())
		for i := range words[1:] {
			if words[i] == words[i+1] {
				continue
			}
			swapped := slices.Clone(words)
			swapped[i], swapped[i+1] = words[i+1], words[i]
			all++
			q, err := recovery.ParsePhrase(strings.Join(swapped, " "))
			if err != nil {
				require.Equal(t, recovery.ErrChecksum, err)
				continue
			}
			require.NotEqual(t, entropy, q.Entropy())
			passed++
		}
	}
	require.InDelta(t, 1.0/16, float64(passed)/float64(all), 0.04, "%d of %d", passed, all)
}

// TestPhraseErrorsHoldNoWord: what goes wrong may be logged.
func TestPhraseErrorsHoldNoWord(t *testing.T) {
	for _, text := range []string{"quartz", strings.Repeat("quartz ", 11) + "quartzz", strings.Repeat("quartz ", 12)} {
		p, err := recovery.ParsePhrase(text)
		require.Nil(t, p)
		require.Error(t, err)
		for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
			require.NotContains(t, fmt.Sprintf(verb, err), "quartz")
		}
	}
}

// TestHostilePhrases: text that is as bad as it can be within the limit takes no
// time.
func TestHostilePhrases(t *testing.T) {
	const limit = 4 << 10
	fill := func(s string) string { return strings.Repeat(s, limit/len(s)) }
	start := time.Now()
	for _, text := range []string{
		fill("ﷺ"),            // one character becomes 18
		fill("\u0344"),       // one mark becomes two
		"a" + fill("\u0301"), // no end of marks to sort
		fill("\u0301\u0323"), // in the wrong order
		fill("\xff"), fill("\x00"), fill("가"), fill("a "), fill(" "), fill("zoo "), fill("İ"),
		strings.Repeat(fill("z")[:300]+" ", 12),
	} {
		_, err := recovery.ParsePhrase(text)
		require.Error(t, err)
	}
	require.Less(t, time.Since(start), time.Second)
}

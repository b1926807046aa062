package recovery_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// sentence is BIP-39's for 16 bytes 0x80.
const sentence = "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"

func TestNewPhrase(t *testing.T) {
	for _, words := range []int{12, 24} {
		seen := make(map[string]bool)
		for range 50 {
			p, err := recovery.NewPhrase(words)
			require.NoError(t, err)
			require.Len(t, strings.Fields(p.Words()), words)
			require.Len(t, recovery.Entropy(p), words/3*4)
			again, err := recovery.ParsePhrase(p.Words())
			require.NoError(t, err)
			require.Equal(t, recovery.Entropy(p), recovery.Entropy(again))
			seen[p.Words()] = true
		}
		require.Len(t, seen, 50)
	}
	for _, words := range []int{-12, 0, 11, 13, 15, 18, 21, 23, 25, 36} {
		p, err := recovery.NewPhrase(words)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.Nil(t, p)
	}
}

// TestPhraseAsWritten: however people write the words, they give one phrase.
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
		"canonical":            sentence,
		"upper case":           strings.ToUpper(sentence),
		"mixed case":           strings.ReplaceAll(sentence, "a", "A"),
		"odd spacing":          "  " + strings.ReplaceAll(sentence, " ", "   ") + " ",
		"tabs":                 strings.ReplaceAll(sentence, " ", "\t"),
		"lines":                strings.ReplaceAll(sentence, " ", "\n") + "\n",
		"lines of Windows":     strings.ReplaceAll(sentence, " ", "\r\n"),
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
		require.Equal(t, bytes.Repeat([]byte{0x80}, 16), recovery.Entropy(p), name)
	}
}

func TestPhraseWordCount(t *testing.T) {
	for _, n := range []int{1, 11, 13, 15, 18, 21, 23, 25, 36, 400} {
		_, err := recovery.ParsePhrase(strings.TrimSpace(strings.Repeat("zoo ", n)))
		require.Equal(t, &recovery.PhraseError{Words: n}, err)
		require.Equal(t, fmt.Sprintf("recovery: a phrase has 12 or 24 words, not %d", n), err.Error())
		_, err = recovery.ParsePhrase(strings.Repeat("nonsense ", n))
		require.Equal(t, &recovery.PhraseError{Words: n}, err, "the count is the first thing to tell")
	}
	for _, text := range []string{"", " ", "1. 2. 3.", "“”", strings.Repeat("zoo ", 100_000)} {
		_, err := recovery.ParsePhrase(text)
		require.Equal(t, recovery.ErrMalformed, err)
	}
	_, err := recovery.ParsePhrase(strings.Repeat(" ", 4<<10-len(sentence)) + sentence)
	require.NoError(t, err)
	_, err = recovery.ParsePhrase(strings.Repeat(" ", 4<<10-len(sentence)+1) + sentence)
	require.Equal(t, recovery.ErrMalformed, err)
}

// TestPhraseErrorNamesTheFirstWrongWord, by its position alone.
func TestPhraseErrorNamesTheFirstWrongWord(t *testing.T) {
	for _, n := range []int{12, 24} {
		for i := range n {
			words := slices.Repeat([]string{"zoo"}, n)
			words[i] = "secrett"
			words[n-1] = "secrett"
			_, err := recovery.ParsePhrase(strings.Join(words, " "))
			require.ErrorIs(t, err, recovery.ErrMalformed)
			var wrong *recovery.PhraseError
			require.True(t, errors.As(err, &wrong))
			require.Equal(t, recovery.PhraseError{Position: i + 1}, *wrong)
			require.Equal(t, fmt.Sprintf("recovery: word %d is not in the list", i+1), err.Error())
		}
	}
}

// TestPhraseErrorsContainNoWord: the errors may be logged.
func TestPhraseErrorsContainNoWord(t *testing.T) {
	for _, text := range []string{"quartz", strings.Repeat("quartz ", 11) + "quartzz", strings.Repeat("quartz ", 12)} {
		p, err := recovery.ParsePhrase(text)
		require.Nil(t, p)
		require.ErrorIs(t, err, recovery.ErrMalformed)
		for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
			require.NotContains(t, fmt.Sprintf(verb, err), "quartz")
		}
	}
}

// TestPhraseChecksum: of the 2,048 last words after eleven words, 128 pass, and
// 8 after 23.
func TestPhraseChecksum(t *testing.T) {
	words := strings.Fields(english)
	eleven := strings.Join(strings.Fields(sentence)[:11], " ")
	passed := make(map[string]bool)
	for _, w := range words {
		p, err := recovery.ParsePhrase(eleven + " " + w)
		if err != nil {
			require.Equal(t, new(recovery.PhraseError), err)
			continue
		}
		require.Equal(t, eleven+" "+w, p.Words())
		passed[string(recovery.Entropy(p))] = true
	}
	require.Len(t, passed, 128)

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

// TestPhraseSwappedWords: one swap of neighbours in 16 passes, and gives
// another phrase.
func TestPhraseSwappedWords(t *testing.T) {
	passed, all := 0, 0
	r := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		entropy := make([]byte, 16)
		for i := range entropy {
			entropy[i] = byte(r.Uint32())
		}
		words := strings.Fields(recovery.PhraseOf(entropy).Words())
		for i := range words[1:] {
			if words[i] == words[i+1] {
				continue
			}
			swapped := slices.Clone(words)
			swapped[i], swapped[i+1] = words[i+1], words[i]
			all++
			q, err := recovery.ParsePhrase(strings.Join(swapped, " "))
			if err != nil {
				require.Equal(t, new(recovery.PhraseError), err)
				continue
			}
			require.NotEqual(t, entropy, recovery.Entropy(q))
			passed++
		}
	}
	require.InDelta(t, 1.0/16, float64(passed)/float64(all), 0.04, "%d of %d", passed, all)
}

// TestHostilePhrases: the worst texts within the limit take no time.
func TestHostilePhrases(t *testing.T) {
	const limit = 4 << 10
	fill := func(s string) string { return strings.Repeat(s, limit/len(s)) }
	start := time.Now()
	for _, text := range []string{
		fill("ﷺ"),            // one character becomes 18
		fill("\u0344"),       // one mark becomes two
		"a" + fill("\u0301"), // many marks to sort
		fill("\u0301\u0323"), // in the wrong order
		fill("\xff"), fill("\x00"), fill("가"), fill("a "), fill(" "), fill("zoo "), fill("İ"),
		strings.Repeat(fill("z")[:300]+" ", 12),
	} {
		_, err := recovery.ParsePhrase(text)
		require.ErrorIs(t, err, recovery.ErrMalformed)
	}
	require.Less(t, time.Since(start), time.Second)
}

// TestPhraseAuthSecret: the login's password tells nothing of the slot's key,
// and depends on the entropy alone.
func TestPhraseAuthSecret(t *testing.T) {
	for _, n := range []int{16, 32} {
		entropy := random(n)
		secret, err := recovery.PhraseOf(entropy).AuthSecret()
		require.NoError(t, err)
		require.Equal(t, refAuthSecret(entropy), secret)
		clear(secret)
		again, err := must(recovery.ParsePhrase(recovery.PhraseOf(entropy).Words())).AuthSecret()
		require.NoError(t, err)
		require.Equal(t, refAuthSecret(entropy), again)
	}
}

// TestPhraseLoginID: nobody can register the login of another user's phrase as
// a name, and two accounts never share one.
func TestPhraseLoginID(t *testing.T) {
	seen := make(map[string]bool)
	for _, id := range []string{"", "alice", "alice/phrase", "alice/", "/phrase", string(make([]byte, opaque.MaxID))} {
		login := recovery.PhraseLoginID([]byte(id))
		require.Equal(t, refPhraseLoginID([]byte(id)), login)
		require.Len(t, login, 53)
		require.False(t, utf8.Valid(login))
		_, err := prepare.Username(string(login))
		require.Error(t, err)
		seen[string(login)] = true
		seen[string(recovery.PhraseLoginID(login))] = true // the phrase of a phrase's login
	}
	require.Len(t, seen, 12)
}

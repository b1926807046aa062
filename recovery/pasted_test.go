package recovery_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

// What programs put around and between words and characters, one by one.
const (
	spaces    = " \t\n\v\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
	invisible = "\ufeff\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\u00ad\u180e" +
		"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
	dashes = "-\u058a\u05be\u1400\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2053\u207b\u208b\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d" +
		"\u301c\u3030\u30a0\u30fb\ufe31\ufe32\ufe58\ufe63\uff0d\uff65\U00010ead"
	quotes = "\"'`\u00ab\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\u2e42\u300c\u300d\u300e\u300f\u301d\u301e\u301f" +
		"\ufe41\ufe42\ufe43\ufe44\uff02\uff07\uff62\uff63"
	points = ",\uff0c\ufe50\u060c\u3001\ufe51\uff64.\uff0e\ufe52\u3002\uff61\u2024\u2025\u2026"
	listed = spaces + invisible + dashes + quotes + points
)

// isListed also knows dashes that a later version of Unicode may bring.
func isListed(c rune) bool { return strings.ContainsRune(listed, c) || unicode.Is(unicode.Pd, c) }

// mixture returns 1 to 5 of the listed characters.
func mixture(r *rand.Rand) string {
	all := []rune(listed)
	var b strings.Builder
	for range 1 + r.IntN(5) {
		b.WriteRune(all[r.IntN(len(all))])
	}
	return b.String()
}

// numbered returns the number of a word as lists have it, or nothing.
func numbered(r *rand.Rand, i int) string {
	form := []string{"", "", "%d. ", "%d) ", "%d: ", "(%d) ", "%d.", "%d:", "%02d. ", "%d\t", "%d - "}[r.IntN(11)]
	if form == "" {
		return ""
	}
	return fmt.Sprintf(form, i)
}

// TestPhraseAsPasted: any mixture of the listed characters around and between the words
// reads back, with list numbers or without.
func TestPhraseAsPasted(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for _, words := range []int{12, 24} {
		for range 200 {
			p, err := recovery.NewPhrase(words)
			require.NoError(t, err)
			text := mixture(r)
			for i, w := range strings.Fields(p.Words()) {
				text += numbered(r, i+1) + w + mixture(r)
			}
			again, err := recovery.ParsePhrase(text)
			require.NoError(t, err, "seed %d: %q", seed, text)
			require.Equal(t, p.Entropy(), again.Entropy())
		}
	}
	words := strings.Fields(sentence)
	list := func(form string) (text string) {
		for i, w := range words {
			text += fmt.Sprintf(form, i+1, w)
		}
		return text
	}
	for name, text := range map[string]string{
		"byte order mark":    "\ufeff" + sentence,
		"zero width behind":  sentence + "\u200b",
		"left to right":      "\u200e" + sentence + "\u200e",
		"commas":             strings.Join(words, ", "),
		"commas alone":       strings.Join(words, ","),
		"hyphens":            strings.Join(words, "-"),
		"full stop":          sentence + ".",
		"quoted":             "“" + sentence + "”",
		"each quoted":        "'" + strings.Join(words, "', '") + "'",
		"list":               list("%d. %s\n"),
		"list with brackets": list("(%d) %s\n"),
		"list with bracket":  list("%d) %s\r\n"),
		"list with colons":   list("%d: %s "),
		"list in one":        list("%d.%s,"),
		"table":              list("%d\t%s\n"),
		"circled numbers":    "① " + sentence,
	} {
		p, err := recovery.ParsePhrase(text)
		require.NoError(t, err, name)
		require.Equal(t, sentence, p.Words(), name)
	}
}

// TestPhraseNotAsPasted: a character that is not listed is not ignored, wherever it is.
func TestPhraseNotAsPasted(t *testing.T) {
	first, rest, _ := strings.Cut(sentence, " ")
	step := rune(1)
	if testing.Short() {
		step = 7
	}
	for c := rune(0); c <= unicode.MaxRune; c += step {
		if c == 0x3100 {
			step *= 50 // ideographs, syllables, and beyond
		}
		if strings.IndexFunc(norm.NFKD.String(string(c)), func(c rune) bool { return !isListed(c) && !strings.ContainsRune("():0123456789", c) }) < 0 {
			continue
		}
		for _, text := range []string{
			string(c) + " " + sentence, first + " " + string(c) + " " + rest, sentence + string(c),
		} {
			_, err := recovery.ParsePhrase(text)
			require.Error(t, err, "%U: %q", c, text)
		}
	}
	for _, number := range []string{"0", "25", "99", "123", "001", "+1", "1/", "٣", "1st", "#1"} {
		_, err := recovery.ParsePhrase(number + " " + sentence)
		require.Error(t, err, number)
	}
	for _, text := range []string{"1" + sentence, strings.ReplaceAll(sentence, " ", "1"), sentence + "12", sentence[:3] + "-" + sentence[3:]} {
		_, err := recovery.ParsePhrase(text)
		require.Error(t, err, text)
	}
}

// TestSecretKeyAsPasted: any mixture of the listed characters around and between the
// characters of a key reads back.
func TestSecretKeyAsPasted(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		k := recovery.NewSecretKey()
		text := mixture(r)
		for _, c := range strings.ReplaceAll(k.Text(), "-", "") {
			text += string(c) + mixture(r)
		}
		again, err := recovery.ParseSecretKey(text)
		require.NoError(t, err, "seed %d: %q", seed, text)
		require.Equal(t, k.Key(), again.Key())
	}
	for key, text := range secretKeys {
		for name, pasted := range map[string]string{
			"no-break spaces":  strings.ReplaceAll(text, "-", "\u00a0"),
			"no-break hyphens": strings.ReplaceAll(text, "-", "\u2011"),
			"en dashes":        strings.ReplaceAll(text, "-", "–"),
			"minus signs":      strings.ReplaceAll(text, "-", "−"),
			"zero width":       strings.ReplaceAll(text, "-", "-\u200b"),
			"byte order mark":  "\ufeff" + text,
			"quoted sentence":  "„" + text + ".“",
			"full width": strings.Map(func(c rune) rune {
				return c - '!' + '！'
			}, text),
			"as long as it is": strings.Repeat(" ", 4<<10-len(text)) + text,
		} {
			k, err := recovery.ParseSecretKey(pasted)
			require.NoError(t, err, name)
			require.Equal(t, []byte(unhex(t, key)), k.Key(), name)
		}
	}
}

// TestSecretKeyNotAsPasted: a character that is not listed is not ignored.
func TestSecretKeyNotAsPasted(t *testing.T) {
	const text = "NSK1-KY77T-V2V98-WJG5R-6YQJD-7GNHM-06"
	step := rune(1)
	if testing.Short() {
		step = 7
	}
	for c := rune(0); c <= unicode.MaxRune; c += step {
		if c == 0x3100 {
			step *= 50 // ideographs, syllables, and beyond
		}
		if strings.IndexFunc(norm.NFKD.String(string(c)), func(c rune) bool { return !isListed(c) }) < 0 {
			continue
		}
		for _, wrong := range []string{string(c) + text, text[:10] + string(c) + text[10:], text + string(c)} {
			_, err := recovery.ParseSecretKey(wrong)
			require.Equal(t, recovery.ErrMalformed, err, "%U: %q", c, wrong)
		}
	}
}

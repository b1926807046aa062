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

// What programs put around and between words and characters, listed by hand.
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

// in reports whether c has one of the Unicode properties.
func in(c rune, properties ...string) bool {
	for _, name := range properties {
		if unicode.Is(unicode.Properties[name], c) {
			return true
		}
	}
	return false
}

// isWithoutWidth is "invisible" of FORMAT.md.
func isWithoutWidth(c rune) bool {
	return strings.ContainsRune("\u00ad\u180e\u200b\u2060\u2061\u2062\u2063\u2064\ufeff", c) || in(c, "Join_Control", "Bidi_Control")
}

// isListed is "ignored" of FORMAT.md, for characters in normalization form KD.
func isListed(c rune) bool {
	return isWithoutWidth(c) || in(c, "White_Space", "Dash", "Hyphen", "Quotation_Mark") || strings.ContainsRune(".,`\u060c\u3001\u3002", c)
}

// only reports whether f is true for all characters of c in form KD.
func only(c rune, f func(rune) bool) bool {
	return strings.IndexFunc(norm.NFKD.String(string(c)), func(c rune) bool { return !f(c) }) < 0
}

// everyRune yields characters of all of Unicode, most densely where scripts
// are.
func everyRune(yield func(rune) bool) {
	step := rune(1)
	if testing.Short() {
		step = 7
	}
	for c := rune(0); c <= unicode.MaxRune; c += step {
		if c >= 0x3100 && step < 50 {
			step *= 50 // ideographs, syllables, and later ones
		}
		if !yield(c) {
			return
		}
	}
	for _, name := range []string{"White_Space", "Dash", "Hyphen", "Quotation_Mark", "Join_Control", "Bidi_Control", "Default_Ignorable_Code_Point",
		"Other_Default_Ignorable_Code_Point", "Terminal_Punctuation", "Diacritic", "Variation_Selector"} {
		table := unicode.Properties[name]
		if table == nil {
			continue // of another version of Unicode
		}
		for _, r := range table.R16 {
			for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
				if !yield(c) {
					return
				}
			}
		}
		for _, r := range table.R32 {
			for c := rune(r.Lo); c <= rune(r.Hi); c += max(rune(r.Stride), rune(r.Hi-r.Lo)/50) {
				if !yield(c) {
					return
				}
			}
		}
	}
}

// generator makes texts as programs do. Its seed is in every failure.
type generator struct {
	*rand.Rand
	seed uint64
}

func newGenerator() generator {
	seed := rand.Uint64()
	return generator{rand.New(rand.NewPCG(seed, 0)), seed}
}

// mixture returns 1 to 5 of the characters.
func (g generator) mixture(characters string) string {
	all := []rune(characters)
	var b strings.Builder
	for range 1 + g.IntN(5) {
		b.WriteRune(all[g.IntN(len(all))])
	}
	return b.String()
}

// number returns the number of a word as in a list, or nothing.
func (g generator) number(i int) string {
	form := []string{"", "", "%d. ", "%d) ", "%d: ", "(%d) ", "%d.", "%d:", "%02d. ", "%d\t", "%d - "}[g.IntN(11)]
	if form == "" {
		return ""
	}
	return fmt.Sprintf(form, i)
}

// TestPhraseAsPasted: any mixture of the listed characters around and between
// the words reads back, with list numbers or without.
func TestPhraseAsPasted(t *testing.T) {
	g := newGenerator()
	for _, words := range []int{12, 24} {
		for range 200 {
			p := must(recovery.NewPhrase(words))
			text := g.mixture(listed)
			for i, w := range strings.Fields(p.Words()) {
				text += g.number(i+1) + w + g.mixture(listed)
			}
			again, err := recovery.ParsePhrase(text)
			require.NoError(t, err, "seed %d: %q", g.seed, text)
			require.Equal(t, recovery.Entropy(p), recovery.Entropy(again))
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
		"byte order mark":      "\ufeff" + sentence,
		"zero width behind":    sentence + "\u200b",
		"left to right":        "\u200e" + sentence + "\u200e",
		"commas":               strings.Join(words, ", "),
		"commas alone":         strings.Join(words, ","),
		"hyphens":              strings.Join(words, "-"),
		"full stop":            sentence + ".",
		"quoted":               "“" + sentence + "”",
		"each quoted":          "'" + strings.Join(words, "', '") + "'",
		"list":                 list("%d. %s\n"),
		"list in parentheses":  list("(%d) %s\n"),
		"list with one of two": list("%d) %s\r\n"),
		"list with colons":     list("%d: %s "),
		"list in one":          list("%d.%s,"),
		"table":                list("%d\t%s\n"),
		"circled numbers":      "① " + sentence,
	} {
		p, err := recovery.ParsePhrase(text)
		require.NoError(t, err, name)
		require.Equal(t, sentence, p.Words(), name)
	}
}

// TestEveryListedCharacter: the parsers of phrases and secret keys ignore
// exactly the characters in the lists of FORMAT.md, at both ends and in the
// middle.
func TestEveryListedCharacter(t *testing.T) {
	for _, c := range listed {
		require.True(t, only(c, isListed), "%U", c)
	}
	const text = "NSK1-KY77T-V2V98-WJG5R-6YQJD-7GNHM-06"
	first, rest, _ := strings.Cut(sentence, " ")
	separates := func(c rune) bool { return isListed(c) || strings.ContainsRune("():", c) }
	numbers := func(c rune) bool { return separates(c) || '0' <= c && c <= '9' }
	ignored, letters := 0, 0
	for c := range everyRune {
		phrases := []string{string(c) + " " + sentence, first + " " + string(c) + " " + rest, sentence + string(c)}
		keys := []string{string(c) + text, text[:10] + string(c) + text[10:], text + string(c)}
		for i := range phrases {
			if _, err := recovery.ParsePhrase(phrases[i]); only(c, separates) {
				require.NoError(t, err, "%U", c)
				ignored++
			} else if !only(c, numbers) {
				require.ErrorIs(t, err, recovery.ErrMalformed, "%U: %q", c, phrases[i])
				letters++
			}
			if _, err := recovery.ParseSecretKey(keys[i]); only(c, isListed) {
				require.NoError(t, err, "%U", c)
			} else {
				require.Equal(t, recovery.ErrMalformed, err, "%U: %q", c, keys[i])
			}
		}
	}
	require.Greater(t, ignored, 3*100)
	require.Greater(t, letters, 3*1000)
}

// TestPhraseNumbers: only numbers from 1 to 24 that stand alone are ignored.
func TestPhraseNumbers(t *testing.T) {
	for n := range 40 {
		for _, number := range []string{fmt.Sprint(n), fmt.Sprintf("%02d", n)} {
			_, err := recovery.ParsePhrase(number + " " + sentence)
			require.Equal(t, 1 <= n && n <= 24, err == nil, number)
		}
	}
	for _, number := range []string{"0", "99", "123", "001", "+1", "1/", "٣", "1st", "#1", "1e0", "0x1"} {
		_, err := recovery.ParsePhrase(number + " " + sentence)
		require.ErrorIs(t, err, recovery.ErrMalformed, number)
	}
	for _, text := range []string{"1" + sentence, strings.ReplaceAll(sentence, " ", "1"), sentence + "12", sentence[:3] + "-" + sentence[3:]} {
		_, err := recovery.ParsePhrase(text)
		require.ErrorIs(t, err, recovery.ErrMalformed, text)
	}
}

// TestSecretKeyAsPasted: any mixture of the listed characters around and
// between the characters of a key reads back.
func TestSecretKeyAsPasted(t *testing.T) {
	g := newGenerator()
	for range 200 {
		k := recovery.NewSecretKey()
		text := g.mixture(listed)
		for _, c := range strings.ReplaceAll(k.Text(), "-", "") {
			text += string(c) + g.mixture(listed)
		}
		again, err := recovery.ParseSecretKey(text)
		require.NoError(t, err, "seed %d: %q", g.seed, text)
		require.Equal(t, recovery.SecretKeyBytes(k), recovery.SecretKeyBytes(again))
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
			"full width":       strings.Map(func(c rune) rune { return c - '!' + '！' }, text),
			"of the limit":     strings.Repeat(" ", 4<<10-len(text)) + text,
		} {
			k, err := recovery.ParseSecretKey(pasted)
			require.NoError(t, err, name)
			require.Equal(t, unhex(key), recovery.SecretKeyBytes(k), name)
		}
	}
}

// TestFileAsPasted: any mixture of characters without width anywhere in a file,
// and of white space too between the two lines, reads back.
func TestFileAsPasted(t *testing.T) {
	g := newGenerator()
	f, _ := newFile(t)
	const begin, end = "-----BEGIN NESCIO RECOVERY FILE-----", "-----END NESCIO RECOVERY FILE-----"
	body := strings.Join(strings.Split(f.Text(), "\n")[1:3], "")
	spread := func(text, characters string) string {
		var b strings.Builder
		for _, c := range text {
			b.WriteRune(c)
			if c == ' ' {
				continue // one space stays one space
			}
			b.WriteString(g.mixture(characters))
		}
		return b.String()
	}
	spacesOf := func(text string) string {
		all := []rune(spaces)
		return strings.Map(func(c rune) rune {
			if c == ' ' {
				return all[g.IntN(len(all))]
			}
			return c
		}, text)
	}
	for range 200 {
		text := g.mixture(listed) + spread(spacesOf(begin), invisible) + spread(body, spaces+invisible) +
			spread(spacesOf(end), invisible) + g.mixture(listed)
		read, err := recovery.ParseFile(text)
		require.NoError(t, err, "seed %d: %q", g.seed, text)
		require.Equal(t, f.Text(), read.Text())
	}
}

// TestEveryCharacterInFile: nothing else is ignored between the two lines.
func TestEveryCharacterInFile(t *testing.T) {
	f, _ := newFile(t)
	text := f.Text()
	for c := range everyRune {
		for _, at := range []int{len("-----BEGIN NESCIO RECOVERY FILE-----\n"), 60, strings.Index(text, "\n-----END")} {
			_, err := recovery.ParseFile(text[:at] + string(c) + text[at:])
			if isWithoutWidth(c) || in(c, "White_Space") {
				require.NoError(t, err, "%U", c)
			} else {
				require.Equal(t, recovery.ErrMalformed, err, "%U at %d", c, at)
			}
		}
	}
}

package prepare_test

import (
	"embed"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

//go:embed testdata/rfc8265.json
var testdata embed.FS

type example struct {
	In, Out string
	Refused bool
}

func password(text string) (string, error) {
	out, err := prepare.Password([]byte(text))
	return string(out), err
}

// check fails the test unless f turns in into out, or refuses it.
func (c example) check(t *testing.T, f func(string) (string, error)) {
	t.Helper()
	got, err := f(c.In)
	if c.Refused {
		require.Equal(t, prepare.ErrInvalid, err, "%q", c.In)
		require.Empty(t, got)
		return
	}
	require.NoError(t, err, "%q", c.In)
	require.Equal(t, c.Out, got, "%q", c.In)
}

func TestExamplesOfTheRFC(t *testing.T) {
	v := testvec.Load[struct{ Usernames, Passwords []example }](t, testdata, "testdata/rfc8265.json")
	require.Len(t, v.Usernames, 11)
	require.Len(t, v.Passwords, 7)
	for _, c := range v.Usernames {
		c.check(t, prepare.Username)
	}
	for _, c := range v.Passwords {
		c.check(t, password)
	}
}

func TestPasswords(t *testing.T) {
	for _, c := range []example{
		{In: "A\u030angstro\u0308m", Out: "\u00c5ngstr\u00f6m"}, // as macOS composes it
		{In: "\u212bngstr\u00f6m", Out: "\u00c5ngstr\u00f6m"},   // the unit
		{In: "\u00a0\u2003\u3000", Out: "   "},
		{In: " a ", Out: " a "},
		{In: "\uff21\ufb01\u0391", Out: "\uff21\ufb01\u0391"}, // width, ligatures and case stay
		{In: "\U0001f642", Out: "\U0001f642"},
		{In: "\u05d0a1", Out: "\u05d0a1"}, // no rule of direction
		{In: "a\u200bb", Refused: true},
		{In: "\ufeffa", Refused: true},
		{In: "a\x00", Refused: true},
		{In: "a\n", Refused: true},
		{In: "\u2764\ufe0f", Refused: true},               // a heart and a variation selector
		{In: "\U0001f468\u200d\U0001f469", Refused: true}, // two emoji and a joiner
		{In: "\U000e0041", Refused: true},
		{In: "\ue000", Refused: true}, // private use
		{In: "a\xffb", Refused: true}, // would become U+FFFD
		{In: "\xed\xa0\x80", Refused: true},
		{In: "\xc0\xaf", Refused: true},
		{In: "\ufffd", Out: "\ufffd"},
	} {
		c.check(t, password)
	}
}

func TestUsernames(t *testing.T) {
	for _, c := range []example{
		{In: "Jos\u00e9", Out: "jos\u00e9"},
		{In: "Jose\u0301", Out: "jos\u00e9"},
		{In: "\uff2a\uff4f\uff53\u00e9", Out: "jos\u00e9"}, // wide letters
		{In: "\uff83\uff9e", Out: "\u30c7"},                // narrow katakana
		{In: "STRASSE", Out: "strasse"},
		{In: "STRA\u1e9eE", Out: "stra\u00dfe"},
		{In: "\u03a3\u0391\u03a3", Out: "\u03c3\u03b1\u03c3"},
		{In: "a.b-c_d+e~!#$%&'*/=?^`{|}", Out: "a.b-c_d+e~!#$%&'*/=?^`{|}"},
		// Names without right-to-left letters have no rule of direction.
		{In: "jos\u00e9_", Out: "jos\u00e9_"},
		{In: "3\u00e9lan", Out: "3\u00e9lan"},
		{In: "\u05d0\u05d1", Out: "\u05d0\u05d1"},
		{In: "\u05d01", Out: "\u05d01"},
		{In: "1\u05d0", Refused: true},
		{In: "\u05d0a", Refused: true},
		{In: "a\u05d0", Refused: true},
		{In: "l\u00b7l", Out: "l\u00b7l"}, // Catalan
		{In: "a\u00b7b", Refused: true},
		{In: " a", Refused: true},
		{In: "a b", Refused: true},
		{In: "a\u3000", Refused: true},
		{In: "\u00a0", Refused: true},
		{In: "\U0001f642", Refused: true},
		{In: "\ufb01", Refused: true},
		{In: "a\u200db", Refused: true},
		{In: "a\xff", Refused: true},
		{In: "\ufffd", Refused: true},
		{In: "a\n", Refused: true},
	} {
		c.check(t, prepare.Username)
	}
}

// TestLengths: 1 to 1,024 bytes, before and after. U+1D15E has 4 bytes and
// becomes two code points of 4, and U+212A has 3 and becomes one of 1.
func TestLengths(t *testing.T) {
	for _, f := range []func(string) (string, error){password, prepare.Username} {
		for n, refused := range map[int]bool{0: true, 1: false, 1023: false, 1024: false, 1025: true, 1 << 20: true} {
			text := strings.Repeat("a", n)
			example{text, text, refused}.check(t, f)
		}
	}
	kelvin := strings.Repeat("\u212a", 341) // 1023 bytes, of which NFC makes 341
	example{kelvin, strings.Repeat("K", 341), false}.check(t, password)
	example{kelvin, strings.Repeat("k", 341), false}.check(t, prepare.Username)
	example{kelvin + "\u212a", "", true}.check(t, password)
	grows := strings.Repeat("\U0001d15e", 128) // 512 bytes, of which NFC makes 1024
	example{grows, norm.NFC.String(grows), false}.check(t, password)
	example{grows + "\U0001d15e", "", true}.check(t, password)
	name := strings.Repeat("\u0958", 170) // 510 bytes, of which NFC makes 1020
	example{name, norm.NFC.String(name), false}.check(t, prepare.Username)
	example{name + "\u0958", "", true}.check(t, prepare.Username)
}

func TestPasswordIsNotChanged(t *testing.T) {
	for _, text := range []string{"password", "Pass\u00a0wo\u0308rd"} {
		in := []byte(text)
		out, err := prepare.Password(in)
		require.NoError(t, err)
		clear(out)
		require.Equal(t, text, string(in))
	}
}

// TestAgainstTheProfiles of golang.org/x/text: code points by themselves, after
// a letter and before an accent. Above U+33000 few are defined.
func TestAgainstTheProfiles(t *testing.T) {
	step := rune(1)
	if !testvec.Long {
		step = 7
	}
	for r := rune(1); r < 0x33000; r += step {
		if !utf8.ValidRune(r) {
			continue
		}
		for _, text := range []string{string(r), "a" + string(r), string(r) + "\u0301"} {
			got, err := password(text)
			want, wantErr := precis.OpaqueString.String(text)
			require.Equal(t, wantErr == nil, err == nil, "%q", text)
			require.Equal(t, want, got)

			name, err := prepare.Username(text)
			want, wantErr = precis.UsernameCaseMapped.String(text)
			if wantErr == nil {
				require.NoError(t, err, "%q", text)
				require.Equal(t, want, name)
			}
		}
	}
}

// TestPreparedTextStaysTheSame: both functions return what they have returned
// unchanged. The texts are all code points by themselves and beside others, and
// random texts of code points that normalization, case and width change.
func TestPreparedTextStaysTheSame(t *testing.T) {
	accepted := 0
	check := func(text string) {
		for _, f := range []func(string) (string, error){password, prepare.Username} {
			once, err := f(text)
			if err != nil {
				continue
			}
			accepted++
			twice, err := f(once)
			require.NoError(t, err, "%q, from %q", once, text)
			require.Equal(t, once, twice, "from %q", text)
		}
	}
	step := rune(1)
	if !testvec.Long {
		step = 7
	}
	var changing []rune
	for r := rune(1); r < 0x33000; r += step {
		if !utf8.ValidRune(r) {
			continue
		}
		check(string(r))
		check("a" + string(r))
		check(string(r) + "\u0301")
		check(string(r) + "\u0345\u0300")
		if s := string(r); norm.NFC.String(s) != s || norm.NFD.String(s) != s || norm.NFKC.String(s) != s || unicode.To(unicode.LowerCase, r) != r || unicode.Is(unicode.Mn, r) {
			changing = append(changing, r)
		}
	}
	random := rand.New(rand.NewPCG(8, 265))
	for range 50_000 / int(step) {
		text := make([]rune, 1+random.IntN(6))
		for i := range text {
			text[i] = changing[random.IntN(len(changing))]
		}
		check(string(text))
	}
	require.Greater(t, accepted, 500_000/int(step))
}

func TestConcurrentUse(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				name, err := prepare.Username("\uff2aOSE\u0301")
				if err != nil || name != "jos\u00e9" {
					t.Error(name, err)
				}
				pw, err := password("pass\u00a0wo\u0308rd")
				if err != nil || pw != "pass w\u00f6rd" {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzPrepare: what is accepted is in bounds, normal, and prepared once and for
// all.
func FuzzPrepare(f *testing.F) {
	for _, s := range []string{"", "a", "Jose\u0301", "\uff83\uff9e", "foo\u1680bar", "\u03a3", "\u05d01", "a\xff", "\U0001d15e", "l\u00b7l", "\u0130"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, prepared := range []func(string) (string, error){password, prepare.Username} {
			out, err := prepared(text)
			if err != nil {
				require.Equal(t, prepare.ErrInvalid, err)
				require.Empty(t, out)
				continue
			}
			require.NotEmpty(t, out)
			require.LessOrEqual(t, len(out), prepare.MaxLength)
			require.True(t, utf8.ValidString(out))
			require.True(t, norm.NFC.IsNormalString(out))
			again, err := prepared(out)
			require.NoError(t, err)
			require.Equal(t, out, again)
		}
	})
}

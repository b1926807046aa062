package moduli_test

import (
	"bytes"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// openssh_moduli is an excerpt of the file that OpenSSH ships. The PEM files
// are the output of "openssl dhparam -2 512" and "-5 512" of OpenSSL 3.0.19.
//
//go:embed testdata/openssh_moduli testdata/dhparam_2_512.pem testdata/dhparam_5_512.pem
var formats embed.FS

func fixture(t testing.TB, name string) []byte {
	b, err := formats.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return b
}

// opensshLine returns the n-th line of the file, counted from 1.
func opensshLine(t testing.TB, n int) string {
	return strings.Split(string(fixture(t, "openssh_moduli")), "\n")[n-1]
}

func rfc5054(t testing.TB, bits int) moduli.Modulus {
	group, err := srp.RFC5054Group(bits)
	require.NoError(t, err)
	ref := group.Unverified()
	return moduli.Modulus{N: ref.N, G: ref.G}
}

// oddNumber returns an odd number of size bytes with the top bit set, which is
// all that a format requires.
func oddNumber(size int) []byte {
	return bytes.Repeat([]byte{0xa5}, size)
}

func TestOpenSSHFile(t *testing.T) {
	type line struct{ number, bits, g int }
	var got []line
	var again []byte
	for l, err := range moduli.ReadOpenSSH(bytes.NewReader(fixture(t, "openssh_moduli"))) {
		require.NoError(t, err, "line %d", l.Number)
		got = append(got, line{l.Number, l.Modulus.Bits(), l.Modulus.G})
		again, err = l.Modulus.AppendOpenSSH(again, l.Time)
		require.NoError(t, err)
	}
	require.Equal(t, []line{{4, 2048, 2}, {5, 2048, 5}, {6, 3072, 2}, {7, 3072, 5}}, got)
	_, lines, _ := strings.Cut(string(fixture(t, "openssh_moduli")), "Modulus\n")
	require.Equal(t, lines, string(again))
}

// TestOpenSSHGenerators: the moduli of the file are good for their generators,
// and the moduli for generator 5 are not good for 2.
func TestOpenSSHGenerators(t *testing.T) {
	for _, n := range []int{4, 5} {
		m, tested, err := moduli.ParseOpenSSH(opensshLine(t, n))
		require.NoError(t, err)
		require.Equal(t, time.Date(2022, 7, 14, 11, 3, 53+n, 0, time.UTC), tested)
		require.NoError(t, m.Verify(t.Context()))
	}
	claim := strings.Replace(opensshLine(t, 5), " 2047 5 ", " 2047 2 ", 1)
	m, _, err := moduli.ParseOpenSSH(claim)
	require.NoError(t, err, "only the format is checked")
	require.Equal(t, 2, m.G)
	require.ErrorIs(t, m.Verify(t.Context()), moduli.ErrGenerator)
}

func TestParseOpenSSHRefuses(t *testing.T) {
	n := strings.ToUpper(hex.EncodeToString(oddNumber(64)))
	good := "20260102030405 2 6 100 511 2 " + n
	m, tested, err := moduli.ParseOpenSSH(good)
	require.NoError(t, err)
	require.Equal(t, moduli.Modulus{N: oddNumber(64), G: 2}, m)
	require.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), tested)

	const (
		fields    = "seven fields"
		clock     = "the time"
		decimal   = "decimal numbers"
		generator = "the generator"
		digits    = "upper-case hex"
		size      = "the size"
		claim     = "the line does not claim"
	)
	for _, c := range []struct {
		line string
		want error
		why  string // of an ErrMalformed
	}{
		{"", moduli.ErrMalformed, fields},
		{"#", moduli.ErrMalformed, fields},
		{"# " + good, moduli.ErrMalformed, fields},
		{good[:strings.LastIndex(good, " ")], moduli.ErrMalformed, fields},
		{good + " 1", moduli.ErrMalformed, fields},
		{good + " ", moduli.ErrMalformed, fields},
		{" " + good, moduli.ErrMalformed, fields},
		{strings.Replace(good, " ", "  ", 1), moduli.ErrMalformed, fields},
		{strings.ReplaceAll(good, " ", "\t"), moduli.ErrMalformed, fields},
		{good + "\n" + good, moduli.ErrMalformed, fields},

		{strings.Replace(good, "2026", "026", 1), moduli.ErrMalformed, clock},
		{strings.Replace(good, "2026", "02026", 1), moduli.ErrMalformed, clock},
		{strings.Replace(good, "2026", "-026", 1), moduli.ErrMalformed, clock},
		{strings.Replace(good, "20260102", "20260229", 1), moduli.ErrMalformed, clock},
		{strings.Replace(good, "20260102", "20261302", 1), moduli.ErrMalformed, clock},
		{strings.Replace(good, "030405", "030460", 1), moduli.ErrMalformed, clock},
		{strings.Replace(good, "030405", "0304", 1), moduli.ErrMalformed, clock},
		{strings.Replace(good, "030405", "030405.5", 1), moduli.ErrMalformed, clock},
		{strings.Replace(good, "030405", "030405Z", 1), moduli.ErrMalformed, clock},

		{strings.Replace(good, " 2 6", " 02 6", 1), moduli.ErrMalformed, decimal},
		{strings.Replace(good, " 2 6", " +2 6", 1), moduli.ErrMalformed, decimal},
		{strings.Replace(good, " 2 6", " -2 6", 1), moduli.ErrMalformed, decimal},
		{strings.Replace(good, " 2 6", " 0x2 6", 1), moduli.ErrMalformed, decimal},
		{strings.Replace(good, " 6 100", " f 100", 1), moduli.ErrMalformed, decimal},
		{strings.Replace(good, " 6 100", " 4294967302 100", 1), moduli.ErrMalformed, decimal},
		{strings.Replace(good, " 100", " 2147483648", 1), moduli.ErrMalformed, decimal},
		{strings.Replace(good, " 100", " 1_00", 1), moduli.ErrMalformed, decimal},
		{strings.Replace(good, " 511", " 0511", 1), moduli.ErrMalformed, decimal},
		{strings.Replace(good, " 511", " 511.0", 1), moduli.ErrMalformed, decimal},

		{strings.Replace(good, " 511 2 ", " 511 02 ", 1), moduli.ErrMalformed, generator},
		{strings.Replace(good, " 511 2 ", " 511 B ", 1), moduli.ErrMalformed, generator},
		{strings.Replace(good, " 511 2 ", " 511 0x2 ", 1), moduli.ErrMalformed, generator},
		{strings.Replace(good, " 511 2 ", " 511 -2 ", 1), moduli.ErrMalformed, generator},
		{strings.Replace(good, " 511 2 ", " 511 g ", 1), moduli.ErrMalformed, generator},
		{strings.Replace(good, " 511 2 ", " 511 80000000 ", 1), moduli.ErrMalformed, generator},
		{strings.Replace(good, " 511 2 ", " 511 10000000000000002 ", 1), moduli.ErrMalformed, generator},

		{strings.Replace(good, "A5A5", "a5a5", 1), moduli.ErrMalformed, digits},
		{strings.Replace(good, "A5A5", "G5A5", 1), moduli.ErrMalformed, digits},
		{strings.Replace(good, "A5A5", "0xA5", 1), moduli.ErrMalformed, digits},
		{strings.Replace(good, "A5A5", "-5A5", 1), moduli.ErrMalformed, digits},
		{strings.Replace(good, "A5A5", "00A5A5", 1), moduli.ErrMalformed, digits},
		{strings.Replace(good, "A5A5", "0A5A5", 1), moduli.ErrMalformed, digits},
		{good + "\n", moduli.ErrMalformed, digits},
		{good + "\r", moduli.ErrMalformed, digits},
		{good + "\x00", moduli.ErrMalformed, digits},
		{"20260102030405 2 6 100 511 2 ", moduli.ErrMalformed, digits},
		{"20260102030405 2 6 100 0 2 0", moduli.ErrMalformed, digits},

		{strings.Replace(good, " 511", " 512", 1), moduli.ErrMalformed, size},
		{strings.Replace(good, " 511", " 510", 1), moduli.ErrMalformed, size},
		{strings.Replace(good, " 511", " 0", 1), moduli.ErrMalformed, size},
		{strings.Replace(good, " 511", " 2147483647", 1), moduli.ErrMalformed, size},
		{good[:len(good)-1], moduli.ErrMalformed, size},
		{good + "5", moduli.ErrMalformed, size},

		{strings.Repeat("1", 16<<10+1), moduli.ErrMalformed, "16 KiB"},

		{strings.Replace(good, " 2 6", " 4 6", 1), moduli.ErrMalformed, claim}, // Sophie Germain
		{strings.Replace(good, " 2 6", " 0 6", 1), moduli.ErrMalformed, claim},
		{strings.Replace(good, " 6 100", " 7 100", 1), moduli.ErrMalformed, claim},
		{strings.Replace(good, " 6 100", " 1 100", 1), moduli.ErrMalformed, claim},
		{strings.Replace(good, " 6 100", " 0 100", 1), moduli.ErrMalformed, claim},
		{strings.Replace(good, " 100", " 0", 1), moduli.ErrMalformed, claim},

		{good[:len(good)-1] + "4", moduli.ErrSize, ""}, // even
		{"20260102030405 2 6 100 510 2 5" + n[1:], moduli.ErrSize, ""},
		{"20260102030405 2 6 100 504 2 1" + n[2:], moduli.ErrSize, ""},
		{"20260102030405 2 6 100 503 2 " + n[2:], moduli.ErrSize, ""},
		{"20260102030405 2 6 100 0 2 1", moduli.ErrSize, ""},
		{"20260102030405 2 6 100 8199 2 " + strings.Repeat("A5", 1025), moduli.ErrSize, ""},
		{"20260102030405 2 6 100 16383 2 " + strings.Repeat("A5", 2048), moduli.ErrSize, ""},

		{strings.Replace(good, " 511 2 ", " 511 0 ", 1), moduli.ErrGenerator, ""},
		{strings.Replace(good, " 511 2 ", " 511 1 ", 1), moduli.ErrGenerator, ""},
	} {
		require.NotEqual(t, good, c.line)
		m, tested, err := moduli.ParseOpenSSH(c.line)
		require.ErrorIs(t, err, c.want, c.line)
		require.ErrorContains(t, err, c.why, c.line)
		require.Zero(t, m, c.line)
		require.Zero(t, tested, c.line)
	}

	for b := range testvec.Lengths([]byte(good)) {
		_, _, err := moduli.ParseOpenSSH(string(b))
		require.ErrorIs(t, err, moduli.ErrMalformed, "%q", b)
	}
}

func TestOpenSSHLimits(t *testing.T) {
	for _, m := range []moduli.Modulus{
		{oddNumber(64), 2}, {oddNumber(64), 11}, {oddNumber(64), 1<<31 - 1}, {oddNumber(1024), 2},
		rfc5054(t, 8192),
	} {
		for _, tested := range []time.Time{{}, time.Unix(1784000000, 999).In(time.FixedZone("", 3600)), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)} {
			b, err := m.AppendOpenSSH([]byte("before "), tested)
			require.NoError(t, err)
			line := strings.TrimSuffix(strings.TrimPrefix(string(b), "before "), "\n")
			require.Len(t, b, len("before \n")+len(line))
			got, at, err := moduli.ParseOpenSSH(line)
			require.NoError(t, err, line)
			require.True(t, m.Equal(got))
			require.Equal(t, tested.Truncate(time.Second).UTC(), at)
		}
	}
	for _, c := range []struct {
		m    moduli.Modulus
		year int
		want error
	}{
		{moduli.Modulus{}, 2026, moduli.ErrSize},
		{moduli.Modulus{N: oddNumber(63), G: 2}, 2026, moduli.ErrSize},
		{moduli.Modulus{N: oddNumber(1025), G: 2}, 2026, moduli.ErrSize},
		{moduli.Modulus{N: append([]byte{0}, oddNumber(64)...), G: 2}, 2026, moduli.ErrSize},
		{moduli.Modulus{N: append(oddNumber(64), 0), G: 2}, 2026, moduli.ErrSize},
		{moduli.Modulus{N: oddNumber(64), G: 1}, 2026, moduli.ErrGenerator},
		{moduli.Modulus{N: oddNumber(64), G: -2}, 2026, moduli.ErrGenerator},
		{moduli.Modulus{N: oddNumber(64), G: 2}, 10000, moduli.ErrMalformed},
		{moduli.Modulus{N: oddNumber(64), G: 2}, -1, moduli.ErrMalformed},
	} {
		b, err := c.m.AppendOpenSSH([]byte("before"), time.Date(c.year, 1, 1, 0, 0, 0, 0, time.UTC))
		require.ErrorIs(t, err, c.want)
		require.Equal(t, "before", string(b))
	}
}

// TestReadOpenSSH: the line after a refused line is read.
func TestReadOpenSSH(t *testing.T) {
	first, second := opensshLine(t, 4), opensshLine(t, 5)
	for _, c := range []struct{ name, file, want string }{
		{"nothing", "", ""},
		{"comments", "# a\n\n \t\n#\n#" + first, ""},
		{"no line end", first, "1 ok"},
		{"CRLF", first + "\r\n\r\n" + second + "\r\n", "1 ok, 3 ok"},
		{"refused lines", first + "\nx\n" + strings.Replace(first, " 2 6", " 4 6", 1) + "\n#\n" + second, "1 ok, 2 format, 3 claim, 5 ok"},
		{"a comment after space", " # a\n" + first, "1 format, 2 ok"},
		{"cut short", first + "\n" + second[:400], "1 ok, 2 format"},
		{"the longest line", "#" + strings.Repeat("x", 16<<10-2) + "\n" + first, "2 ok"},
		{"a longer one", first + "\n#" + strings.Repeat("x", 16<<10-1) + "\n" + first, "1 ok, 2 format"},
		{"a longer one at the end", strings.Repeat("x", 17<<10), "1 format"},
		{"the longest file", strings.Repeat("\n", 16<<20-len(first)) + first, "16776675 ok"},
		{"a longer one", strings.Repeat("\n", 16<<20-len(first)) + first + "\n" + first, "16776675 format"},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.file), iotest.DataErrReader(strings.NewReader(c.file))} {
			var got []string
			for line, err := range moduli.ReadOpenSSH(r) {
				what := "ok"
				switch {
				case errors.Is(err, moduli.ErrMalformed) && strings.Contains(err.Error(), "does not claim"):
					what = "claim"
				case errors.Is(err, moduli.ErrMalformed):
					what = "format"
				default:
					require.NoError(t, err)
				}
				require.Equal(t, err != nil, line.Modulus.N == nil)
				got = append(got, fmt.Sprint(line.Number, " ", what))
			}
			require.Equal(t, c.want, strings.Join(got, ", "), c.name)
		}
	}
}

func TestReadOpenSSHEnds(t *testing.T) {
	first := opensshLine(t, 4)
	broken := errors.New("broken")
	var got []error
	for line, err := range moduli.ReadOpenSSH(io.MultiReader(strings.NewReader(first+"\n"+first[:9]), iotest.ErrReader(broken))) {
		require.Equal(t, len(got)+1, line.Number)
		got = append(got, err)
	}
	require.Equal(t, []error{nil, broken}, got)

	for range moduli.ReadOpenSSH(strings.NewReader(first + "\n" + first + "\n")) {
		break // the iterator panics if it continues
	}
}

func FuzzOpenSSH(f *testing.F) {
	for n := range 7 {
		f.Add(opensshLine(f, n+1))
	}
	f.Add("20260102030405 4 2 1 510 0 " + strings.Repeat("A5", 64))
	f.Fuzz(func(t *testing.T, line string) {
		m, tested, err := moduli.ParseOpenSSH(line)
		if err != nil {
			require.Zero(t, m)
			return
		}
		b, err := m.AppendOpenSSH(nil, tested)
		require.NoError(t, err)
		// The line may have other tests and tries, and no other difference.
		was, is := strings.Fields(line), strings.Fields(string(b))
		was[2], was[3] = is[2], is[3]
		require.Equal(t, is, was)
		require.Equal(t, strings.Join(is, " ")+"\n", string(b))
		for l, err := range moduli.ReadOpenSSH(bytes.NewReader(b)) {
			require.NoError(t, err)
			require.Equal(t, moduli.OpenSSHLine{Number: 1, Modulus: m, Time: tested}, l)
		}
	})
}

func FuzzReadOpenSSH(f *testing.F) {
	f.Add(fixture(f, "openssh_moduli"))
	f.Add([]byte("#\r\n\r\nx\n \n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		last, lines := 0, bytes.Count(file, []byte("\n"))+1
		for line, err := range moduli.ReadOpenSSH(bytes.NewReader(file)) {
			require.Greater(t, line.Number, last)
			require.LessOrEqual(t, line.Number, lines)
			require.Equal(t, err != nil, line.Modulus.N == nil)
			last = line.Number
		}
	})
}

func ExampleReadOpenSSH() {
	file, err := os.Open("testdata/openssh_moduli") // or /etc/ssh/moduli
	if err != nil {
		panic(err)
	}
	defer file.Close()
	for line, err := range moduli.ReadOpenSSH(file) {
		if err != nil {
			fmt.Printf("line %d: %v\n", line.Number, err)
			continue
		}
		fmt.Printf("line %d: %d bits, g = %d\n", line.Number, line.Modulus.Bits(), line.Modulus.G)
	}
	// Output:
	// line 4: 2048 bits, g = 2
	// line 5: 2048 bits, g = 5
	// line 6: 3072 bits, g = 2
	// line 7: 3072 bits, g = 5
}

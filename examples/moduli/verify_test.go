package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/moduli"
	"github.com/stretchr/testify/require"
)

// signed512 makes pool.moduli, of two signed moduli, and keys own and foreign.
func signed512(t testing.TB, more ...string) {
	t.Helper()
	small512(t, 2, more...)
	newKey(t, "own", "2020-01-01")
	newKey(t, "foreign", "2020-01-01")
	must(t, "sign", "-key", "own", "pool.moduli")
}

// altered changes the bytes of the first record.
func altered(t testing.TB, from, to string, change func(record []byte)) {
	t.Helper()
	first, rest, _ := strings.Cut(read(t, from), "\n")
	prefix, text, _ := strings.Cut(first, ":")
	record, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	change(record)
	write(t, to, prefix+":"+base64.RawURLEncoding.EncodeToString(record)+"\n"+rest)
}

func TestVerifyUnsigned(t *testing.T) {
	in(t)
	small512(t, 2)
	out := must(t, "verify", "pool.moduli")
	require.Equal(t, 2, strings.Count(out, "  signature: none\n"))
	require.Equal(t, 2, strings.Count(out, "  result: good\n"))
	require.Contains(t, out, "pool.moduli:2\n  bits: 512 (for tests and demonstrations only)\n")
	require.Contains(t, out, ` after the start of the label "test/2", counter 0`)
	require.Contains(t, out, "  proof: N and (N-1)/2 are prime, and 2 generates the whole group (")

	newKey(t, "key", "")
	out, _, err := call(t, "verify", "-key", "key.pub", "pool.moduli")
	require.EqualError(t, err, "2 of 2 records failed: do not use them")
	require.Equal(t, 2, strings.Count(out, "  signature: FAILED: record not trusted: not signed\n  result: FAILED\n"))
}

func TestVerifySigned(t *testing.T) {
	in(t)
	signed512(t)
	out := must(t, "verify", "pool.moduli")
	require.Equal(t, 2, strings.Count(out, ", not checked without -key FILE\n  result: the modulus is good, the signature is not checked\n"))
	for _, args := range [][]string{{"-key", "own.pub"}, {"-key", "own.pub", "-purpose", "demo"}} {
		out = must(t, append(append([]string{"verify"}, args...), "pool.moduli")...)
		require.Equal(t, 2, strings.Count(out, "  signature: good, by key "))
	}
	write(t, "both.pub", read(t, "foreign.pub")+read(t, "own.pub"))
	must(t, "verify", "-key", "both.pub", "pool.moduli")

	out, _, err := call(t, "verify", "-key", "own.pub", "-purpose", "other", "pool.moduli")
	require.EqualError(t, err, "2 of 2 records failed: do not use them")
	require.Contains(t, out, "signature: FAILED: record not trusted: for another purpose")
	out, _, err = call(t, "verify", "-key", "foreign.pub", "pool.moduli")
	require.Error(t, err)
	require.Contains(t, out, "signature: FAILED: record not trusted: signed by an unknown key")

	for name, change := range map[string]func(r []byte){
		"signature": func(r []byte) { r[len(r)-1] ^= 1 },
		"purpose":   func(r []byte) { r[bytes.LastIndex(r, []byte("demo"))] ^= 1 },
	} {
		altered(t, "pool.moduli", "altered.moduli", change)
		out, _, err = call(t, "verify", "-key", "own.pub", "altered.moduli")
		require.EqualError(t, err, "1 of 2 records failed: do not use them", name)
		require.Contains(t, out, "signature: FAILED: record not trusted: wrong signature")
		require.Contains(t, out, "result: good", "the other record is unchanged")
	}
	altered(t, "pool.moduli", "altered.moduli", func(r []byte) { r[20] ^= 1 }) // of N
	refused(t, "altered.moduli:1 is not a record", "verify", "-key", "own.pub", "altered.moduli")
}

func TestVerifyRefusesWhatIsNoSafePrime(t *testing.T) {
	in(t)
	p := new(big.Int).Lsh(big.NewInt(1), 511)
	for p.SetBit(p, 0, 1); !p.ProbablyPrime(0); p.Add(p, big.NewInt(2)) {
	}
	var records []*moduli.Record
	for _, n := range []*big.Int{p, new(big.Int).Add(p, big.NewInt(2))} {
		found, err := moduli.ImportedResult(moduli.Modulus{N: n.Bytes(), G: 2})
		require.NoError(t, err)
		r, err := moduli.NewRecord(found, "demo", time.Now(), time.Now().AddDate(1, 0, 0))
		require.NoError(t, err)
		records = append(records, r)
	}
	pool, err := moduli.NewPool(records...)
	require.NoError(t, err)
	write(t, "bad.moduli", pool.Text())
	small512(t, 1)

	out, _, err := call(t, "verify", "pool.moduli", "bad.moduli")
	require.EqualError(t, err, "2 of 3 records failed: do not use them")
	require.Equal(t, 1, strings.Count(out, "result: good"))
	require.Equal(t, 2, strings.Count(out, "  proof: FAILED: "))
	require.Contains(t, out, "origin: unknown: made elsewhere")

	before := read(t, "bad.moduli")
	newKey(t, "key", "")
	refused(t, "nothing is signed: bad.moduli:1: ", "sign", "-key", "key", "bad.moduli")
	require.Equal(t, before, read(t, "bad.moduli"))
	refused(t, "nothing is written: bad.moduli:1", "export", "-format", "openssh", "bad.moduli")
}

func TestSingleRecords(t *testing.T) {
	in(t)
	small512(t, 1)
	pool, err := moduli.ParsePool(read(t, "pool.moduli"))
	require.NoError(t, err)
	r := pool.Records()[0]
	write(t, "text", r.Text())
	write(t, "binary", string(r.Bytes()))
	out := must(t, "verify", "text", "binary")
	require.Equal(t, 2, strings.Count(out, "result: good"))
	require.Equal(t, must(t, "show", "text"), strings.Replace(must(t, "show", "binary"), "binary\n", "text:1\n", 1))
}

func TestRetiredAndExpired(t *testing.T) {
	in(t)
	small512(t, 2, "-created", "2020-01-01", "-not-after", "2020-12-31")
	first, second, _ := strings.Cut(read(t, "pool.moduli"), "\n")
	write(t, "pool.moduli", first+"\n"+retiredMark+second)
	out := must(t, "verify", "pool.moduli")
	require.Equal(t, 1, strings.Count(out, "result: good; expired for new passwords"))
	require.Equal(t, 1, strings.Count(out, "result: good; retired"))

	newKey(t, "key", "2019-01-01")
	must(t, "sign", "-key", "key", "pool.moduli")
	out = must(t, "verify", "-key", "key.pub", "pool.moduli")
	require.Equal(t, 1, strings.Count(out, "result: good; retired"), "sign keeps the mark")
	require.Contains(t, must(t, "show", "pool.moduli"), "\nnot after: 2020-12-31T23:59:59Z\nretired: yes\nkey: ")
}

func TestMalformedPools(t *testing.T) {
	in(t)
	small512(t, 2)
	good := read(t, "pool.moduli")
	first, second, _ := strings.Cut(good, "\n")
	for text, why := range map[string]string{
		"":                                "bad:1 is not a record",
		"\n":                              "bad:1 is not a record",
		"nonsense\n":                      "bad:1 is not a record",
		first + "\r" + second:             "bad:1 is not a record",
		first + "\n\n" + second:           "bad:2 is not a record",
		good + "more":                     "bad:3 is not a record",
		good + first + "\n":               "bad:3 has the modulus of line 1: remove one of them",
		good[:len(good)-3]:                "bad:2 is not a record",
		first + "\nretired  " + second:    "bad:2 is not a record",
		strings.Repeat("x", (16<<20)+1):   "longer than 16777216 bytes",
		"retired retired " + first + "\n": "bad:1 is not a record",
	} {
		write(t, "bad", text)
		for _, command := range []string{"verify", "show"} {
			refused(t, why, command, "bad")
		}
	}
	refused(t, "no such file", "verify", "nowhere")
	for text, why := range map[string]string{
		"":         "key is not a file of public keys",
		"nonsense": "key is not a file of public keys",
		good:       "key is not a file of public keys",
	} {
		write(t, "key", text)
		require.NoError(t, os.Chmod("key", 0o600))
		refused(t, why, "verify", "-key", "key", "pool.moduli")
		refused(t, "key is not a file with a private key", "sign", "-key", "key", "pool.moduli")
	}
}

func TestVerifyStops(t *testing.T) {
	in(t)
	small512(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	require.ErrorIs(t, program.Run(ctx, []string{"verify", "pool.moduli"}, &out, new(bytes.Buffer)), context.Canceled)
	require.Empty(t, out.String())
}

func TestShow(t *testing.T) {
	in(t)
	must(t, "generate", "-bits", "512", "-label", "bell\a", "-created", "2030-01-01", "-o", "pool.moduli")
	pool, err := moduli.ParsePool(read(t, "pool.moduli"))
	require.NoError(t, err)
	r := pool.Records()[0]
	var want strings.Builder
	want.WriteString("record: pool.moduli:1\nbits: 512\ng: 2\n")
	want.WriteString("N: " + new(big.Int).SetBytes(r.Modulus().N).Text(16) + "\n")
	want.WriteString("start: " + new(big.Int).SetBytes(r.Result().Start.Bytes()).Text(16) + "\n")
	want.WriteString("label: \"bell\\a\"\ncounter: 0\n")
	want.WriteString("offset: " + new(big.Int).SetUint64(r.Result().Offset).String() + "\n")
	want.WriteString("purpose: \"demo\"\ncreated: 2030-01-01T00:00:00Z\nnot after: 2031-01-01T00:00:00Z\nkey: none\n")
	require.Equal(t, want.String(), must(t, "show", "pool.moduli"))
}

// TestVerifyRepeats the search, which shows that a modulus is not the first
// one.
func TestVerifyRepeats(t *testing.T) {
	in(t)
	start, err := moduli.VerifiableStart(512, "repeat", 0)
	require.NoError(t, err)
	first, err := moduli.Generate(t.Context(), start)
	require.NoError(t, err)
	s, err := moduli.NewSearch(start)
	require.NoError(t, err)
	later, err := s.Range(first.Offset/24+1, 1<<30) // from the slot after the first modulus
	require.NoError(t, err)
	second, err := later.Run(t.Context(), nil)
	require.NoError(t, err)
	require.Greater(t, second.Offset, first.Offset)
	for name, f := range map[string]moduli.SearchResult{"first": first, "second": second} {
		r, err := moduli.NewRecord(f, "demo", time.Now(), time.Now().AddDate(1, 0, 0))
		require.NoError(t, err)
		write(t, name, r.Text())
	}
	must(t, "verify", "second") // it is a good modulus
	out := must(t, "verify", "-repeat", "first")
	require.Contains(t, out, "search: repeated, with the same result")
	out, _, err = call(t, "verify", "-repeat", "second")
	require.Error(t, err)
	require.Contains(t, out, "search: FAILED: the first modulus is ")
}

// TestForgedCheckpoint: the moduli of a checkpoint are proved.
func TestForgedCheckpoint(t *testing.T) {
	in(t)
	start, err := moduli.VerifiableStart(512, "forged", 0)
	require.NoError(t, err)
	first, err := moduli.Generate(t.Context(), start)
	require.NoError(t, err)
	n := new(big.Int).SetBytes(first.N)
	composite := moduli.SearchResult{Modulus: moduli.Modulus{N: n.Add(n, big.NewInt(24)).Bytes(), G: 2}, Start: start, Offset: first.Offset + 24}
	r, err := moduli.NewRecord(composite, "demo", time.Now(), time.Now().AddDate(1, 0, 0))
	require.NoError(t, err)
	next, err := moduli.VerifiableStart(512, "forged/2", 0)
	require.NoError(t, err)
	search, err := moduli.NewSearch(next)
	require.NoError(t, err)
	require.NoError(t, (&checkpoint{search: search, found: []*moduli.Record{r}}).save("pool.moduli.checkpoint"))
	refused(t, "contains records that generate did not write", "generate", "-bits", "512", "-label", "forged", "-o", "pool.moduli")
}

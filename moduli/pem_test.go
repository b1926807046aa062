package moduli_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/pem"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/moduli"
	"github.com/stretchr/testify/require"
)

// pemOf returns a PEM block of type DH PARAMETERS with any content.
func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Bytes: der})
}

// derOf returns a SEQUENCE of the values, with another encoder.
func derOf(t testing.TB, values ...any) []byte {
	var content []byte
	for _, v := range values {
		b, err := asn1.Marshal(v)
		require.NoError(t, err)
		content = append(content, b...)
	}
	b, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: content})
	require.NoError(t, err)
	return b
}

func number(b []byte) *big.Int { return new(big.Int).SetBytes(b) }

// TestOpenSSLFiles: files of OpenSSL are written as they were read. OpenSSL
// chooses squares as generators, which generate only half of the group.
func TestOpenSSLFiles(t *testing.T) {
	for name, g := range map[string]int{"dhparam_2_512.pem": 2, "dhparam_5_512.pem": 5} {
		file := fixture(t, name)
		m, err := moduli.ParsePEM(file)
		require.NoError(t, err, name)
		require.Equal(t, 512, m.Bits())
		require.Equal(t, g, m.G)
		again, err := m.PEM()
		require.NoError(t, err)
		require.Equal(t, string(file), string(again))
		require.ErrorIs(t, m.Verify(t.Context()), moduli.ErrGenerator, name)

		for m.G = 3; big.Jacobi(big.NewInt(int64(m.G)), number(m.N)) != -1; m.G++ {
		}
		require.NoError(t, m.Verify(t.Context()), name)
	}
}

func TestPEM(t *testing.T) {
	for _, m := range []moduli.Modulus{
		rfc5054(t, 2048), rfc5054(t, 8192),
		{oddNumber(64), 2}, {oddNumber(1024), 128}, {oddNumber(65), math.MaxInt32},
	} {
		text, err := m.PEM()
		require.NoError(t, err)
		require.Equal(t, string(pemOf(derOf(t, number(m.N), m.G))), string(text))
		for name, form := range map[string]string{
			"as written":                  string(text),
			"without the last line end":   strings.TrimSuffix(string(text), "\n"),
			"CRLF":                        strings.ReplaceAll(string(text), "\n", "\r\n"),
			"with a private value length": string(pemOf(derOf(t, number(m.N), m.G, 225))),
		} {
			got, err := moduli.ParsePEM([]byte(form))
			require.NoError(t, err, name)
			require.Equal(t, m, got, name)
		}
	}
	for _, c := range []struct {
		m    moduli.Modulus
		want error
	}{
		{moduli.Modulus{}, moduli.ErrSize},
		{moduli.Modulus{N: oddNumber(63), G: 2}, moduli.ErrSize},
		{moduli.Modulus{N: oddNumber(1025), G: 2}, moduli.ErrSize},
		{moduli.Modulus{N: append([]byte{0}, oddNumber(64)...), G: 2}, moduli.ErrSize},
		{moduli.Modulus{N: append(oddNumber(64), 0), G: 2}, moduli.ErrSize},
		{moduli.Modulus{N: oddNumber(64), G: 1}, moduli.ErrGenerator},
		{moduli.Modulus{N: oddNumber(64), G: -2}, moduli.ErrGenerator},
	} {
		text, err := c.m.PEM()
		require.ErrorIs(t, err, c.want)
		require.Nil(t, text)
	}
}

// TestFormatsHoldGeneratorsOf31Bits: all machines read the same generators.
func TestFormatsHoldGeneratorsOf31Bits(t *testing.T) {
	g := math.MaxInt32
	if g++; g < 0 {
		t.Skip("an int has 32 bits")
	}
	m := moduli.Modulus{N: oddNumber(64), G: g}
	_, err := m.PEM()
	require.ErrorIs(t, err, moduli.ErrMalformed)
	_, err = m.AppendOpenSSH(nil, time.Time{})
	require.ErrorIs(t, err, moduli.ErrMalformed)
	_, err = moduli.ImportedResult(m)
	require.ErrorIs(t, err, moduli.ErrMalformed)
}

func TestParsePEMRefuses(t *testing.T) {
	p := number(oddNumber(65)) // base64 ends in ==
	der := derOf(t, p, 2)
	good := string(pemOf(der))
	_, err := moduli.ParsePEM([]byte(good))
	require.NoError(t, err)
	end := strings.LastIndex(good, "-----END")
	require.Equal(t, "IBAg==\n", good[end-7:end], "the bytes 2 1 2, and four bits that must be 0")
	header := pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Headers: map[string]string{"a": "b"}, Bytes: der})
	long := derOf(t, p, 2, 225)

	const (
		block = "not exactly one PEM block"
		pkcs3 = "PKCS #3"
	)
	for name, c := range map[string]struct {
		text string
		want error
		why  string // of an ErrMalformed
	}{
		"empty":                      {"", moduli.ErrMalformed, block},
		"a line end":                 {"\n", moduli.ErrMalformed, block},
		"not PEM":                    {string(der), moduli.ErrMalformed, block},
		"text before":                {"x\n" + good, moduli.ErrMalformed, block},
		"an empty line before":       {"\n" + good, moduli.ErrMalformed, block},
		"text after":                 {good + "x", moduli.ErrMalformed, block},
		"an empty line after":        {good + "\n", moduli.ErrMalformed, block},
		"two blocks":                 {good + good, moduli.ErrMalformed, block},
		"an empty line inside":       {strings.Replace(good, "-----\n", "-----\n\n", 1), moduli.ErrMalformed, block},
		"a blank at a line's end":    {strings.Replace(good, "-----\n", "----- \n", 1), moduli.ErrMalformed, block},
		"a blank inside":             {good[:end-4] + " " + good[end-4:], moduli.ErrMalformed, block},
		"a CR inside":                {good[:end-4] + "\r" + good[end-4:], moduli.ErrMalformed, block},
		"one line of base64":         {strings.Replace(good[:end], "\n", "", 2) + good[end:], moduli.ErrMalformed, block},
		"another width":              {good[:60] + "\n" + strings.Replace(good[60:], "\n", "", 1), moduli.ErrMalformed, block},
		"no padding":                 {strings.Replace(good, "=", "", 1), moduli.ErrMalformed, block},
		"bits beyond the bytes":      {strings.Replace(good, "Ag==", "Ah==", 1), moduli.ErrMalformed, block},
		"a header":                   {string(header), moduli.ErrMalformed, block},
		"another type":               {strings.ReplaceAll(good, "DH PAR", "DSA PAR"), moduli.ErrMalformed, block},
		"X9.42":                      {strings.ReplaceAll(good, "DH PAR", "X9.42 DH PAR"), moduli.ErrMalformed, block},
		"two types":                  {strings.Replace(good, "BEGIN DH", "BEGIN DSA", 1), moduli.ErrMalformed, block},
		"over 16 KiB":                {string(pemOf(make([]byte, 12<<10))), moduli.ErrMalformed, block},
		"no DER":                     {string(pemOf(nil)), moduli.ErrMalformed, pkcs3},
		"a SET":                      {string(pemOf(append([]byte{asn1.TagSet | 0x20}, der[1:]...))), moduli.ErrMalformed, pkcs3},
		"an empty SEQUENCE":          {string(pemOf(derOf(t))), moduli.ErrMalformed, pkcs3},
		"no g":                       {string(pemOf(derOf(t, p))), moduli.ErrMalformed, pkcs3},
		"four numbers":               {string(pemOf(derOf(t, p, 2, 225, 1))), moduli.ErrMalformed, pkcs3},
		"a long length":              {string(pemOf(append([]byte{der[0], 0x81}, der[1:]...))), moduli.ErrMalformed, pkcs3},
		"an indefinite length":       {string(pemOf(append(append([]byte{der[0], 0x80}, der[2:]...), 0, 0))), moduli.ErrMalformed, pkcs3},
		"an ENUMERATED g":            {string(pemOf(derOf(t, p, asn1.Enumerated(2)))), moduli.ErrMalformed, pkcs3},
		"a padded g":                 {string(pemOf(derOf(t, p, asn1.RawValue{Tag: asn1.TagInteger, Bytes: []byte{0, 2}}))), moduli.ErrMalformed, pkcs3},
		"a g of no bytes":            {string(pemOf(derOf(t, p, asn1.RawValue{Tag: asn1.TagInteger}))), moduli.ErrMalformed, pkcs3},
		"a g of 32 bits":             {string(pemOf(derOf(t, p, big.NewInt(1<<31)))), moduli.ErrMalformed, pkcs3},
		"a g like N":                 {string(pemOf(derOf(t, p, new(big.Int).Sub(p, big.NewInt(2))))), moduli.ErrMalformed, pkcs3},
		"a padded N":                 {string(pemOf(derOf(t, asn1.RawValue{Tag: asn1.TagInteger, Bytes: append([]byte{0, 0}, oddNumber(65)...)}, 2))), moduli.ErrMalformed, pkcs3},
		"a negative N":               {string(pemOf(derOf(t, asn1.RawValue{Tag: asn1.TagInteger, Bytes: oddNumber(65)}, 2))), moduli.ErrMalformed, pkcs3},
		"a negative length":          {string(pemOf(derOf(t, p, 2, -225))), moduli.ErrMalformed, pkcs3},
		"a length of 33 bits":        {string(pemOf(derOf(t, p, 2, big.NewInt(1<<32)))), moduli.ErrMalformed, pkcs3},
		"a length that is no number": {string(pemOf(derOf(t, p, 2, true))), moduli.ErrMalformed, pkcs3},
		"an even N":                  {string(pemOf(derOf(t, new(big.Int).Add(p, big.NewInt(1)), 2))), moduli.ErrSize, ""},
		"N = 0":                      {string(pemOf(derOf(t, 0, 2))), moduli.ErrSize, ""},
		"N of 519 bits":              {string(pemOf(derOf(t, new(big.Int).SetBit(p, 519, 0), 2))), moduli.ErrSize, ""},
		"N of 504 bits":              {string(pemOf(derOf(t, number(oddNumber(63)), 2))), moduli.ErrSize, ""},
		"N of 8200 bits":             {string(pemOf(derOf(t, number(oddNumber(1025)), 2))), moduli.ErrSize, ""},
		"g = 1":                      {string(pemOf(derOf(t, number(oddNumber(64)), 1))), moduli.ErrGenerator, ""},
		"g = 0":                      {string(pemOf(derOf(t, number(oddNumber(64)), 0))), moduli.ErrGenerator, ""},
		"g = -2":                     {string(pemOf(derOf(t, number(oddNumber(64)), -2))), moduli.ErrGenerator, ""},
	} {
		require.NotEqual(t, good, c.text, name)
		m, err := moduli.ParsePEM([]byte(c.text))
		require.ErrorIs(t, err, c.want, name)
		require.ErrorContains(t, err, c.why, name)
		require.Zero(t, m, name)
	}

	for b := range testvec.Lengths([]byte(strings.TrimSuffix(good, "\n"))) {
		_, err := moduli.ParsePEM(b)
		require.ErrorIs(t, err, moduli.ErrMalformed, "%q", b)
	}
	for _, valid := range [][]byte{der, long} {
		for b := range testvec.Lengths(valid) {
			_, err := moduli.ParsePEM(pemOf(b))
			require.ErrorIs(t, err, moduli.ErrMalformed, "%x", b)
		}
	}
}

func TestParsePEMLeavesItsInput(t *testing.T) {
	file := append(fixture(t, "dhparam_2_512.pem"), "\r\n"...)
	was := bytes.Clone(file)
	m, err := moduli.ParsePEM(file[:len(file)-3])
	require.NoError(t, err)
	require.Equal(t, was, file)
	n := bytes.Clone(m.N)
	clear(file)
	require.Equal(t, n, m.N)
}

func FuzzPEM(f *testing.F) {
	f.Add(fixture(f, "dhparam_2_512.pem"))
	f.Add(fixture(f, "dhparam_5_512.pem"))
	f.Add(pemOf(derOf(f, number(oddNumber(64)), 2, 160)))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := moduli.ParsePEM(text)
		if err != nil {
			require.Zero(t, m)
			return
		}
		again, err := m.PEM()
		require.NoError(t, err)
		block, rest := pem.Decode(text)
		require.NotNil(t, block)
		require.Empty(t, bytes.Trim(rest, "\r\n"))
		var numbers []*big.Int
		_, err = asn1.Unmarshal(block.Bytes, &numbers)
		require.NoError(t, err)
		if len(numbers) == 2 {
			lines := strings.TrimSuffix(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n") + "\n"
			require.Equal(t, lines, string(again))
		}
		got, err := moduli.ParsePEM(again)
		require.NoError(t, err)
		require.Equal(t, m, got)
		require.Equal(t, []*big.Int{number(m.N), big.NewInt(int64(m.G))}, numbers[:2])
	})
}

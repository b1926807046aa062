package interop_test

import (
	"bytes"
	"crypto/rand"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// openssl returns what OpenSSL 3 writes to its two outputs.
func openssl(t testing.TB, stdin []byte, args ...string) (stdout, stderr string) {
	var out, log strings.Builder
	cmd := exec.Command("openssl", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &log
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatalf("%v\nThis test needs OpenSSL 3 (Debian: openssl).", err)
	}
	return out.String(), log.String()
}

// opensslPrime is OpenSSL's opinion on one number.
func opensslPrime(t testing.TB, n *big.Int) bool {
	digits := fmt.Sprintf("%X", n)
	out, log := openssl(t, nil, "prime", "-hex", digits)
	switch out {
	case digits + " (" + digits + ") is prime\n":
		return true
	case digits + " (" + digits + ") is not prime\n":
		return false
	default:
		t.Fatalf("openssl prime: %s%s", out, log)
		return false
	}
}

// opensslCheck is OpenSSL's opinion on DH parameters.
func opensslCheck(t testing.TB, parameters []byte) bool {
	_, log := openssl(t, parameters, "dhparam", "-check", "-noout", "-in", "-")
	good, bad := strings.Contains(log, "DH parameters appear to be ok."), strings.Contains(log, "Error, invalid parameters")
	require.NotEqual(t, good, bad, log)
	return good
}

// pkcs3 is the PEM form of any two numbers.
func pkcs3(t testing.TB, n *big.Int, g int) []byte {
	der, err := asn1.Marshal(struct{ P, G *big.Int }{n, big.NewInt(int64(g))})
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Bytes: der})
}

// prove is what a caller does with a file from elsewhere.
func prove(t testing.TB, parameters []byte) error {
	m, err := moduli.ParsePEM(parameters)
	if err != nil {
		return err
	}
	return m.Verify(t.Context())
}

func prime(t testing.TB, bits int) *big.Int {
	p, err := rand.Prime(rand.Reader, bits)
	require.NoError(t, err)
	return p
}

// half is (n−1)/2 of an odd n.
func half(n *big.Int) *big.Int { return new(big.Int).Rsh(n, 1) }

// double is 2q + 1.
func double(q *big.Int) *big.Int {
	n := new(big.Int).Lsh(q, 1)
	return n.SetBit(n, 0, 1)
}

// until3mod8 draws until it has an n ≡ 3 (mod 8).
func until3mod8(draw func() *big.Int) *big.Int {
	n := draw()
	for n.Bits()[0]&7 != 3 {
		n = draw()
	}
	return n
}

func rfc5054Modulus(t testing.TB, bits int) moduli.Modulus {
	group, err := srp.RFC5054Group(bits)
	require.NoError(t, err)
	g := group.Unverified()
	return moduli.Modulus{N: g.N, G: g.G}
}

func protonModulus(t testing.TB, n int) moduli.Modulus {
	signed := testvec.Load[[]string](t, os.DirFS("../../moduli/openpgp/testdata"), "signed_moduli.json")[n]
	key, err := openpgp.ParseKey(openpgp.ProtonKey)
	require.NoError(t, err)
	b, err := key.Modulus([]byte(signed))
	require.NoError(t, err)
	return moduli.Modulus{N: b, G: openpgp.Generator}
}

// TestOpenSSLAgrees: OpenSSL finds p and (p−1)/2 prime where we do. Of g it
// asks only that 1 < g < p−1, so that it calls good what generates half of the
// group, and for the named groups of RFC 3526 and RFC 7919 it computes nothing
// at all. The other difference is the size: any from 512 to 10,000 bits, where
// ours are whole bytes up to 8192 bits.
func TestOpenSSLAgrees(t *testing.T) {
	t.Parallel()
	good := map[string]moduli.Modulus{
		"RFC 5054, 2048 bits":   rfc5054Modulus(t, 2048),
		"Proton's modulus":      protonModulus(t, 0),
		"Proton's next modulus": protonModulus(t, 1),
	}
	if !testing.Short() {
		good["RFC 5054, 3072 bits"] = rfc5054Modulus(t, 3072)
		good["RFC 5054, 4096 bits"] = rfc5054Modulus(t, 4096)
	}
	for name, m := range good {
		text, err := m.PEM()
		require.NoError(t, err)
		require.NoError(t, prove(t, text), name)
		require.True(t, opensslCheck(t, text), name)
		N := new(big.Int).SetBytes(m.N)
		require.True(t, opensslPrime(t, N), name)
		require.True(t, opensslPrime(t, half(N)), name)
		again, log := openssl(t, text, "dhparam", "-in", "-")
		require.Equal(t, string(text), again, "%s: %s", name, log)
	}

	// All ≡ 3 (mod 8), of which 2 would generate the whole group.
	semiprime := until3mod8(func() *big.Int { return new(big.Int).Mul(prime(t, 1024), prime(t, 1024)) })
	onlyP := until3mod8(func() *big.Int { return prime(t, 512) })
	for half(onlyP).ProbablyPrime(0) {
		onlyP = until3mod8(func() *big.Int { return prime(t, 512) })
	}
	onlyQ := until3mod8(func() *big.Int { return double(prime(t, 511)) })
	for onlyQ.ProbablyPrime(0) {
		onlyQ = until3mod8(func() *big.Int { return double(prime(t, 511)) })
	}
	rfc5054 := new(big.Int).SetBytes(rfc5054Modulus(t, 2048).N)
	ffdhe2048, log := openssl(t, nil, "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048")
	named, err := moduli.ParsePEM([]byte(ffdhe2048))
	require.NoError(t, err, log)
	rfc7919 := new(big.Int).SetBytes(named.N)

	for _, c := range []struct {
		name    string
		n       *big.Int
		g       int
		want    error // ours
		p, q    bool  // whether they are prime
		openssl bool
	}{
		{"p and q composite", semiprime, 2, moduli.ErrNotPrime, false, false, false},
		{"p prime, q composite", onlyP, 2, moduli.ErrNotSafe, true, false, false},
		{"p composite, q prime", onlyQ, 2, moduli.ErrNotPrime, false, true, false},
		{"even", new(big.Int).Add(rfc5054, big.NewInt(1)), 2, moduli.ErrSize, false, false, false},
		{"g = 0", rfc5054, 0, moduli.ErrGenerator, true, true, false},
		{"g = 1", rfc5054, 1, moduli.ErrGenerator, true, true, false},
		// The two differ from here on.
		{"a square g", rfc5054, 4, moduli.ErrGenerator, true, true, true},
		{"a square g of a named group", rfc7919, 2, moduli.ErrGenerator, true, true, true},
	} {
		text := pkcs3(t, c.n, c.g)
		require.ErrorIs(t, prove(t, text), c.want, c.name)
		require.Equal(t, c.p, opensslPrime(t, c.n), c.name)
		require.Equal(t, c.q, opensslPrime(t, half(c.n)), c.name)
		require.Equal(t, c.openssl, opensslCheck(t, text), c.name)
	}
}

// TestOpenSSLMakes: what OpenSSL 3 makes is p ≡ 23 (mod 24) for g = 2 and
// p ≡ 59 (mod 60) for g = 5, so that g is a square; we read it and refuse it.
// With another g the same p is good.
func TestOpenSSLMakes(t *testing.T) {
	t.Parallel()
	for _, g := range []string{"-2", "-5"} {
		text, _ := openssl(t, nil, "dhparam", g, "512")
		require.True(t, opensslCheck(t, []byte(text)))
		m, err := moduli.ParsePEM([]byte(text))
		require.NoError(t, err, text)
		require.ErrorIs(t, m.Verify(t.Context()), moduli.ErrGenerator, text)
		N := new(big.Int).SetBytes(m.N)
		for m.G = 3; big.Jacobi(big.NewInt(int64(m.G)), N) != -1; m.G++ {
		}
		require.NoError(t, m.Verify(t.Context()), text)
	}

	text, _ := openssl(t, nil, "dhparam", "-2", "513")
	require.True(t, opensslCheck(t, []byte(text)))
	require.ErrorIs(t, prove(t, []byte(text)), moduli.ErrSize, text)
}

// TestOpenSSHModuli reads the file that comes with OpenSSH. Each line is of the
// one form and comes out as it went in. Lines with g = 2 have
// N ≡ 11 (mod 24), and g = 2 is right; those with g = 5 have N ≡ 23 (mod 24),
// and 2 is a square. Those of 2048 bits are proved, with -short a tenth of
// them; of all others it takes too long.
func TestOpenSSHModuli(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("/etc/ssh/moduli")
	if err != nil {
		t.Fatalf("%v\nThis test needs the moduli that come with OpenSSH's server (Debian: openssh-server).", err)
	}
	lines := make(map[int]int) // by generator
	proved := 0
	var again []byte
	for line, err := range moduli.ReadOpenSSH(bytes.NewReader(file)) {
		require.NoError(t, err, "line %d", line.Number)
		m := line.Modulus
		again, err = m.AppendOpenSSH(again, line.Time)
		require.NoError(t, err, "line %d", line.Number)

		lines[m.G]++
		N := new(big.Int).SetBytes(m.N)
		residue := new(big.Int).Mod(N, big.NewInt(24)).Int64()
		require.EqualValues(t, map[int]int64{2: 11, 5: 23}[m.G], residue, "line %d, g = %d", line.Number, m.G)
		// Of a safe prime, all but the squares and −1 generate the whole group.
		require.Equal(t, -1, big.Jacobi(big.NewInt(int64(m.G)), N), "line %d", line.Number)
		if m.G == 5 && (m.Bits() <= 2048 || !testing.Short()) {
			require.ErrorIs(t, moduli.Modulus{N: m.N, G: 2}.Verify(t.Context()), moduli.ErrGenerator, "line %d", line.Number)
		}
		if m.Bits() == 2048 && (!testing.Short() || (lines[2]+lines[5])%10 == 1) {
			require.NoError(t, m.Verify(t.Context()), "line %d", line.Number)
			proved++
		}
	}
	var kept []byte
	for line := range bytes.Lines(file) {
		if line[0] != '#' {
			kept = append(kept, line...)
		}
	}
	require.Equal(t, string(kept), string(again))
	t.Logf("%d lines with g = 2, %d with g = 5, %d proved", lines[2], lines[5], proved)
	require.Greater(t, lines[2], 100)
	require.Greater(t, lines[5], 100)
	require.Positive(t, proved)
}

// TestSSHKeygenScreens: ssh-keygen reads our lines, tests them for itself, and
// keeps those with safe primes.
func TestSSHKeygenScreens(t *testing.T) {
	t.Parallel()
	unsafe := prime(t, 512)
	for half(unsafe).ProbablyPrime(0) {
		unsafe = prime(t, 512)
	}
	good := []moduli.Modulus{rfc5054Modulus(t, 2048), protonModulus(t, 0)}
	var text []byte
	for _, m := range []moduli.Modulus{good[0], {N: unsafe.Bytes(), G: 2}, good[1]} {
		var err error
		text, err = m.AppendOpenSSH(text, time.Now())
		require.NoError(t, err)
	}
	in, out := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out")
	require.NoError(t, os.WriteFile(in, text, 0o600))
	if log, err := exec.Command("ssh-keygen", "-M", "screen", "-f", in, out).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s\nThis test needs ssh-keygen (Debian: openssh-client).", err, log)
	}
	screened, err := os.Open(out)
	require.NoError(t, err)
	defer screened.Close()
	var got []moduli.Modulus
	for line, err := range moduli.ReadOpenSSH(screened) {
		require.NoError(t, err)
		got = append(got, line.Modulus)
	}
	require.Equal(t, good, got, hex.EncodeToString(unsafe.Bytes()))
}

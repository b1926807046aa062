package bcrypt_test

import (
	"bytes"
	"embed"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/bcrypt"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
	xbcrypt "golang.org/x/crypto/bcrypt"
)

//go:embed testdata
var testdata embed.FS

type vector struct {
	Password string `json:"password"`
	Setting  string `json:"setting"`
	Hash     string `json:"hash"`
}

func TestVectors(t *testing.T) {
	vectors := testvec.Load[[]vector](t, testdata, "testdata/bcrypt.json")
	require.Len(t, vectors, 8)
	for _, v := range vectors {
		cost, err := strconv.Atoi(v.Setting[4:6])
		require.NoError(t, err)
		salt, err := bcrypt.DecodeSalt(v.Setting[7:])
		require.NoError(t, err)
		hash, err := bcrypt.Hash([]byte(v.Password), salt, cost)
		require.NoError(t, err)
		require.Equal(t, v.Hash, string(hash[:]))
	}
}

// TestVectorsOfOtherImplementations: of crypt_blowfish, jBCrypt, Botan and passlib.
func TestVectorsOfOtherImplementations(t *testing.T) {
	vectors := testvec.Load[[]struct {
		Password testvec.Hex `json:"password"`
		Hash     string      `json:"hash"`
		From     string      `json:"from"`
	}](t, testdata, "testdata/bcrypt_more.json")
	require.Len(t, vectors, 115)
	for _, v := range vectors {
		cost, err := strconv.Atoi(v.Hash[4:6])
		require.NoError(t, err)
		salt, err := bcrypt.DecodeSalt(v.Hash[7:29])
		require.NoError(t, err)
		hash, err := bcrypt.Hash(v.Password, salt, cost)
		require.NoError(t, err)
		require.Equal(t, v.Hash, string(hash[:]), "%s: %x", v.From, []byte(v.Password))
	}
}

// TestProtonKeyPassword: characters 29 to 59 of a hash are the passphrase of a
// Proton user's key.
func TestProtonKeyPassword(t *testing.T) {
	for _, v := range testvec.Load[[]struct {
		Password string      `json:"password"`
		KeySalt  testvec.Hex `json:"key_salt"`
		Output   string      `json:"output"`
	}](t, testdata, "testdata/proton_key_password.json") {
		hash, err := bcrypt.Hash([]byte(v.Password), [bcrypt.SaltSize]byte(v.KeySalt), 10)
		require.NoError(t, err)
		require.Equal(t, v.Output, string(hash[29:]))
	}
}

// TestSaltCharacterIsCanonical: all characters that agree in their two live
// bits give one hash, written with the dead bits zero.
func TestSaltCharacterIsCanonical(t *testing.T) {
	const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	for i := range alphabet {
		salt, err := bcrypt.DecodeSalt("abcdefghijklmnopqrstu" + alphabet[i:i+1])
		require.NoError(t, err)
		hash, err := bcrypt.Hash([]byte("p"), salt, 4)
		require.NoError(t, err)
		require.Equal(t, alphabet[i&0x30], hash[28])
	}
}

func TestSeventyTwoBytesCount(t *testing.T) {
	hash := func(password string) string {
		h, err := bcrypt.Hash([]byte(password), [16]byte{1}, 4)
		require.NoError(t, err)
		return string(h[:])
	}
	a := strings.Repeat("a", 72)
	require.Equal(t, hash(a), hash(a+"b"))
	require.NotEqual(t, hash(a), hash(a[:71]))
	require.NotEqual(t, hash(a), hash(a[:71]+"b"))
	// The closing NUL is part of the key: without it a cycled password would
	// equal its repetition.
	require.NotEqual(t, hash("ab"), hash("abab"))
	require.NotEqual(t, hash(""), hash("\x00\x00"[:1]+"x"))
}

// TestAccumulated: the digests were taken while golang.org/x/crypto/bcrypt
// confirmed every one of the runs.
func TestAccumulated(t *testing.T) {
	testvec.Check(t, "bcrypt/cost=4",
		"ff0fd3d9d57baf913c589941afcc158d6cd8608931a784f00f807e46646366dd",
		"48d4672e970c63e5b25024ef3df76244d1950ab79235c1aa31db39ee52a84aad",
		func(a *testvec.Accumulated) {
			password := a.Input(int(a.Input(1)[0]) % 100)
			h, err := bcrypt.Hash(password, [16]byte(a.Input(16)), 4)
			require.NoError(t, err)
			a.Output(h[:])
		})
}

// TestAgainstXCrypto: the field's other implementation accepts what is made
// here, up to its own limit of 72 bytes.
func TestAgainstXCrypto(t *testing.T) {
	for n := range 73 {
		password := bytes.Repeat([]byte{byte(n + 1)}, n)
		h, err := bcrypt.Hash(password, [16]byte{byte(n)}, 4)
		require.NoError(t, err)
		require.NoError(t, xbcrypt.CompareHashAndPassword(h[:], password), "%d bytes", n)
	}
}

func TestRefused(t *testing.T) {
	for _, cost := range []int{-1, 0, 3, 32, 1 << 20} {
		_, err := bcrypt.Hash(nil, [16]byte{}, cost)
		require.Error(t, err)
	}
	for _, salt := range []string{
		"", "abcdefghijklmnopqrstu", "abcdefghijklmnopqrstuuu", "abcdefghijklmnopqrstu=",
		"abcdefghijk\nmnopqrstuu", "abcdefghijklmnopqrstuu\n", "abcdefghijk+mnopqrstuu",
	} {
		_, err := bcrypt.DecodeSalt(salt)
		require.Error(t, err, "%q", salt)
	}
}

// BenchmarkKey is beside the field's other implementation, which does the same
// work to compare a password with a hash. The metric ×x-crypto is the ratio to
// it, taken in turns, since machines are noisy.
func BenchmarkKey(b *testing.B) {
	for _, cost := range []int{4, 10} {
		hash, err := bcrypt.Hash([]byte("password"), [16]byte{1}, cost)
		require.NoError(b, err)
		b.Run(fmt.Sprintf("cost=%d", cost), func(b *testing.B) {
			b.ReportAllocs()
			var theirs time.Duration
			for b.Loop() {
				if _, err := bcrypt.Hash([]byte("password"), [16]byte{1}, cost); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				start := time.Now()
				if err := xbcrypt.CompareHashAndPassword(hash[:], []byte("password")); err != nil {
					b.Fatal(err)
				}
				theirs += time.Since(start)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed())/float64(theirs), "×x-crypto")
		})
	}
}

// TestLineEndsAreNoSalt: 22 characters, of which package base64 skips some and
// takes the rest for a whole number of bytes.
func TestLineEndsAreNoSalt(t *testing.T) {
	for _, salt := range []string{"abcdefghijklmnopqrst\n\n", "\r\nabcdefghijklmnopqrst", "abcdefgh\n\n\n\n\n\nijklmnop"} {
		_, err := bcrypt.DecodeSalt(salt)
		require.Error(t, err, "%q", salt)
	}
}

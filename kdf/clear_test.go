package kdf_test

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/stretchr/testify/require"
)

// TestNothingIsLeftOfPBKDF2 searches the memory, after a derivation of 32 bytes
// that its caller has cleared, for the 64 that there are, for what they are the
// sum of, and for the password. HMAC's padded keys stay in crypto/hmac, which
// nothing can clear.
func TestNothingIsLeftOfPBKDF2(t *testing.T) {
	for _, size := range []int{20, 200} { // below and above a block
		salt := []byte("saltsaltsaltsalt")
		f := exact(t, must(kdf.NewPBKDF2SHA512(3)), salt)
		masked := make([]byte, size)
		rand.Read(masked)
		password := func() []byte {
			p := make([]byte, size)
			for i, b := range masked {
				p[i] = b ^ 0xa5
			}
			return p
		}
		testvec.Elsewhere(func() {
			p := password()
			key, err := f.Derive(context.Background(), p, 32)
			if err != nil {
				t.Error(err)
			}
			clear(key)
			clear(p)
		})
		heap := testvec.Heap(t)
		require.True(t, heap.Holds(masked))

		p := password()
		require.NotContains(t, string(heap), string(p))
		dk, err := pbkdf2.Key(sha512.New, string(p), salt, 3, 64)
		require.NoError(t, err)
		require.False(t, heap.Holds(dk[:32]), "the key")
		require.False(t, heap.Holds(dk[32:]), "the rest of its block")
		u := append(salt, 0, 0, 0, 1)
		for j := range 3 {
			mac := hmac.New(sha512.New, p)
			mac.Write(u)
			u = mac.Sum(nil)
			require.False(t, heap.Holds(u), "U_%d", j+1)
		}
	}
}

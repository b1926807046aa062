package prepare_test

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/stretchr/testify/require"
)

// TestNothingIsLeftOfPasswords searches the memory for a password, its form
// with ordinary spaces and its prepared form, after the caller has cleared both
// ends.
func TestNothingIsLeftOfPasswords(t *testing.T) {
	var masked [24]byte
	rand.Read(masked[:])
	letters := func() string {
		var b [24]byte
		for i := range b {
			b[i] = masked[i] ^ 0xa5
		}
		return hex.EncodeToString(b[:])
	}
	const accent = "o\u0308"
	typed := func() []byte { return []byte(accent + "\u00a0" + letters() + "\u00a0" + accent) }
	for _, tail := range []string{"", "\x00"} { // accepted, and refused at the end
		testvec.Elsewhere(func() {
			in := append(typed(), tail...)
			out, err := prepare.Password(in)
			if (err == nil) != (tail == "") {
				t.Error(err)
			}
			clear(out)
			clear(in)
		})
	}
	heap := testvec.Heap(t)
	require.True(t, heap.Holds(masked[:]))
	require.False(t, heap.Holds(typed()), "as typed")
	spaced := strings.ReplaceAll(string(typed()), "\u00a0", " ")
	require.False(t, heap.Holds([]byte(spaced)), "with ordinary spaces")
	require.False(t, heap.Holds([]byte(strings.ReplaceAll(spaced, accent, "\u00f6"))), "prepared")
	require.False(t, heap.Holds([]byte(" "+letters()+" ")), "its longest part")
}

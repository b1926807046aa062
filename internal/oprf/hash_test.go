package oprf_test

import (
	"bytes"
	"crypto"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"reflect"
	"testing"

	"github.com/cloudflare/circl/expander"
	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

var hashes = map[string]struct {
	new   func() *oprf.Hash
	std   func() hash.Hash
	id    crypto.Hash
	suite *oprf.Suite
}{
	"SHA512": {oprf.NewSHA512, sha512.New, crypto.SHA512, oprf.Ristretto255},
	"SHA256": {oprf.NewSHA256, sha256.New, crypto.SHA256, oprf.P256},
}

// split cuts b into parts at a few places, empty parts among them.
func split(b []byte) [][]byte {
	i, j := len(b)/3, len(b)-len(b)/4
	return [][]byte{nil, b[:i], b[i:i], b[i:j], b[j:]}
}

func TestSum(t *testing.T) {
	for name, c := range hashes {
		h, a := c.new(), testvec.NewAccumulated(name)
		require.Equal(t, c.std().Size(), h.Size())
		require.LessOrEqual(t, h.Size(), oprf.MaxHashSize)
		for n := range 300 {
			message, out := a.Input(n), make([]byte, h.Size())
			std := c.std()
			std.Write(message)
			h.Sum(out, split(message)...)
			require.Equal(t, std.Sum(nil), out, "%s of %d bytes", name, n)
		}
	}
}

func TestMAC(t *testing.T) {
	for name, c := range hashes {
		h, a := c.new(), testvec.NewAccumulated(name)
		for n := range 201 {
			key, message, out := a.Input(n), a.Input(3*n%257), make([]byte, h.Size())
			std := hmac.New(c.std, key)
			std.Write(message)
			h.MAC(out, key, split(message)...)
			require.Equal(t, std.Sum(nil), out, "%s with a key of %d bytes", name, n)

			want, err := hkdf.Extract(c.std, message, nil)
			require.NoError(t, err)
			h.Extract(out, split(message)...)
			require.Equal(t, want, out, "%s of %d bytes", name, len(message))
		}
	}
}

func TestExpand(t *testing.T) {
	for name, c := range hashes {
		h, a := c.new(), testvec.NewAccumulated(name)
		size := h.Size()
		for _, n := range []int{0, 1, size - 1, size, size + 1, 2 * size, 3*size - 5, 17 * size, 254*size + 1, 255 * size} {
			for _, keySize := range []int{0, 1, size, 64, 65, 128, 129, 200} {
				key, info, out := a.Input(keySize), a.Input(n%200), make([]byte, n)
				want, err := hkdf.Expand(c.std, key, string(info), n)
				require.NoError(t, err)
				h.Expand(out, key, split(info)...)
				require.True(t, bytes.Equal(want, out), "%s: %d bytes", name, n)
			}
		}
	}
}

func TestExpandMessage(t *testing.T) {
	for name, c := range hashes {
		h, a := c.new(), testvec.NewAccumulated(name)
		size := h.Size()
		for _, n := range []int{1, size - 1, size, size + 1, 48, 64, 96, 2 * size, 255, 256, 17*size + 3, 254*size + 1, 255 * size} {
			for _, dstSize := range []int{0, 1, 30, 128, 255} {
				dst, message, out := a.Input(dstSize), a.Input(n%300), make([]byte, n)
				want := expander.NewExpanderMD(c.id, dst).Expand(message, uint(n))
				h.ExpandMessage(out, append(dst, byte(dstSize)), split(message)...)
				require.True(t, bytes.Equal(want, out), "%s: %d bytes", name, n)
			}
		}
	}
}

// Outputs may be inputs.
func TestHashInPlace(t *testing.T) {
	for name, c := range hashes {
		h, a := c.new(), testvec.NewAccumulated(name)
		size := h.Size()
		b, other := a.Input(size), a.Input(20)
		for what, f := range map[string]func(out, in []byte){
			"Sum":             func(out, in []byte) { h.Sum(out, other, in) },
			"MAC, its key":    func(out, in []byte) { h.MAC(out, in, other) },
			"MAC, a part":     func(out, in []byte) { h.MAC(out, other, in, other) },
			"Extract, a part": func(out, in []byte) { h.Extract(out, in, other) },
		} {
			apart, inPlace := make([]byte, size), bytes.Clone(b)
			f(apart, b)
			f(inPlace, inPlace)
			require.Equal(t, apart, inPlace, "%s: %s", name, what)
		}
	}
}

// What came before has no influence.
func TestHashStartsAnew(t *testing.T) {
	for name, c := range hashes {
		h, fresh := c.new(), c.new()
		long := bytes.Repeat([]byte{0x77}, 200)
		steps := []func(h *oprf.Hash, out []byte){
			func(h *oprf.Hash, out []byte) { h.Sum(out[:h.Size()], long) },
			func(h *oprf.Hash, out []byte) { h.MAC(out[:h.Size()], long, long) },
			func(h *oprf.Hash, out []byte) { h.MAC(out[:h.Size()], long[:5], long) },
			func(h *oprf.Hash, out []byte) { h.Expand(out, long[:32], long) },
			func(h *oprf.Hash, out []byte) { h.ExpandMessage(out, long[:31], long) },
			func(h *oprf.Hash, out []byte) { h.Clear() },
		}
		for i, before := range steps {
			for j, step := range steps {
				got, want := make([]byte, 300), make([]byte, 300)
				before(h, make([]byte, 300))
				step(h, got)
				*fresh = *c.new()
				step(fresh, want)
				require.Equal(t, want, got, "%s: step %d after step %d", name, j, i)
			}
		}
	}
}

func TestHashAllocatesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector, under which the short tests run, allocates too")
	}
	for name, c := range hashes {
		h := c.new()
		out, long, key := make([]byte, 300), make([]byte, 300), make([]byte, 200)
		require.Zero(t, testing.AllocsPerRun(100, func() {
			h.Sum(out[:h.Size()], long, key)
			h.MAC(out[:h.Size()], key, long, long)
			h.Extract(out[:h.Size()], long, key)
			h.Expand(out, key[:32], long, long)
			h.ExpandMessage(out, key, long, long)
			h.Clear()
		}), name)
	}
}

// The digest's own buffer is out of reach but for reflection: its Sum works on a
// copy, and its MarshalBinary leaves out what it counts as spent.
func TestClear(t *testing.T) {
	for name, c := range hashes {
		h := c.new()
		blind, secret := make([]byte, c.suite.Group.ScalarSize()), bytes.Repeat([]byte{0xa5}, 3*128)
		c.suite.RandomScalar(blind)
		for n := 0; n < len(secret); n += 7 {
			out := make([]byte, 100)
			require.NoError(t, c.suite.Blind(h, make([]byte, c.suite.Group.ElementSize()), blind, secret[:n]))
			h.Sum(out[:h.Size()], secret[:n])
			h.ExpandMessage(out, secret[:31], secret[:n])
			h.MAC(out[:h.Size()], secret, secret[:n])
			h.Expand(out, secret[:n], secret)
			for i, kept := range h.Kept() {
				require.NotEqual(t, make([]byte, len(kept)), kept, "there is something to clear in buffer %d", i)
			}
			require.NotEqual(t, make([]byte, h.State().BlockSize()), buffered(h.State()))
			h.Clear()
			for _, kept := range h.Kept() {
				require.Equal(t, make([]byte, len(kept)), kept, name)
			}
			require.Equal(t, make([]byte, h.State().BlockSize()), buffered(h.State()), "%s after %d bytes", name, n)
			require.Equal(t, c.std().Sum(nil), h.State().Sum(nil))
		}
	}
}

func buffered(state hash.Hash) []byte {
	x := reflect.ValueOf(state).Elem().FieldByName("x")
	b := make([]byte, x.Len())
	for i := range b {
		b[i] = byte(x.Index(i).Uint())
	}
	return b
}

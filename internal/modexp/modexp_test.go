package modexp_test

import (
	"bytes"
	"crypto/rand"
	"embed"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/modexp"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

//go:embed testdata
var testdata embed.FS

// odd returns an odd modulus of exactly size bytes from the stream.
func odd(a *testvec.Accumulated, size int) []byte {
	n := a.Input(size)
	n[0] |= 1
	n[size-1] |= 1
	return n
}

func newModulus(t testing.TB, n []byte) *modexp.Modulus {
	m, err := modexp.NewModulus(n)
	require.NoError(t, err)
	return m
}

// TestExpVectors: Reduce and Exp on the vectors of another library, all of
// whose moduli are taken.
func TestExpVectors(t *testing.T) {
	vectors := testvec.Load[[]struct {
		A      testvec.Hex `json:"a"`
		E      testvec.Hex `json:"e"`
		M      testvec.Hex `json:"m"`
		Result testvec.Hex `json:"result"`
	}](t, testdata, "testdata/modexp_boringssl.json")
	for _, v := range vectors {
		m := newModulus(t, v.M)
		want := new(big.Int).SetBytes(v.Result).FillBytes(make([]byte, m.Size()))
		require.Equal(t, want, m.Bytes(m.Exp(m.Reduce(v.A), v.E)), "%x^%x mod %x", v.A, v.E, v.M)
	}
	require.Len(t, vectors, 111)
}

// TestAgainstBig checks every operation against math/big over random moduli,
// and pins the outputs.
func TestAgainstBig(t *testing.T) {
	testvec.Check(t, "modexp",
		"d09138a7169cdcee3b613dca980db4fa6e6c24be527508ade45be4e502692272",
		"98eec370fd5a7b39d099563be8ec3c3ea4ebd393c5c15e013a35410232b3099a",
		func(a *testvec.Accumulated) {
			size := 2 + int(a.Input(1)[0])%40
			n := odd(a, size)
			m := newModulus(t, n)
			N := new(big.Int).SetBytes(n)
			bx, by, e := a.Input(int(a.Input(1)[0])%100), a.Input(size), a.Input(int(a.Input(1)[0])%24)
			x, y := m.Reduce(bx), m.Reduce(by)
			X, Y := new(big.Int).SetBytes(bx), new(big.Int).SetBytes(by)
			X.Mod(X, N)
			Y.Mod(Y, N)
			check := func(got *modexp.Int, want *big.Int) {
				want.Mod(want, N)
				b := m.Bytes(got)
				require.Equal(t, want.FillBytes(make([]byte, size)), b)
				a.Output(b)
			}
			check(m.Mul(x, y), new(big.Int).Mul(X, Y))
			check(m.Add(x, y), new(big.Int).Add(X, Y))
			check(m.Sub(x, y), new(big.Int).Sub(X, Y))
			check(m.Exp(x, e), new(big.Int).Exp(X, new(big.Int).SetBytes(e), N))
			check(x, X) // operands stay as they were
			check(y, Y)
		})
}

func TestMulAdd(t *testing.T) {
	a := testvec.NewAccumulated("modexp/muladd")
	for range 500 {
		size := 2 + int(a.Input(1)[0])%60
		n := odd(a, size)
		m := newModulus(t, n)
		u, x := a.Input(int(a.Input(1)[0])%50), a.Input(int(a.Input(1)[0])%50)
		addend := a.Input(int(a.Input(1)[0]) % (len(u) + len(x) + 1))
		got, err := m.MulAdd(u, x, addend)
		require.NoError(t, err)

		want := new(big.Int).Mul(new(big.Int).SetBytes(u), new(big.Int).SetBytes(x))
		want.Add(want, new(big.Int).SetBytes(addend))
		length := len(u) + len(x) + 1
		if length > size {
			order := new(big.Int).SetBytes(n)
			want.Mod(want, order.Sub(order, big.NewInt(1)))
			length = size
		}
		require.Len(t, got, length, "the length must not depend on the values")
		require.Zero(t, want.Cmp(new(big.Int).SetBytes(got)))
	}
}

func TestRefused(t *testing.T) {
	for _, n := range [][]byte{nil, {}, {1}, {7}, {0, 7}, {1, 0}, {0, 0, 0}} {
		_, err := modexp.NewModulus(n)
		require.Error(t, err, "%x", n)
	}
	n := []byte{0xfe, 0x10, 0x00, 0x01}
	m := newModulus(t, n)
	for _, b := range [][]byte{
		nil, {1, 2, 3}, {0, 0, 0, 0, 1}, n, {0xff, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff},
	} {
		_, err := m.Int(b)
		require.Error(t, err, "%x", b)
	}
}

func TestIsTrivial(t *testing.T) {
	m := newModulus(t, []byte{0xfe, 0x10, 0x00, 0x01})
	for b, want := range map[[4]byte]bool{
		{0, 0, 0, 0}:           true,
		{0, 0, 0, 1}:           true,
		{0, 0, 0, 2}:           false,
		{0xfe, 0x10, 0, 0}:     true,
		{0xfe, 0x0f, 255, 255}: false,
	} {
		x, err := m.Int(b[:])
		require.NoError(t, err)
		require.Equal(t, want, m.IsTrivial(x), "%x", b)
	}
}

func TestModulusIsACopy(t *testing.T) {
	n := []byte{0xfe, 0x10, 0x00, 0x01}
	m := newModulus(t, n)
	clear(n)
	e, err := m.MulAdd(bytes.Repeat([]byte{1}, 4), []byte{1}, nil)
	require.NoError(t, err)
	require.Equal(t, []byte{1, 1, 1, 1}, e)
}

// TestExponentTakesOneTime is row 8 of the attack table: no exponent is faster
// than another, for base 2 least of all, where it tempts to double only at the
// one bits. Exponents of very different weight and value take turns; the
// fastest run of each counts, and a machine busy with other things gets more
// turns.
func TestExponentTakesOneTime(t *testing.T) {
	if testing.Short() {
		t.Skip("times under the race detector, with which the short tests run, say nothing")
	}
	n := bytes.Repeat([]byte{0xff}, 128)
	m := newModulus(t, n)
	two := m.Reduce([]byte{2})
	random := make([]byte, 128)
	rand.Read(random)
	exponents := map[string][]byte{
		"zero":   make([]byte, 128),
		"one":    append(make([]byte, 127), 1),
		"high":   append([]byte{0x80}, make([]byte, 127)...),
		"ones":   bytes.Repeat([]byte{0xff}, 128),
		"random": random,
	}
	fastest := make(map[string]time.Duration)
	var low, high time.Duration
	for range 200 {
		for range 10 {
			for name, e := range exponents {
				start := time.Now()
				m.Exp(two, e)
				d := time.Since(start)
				if best, ok := fastest[name]; !ok || d < best {
					fastest[name] = d
				}
			}
		}
		all := make([]time.Duration, 0, len(fastest))
		for _, d := range fastest {
			all = append(all, d)
		}
		low, high = slices.Min(all), slices.Max(all)
		if high <= low+low/25 {
			return
		}
	}
	t.Fatalf("fastest runs differ by more than 4 %%: %v", fastest)
}

func BenchmarkExp(b *testing.B) {
	for _, bits := range []int{2048, 3072, 4096} {
		n := bytes.Repeat([]byte{0xff}, bits/8)
		e := bytes.Repeat([]byte{0xa5}, bits/8)
		m := newModulus(b, n)
		x := m.Reduce(bytes.Repeat([]byte{0x5a}, bits/8))
		b.Run(fmt.Sprint(bits), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.Exp(x, e)
			}
		})
		b.Run(fmt.Sprintf("%d/exponent=256", bits), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.Exp(x, e[:32])
			}
		})
	}
}

func BenchmarkNewModulus(b *testing.B) {
	n := bytes.Repeat([]byte{0xff}, 256)
	b.ReportAllocs()
	for b.Loop() {
		newModulus(b, n)
	}
}

func BenchmarkMulAdd(b *testing.B) {
	for _, size := range []int{32, 256} {
		u := bytes.Repeat([]byte{0xa5}, size)
		m := newModulus(b, bytes.Repeat([]byte{0xff}, 256))
		b.Run(fmt.Sprint(8*size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.MulAdd(u, u, u[:32]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

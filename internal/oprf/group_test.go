package oprf_test

import (
	"bytes"
	"math/big"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

// suites by the identifiers of RFC 9497.
var suites = map[string]*oprf.Suite{
	"ristretto255-SHA512": oprf.Ristretto255,
	"P256-SHA256":         oprf.P256,
}

// A group is what the tests know of one: its order, and how it writes numbers.
type group struct {
	oprf.Group
	order        *big.Int
	littleEndian bool
}

var (
	ristretto = group{oprf.Ristretto255.Group, number("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed"), true}
	p256      = group{oprf.P256.Group, number("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"), false}

	groups = map[string]group{"ristretto255": ristretto, "p256": p256}
)

func number(hex string) *big.Int {
	n, ok := new(big.Int).SetString(hex, 16)
	if !ok {
		panic(hex)
	}
	return n
}

func (g group) encode(n *big.Int, size int) []byte {
	b := n.FillBytes(make([]byte, size))
	if g.littleEndian {
		slices.Reverse(b)
	}
	return b
}

func (g group) scalar(n *big.Int) []byte { return g.encode(n, 32) }

func (g group) decode(b []byte) *big.Int {
	b = bytes.Clone(b)
	if g.littleEndian {
		slices.Reverse(b)
	}
	return new(big.Int).SetBytes(b)
}

// random returns a scalar and an element.
func (g group) random(t testing.TB, a *testvec.Accumulated) (scalar, element []byte) {
	scalar, element = make([]byte, g.ScalarSize()), make([]byte, g.ElementSize())
	require.NoError(t, g.Reduce(scalar, a.Input(g.UniformScalarSize())))
	require.NoError(t, g.Multiply(oprf.Term{Out: element, Scalar: scalar}))
	require.NoError(t, g.Reduce(scalar, a.Input(g.UniformScalarSize())))
	return scalar, element
}

func refusedElement(t *testing.T, g oprf.Group, element []byte) {
	t.Helper()
	out, scalar := make([]byte, g.ElementSize()), make([]byte, g.ScalarSize())
	scalar[1] = 1
	require.ErrorIs(t, g.Multiply(oprf.Term{Out: out, Scalar: scalar, Element: element}), oprf.ErrElement, "%x", element)
	genuine := make([]byte, g.ElementSize())
	require.NoError(t, g.Multiply(oprf.Term{Out: genuine, Scalar: scalar}))
	require.ErrorIs(t, g.Multiply(
		oprf.Term{Out: out, Scalar: scalar, Element: genuine},
		oprf.Term{Out: out, Scalar: scalar, Element: element},
	), oprf.ErrElement, "%x, the second", element)
}

func refusedScalar(t *testing.T, g oprf.Group, scalar []byte) {
	t.Helper()
	out, inverse := make([]byte, g.ElementSize()), make([]byte, g.ScalarSize())
	one := make([]byte, g.ScalarSize())
	one[1] = 1
	genuine := make([]byte, g.ElementSize())
	require.NoError(t, g.Multiply(oprf.Term{Out: genuine, Scalar: one}))
	for _, element := range [][]byte{nil, genuine} {
		require.ErrorIs(t, g.Multiply(oprf.Term{Out: out, Scalar: scalar, Element: element}), oprf.ErrScalar, "%x", scalar)
		require.ErrorIs(t, g.Multiply(
			oprf.Term{Out: out, Scalar: one, Element: element},
			oprf.Term{Out: out, Scalar: scalar, Element: element},
		), oprf.ErrScalar, "%x, the second", scalar)
	}
	uniform := make([]byte, g.UniformElementSize())
	uniform[0] = 1
	require.ErrorIs(t, g.MapMultiply(out, scalar, uniform), oprf.ErrScalar, "%x", scalar)
	require.ErrorIs(t, g.Invert(inverse, scalar), oprf.ErrScalar, "%x", scalar)
}

func TestElementsOfOtherLengthsAreRefused(t *testing.T) {
	for name, g := range groups {
		_, element := g.random(t, testvec.NewAccumulated(name))
		for b := range testvec.Lengths(element) {
			if b == nil {
				b = []byte{} // nil means the generator
			}
			refusedElement(t, g, b)
		}
		refusedElement(t, g, make([]byte, g.ElementSize()))
		refusedElement(t, g, bytes.Repeat([]byte{0xff}, g.ElementSize()))
		refusedElement(t, g, bytes.Repeat([]byte{4}, 65))
	}
}

// What shares its first byte with the element before it is not that element.
func TestLongerElementIsNotTheSame(t *testing.T) {
	for name, g := range groups {
		scalar, element := g.random(t, testvec.NewAccumulated(name))
		longer, out := append(element, 0), make([]byte, g.ElementSize())
		for _, second := range [][]byte{longer, longer[:len(element)-1], longer[:0]} {
			require.ErrorIs(t, g.Multiply(
				oprf.Term{Out: out, Scalar: scalar, Element: longer[:len(element)]},
				oprf.Term{Out: out, Scalar: scalar, Element: second},
			), oprf.ErrElement, name)
		}
	}
}

func TestScalarsOutOfRangeAreRefused(t *testing.T) {
	for name, g := range groups {
		for b := range testvec.Lengths(bytes.Repeat([]byte{1}, g.ScalarSize())) {
			refusedScalar(t, g, b)
		}
		refusedScalar(t, g, nil)
		one := big.NewInt(1)
		refusedScalar(t, g, make([]byte, g.ScalarSize()))
		refusedScalar(t, g, bytes.Repeat([]byte{0xff}, g.ScalarSize()))
		for i := range int64(3) {
			refusedScalar(t, g, g.scalar(new(big.Int).Add(g.order, big.NewInt(i))))
		}
		last, out := g.scalar(new(big.Int).Sub(g.order, one)), make([]byte, g.ElementSize())
		require.NoError(t, g.Multiply(oprf.Term{Out: out, Scalar: last}), name)
		require.NoError(t, g.Multiply(oprf.Term{Out: out, Scalar: g.scalar(one)}), name)
	}
}

func TestUniformBytesOfOtherLengthsAreRefused(t *testing.T) {
	for _, g := range groups {
		out, scalar := make([]byte, g.ElementSize()), g.scalar(big.NewInt(7))
		for b := range testvec.Lengths(bytes.Repeat([]byte{1}, g.UniformElementSize())) {
			require.ErrorIs(t, g.MapMultiply(out, scalar, b), oprf.ErrElement)
		}
		for b := range testvec.Lengths(bytes.Repeat([]byte{1}, g.UniformScalarSize())) {
			require.ErrorIs(t, g.Reduce(out, b), oprf.ErrScalar)
		}
	}
}

// A Multiply of many terms is that many of one.
func TestMultiplySharesElements(t *testing.T) {
	for name, g := range groups {
		a := testvec.NewAccumulated(name)
		r, x := g.random(t, a)
		s, y := g.random(t, a)
		xAgain := bytes.Clone(x)
		for _, c := range []struct {
			name  string
			terms [][2][]byte // scalar, element
		}{
			{"none", nil},
			{"one", [][2][]byte{{r, x}}},
			{"generator", [][2][]byte{{r, nil}}},
			{"shared", [][2][]byte{{r, x}, {s, x}}},
			{"three", [][2][]byte{{r, x}, {s, x}, {r, x}}},
			{"equal, not shared", [][2][]byte{{r, x}, {s, xAgain}}},
			{"apart", [][2][]byte{{r, x}, {r, y}, {s, x}}},
			{"shared around another", [][2][]byte{{r, x}, {s, y}, {s, y}, {s, x}}},
			{"shared around the generator", [][2][]byte{{r, x}, {s, nil}, {s, x}}},
			{"generator twice", [][2][]byte{{r, nil}, {s, nil}}},
			{"generator first", [][2][]byte{{r, nil}, {s, x}, {r, x}}},
			{"eight", [][2][]byte{{r, nil}, {s, nil}, {r, x}, {s, x}, {r, y}, {s, y}, {r, x}, {s, nil}}},
		} {
			var terms []oprf.Term
			for _, term := range c.terms {
				terms = append(terms, oprf.Term{Out: make([]byte, g.ElementSize()), Scalar: term[0], Element: term[1]})
			}
			require.NoError(t, g.Multiply(terms...))
			for i, term := range c.terms {
				alone := make([]byte, g.ElementSize())
				require.NoError(t, g.Multiply(oprf.Term{Out: alone, Scalar: term[0], Element: term[1]}))
				require.Equal(t, alone, terms[i].Out, "%s: %s, term %d", name, c.name, i)
			}
		}
		require.Equal(t, xAgain, x, "inputs stay as they were")
	}
}

func TestReduce(t *testing.T) {
	for name, g := range groups {
		size := g.UniformScalarSize()
		a, out := testvec.NewAccumulated(name), make([]byte, g.ScalarSize())
		all := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(8*size)), big.NewInt(1))
		numbers := []*big.Int{big.NewInt(1), all, new(big.Int).Rsh(all, 200), new(big.Int).Lsh(big.NewInt(1), 192)}
		for i := range int64(5) {
			numbers = append(numbers, new(big.Int).Add(g.order, big.NewInt(i-2)))
		}
		for range 50 {
			numbers = append(numbers, new(big.Int).SetBytes(a.Input(size)))
		}
		multiple := new(big.Int).Div(all, g.order)
		numbers = append(numbers, new(big.Int), multiple.Mul(multiple, g.order))
		zeros := 0
		for _, n := range numbers {
			want := new(big.Int).Mod(n, g.order)
			err := g.Reduce(out, g.encode(n, size))
			if want.Sign() == 0 {
				require.ErrorIs(t, err, oprf.ErrScalar, "%s: %x", name, n)
				zeros++
				continue
			}
			require.NoError(t, err)
			require.Equal(t, g.scalar(want), out, "%s: %x", name, n)
		}
		require.Equal(t, 3, zeros)
	}
}

func TestInvert(t *testing.T) {
	for name, g := range groups {
		a := testvec.NewAccumulated(name)
		for i := range 20 {
			n := new(big.Int).SetBytes(a.Input(31))
			switch i {
			case 0:
				n.SetInt64(1)
			case 1:
				n.Sub(g.order, big.NewInt(1))
			}
			b := g.scalar(n)
			require.NoError(t, g.Invert(b, b), "in place")
			require.Equal(t, n.ModInverse(n, g.order), g.decode(b), name)
		}
	}
}

package oprf_test

import (
	"embed"
	"math/big"
	"testing"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/*.json
var testdata embed.FS

func TestRFC9497(t *testing.T) {
	type vector struct {
		Input, Blind, BlindedElement, EvaluationElement, Output testvec.Hex
	}
	vectors := testvec.Load[[]struct {
		Identifier                    string
		GroupDST, Seed, KeyInfo, SkSm testvec.Hex
		Vectors                       []vector
	}](t, testdata, "testdata/rfc9497.json")
	require.Len(t, vectors, len(suites))
	for _, v := range vectors {
		s := suites[v.Identifier]
		require.Equal(t, append(v.GroupDST, byte(len(v.GroupDST))), testvec.Hex(s.HashToGroupDST()))
		h := s.NewHash()
		skS := make([]byte, s.Group.ScalarSize())
		require.NoError(t, s.DeriveKeyPair(h, skS, v.Seed, v.KeyInfo))
		require.EqualValues(t, v.SkSm, skS)
		require.Len(t, v.Vectors, 2)
		for _, c := range v.Vectors {
			blinded, evaluated := make([]byte, s.Group.ElementSize()), make([]byte, s.Group.ElementSize())
			output := make([]byte, h.Size())
			require.NoError(t, s.Blind(h, blinded, c.Blind, c.Input))
			require.EqualValues(t, c.BlindedElement, blinded)
			require.NoError(t, s.BlindEvaluate(evaluated, skS, blinded))
			require.EqualValues(t, c.EvaluationElement, evaluated)
			require.NoError(t, s.Finalize(h, output, c.Input, c.Blind, evaluated))
			require.EqualValues(t, c.Output, output)
		}
	}
}

type rfc9380 struct {
	Curve struct {
		DST     string
		Vectors []struct {
			Msg  string
			X, Y testvec.Hex
			U    []testvec.Hex
		}
	}
	Expand []struct {
		Hash, DST string
		Vectors   []struct {
			Msg          string
			DSTPrime     testvec.Hex `json:"dst_prime"`
			UniformBytes testvec.Hex `json:"uniform_bytes"`
		}
	}
}

func TestRFC9380HashToCurve(t *testing.T) {
	v := testvec.Load[rfc9380](t, testdata, "testdata/rfc9380.json").Curve
	require.Len(t, v.Vectors, 5)
	g, one := oprf.P256.Group, p256.scalar(big.NewInt(1))
	dstPrime := append([]byte(v.DST), byte(len(v.DST)))
	for _, c := range v.Vectors {
		uniform, out := make([]byte, g.UniformElementSize()), make([]byte, g.ElementSize())
		oprf.NewSHA256().ExpandMessage(uniform, dstPrime, []byte(c.Msg))
		for i, u := range c.U {
			half := new(big.Int).SetBytes(uniform[48*i:][:48])
			require.EqualValues(t, u, half.Mod(half, prime).FillBytes(make([]byte, 32)))
		}
		require.NoError(t, g.MapMultiply(out, one, uniform))
		require.EqualValues(t, append([]byte{2 | c.Y[31]&1}, c.X...), out)
	}
}

func TestRFC9380Expand(t *testing.T) {
	vectors := testvec.Load[rfc9380](t, testdata, "testdata/rfc9380.json").Expand
	require.Len(t, vectors, 2)
	for _, v := range vectors {
		h := hashes[v.Hash].new()
		require.Len(t, v.Vectors, 10)
		for _, c := range v.Vectors {
			require.EqualValues(t, append([]byte(v.DST), byte(len(v.DST))), c.DSTPrime)
			out := make([]byte, len(c.UniformBytes))
			h.ExpandMessage(out, c.DSTPrime, []byte(c.Msg))
			require.EqualValues(t, c.UniformBytes, out)
		}
	}
}

func TestRFC9496(t *testing.T) {
	v := testvec.Load[struct {
		Multiples []testvec.Hex
		Invalid   map[string][]testvec.Hex
		Derived   []struct{ Uniform, Element testvec.Hex }
	}](t, testdata, "testdata/rfc9496.json")
	g, one := oprf.Ristretto255.Group, ristretto.scalar(big.NewInt(1))
	out := make([]byte, g.ElementSize())

	require.Len(t, v.Multiples, 16)
	refusedElement(t, g, v.Multiples[0])
	for i, want := range v.Multiples[1:] {
		n := ristretto.scalar(big.NewInt(int64(i + 1)))
		require.NoError(t, g.Multiply(oprf.Term{Out: out, Scalar: n}))
		require.EqualValues(t, want, out)
		require.NoError(t, g.Multiply(oprf.Term{Out: out, Scalar: one, Element: want}))
		require.EqualValues(t, want, out)
	}
	require.Len(t, v.Derived, 7)
	for _, c := range v.Derived {
		require.NoError(t, g.MapMultiply(out, one, c.Uniform))
		require.EqualValues(t, c.Element, out)
	}
	total := 0
	for _, invalid := range v.Invalid {
		total += len(invalid)
		for _, b := range invalid {
			refusedElement(t, g, b)
		}
	}
	require.Equal(t, 29, total)
}

// Uniform bytes that are not canonical field elements are reduced, so that four
// inputs have one element.
func TestRFC9496EquivalentInputs(t *testing.T) {
	vectors := testvec.Load[[]struct{ Uniform, Element testvec.Hex }](t, testdata, "testdata/rfc9496_equivalent.json")
	require.Len(t, vectors, 4)
	g, one := oprf.Ristretto255.Group, ristretto.scalar(big.NewInt(1))
	for _, v := range vectors {
		require.Equal(t, vectors[0].Element, v.Element)
		out := make([]byte, g.ElementSize())
		require.NoError(t, g.MapMultiply(out, one, v.Uniform))
		require.EqualValues(t, v.Element, out)
	}
}

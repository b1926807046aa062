package oprf_test

import (
	"math/big"
	"testing"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/stretchr/testify/require"
)

func FuzzElement(f *testing.F) {
	for _, g := range groups {
		generator := make([]byte, g.ElementSize())
		require.NoError(f, g.Multiply(oprf.Term{Out: generator, Scalar: g.scalar(big.NewInt(1))}))
		f.Add(generator)
		f.Add(generator[1:])
		f.Add(make([]byte, g.ElementSize()))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if b == nil {
			b = []byte{}
		}
		for _, g := range groups {
			out := make([]byte, g.ElementSize())
			if err := g.Multiply(oprf.Term{Out: out, Scalar: g.scalar(big.NewInt(1)), Element: b}); err != nil {
				require.Equal(t, oprf.ErrElement, err)
				continue
			}
			require.Equal(t, b, out)
		}
	})
}

func FuzzScalar(f *testing.F) {
	for _, g := range groups {
		f.Add(g.scalar(big.NewInt(1)))
		f.Add(g.scalar(g.order))
		f.Add(g.scalar(new(big.Int).Sub(g.order, big.NewInt(1))))
	}
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, g := range groups {
			out, inverse := make([]byte, g.ElementSize()), make([]byte, g.ScalarSize())
			err := g.Multiply(oprf.Term{Out: out, Scalar: b})
			require.Equal(t, err, g.Invert(inverse, b))
			n := g.decode(b)
			if len(b) != g.ScalarSize() || n.Sign() == 0 || n.Cmp(g.order) >= 0 {
				require.Equal(t, oprf.ErrScalar, err)
				continue
			}
			require.NoError(t, err)
			require.NoError(t, g.Invert(inverse, inverse))
			require.Equal(t, b, inverse)
		}
	})
}

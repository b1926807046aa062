package oprf_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"math/big"
	"testing"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

var (
	prime  = number("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff")
	curveA = big.NewInt(-3)
	curveB = number("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b")
	z      = big.NewInt(-10)
)

// A point is an affine one; nil is the identity.
type point struct{ x, y *big.Int }

func mod(n *big.Int) *big.Int    { return n.Mod(n, prime) }
func add(x, y *big.Int) *big.Int { return mod(new(big.Int).Add(x, y)) }
func mul(x, y *big.Int) *big.Int { return mod(new(big.Int).Mul(x, y)) }
func div(x, y *big.Int) *big.Int {
	return mul(x, new(big.Int).ModInverse(mod(new(big.Int).Set(y)), prime))
}
func neg(x *big.Int) *big.Int { return mod(new(big.Int).Neg(x)) }

// right is x³ + A·x + B.
func right(x *big.Int) *big.Int {
	return add(mul(add(mul(x, x), curveA), x), curveB)
}

// swu is RFC 9380, Section 6.6.2, by its definition.
func swu(u *big.Int) *point {
	zu2 := mul(z, mul(u, u))
	tv := add(mul(zu2, zu2), zu2)
	var x *big.Int
	if tv.Sign() == 0 {
		x = div(curveB, mul(z, curveA))
	} else {
		x = mul(div(neg(curveB), curveA), add(big.NewInt(1), div(big.NewInt(1), tv)))
	}
	y := new(big.Int).ModSqrt(right(x), prime)
	if y == nil {
		x = mul(zu2, x)
		y = new(big.Int).ModSqrt(right(x), prime)
	}
	if u.Bit(0) != y.Bit(0) {
		y = neg(y)
	}
	return &point{x, y}
}

func (p *point) plus(q *point) *point {
	var slope *big.Int
	switch {
	case p.x.Cmp(q.x) != 0:
		slope = div(add(q.y, neg(p.y)), add(q.x, neg(p.x)))
	case p.y.Cmp(q.y) != 0:
		return nil
	default:
		slope = div(add(mul(big.NewInt(3), mul(p.x, p.x)), curveA), add(p.y, p.y))
	}
	x := add(mul(slope, slope), neg(add(p.x, q.x)))
	return &point{x, add(mul(slope, add(p.x, neg(x))), neg(p.y))}
}

func (p *point) compressed() []byte {
	return append([]byte{2 | byte(p.y.Bit(0))}, p.x.FillBytes(make([]byte, 32))...)
}

// checkMap compares MapMultiply of two numbers of up to 48 bytes with swu.
func checkMap(t *testing.T, u0, u1 *big.Int) {
	t.Helper()
	uniform := append(u0.FillBytes(make([]byte, 48)), u1.FillBytes(make([]byte, 48))...)
	out := make([]byte, p256.ElementSize())
	err := p256.MapMultiply(out, p256.scalar(big.NewInt(1)), uniform)
	want := swu(new(big.Int).Mod(u0, prime)).plus(swu(new(big.Int).Mod(u1, prime)))
	if want == nil {
		require.ErrorIs(t, err, oprf.ErrElement, "%x, %x", u0, u1)
		return
	}
	require.NoError(t, err)
	require.Equal(t, want.compressed(), out, "%x, %x", u0, u1)
}

// exceptional returns u with Z²·u⁴ + Z·u² = 0: zero and the roots of −1/Z.
func exceptional(t *testing.T) []*big.Int {
	root := new(big.Int).ModSqrt(div(big.NewInt(-1), z), prime)
	require.NotNil(t, root)
	return []*big.Int{new(big.Int), root, neg(root)}
}

func TestMapOfExceptionalNumbers(t *testing.T) {
	numbers := append(exceptional(t), big.NewInt(1), big.NewInt(2), neg(big.NewInt(1)), prime,
		new(big.Int).Add(prime, big.NewInt(1)), new(big.Int).Lsh(prime, 128),
		new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 384), big.NewInt(1)))
	for _, u0 := range numbers {
		for _, u1 := range numbers {
			checkMap(t, u0, u1)
		}
	}
}

func TestMap(t *testing.T) {
	a := testvec.NewAccumulated("simplified SWU")
	firsts, rounds := 0, 200
	if testing.Short() {
		rounds = 50
	}
	for range rounds {
		u0, u1 := new(big.Int).SetBytes(a.Input(48)), new(big.Int).SetBytes(a.Input(48))
		checkMap(t, u0, u1)
		checkMap(t, u0, u0)
		if zu2 := mul(z, mul(u0, u0)); big.Jacobi(right(div(mul(neg(curveB), add(add(mul(zu2, zu2), zu2), big.NewInt(1))),
			mul(curveA, add(mul(zu2, zu2), zu2)))), prime) == 1 {
			firsts++
		}
	}
	require.InDelta(t, rounds/2, firsts, float64(rounds)/4, "of both candidates")
}

// Of −u the map is the negative of that of u, so that the sum is the identity:
// what no hash of an input can be made to do, and what must be refused.
func TestIdentityIsRefused(t *testing.T) {
	a := testvec.NewAccumulated("identity")
	out := make([]byte, p256.ElementSize())
	for range 10 {
		u := new(big.Int).Mod(new(big.Int).SetBytes(a.Input(48)), prime)
		require.Nil(t, swu(u).plus(swu(neg(u))))
		checkMap(t, u, neg(u))
	}
	root := exceptional(t)[1]
	uniform := append(root.FillBytes(make([]byte, 48)), neg(root).FillBytes(make([]byte, 48))...)
	require.ErrorIs(t, p256.MapMultiply(out, p256.scalar(big.NewInt(1)), uniform), oprf.ErrElement)
	require.Equal(t, make([]byte, 33), out)
}

func TestPointsInOtherFormsAreRefused(t *testing.T) {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	require.NoError(t, err)
	uncompressed := key.PublicKey().Bytes()
	x, odd := uncompressed[1:33], uncompressed[64]&1
	genuine := append([]byte{2 | odd}, x...)
	require.NoError(t, p256.Multiply(oprf.Term{Out: make([]byte, 33), Scalar: key.Bytes(), Element: genuine}))

	refusedElement(t, p256, uncompressed)
	refusedElement(t, p256, uncompressed[:33])
	refusedElement(t, p256, append([]byte{6 | odd}, uncompressed[1:]...)) // hybrid
	refusedElement(t, p256, x)
	refusedElement(t, p256, []byte{0}) // the identity
	refusedElement(t, p256, make([]byte, 33))
	for first := range 256 {
		if first == 2 || first == 3 {
			continue
		}
		refusedElement(t, p256, append([]byte{byte(first)}, x...))
	}
	for _, size := range []int{0, 1, 32, 34, 64, 65, 66} {
		b := bytes.Repeat([]byte{2}, size)
		refusedElement(t, p256, b)
	}
	// x of p and above, of which those less p are on the curve or not, and x that
	// is not on it.
	refused, below := 0, new(big.Int)
	for below.SetInt64(0); below.BitLen() < 6; below.Add(below, big.NewInt(1)) {
		for sign := range byte(2) {
			above := new(big.Int).Add(prime, below)
			refusedElement(t, p256, append([]byte{2 | sign}, above.FillBytes(make([]byte, 32))...))
			b := append([]byte{2 | sign}, below.FillBytes(make([]byte, 32))...)
			if big.Jacobi(right(below), prime) == -1 {
				refusedElement(t, p256, b)
				refused++
				continue
			}
			out := make([]byte, 33)
			require.NoError(t, p256.Multiply(oprf.Term{Out: out, Scalar: p256.scalar(big.NewInt(1)), Element: b}))
			require.Equal(t, b, out)
		}
	}
	require.NotZero(t, refused)
	require.Less(t, refused, 64)
}

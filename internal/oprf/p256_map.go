package oprf

import (
	"filippo.io/bigmod"
	"filippo.io/nistec"
)

// The curve y² = x³ + A·x + B modulo the prime p, and Z of RFC 9380, Section 8.2.
var (
	p256Prime = p256Modulus("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff")

	p256One = p256Number("0000000000000000000000000000000000000000000000000000000000000001")
	p256A   = p256Number("ffffffff00000001000000000000000000000000fffffffffffffffffffffffc") // −3
	p256B   = p256Number("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b")
	p256Z   = p256Number("ffffffff00000001000000000000000000000000fffffffffffffffffffffff5") // −10

	p256C1 = p256Bytes("3fffffffc00000004000000000000000000000003fffffffffffffffffffffff")  // (p − 3) / 4
	p256C2 = p256Number("da538e3be1d89b99c978fc675180aab27b8d1ff84c55d5b62ccd3427e433c47f") // √−Z
)

// mapP256 sets p to the point of u, map_to_curve_simple_swu of RFC 9380, Section
// 6.6.2: of the two candidates x1 and x2 = Z·u²·x1 it takes the first that has a
// point, of the point's two signs that of u. As in Appendix F.2, x1 is a fraction,
// and a constant-time selection stands for each decision.
func mapP256(p *nistec.P256Point, u *bigmod.Nat) {
	m := p256Prime

	// x1 = n / d. Neither A nor what it is multiplied by is zero.
	zu2 := set(bigmod.NewNat(), u).Mul(u, m).Mul(p256Z, m)
	tv := set(bigmod.NewNat(), zu2).Mul(zu2, m).Add(zu2, m)
	n := set(bigmod.NewNat(), tv).Add(p256One, m).Mul(p256B, m)
	d := bigmod.NewNat().ExpandFor(m).Sub(tv, m)
	assign(d, p256Z, tv.IsZero())
	d.Mul(p256A, m)

	// x1³ + A·x1 + B = gn / gd, the numerator being (n² + A·d²)·n + B·d³.
	d2 := set(bigmod.NewNat(), d).Mul(d, m)
	gd := set(bigmod.NewNat(), d2).Mul(d, m)
	gn := set(bigmod.NewNat(), n).Mul(n, m).Add(set(bigmod.NewNat(), d2).Mul(p256A, m), m).Mul(n, m)
	gn.Add(set(bigmod.NewNat(), gd).Mul(p256B, m), m)

	// sqrt_ratio of Appendix F.2.1.2, but c = (gn·gd)^((p−3)/4). The order of the
	// curve is odd, so y is never zero, and neither is gn. Hence
	// χ = c²·gn·gd is 1 or −1, of which 1 says that gn / gd is a square; then c·gn
	// is its root, else c·gn·√−Z is that of Z·gn / gd. From the same power comes
	// the inverse of gd, χ·c²·gn, and with it that of d.
	c := bigmod.NewNat().Exp(set(bigmod.NewNat(), gn).Mul(gd, m), p256C1, m)
	c2gn := set(bigmod.NewNat(), c).Mul(c, m).Mul(gn, m)
	chi := set(bigmod.NewNat(), c2gn).Mul(gd, m)
	inverse := set(bigmod.NewNat(), chi).Mul(c2gn, m).Mul(d2, m)

	x := n.Mul(inverse, m)
	y := c.Mul(gn, m)
	second := 1 ^ chi.IsOne()
	assign(x, set(bigmod.NewNat(), x).Mul(zu2, m), second)
	assign(y, set(bigmod.NewNat(), y).Mul(p256C2, m).Mul(zu2, m).Mul(u, m), second)
	assign(y, bigmod.NewNat().ExpandFor(m).Sub(y, m), y.IsOdd()^u.IsOdd())

	uncompressed := [65]byte{4}
	defer clear(uncompressed[:])
	moveP256(uncompressed[1:33], x, m)
	moveP256(uncompressed[33:], y, m)
	if _, err := p.SetBytes(uncompressed[:]); err != nil {
		panic("oprf: internal error: " + err.Error())
	}
}

// set sets z, which is new, to x and returns it. Adding to a zero of full size is
// the one way that bigmod has.
func set(z, x *bigmod.Nat) *bigmod.Nat {
	return z.ExpandFor(p256Prime).Add(x, p256Prime)
}

// assign sets x to y if on is 1, and leaves it as it is if on is 0, in constant
// time. Both are numbers modulo p.
func assign(x, y *bigmod.Nat, on uint) {
	to, from := x.Bits(), y.Bits()
	for i := range to {
		to[i] ^= -on & (to[i] ^ from[i])
	}
}

func p256Number(s string) *bigmod.Nat {
	return setP256(new(bigmod.Nat), p256Bytes(s), p256Prime)
}

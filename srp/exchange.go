package srp

import (
	"crypto/rand"
	"crypto/sha256"
	"hash"

	"github.com/nescio-go/nescio/internal/modexp"
	"github.com/nescio-go/nescio/internal/oprf"
)

// The arithmetic of SRP-6a, in the notation of RFC 5054, Section 2.6. It is
// constant time: all bytes of an exponent are processed, and branches depend only
// on public values.

// reducedMultiplier returns k modulo N. It returns ErrPolicy for a k of 0, 1 or
// N−1, with which a false server could test two guesses at a time.
func (s *spec) reducedMultiplier(g *groupParams) (*modexp.Int, error) {
	k := g.mod().Reduce(s.multiplier(g))
	if g.mod().IsTrivial(k) {
		return nil, errGroupFit
	}
	return k, nil
}

// publicValue decodes A or B from the peer. It accepts only 1 < value < N−1 in
// exactly |N| bytes, and checks before any exponentiation.
func (s *spec) publicValue(g *groupParams, wire []byte) (*modexp.Int, error) {
	x, err := s.decode(g, wire)
	if err != nil || g.mod().IsTrivial(x) {
		return nil, ErrMalformed
	}
	return x, nil
}

// nonZeroScramble returns u. It returns ErrMalformed if u is zero, because S
// would then not depend on the password.
func (s *spec) nonZeroScramble(A, B []byte) ([]byte, error) {
	u := s.scramble(A, B)
	var or byte
	for _, c := range u {
		or |= c
	}
	if or == 0 {
		return nil, ErrMalformed
	}
	return u, nil
}

// drawExponent returns a random exponent, a or b, that fits. Whether it fits
// depends only on the public value that follows from it. So the number of draws
// shows nothing secret.
func drawExponent(size int, fits func(exponent []byte) bool) []byte {
	e := make([]byte, size)
	for {
		rand.Read(e)
		if fits(e) {
			return e
		}
	}
}

// clientPublic is A = g^a.
func clientPublic(g *groupParams, a []byte) *modexp.Int { return g.mod().Exp(g.generator(), a) }

// serverPublic is B = k·v + g^b, reduced modulo N.
func serverPublic(g *groupParams, k, v *modexp.Int, b []byte) *modexp.Int {
	m := g.mod()
	gb, kv := m.Exp(g.generator(), b), m.Mul(k, v)
	defer gb.Clear()
	defer kv.Clear()
	return m.Add(kv, gb)
}

// clientPremaster is S = (B − k·g^x)^(a + u·x).
func clientPremaster(g *groupParams, k, B *modexp.Int, a, u, x []byte) (*modexp.Int, error) {
	m := g.mod()
	v := m.Exp(g.generator(), x)
	defer v.Clear()
	kv := m.Mul(k, v)
	defer kv.Clear()
	base := m.Sub(B, kv)
	defer base.Clear()
	exponent, err := m.MulAdd(u, x, a)
	if err != nil {
		return nil, err
	}
	defer clear(exponent)
	return m.Exp(base, exponent), nil
}

// serverPremaster is S = (A·v^u)^b.
func serverPremaster(g *groupParams, A, v *modexp.Int, u, b []byte) *modexp.Int {
	m := g.mod()
	vu := m.Exp(v, u)
	defer vu.Clear()
	base := m.Mul(A, vu)
	defer base.Clear()
	return m.Exp(base, b)
}

// sessionKey is the key of logins in byte form, 32 bytes for every profile:
// HKDF-SHA256(K, "", "nescio/session/v1" ‖ 00 ‖ 'S' ‖ profile).
func sessionKey(p Profile, K []byte) []byte {
	h := oprf.NewSHA256()
	defer h.Clear()
	prk, key := make([]byte, sha256.Size), make([]byte, sha256.Size)
	defer clear(prk)
	h.Extract(prk, K)
	h.Expand(key, prk, []byte("nescio/session/v1\x00"), []byte{messageType, p.id})
	return key
}

// wipe overwrites the block of input that a hash function keeps, which Reset
// does not clear.
func wipe(h hash.Hash) {
	zeros := make([]byte, h.BlockSize())
	h.Reset()
	h.Write(zeros[:1])
	h.Write(zeros[1:])
}

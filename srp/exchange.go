package srp

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"

	"github.com/nescio-go/nescio/internal/modexp"
)

// The arithmetic of SRP-6a, in the notation of RFC 5054, Section 2.6. It is
// constant time: exponents are worked through in full length, and what
// branches there are depend on public values.

// multiplier returns k modulo N, or ErrPolicy for a k of 0, 1 or N−1, which
// would give a false server two guesses at a time.
func multiplier(s scheme, d *domain) (*modexp.Int, error) {
	k := d.mod().Reduce(s.multiplier(d))
	if d.mod().IsTrivial(k) {
		return nil, errGroupFit
	}
	return k, nil
}

// publicValue decodes A or B as it came from the peer and refuses all but
// 1 < value < N−1 in exactly |N| bytes, before any exponentiation.
func publicValue(s scheme, d *domain, wire []byte) (*modexp.Int, error) {
	x, err := decode(s, d, wire)
	if err != nil || d.mod().IsTrivial(x) {
		return nil, ErrMalformed
	}
	return x, nil
}

// scramble returns u, or ErrMalformed if it is zero: then S would not depend
// on the password.
func scramble(s scheme, A, B []byte) ([]byte, error) {
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

// randomExponent draws a or b.
func randomExponent(size int) []byte {
	e := make([]byte, size)
	rand.Read(e)
	return e
}

// clientPublic is A = g^a.
func clientPublic(d *domain, a []byte) *modexp.Int { return d.mod().Exp(d.generator(), a) }

// serverPublic is B = k·v + g^b, reduced modulo N.
func serverPublic(d *domain, k, v *modexp.Int, b []byte) *modexp.Int {
	m := d.mod()
	gb, kv := m.Exp(d.generator(), b), m.Mul(k, v)
	defer gb.Clear()
	defer kv.Clear()
	return m.Add(kv, gb)
}

// clientPremaster is S = (B − k·g^x)^(a + u·x).
func clientPremaster(d *domain, k, B *modexp.Int, a, u, x []byte) (*modexp.Int, error) {
	m := d.mod()
	v := m.Exp(d.generator(), x)
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
func serverPremaster(d *domain, A, v *modexp.Int, u, b []byte) *modexp.Int {
	m := d.mod()
	vu := m.Exp(v, u)
	defer vu.Clear()
	base := m.Mul(A, vu)
	defer base.Clear()
	return m.Exp(base, b)
}

// sessionKey is the key that byte-form logins end with, 32 bytes whatever the
// profile: HKDF-SHA256(K, "", "nescio/session/v1" ‖ 00 ‖ 'S' ‖ profile).
func sessionKey(p Profile, K []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, K, nil, "nescio/session/v1\x00"+string([]byte{kind, p.id}), 32)
}

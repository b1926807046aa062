package srp

import (
	"context"
	"crypto"
	_ "crypto/sha1" // the hash of RFC 5054 itself
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/subtle"

	"github.com/nescio-go/nescio/kdf"
)

// Flags select what peers do where RFC 5054 is silent: see FORMAT.md.
type Flags uint8

const (
	MinimalG      Flags = 1 << iota // g without leading zero bytes in M1
	MinimalValues                   // A, B and S without leading zero bytes

	allFlags = MinimalG | MinimalValues
)

// RFC5054SHA1 is RFC 5054 with SHA-1. Its password hash is fast.
func RFC5054SHA1(f Flags) Profile { return rfc5054Profile(0, f) }

// RFC5054SHA256 is [RFC5054SHA1] with SHA-256.
func RFC5054SHA256(f Flags) Profile { return rfc5054Profile(1, f) }

// RFC5054SHA512 is [RFC5054SHA1] with SHA-512.
func RFC5054SHA512(f Flags) Profile { return rfc5054Profile(2, f) }

func rfc5054Profile(hash uint8, f Flags) Profile {
	if f&^allFlags != 0 {
		return Profile{}
	}
	return Profile{idRFC5054 + hash*(uint8(allFlags)+1) + uint8(f)}
}

// rfc5054 is the formulas of the RFC 5054 profiles: k, x, u and S of RFC 5054,
// and K, M1 and M2 of RFC 2945 with A and B in M2.
type rfc5054 struct {
	hash  crypto.Hash
	flags Flags
}

// sum returns H of the concatenation of parts.
func (r rfc5054) sum(parts ...[]byte) []byte {
	h := r.hash.New()
	defer wipe(h)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// multiplier is k = H(N ‖ PAD(g)). RFC 5054, Section 2.5.3.
func (r rfc5054) multiplier(g *groupParams) []byte { return r.sum(g.n, g.paddedG()) }

// scramble is u = H(PAD(A) ‖ PAD(B)). RFC 5054, Section 2.5.3.
func (r rfc5054) scramble(A, B []byte) []byte { return r.sum(A, B) }

// privateKey is x = H(s ‖ H(I ‖ ":" ‖ P)). RFC 5054, Section 2.4.
func (r rfc5054) privateKey(_ context.Context, _ *groupParams, _ *kdf.Function, I, password, salt []byte) ([]byte, error) {
	inner := r.sum(I, []byte(":"), password)
	defer clear(inner)
	return r.sum(salt, inner), nil
}

// prefix is H(I).
func (r rfc5054) prefix(_ *groupParams, p *parties) ([]byte, error) { return r.sum(p.I), nil }

func (r rfc5054) proofs(t *transcript, S []byte) (K, M1, M2 []byte, err error) {
	K = r.sessionKey(S)
	M1 = r.clientProof(t, K)
	return K, M1, r.serverProof(t, M1, K), nil
}

// sessionKey is K = H(S). RFC 2945, Section 3.1, with the plain hash that all
// peers of this family use instead of its interleaved one.
func (r rfc5054) sessionKey(S []byte) []byte { return r.sum(r.value(S)) }

// clientProof is M1 = H(H(N) XOR H(g) ‖ H(I) ‖ s ‖ A ‖ B ‖ K). RFC 2945,
// Section 3.
func (r rfc5054) clientProof(t *transcript, K []byte) []byte {
	g := t.group.paddedG()
	if r.flags&MinimalG != 0 {
		g = minimal(g)
	}
	group := r.sum(t.group.n)
	subtle.XORBytes(group, group, r.sum(g))
	return r.sum(group, t.prefix, t.salt, r.value(t.A), r.value(t.B), K)
}

// serverProof is M2 = H(A ‖ M1 ‖ K). RFC 2945, Section 3.
func (r rfc5054) serverProof(t *transcript, M1, K []byte) []byte {
	return r.sum(r.value(t.A), M1, K)
}

// value returns a number modulo N as this profile hashes it.
//
// The time of stripping S depends on its leading zero bytes. A peer that hashes
// the stripped form has no choice, because the hash function itself takes fewer
// bytes. The time shows which login in 256 had a short S, and nothing more.
func (r rfc5054) value(b []byte) []byte {
	if r.flags&MinimalValues != 0 {
		return minimal(b)
	}
	return b
}

// minimal returns b without its leading zero bytes.
func minimal(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

var _ formulas = rfc5054{}

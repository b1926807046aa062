package srp

import (
	"context"
	"crypto/sha512"
	"encoding"
	"encoding/binary"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/kdf"
)

// Nescio is this library's own profile, and the default of clients and servers:
// SRP-6a with SHA-512, x from Argon2id, and proofs by HMAC. The proofs cover
// everything the two sides said and know: group, identity, server identity,
// context, salt and KDF parameters. It runs in any group. A group's certificate
// is judged by the [GroupPolicy] and is not in the proofs. The identity is not
// in x: it can change with a new record that keeps salt and verifier.
//
// The formulas, with H = SHA-512; HKDF, Extract, Expand and HMAC by H; the
// profile id 01; lp(x) = u32 length ‖ x; and PAD to the length of N:
//
//	x  = HKDF(Argon2id(P, s, params, 64), "", "nescio/srp/v1/x" ‖ 00 ‖ lp(N) ‖ lp(g), 32)
//	k  = H(N ‖ PAD(g)) mod N
//	u  = H(PAD(A) ‖ PAD(B))[:32]
//	T  = lp("nescio/srp/v1") ‖ lp(profile id) ‖ lp(N) ‖ lp(g) ‖ lp(I) ‖ lp(server identity) ‖
//	     lp(context) ‖ lp(s) ‖ lp(params) ‖ lp(PAD(A)) ‖ lp(PAD(B))
//	M1 = HMAC(Expand(prk, "client proof", 64), H(T))            prk = Extract(H(T), PAD(S))
//	M2 = HMAC(Expand(prk, "server proof", 64), H(T) ‖ M1)
//	K  = Expand(prk, "session key", 64)
//
// N and g have no leading zeros in x and T. params is the binary form of
// kdf.Params without the salt. Logins by [Login.Answer] and [Login.Confirm] end
// with K. Logins by [Login.Respond] and [Login.Finish] end with 32 bytes made
// from it, as in all profiles:
//
//	HKDF-SHA256(K, "", "nescio/session/v1" ‖ 00 ‖ "S" ‖ profile id, 32)
func Nescio() Profile { return Profile{idNescio} }

// nescio is the formulas of Nescio.
type nescio struct{}

func (nescio) multiplier(g *groupParams) []byte {
	k := sha512.Sum512(append(append([]byte(nil), g.n...), g.paddedG()...))
	return k[:]
}

func (nescio) scramble(A, B []byte) []byte {
	u := sha512.Sum512(append(append([]byte(nil), A...), B...))
	return u[:32]
}

func (nescio) privateKey(ctx context.Context, g *groupParams, f *kdf.Function, _, password, _ []byte) ([]byte, error) {
	stretched, err := f.Derive(ctx, password, 64)
	if err != nil {
		return nil, err
	}
	defer clear(stretched)
	h := oprf.NewSHA512()
	defer h.Clear()
	prk, x := make([]byte, sha512.Size), make([]byte, 32)
	defer clear(prk)
	h.Extract(prk, stretched)
	h.Expand(x, prk, []byte("nescio/srp/v1/x\x00"), lengthPrefixed(g.n), lengthPrefixed(minimal(g.paddedG())))
	return x, nil
}

// prefix is the state of H after T up to params, which is what a server keeps
// between its two messages: the context alone may be longer than all else.
func (nescio) prefix(g *groupParams, p *parties) ([]byte, error) {
	params, err := p.kdf.MarshalBinary()
	if err != nil {
		return nil, err
	}
	h := sha512.New()
	for _, field := range [][]byte{
		[]byte("nescio/srp/v1"), {idNescio}, g.n, minimal(g.paddedG()), p.I, p.server, p.context, p.salt, params,
	} {
		h.Write(lengthPrefixed(field))
	}
	return h.(encoding.BinaryMarshaler).MarshalBinary()
}

func (nescio) proofs(t *transcript, S []byte) (K, M1, M2 []byte, err error) {
	h := sha512.New()
	if h.(encoding.BinaryUnmarshaler).UnmarshalBinary(t.prefix) != nil {
		return nil, nil, nil, ErrState // made by another version of crypto/sha512
	}
	h.Write(lengthPrefixed(t.A))
	h.Write(lengthPrefixed(t.B))
	HT := h.Sum(nil)

	// internal/oprf clears what it hashes, unlike crypto/hkdf and crypto/hmac.
	k := oprf.NewSHA512()
	defer k.Clear()
	prk, key := make([]byte, sha512.Size), make([]byte, sha512.Size)
	defer clear(prk)
	defer clear(key)
	K, M1, M2 = make([]byte, sha512.Size), make([]byte, sha512.Size), make([]byte, sha512.Size)
	k.MAC(prk, HT, S) // Extract with the salt H(T)
	k.Expand(key, prk, []byte("client proof"))
	k.MAC(M1, key, HT)
	k.Expand(key, prk, []byte("server proof"))
	k.MAC(M2, key, HT, M1)
	k.Expand(K, prk, []byte("session key"))
	return K, M1, M2, nil
}

// lengthPrefixed is lp(x) = u32 length ‖ x.
func lengthPrefixed(x []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(x))), x...)
}

var _ formulas = nescio{}

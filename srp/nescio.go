package srp

import (
	"context"
	"crypto/sha512"
	"encoding"
	"encoding/binary"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/kdf"
)

// Nescio is this library's own profile, with Argon2id. Its proofs cover
// everything except the certificate.
func Nescio() Profile { return Profile{idNescio} }

// nescio is the formulas of Nescio. FORMAT.md lists them together.
type nescio struct{}

// multiplier is k = H(N ‖ PAD(g)).
func (nescio) multiplier(g *groupParams) []byte {
	k := sha512.Sum512(append(append([]byte(nil), g.n...), g.paddedG()...))
	return k[:]
}

// scramble is u = H(A ‖ B)[:32].
func (nescio) scramble(A, B []byte) []byte {
	u := sha512.Sum512(append(append([]byte(nil), A...), B...))
	return u[:32]
}

// privateKey is x = HKDF(Argon2id(P), "", "nescio/srp/v1/x" ‖ 00 ‖ lp(N) ‖
// lp(g), 32).
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

// prefix is the state of H after T up to params. A server keeps it between its
// two messages, because the context alone may be longer than everything else.
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

// proofs derives the keys of M1 and M2, and K, from H(T) and S.
func (nescio) proofs(t *transcript, S []byte) (K, M1, M2 []byte, err error) {
	h := sha512.New()
	if h.(encoding.BinaryUnmarshaler).UnmarshalBinary(t.prefix) != nil {
		return nil, nil, nil, ErrState // of another version of crypto/sha512
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

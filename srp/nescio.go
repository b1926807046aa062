package srp

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha512"
	"encoding"
	"encoding/binary"

	"github.com/nescio-go/nescio/kdf"
)

// Nescio is this library's own profile, and the default of clients and servers:
// SRP-6a with SHA-512, x from Argon2id, and proofs by HMAC that hold everything
// the two sides said and know: group, identity, server identity, context, salt
// and KDF parameters. It runs in any group. A group's credential is judged by
// AcceptGroup and is not in the proofs. The identity is not in x, so that it can
// change with a new record that keeps salt and verifier.
//
// The formulas, with H = SHA-512, HKDF, Extract, Expand and HMAC by it, the profile
// id 01, lp(x) = u32 length ‖ x and PAD to the length of N:
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
// N and g stand there without leading zeros, and params are the binary form of
// kdf.Params without the salt. Logins by Answer and Confirm end with K, those by
// Respond and Finish with 32 bytes made of it, as those of all profiles do:
//
//	HKDF-SHA256(K, "", "nescio/session/v1" ‖ 00 ‖ "S" ‖ profile id, 32)
func Nescio() Profile { return Profile{idNescio} }

type nescio struct{}

func (nescio) name() string                          { return "nescio" }
func (nescio) needsUpgrade() bool                    { return false }
func (nescio) registers() bool                       { return true }
func (nescio) littleEndian() bool                    { return false }
func (nescio) accepts(*domain) bool                  { return true }
func (nescio) fullLength(_ *domain, b []byte) []byte { return b }
func (nescio) saltSize() int                         { return 32 }
func (n nescio) storesSalt(size int) bool            { return size == n.saltSize() }
func (n nescio) acceptsSalt(size int) bool           { return n.storesSalt(size) }
func (nescio) ownKDF() kdf.Params                    { return kdf.Default() }
func (nescio) bindsContext() bool                    { return true }
func (nescio) proofSize() int                        { return sha512.Size }

// acceptsKDF takes Argon2id of any cost: the client's policy judges that. The
// salt is the record's.
func (nescio) acceptsKDF(p kdf.Params) bool {
	return p.Algorithm() == kdf.Argon2id && len(p.Salt()) == 0
}

func (nescio) multiplier(d *domain) []byte {
	k := sha512.Sum512(append(append([]byte(nil), d.n...), d.paddedG()...))
	return k[:]
}

func (nescio) scramble(A, B []byte) []byte {
	u := sha512.Sum512(append(append([]byte(nil), A...), B...))
	return u[:32]
}

func (nescio) privateKey(ctx context.Context, d *domain, f *kdf.Function, _, password, _ []byte) ([]byte, error) {
	stretched, err := f.Derive(ctx, password, 64)
	if err != nil {
		return nil, err
	}
	defer clear(stretched)
	info := append([]byte("nescio/srp/v1/x\x00"), lengthPrefixed(d.n)...)
	info = append(info, lengthPrefixed(minimal(d.paddedG()))...)
	return hkdf.Key(sha512.New, stretched, nil, string(info), 32)
}

// prefix is the state of H after T up to params, which is what a server keeps
// between its two messages: the context alone may be longer than all else.
func (nescio) prefix(d *domain, p *parties) ([]byte, error) {
	params, err := p.kdf.MarshalBinary()
	if err != nil {
		return nil, err
	}
	h := sha512.New()
	for _, field := range [][]byte{
		[]byte("nescio/srp/v1"), {idNescio}, d.n, minimal(d.paddedG()), p.I, p.server, p.context, p.salt, params,
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

	prk, err := hkdf.Extract(sha512.New, S, HT)
	if err != nil {
		return nil, nil, nil, err
	}
	defer clear(prk)
	var keys [3][]byte
	for i, label := range []string{"client proof", "server proof", "session key"} {
		if keys[i], err = hkdf.Expand(sha512.New, prk, label, sha512.Size); err != nil {
			return nil, nil, nil, err
		}
	}
	M1 = hmacSHA512(keys[0], HT)
	M2 = hmacSHA512(keys[1], HT, M1)
	clear(keys[0])
	clear(keys[1])
	return keys[2], M1, M2, nil
}

func hmacSHA512(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha512.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// lengthPrefixed is lp(x) = u32 length ‖ x.
func lengthPrefixed(x []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(x))), x...)
}

var _ scheme = nescio{}

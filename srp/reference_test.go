package srp_test

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"

	"github.com/nescio-go/nescio/internal/bcrypt"
	"golang.org/x/crypto/argon2"
)

// A second implementation of all profiles, written from the formulas with
// math/big and nothing of the package under test.

// reference is a profile in a group.
type reference struct {
	hash    crypto.Hash // of RFC 5054
	minG    bool
	minABS  bool
	proton  int // version, or -1 for RFC 5054
	homekit bool
	nescio  bool
	server  []byte // Nescio's server identity
	context []byte // and context
	N, g    *big.Int
	I, P, s []byte
}

// values are all values of a login, as bytes of the wire.
type values struct {
	k, x, u               *big.Int
	v, A, B, S, K, M1, M2 []byte
}

func (r *reference) size() int { return (r.N.BitLen() + 7) / 8 }

// pad writes a number in |N| bytes.
func (r *reference) pad(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, r.size()))
	if r.proton >= 0 {
		return reverse(b)
	}
	return b
}

func (r *reference) number(wire []byte) *big.Int {
	if r.proton >= 0 {
		wire = reverse(wire)
	}
	return new(big.Int).SetBytes(wire)
}

func reverse(b []byte) []byte {
	r := make([]byte, 0, len(b))
	for i := len(b) - 1; i >= 0; i-- {
		r = append(r, b[i])
	}
	return r
}

// H is the profile's hash.
func (r *reference) H(parts ...[]byte) []byte {
	in := bytes.Join(parts, nil)
	if r.proton < 0 {
		h := r.hash.New()
		h.Write(in)
		return h.Sum(nil)
	}
	var out []byte
	for i := range 4 {
		h := sha512.Sum512(append(bytes.Clone(in), byte(i)))
		out = append(out, h[:]...)
	}
	return out
}

// hashed is how K, M1 and M2 see a number modulo N.
func (r *reference) hashed(wire []byte) []byte {
	if r.minABS {
		return new(big.Int).SetBytes(wire).Bytes()
	}
	return wire
}

func (r *reference) x() *big.Int {
	if r.nescio {
		stretched := argon2.IDKey(r.P, r.s, 1, 8, 1, 64)
		info := bytes.Join([][]byte{[]byte("nescio/srp/v1/x\x00"), lp(r.N.Bytes()), lp(r.g.Bytes())}, nil)
		prk := hmacOf(make([]byte, 64), stretched)
		return new(big.Int).SetBytes(hmacOf(prk, info, []byte{1})[:32])
	}
	if r.proton < 0 {
		return new(big.Int).SetBytes(r.H(r.s, r.H(r.I, []byte(":"), r.P)))
	}
	name, password := string(r.I), r.P
	salt := base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").
		WithPadding(base64.NoPadding).EncodeToString(append(bytes.Clone(r.s), "proton"...))
	if r.proton < 3 {
		if r.proton == 0 {
			h := sha512.Sum512([]byte(strings.ToLower(name) + string(password)))
			password = []byte(base64.StdEncoding.EncodeToString(h[:]))
		}
		if r.proton == 2 {
			name = strings.NewReplacer("-", "", ".", "", "_", "").Replace(name)
		}
		h := md5.Sum([]byte(strings.ToLower(name)))
		salt = hex.EncodeToString(h[:])[:22]
	}
	salt16, err := bcrypt.DecodeSalt(salt)
	if err != nil {
		panic(err)
	}
	C, err := bcrypt.Hash(password, salt16, 10)
	if err != nil {
		panic(err)
	}
	return r.number(r.H(C[:], r.pad(r.N)))
}

func (r *reference) k() *big.Int {
	var k *big.Int
	if r.proton >= 0 {
		k = r.number(r.H(r.pad(r.g), r.pad(r.N)))
	} else {
		k = new(big.Int).SetBytes(r.H(r.pad(r.N), r.pad(r.g)))
	}
	return k.Mod(k, r.N)
}

func (r *reference) u(A, B []byte) *big.Int {
	if r.proton >= 0 {
		return r.number(r.H(A, B))
	}
	if r.nescio {
		return new(big.Int).SetBytes(r.H(A, B)[:32])
	}
	return new(big.Int).SetBytes(r.H(A, B))
}

func lp(b []byte) []byte {
	return append([]byte{byte(len(b) >> 24), byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}, b...)
}

func hmacOf(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha512.New, key)
	h.Write(bytes.Join(parts, nil))
	return h.Sum(nil)
}

// proveNescio computes what follows from S in profile Nescio.
func (r *reference) proveNescio(v *values) {
	params := []byte("K\x01\x02\x00\x00\x00\x08\x00\x00\x00\x01\x01\x00") // Argon2id, m = 8, t = 1, p = 1
	T := bytes.Join([][]byte{
		lp([]byte("nescio/srp/v1")), lp([]byte{1}), lp(r.N.Bytes()), lp(r.g.Bytes()), lp(r.I), lp(r.server), lp(r.context),
		lp(r.s), lp(params), lp(v.A), lp(v.B),
	}, nil)
	HT := r.H(T)
	prk := hmacOf(HT, v.S)
	expand := func(label string) []byte { return hmacOf(prk, []byte(label), []byte{1}) }
	v.K = expand("session key")
	v.M1 = hmacOf(expand("client proof"), HT)
	v.M2 = hmacOf(expand("server proof"), HT, v.M1)
}

// run computes a whole login with the client's S and checks it against the
// server's.
func (r *reference) run(a, b *big.Int) *values {
	v := &values{k: r.k(), x: r.x()}
	verifier := new(big.Int).Exp(r.g, v.x, r.N)
	v.v = r.pad(verifier)
	A := new(big.Int).Exp(r.g, a, r.N)
	v.A = r.pad(A)
	B := new(big.Int).Exp(r.g, b, r.N)
	B.Add(B, new(big.Int).Mul(v.k, verifier)).Mod(B, r.N)
	v.B = r.pad(B)
	v.u = r.u(v.A, v.B)

	base := new(big.Int).Sub(B, new(big.Int).Mul(v.k, verifier))
	base.Mod(base, r.N)
	S := base.Exp(base, new(big.Int).Add(a, new(big.Int).Mul(v.u, v.x)), r.N)
	other := new(big.Int).Exp(verifier, v.u, r.N)
	other.Mul(other, A).Exp(other, b, r.N)
	if S.Cmp(other) != 0 {
		panic("the reference disagrees with itself")
	}
	r.prove(v, S)
	return v
}

// prove computes what follows from S.
func (r *reference) prove(v *values, S *big.Int) {
	v.S = r.pad(S)
	if r.nescio {
		r.proveNescio(v)
		return
	}
	if r.proton >= 0 {
		v.K = v.S
		v.M1 = r.H(v.A, v.B, v.S)
		v.M2 = r.H(v.A, v.M1, v.S)
		return
	}
	v.K = r.H(r.hashed(v.S))
	g := r.pad(r.g)
	if r.minG {
		g = r.g.Bytes()
	}
	xor := r.H(r.pad(r.N))
	for i, c := range r.H(g) {
		xor[i] ^= c
	}
	v.M1 = r.H(xor, r.H(r.I), r.s, r.hashed(v.A), r.hashed(v.B), v.K)
	A := r.hashed(v.A)
	if r.homekit {
		A = v.A
	}
	v.M2 = r.H(A, v.M1, v.K)
}

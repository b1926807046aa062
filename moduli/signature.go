package moduli

import (
	"crypto/ed25519"
	"crypto/sha512"
	"time"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"golang.org/x/crypto/cryptobyte"
)

// signature is by both algorithms: Ed25519, which everyone trusts, and ML-DSA-65
// (FIPS 204), which quantum computers do not break. Both must verify.
type signature struct {
	key     KeyID
	ed25519 [ed25519.SignatureSize]byte
	mldsa   [mldsa65.SignatureSize]byte
}

// digest is what is signed: SHA-512("nescio/moduli/record/v1" ‖ 00 ‖ record up to the
// key id).
func (r *Record) digest(key KeyID) []byte {
	h := sha512.New()
	h.Write([]byte("nescio/moduli/record/v1\x00"))
	h.Write(r.body())
	h.Write([]byte{1})
	h.Write(key[:])
	return h.Sum(nil)
}

func readSignature(s *cryptobyte.String) (sig *signature, ok bool) {
	var signed uint8
	if !s.ReadUint8(&signed) || signed > 1 {
		return nil, false
	}
	if signed == 0 {
		return nil, true
	}
	sig = new(signature)
	ok = s.CopyBytes(sig.key[:]) && s.CopyBytes(sig.ed25519[:]) && s.CopyBytes(sig.mldsa[:])
	return sig, ok
}

// Sign returns the record with a signature of the key in the place of any that
// it has. It returns ErrWindow for a record created outside the key's window.
func (k *PrivateKey) Sign(r *Record) (*Record, error) {
	if !k.public.covers(r.created) {
		return nil, ErrWindow
	}
	return k.signAs(r, k.public.ID())
}

func (k *PrivateKey) signAs(r *Record, id KeyID) (*Record, error) {
	signed := *r
	signed.signature = &signature{key: id}
	digest := r.digest(signed.signature.key)
	copy(signed.signature.ed25519[:], ed25519.Sign(k.ed25519, digest))
	if err := mldsa65.SignTo(k.mldsa, digest, nil, false, signed.signature.mldsa[:]); err != nil {
		return nil, err
	}
	return &signed, nil
}

// Check returns nil if a key of the set signed the record for the purpose, with
// both algorithms and within its window, and otherwise ErrUnsigned, ErrKey,
// ErrWindow, ErrSignature or ErrPurpose. It proves nothing about the modulus,
// and does not look at its end: those who have it may log in with it for ever.
func (k *Keys) Check(r *Record, purpose string) error {
	if r.signature == nil {
		return ErrUnsigned
	}
	public, ok := k.keys[r.signature.key]
	if !ok {
		return ErrKey
	}
	if !public.covers(r.created) {
		return ErrWindow
	}
	digest := r.digest(r.signature.key)
	if !ed25519.Verify(public.ed25519, digest, r.signature.ed25519[:]) ||
		!mldsa65.Verify(public.mldsa, digest, nil, r.signature.mldsa[:]) {
		return ErrSignature
	}
	if r.purpose != purpose {
		return ErrPurpose
	}
	return nil
}

// CheckNew is Check for a modulus that is to be chosen at the given time, for a
// new account or password: it also returns ErrWindow for a record of the future and
// ErrExpired after its end. When a record was created is its signer's word: of a
// key that was stolen, remove the public one.
func (k *Keys) CheckNew(r *Record, purpose string, now time.Time) error {
	if err := k.Check(r, purpose); err != nil {
		return err
	}
	if r.Created().After(now) {
		return ErrWindow
	}
	if end, ok := r.NotAfter(); ok && now.After(end) {
		return ErrExpired
	}
	return nil
}

// GroupPolicy returns the policy by which a client of package srp accepts groups
// at login. It accepts a group if its certificate is a record of the same modulus
// and generator that [Keys.Check] accepts for the purpose. Otherwise it returns
// ErrUntrusted or ErrMalformed. For accounts on other groups too, combine it
// through srp.AnyOf.
func (k *Keys) GroupPolicy(purpose string) func(n []byte, g int, certificate []byte) error {
	return groupPolicy(func(r *Record) error { return k.Check(r, purpose) })
}

// RegistrationPolicy is GroupPolicy for a client that registers an account or
// changes a password. It accepts the records that [Keys.CheckNew] accepts at the
// time of the call.
func (k *Keys) RegistrationPolicy(purpose string) func(n []byte, g int, certificate []byte) error {
	return groupPolicy(func(r *Record) error { return k.CheckNew(r, purpose, time.Now()) })
}

func groupPolicy(check func(r *Record) error) func(n []byte, g int, certificate []byte) error {
	return func(n []byte, g int, certificate []byte) error {
		if len(certificate) == 0 {
			return ErrNoRecord
		}
		r, err := ParseRecord(certificate)
		if err != nil {
			return err
		}
		if !r.result.Equal(Modulus{N: n, G: g}) {
			return ErrOtherModulus
		}
		return check(r)
	}
}

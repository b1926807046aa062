package moduli

import (
	"crypto/ed25519"
	"crypto/sha512"
	"time"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"golang.org/x/crypto/cryptobyte"
)

// signature consists of signatures of both algorithms: Ed25519, which is well
// studied, and ML-DSA-65 (FIPS 204), which quantum computers do not break. Both
// must verify.
type signature struct {
	key     KeyID
	ed25519 [ed25519.SignatureSize]byte
	mldsa   [mldsa65.SignatureSize]byte
}

// digest returns what both algorithms sign:
//
//	SHA-512("nescio/moduli/record/v1" ‖ 00 ‖ the record up to and including the key id)
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

// Sign returns a signed copy, or [ErrUntrusted] for a record created outside
// the window of the key.
func (k *PrivateKey) Sign(r *Record) (*Record, error) {
	if !k.public.covers(r.created) {
		return nil, errWindow
	}
	return k.signAs(r, k.public.ID())
}

func (k *PrivateKey) signAs(r *Record, id KeyID) (*Record, error) {
	signed := *r
	signed.signature = &signature{key: id}
	digest := r.digest(signed.signature.key)
	keys := k.signing.Get()
	copy(signed.signature.ed25519[:], ed25519.Sign(keys.ed25519, digest))
	if err := mldsa65.SignTo(keys.mldsa, digest, nil, false, signed.signature.mldsa[:]); err != nil {
		return nil, err
	}
	return &signed, nil
}

// Check returns [ErrUntrusted] unless a key signed the record for the purpose
// with both algorithms, and the record was created in the window of the key. It
// accepts expired records.
func (k *Keys) Check(r *Record, purpose string) error {
	public, err := k.signer(r, purpose)
	if err != nil {
		return err
	}
	return public.verify(r)
}

// CheckNew is [Keys.Check] for new passwords. It also returns [ErrExpired], and
// [ErrUntrusted] for a record created after now.
func (k *Keys) CheckNew(r *Record, purpose string, now time.Time) error {
	public, err := k.signer(r, purpose)
	if err != nil {
		return err
	}
	// Compare Unix seconds, because the largest ones overflow a time.Time.
	if r.created > now.Unix() {
		return errFuture
	}
	if now.Unix() > r.notAfter {
		return ErrExpired
	}
	return public.verify(r)
}

// signer returns the key that must have signed the record. It makes all checks
// that need no arithmetic, so unusable records of a pool cost little time.
func (k *Keys) signer(r *Record, purpose string) (*PublicKey, error) {
	if r.signature == nil {
		return nil, errUnsigned
	}
	public, ok := k.keys[r.signature.key]
	switch {
	case !ok:
		return nil, errUnknownKey
	case !public.covers(r.created):
		return nil, errWindow
	case r.purpose != purpose:
		return nil, errPurpose
	}
	return public, nil
}

// verify returns nil if both signatures of the record are valid.
func (k *PublicKey) verify(r *Record) error {
	digest := r.digest(r.signature.key)
	if !ed25519.Verify(k.ed25519, digest, r.signature.ed25519[:]) ||
		!mldsa65.Verify(k.mldsa, digest, nil, r.signature.mldsa[:]) {
		return errSignature
	}
	return nil
}

// GroupPolicy returns a policy of package srp for logins. The certificate of a
// group must be its record and pass [Keys.Check]. Otherwise it returns
// [ErrUntrusted] or [ErrMalformed].
func (k *Keys) GroupPolicy(purpose string) func(n []byte, g int, certificate []byte) error {
	return groupPolicy(func(r *Record) error { return k.Check(r, purpose) })
}

// RegistrationPolicy is [Keys.GroupPolicy] with [Keys.CheckNew]. At login it
// would lock out accounts.
func (k *Keys) RegistrationPolicy(purpose string) func(n []byte, g int, certificate []byte) error {
	return groupPolicy(func(r *Record) error { return k.CheckNew(r, purpose, time.Now()) })
}

func groupPolicy(check func(r *Record) error) func(n []byte, g int, certificate []byte) error {
	return func(n []byte, g int, certificate []byte) error {
		if len(certificate) == 0 {
			return errNoCertificate
		}
		r, err := ParseRecord(certificate)
		if err != nil {
			return err
		}
		if !r.result.Equal(Modulus{N: n, G: g}) {
			return errOtherGroup
		}
		return check(r)
	}
}

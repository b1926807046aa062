package approval

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/sha256"
)

// Purpose is what an approval is for. The list is closed.
type Purpose uint8

// The purposes. An approval for one purpose fails for the other one.
const (
	Device Purpose = 1 // a slot for another device
	Share  Purpose = 2 // a contact's share of a key
)

// subject is what both sides of an approval must agree on.
type subject struct {
	purpose   Purpose
	account   [16]byte
	publicKey []byte // the requester's
}

// checkSubject returns an [ErrPolicy] for values that no approval has.
func checkSubject(p Purpose, account [16]byte) error {
	switch {
	case p != Device && p != Share:
		return errPurpose
	case account == [16]byte{}:
		return errAccount
	}
	return nil
}

// info is the info of HPKE: "nescio/approve/v1" ‖ 00 ‖ purpose u8 ‖ account.
func (s *subject) info() []byte {
	b := append([]byte(label), 0, byte(s.purpose))
	return append(b, s.account[:]...)
}

// commitment is SHA-256("nescio/approve/v1/commit" ‖ 00 ‖ pk ‖ r1).
func (s *subject) commitment(r1 []byte) []byte {
	h := sha256.New()
	h.Write([]byte(label + "/commit\x00"))
	h.Write(s.publicKey)
	h.Write(r1)
	return h.Sum(nil)
}

// codeHash is t = SHA-256("nescio/approve/v1/code" ‖ 00 ‖ purpose u8 ‖ account
// ‖ pk ‖ c ‖ enc ‖ r2 ‖ r1).
func (s *subject) codeHash(commitment, enc, r2, r1 []byte) []byte {
	h := sha256.New()
	h.Write([]byte(label + "/code\x00"))
	h.Write([]byte{byte(s.purpose)})
	h.Write(s.account[:])
	for _, b := range [][]byte{s.publicKey, commitment, enc, r2, r1} {
		h.Write(b)
	}
	return h.Sum(nil)
}

// grantMAC is HMAC-SHA256(HKDF-SHA256(s, "", "nescio/approve/v1/mac", 32),
// purpose u8 ‖ account ‖ pk ‖ enc ‖ ct), where s is the QR code's secret.
func (s *subject) grantMAC(secret, enc, ct []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, label+"/mac", sha256.Size)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte{byte(s.purpose)})
	mac.Write(s.account[:])
	for _, b := range [][]byte{s.publicKey, enc, ct} {
		mac.Write(b)
	}
	return mac.Sum(nil), nil
}

// newSender encapsulates a key to the requester. It returns [ErrMalformed] for
// an invalid public key, which includes points of low order.
func (s *subject) newSender() (enc []byte, sender *hpke.Sender, err error) {
	pk, err := hpke.MLKEM768X25519().NewPublicKey(s.publicKey)
	if err != nil {
		return nil, nil, ErrMalformed
	}
	enc, sender, err = hpke.NewSender(pk, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), s.info())
	if err != nil {
		return nil, nil, ErrMalformed
	}
	return enc, sender, nil
}

// unseal opens a ciphertext with the seed of the requester's key pair.
func (s *subject) unseal(seed, enc, aad, ct []byte) (payload []byte, err error) {
	private, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	if err != nil {
		return nil, err
	}
	recipient, err := hpke.NewRecipient(enc, private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), s.info())
	if err != nil {
		return nil, ErrUntrusted
	}
	if payload, err = recipient.Open(aad, ct); err != nil {
		return nil, ErrUntrusted
	}
	return payload, nil
}

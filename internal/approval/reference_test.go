package approval_test

import (
	"crypto/hmac"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
)

// A second implementation, written from FORMAT.md.

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func refSHA256(parts ...[]byte) []byte {
	sum := sha256.Sum256(slices.Concat(parts...))
	return sum[:]
}

func refHMAC(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(slices.Concat(parts...))
	return mac.Sum(nil)
}

// refSuite returns HPKE's suite by the numbers of its parts.
func refSuite() (hpke.KEM, hpke.KDF, hpke.AEAD) {
	return must(hpke.NewKEM(0x647a)), must(hpke.NewKDF(0x0001)), must(hpke.NewAEAD(0x0003))
}

func refPublicKey(seed []byte) []byte {
	kem, _, _ := refSuite()
	return must(kem.NewPrivateKey(seed)).PublicKey().Bytes()
}

func refInfo(purpose byte, account []byte) []byte {
	return slices.Concat([]byte("nescio/approve/v1\x00"), []byte{purpose}, account)
}

// refSender returns the approver's side of HPKE.
func refSender(purpose byte, account, pk []byte) (enc []byte, s *hpke.Sender) {
	kem, kdf, aead := refSuite()
	enc, s, err := hpke.NewSender(must(kem.NewPublicKey(pk)), kdf, aead, refInfo(purpose, account))
	if err != nil {
		panic(err)
	}
	return enc, s
}

// refOpen opens ct with the requester's seed.
func refOpen(purpose byte, account, seed, enc, aad, ct []byte) ([]byte, error) {
	kem, kdf, aead := refSuite()
	r, err := hpke.NewRecipient(enc, must(kem.NewPrivateKey(seed)), kdf, aead, refInfo(purpose, account))
	if err != nil {
		return nil, err
	}
	return r.Open(aad, ct)
}

func refCommitment(pk, r1 []byte) []byte {
	return refSHA256([]byte("nescio/approve/v1/commit\x00"), pk, r1)
}

func refAsk(purpose byte, pk, c []byte) []byte { return slices.Concat([]byte{purpose, 1}, pk, c) }

func refT(purpose byte, account, pk, c, enc, r2, r1 []byte) []byte {
	return refSHA256([]byte("nescio/approve/v1/code\x00"), []byte{purpose}, account, pk, c, enc, r2, r1)
}

// refHalves returns bits 0 to 29 and 30 to 59 of t. Crockford's base 32 has the
// digits, and the letters without I, L, O and U.
func refHalves(t []byte) (requester, approver string) {
	bits := binary.BigEndian.Uint64(t)
	half := func() string {
		var text strings.Builder
		for i := range 6 {
			if i == 3 {
				text.WriteByte('-')
			}
			text.WriteByte("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[bits>>59])
			bits <<= 5
		}
		return text.String()
	}
	requester = half()
	return requester, half()
}

func refQR(purpose byte, account, pk, secret []byte) string {
	b := slices.Concat([]byte{purpose}, account, refSHA256(pk), secret)
	return "nescio-approve:" + strings.TrimRight(base64.URLEncoding.EncodeToString(b), "=")
}

// refQRSecret returns the secret at the end of a QR code's text.
func refQRSecret(text string) []byte {
	return must(base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, "nescio-approve:")))[49:]
}

// refMAC computes HKDF by its definition in RFC 5869. The output of 32 bytes is
// one block.
func refMAC(purpose byte, account, secret, pk, enc, ct []byte) (key, mac []byte) {
	prk := refHMAC(make([]byte, 32), secret)
	key = refHMAC(prk, []byte("nescio/approve/v1/mac"), []byte{1})
	return key, refHMAC(key, []byte{purpose}, account, pk, enc, ct)
}

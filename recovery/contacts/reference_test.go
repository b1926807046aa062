package contacts_test

// A second implementation of the formats, by the text of the package documentations
// alone: of this module, and of circl, it uses nothing.

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/big"

	"github.com/gtank/ristretto255"
	"golang.org/x/crypto/chacha20poly1305"
)

// refPolynomial is f, its lowest coefficient first.
type refPolynomial []*ristretto255.Scalar

func refScalar(b []byte) *ristretto255.Scalar {
	s, err := ristretto255.NewScalar().SetCanonicalBytes(b)
	if err != nil {
		panic(err)
	}
	return s
}

func refSmall(i int) *ristretto255.Scalar {
	b := make([]byte, 32)
	b[0] = byte(i)
	return refScalar(b)
}

// refUniform reduces 64 bytes.
func refUniform(b []byte) *ristretto255.Scalar {
	s, err := ristretto255.NewScalar().SetUniformBytes(b)
	if err != nil {
		panic(err)
	}
	return s
}

func refRandom(k int) (f refPolynomial) {
	for range k {
		b := make([]byte, 64)
		rand.Read(b)
		f = append(f, refUniform(b))
	}
	return f
}

// at returns f(i).
func (f refPolynomial) at(i int) *ristretto255.Scalar {
	sum, power := ristretto255.NewScalar(), refSmall(1)
	for _, a := range f {
		sum.Add(sum, ristretto255.NewScalar().Multiply(a, power))
		power.Multiply(power, refSmall(i))
	}
	return sum
}

func (f refPolynomial) commitments() (b []byte) {
	for _, a := range f {
		b = append(b, ristretto255.NewIdentityElement().ScalarBaseMult(a).Bytes()...)
	}
	return b
}

// refInterpolate returns the polynomial through f(1) to f(k).
func refInterpolate(values []*ristretto255.Scalar) refPolynomial {
	f := make(refPolynomial, len(values))
	for j := range f {
		f[j] = ristretto255.NewScalar()
	}
	for i, y := range values {
		// The Lagrange polynomial of i: the product of (x - m) / (i - m).
		basis := refPolynomial{y}
		for m := 1; m <= len(values); m++ {
			if m == i+1 {
				continue
			}
			d := ristretto255.NewScalar().Subtract(refSmall(i+1), refSmall(m))
			d.Invert(d)
			next := make(refPolynomial, len(basis)+1)
			for j := range next {
				next[j] = ristretto255.NewScalar()
			}
			for j, c := range basis {
				c = ristretto255.NewScalar().Multiply(c, d)
				next[j+1].Add(next[j+1], c)
				next[j].Subtract(next[j], ristretto255.NewScalar().Multiply(c, refSmall(m)))
			}
			basis = next
		}
		for j := range f {
			f[j].Add(f[j], basis[j])
		}
	}
	return f
}

// share is contact i's share of f.
func (f refPolynomial) share(account, slot []byte, i, n int) []byte {
	return refShare(account, slot, i, len(f), n, f.commitments(), f.at(i).Bytes())
}

func refShare(account, slot []byte, i, k, n int, commitments, value []byte) []byte {
	b := append([]byte("S\x01"), account...)
	b = append(b, slot...)
	b = append(b, byte(i), byte(k), byte(n))
	b = append(b, commitments...)
	return append(b, value...)
}

func refKEM() hpke.KEM {
	kem, err := hpke.NewKEM(0x647a)
	if err != nil {
		panic(err)
	}
	return kem
}

func refHPKE() (hpke.KDF, hpke.AEAD) {
	kdf, err1 := hpke.NewKDF(0x0001)
	aead, err2 := hpke.NewAEAD(0x0003)
	if err1 != nil || err2 != nil {
		panic("no HPKE")
	}
	return kdf, aead
}

// refSeal makes a message for a contact.
func refSeal(publicKey, share []byte) ([]byte, error) {
	pk, err := refKEM().NewPublicKey(publicKey)
	if err != nil {
		return nil, err
	}
	kdf, aead := refHPKE()
	enc, s, err := hpke.NewSender(pk, kdf, aead, []byte("nescio/contacts/share/v1"))
	if err != nil {
		return nil, err
	}
	ct, err := s.Seal([]byte("M\x01"), share)
	return append(append([]byte("M\x01"), enc...), ct...), err
}

// refOpen opens a message.
func refOpen(seed, message []byte) (publicKey, share []byte, err error) {
	key, err := refKEM().NewPrivateKey(seed)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.HasPrefix(message, []byte("M\x01")) {
		return nil, nil, errors.New("not a message")
	}
	kdf, aead := refHPKE()
	r, err := hpke.NewRecipient(message[2:2+1120], key, kdf, aead, []byte("nescio/contacts/share/v1"))
	if err != nil {
		return nil, nil, err
	}
	share, err = r.Open([]byte("M\x01"), message[2+1120:])
	return key.PublicKey().Bytes(), share, err
}

// refFingerprint is eight groups of four digits to the base 32.
func refFingerprint(label string, data []byte) string {
	sum := sha256.Sum256(append([]byte(label+"\x00"), data...))
	number := new(big.Int).SetBytes(sum[:20])
	text := ""
	for i := range 32 {
		if i > 0 && i%4 == 0 {
			text = "-" + text
		}
		digit := new(big.Int)
		number.DivMod(number, big.NewInt(32), digit)
		text = string("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[digit.Int64()]) + text
	}
	return text
}

func refHKDF(key, salt []byte, info string, n int) []byte {
	b, err := hkdf.Key(sha256.New, key, salt, info, n)
	if err != nil {
		panic(err)
	}
	return b
}

func refBinding(purpose string, account, slot []byte, epoch uint32) []byte {
	b := append([]byte{1, byte(len(purpose))}, purpose...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(account))), account...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(slot))), slot...)
	return binary.BigEndian.AppendUint64(b, uint64(epoch))
}

func refUnwrap(key, ctx, blob []byte) ([]byte, error) {
	nonce, commitment := blob[2:26], blob[26:58]
	length := binary.BigEndian.AppendUint32(nil, uint32(len(ctx)))
	okm := refHKDF(key, nonce, "keywrap/v1\x00\x01\x01"+string(length)+string(ctx), 64)
	if !bytes.Equal(okm[32:], commitment) {
		return nil, errors.New("another key")
	}
	aead, err := chacha20poly1305.NewX(okm[:32])
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nonce, blob[58:], blob[:58])
}

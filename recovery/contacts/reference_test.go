package contacts_test

// A second implementation of the formats, written from FORMAT.md and the
// documents that it names. It uses nothing of this module or of circl.

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/big"

	"github.com/gtank/ristretto255"
	"github.com/nescio-go/nescio/internal/testvec"
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

// values returns f_1 to f_n.
func (f refPolynomial) values(n int) (values [][]byte) {
	for i := 1; i <= n; i++ {
		values = append(values, f.at(i).Bytes())
	}
	return values
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

func refHash(label string, parts ...[]byte) []byte {
	sum := sha256.Sum256(append([]byte(label+"\x00"), bytes.Join(parts, nil)...))
	return sum[:]
}

// refParams are the params of a slot for k of the contacts with these values.
func refParams(salt, account, slot []byte, k int, values [][]byte) []byte {
	b := append(bytes.Clone(salt), byte(k), byte(len(values)))
	for i, v := range values {
		b = append(b, refHash("nescio/contacts/commit/v1", account, slot, []byte{byte(i + 1)}, v)...)
	}
	return b
}

func refSplitDigest(account, slot, params []byte) []byte {
	return refHash("nescio/contacts/split/v1", account, slot, params)
}

// refShare joins the fields of a share.
func refShare(account, slot []byte, i, k, n int, split, value []byte) []byte {
	return bytes.Join([][]byte{[]byte("S\x01"), account, slot, {byte(i), byte(k), byte(n)}, split, value}, nil)
}

// refSplit is a split of f among n contacts.
type refSplit struct {
	account, slot []byte
	k, n          int
	values        [][]byte // f_1 to f_n
	params        []byte
}

func refNewSplit(f refPolynomial, account, slot []byte, n int) *refSplit {
	salt := make([]byte, 32)
	rand.Read(salt)
	values := f.values(n)
	return &refSplit{account, slot, len(f), n, values, refParams(salt, account, slot, len(f), values)}
}

func (s *refSplit) digest() []byte { return refSplitDigest(s.account, s.slot, s.params) }

// share is contact i's share.
func (s *refSplit) share(i int) []byte {
	return refShare(s.account, s.slot, i, s.k, s.n, s.digest(), s.values[i-1])
}

// plaintext is what the message to contact i seals.
func (s *refSplit) plaintext(i int) []byte { return append(s.share(i), s.params...) }

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

// refSeal seals a plaintext to a contact, as a message.
func refSeal(publicKey, plaintext []byte) ([]byte, error) {
	pk, err := refKEM().NewPublicKey(publicKey)
	if err != nil {
		return nil, err
	}
	kdf, aead := refHPKE()
	enc, s, err := hpke.NewSender(pk, kdf, aead, []byte("nescio/contacts/share/v1"))
	if err != nil {
		return nil, err
	}
	ct, err := s.Seal([]byte("M\x01"), plaintext)
	return append(append([]byte("M\x01"), enc...), ct...), err
}

// refOpen opens a message.
func refOpen(seed, message []byte) (publicKey, plaintext []byte, err error) {
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
	plaintext, err = r.Open([]byte("M\x01"), message[2+1120:])
	return key.PublicKey().Bytes(), plaintext, err
}

// refFingerprint is eight groups of four digits to the base 32.
func refFingerprint(digest []byte) string {
	number := new(big.Int).SetBytes(digest[:20])
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

func refRandomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// refSlot is a slot for contacts without a family, as ../FORMAT.md describes
// it.
type refSlot struct {
	id                          []byte
	born                        uint32
	params, wrapped, pk, sealed []byte
}

// seal seals the master key to the public key of the seed.
func (s *refSlot) seal(account []byte, epoch uint32, seed, master []byte) error {
	key, err := refKEM().NewPrivateKey(seed)
	if err != nil {
		return err
	}
	s.pk = key.PublicKey().Bytes()
	kdf, aead := refHPKE()
	s.sealed, err = hpke.Seal(key.PublicKey(), kdf, aead, testvec.WrapBinding("nescio/slot/mk/v1", account, s.id, uint64(epoch)), master)
	return err
}

func (s *refSlot) encode() []byte {
	body := bytes.Join([][]byte{s.params, s.wrapped, s.pk, s.sealed}, nil)
	b := append([]byte{7, 0}, s.id...)
	b = append(binary.BigEndian.AppendUint32(b, s.born), make([]byte, 16)...)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(body))), body...)
}

// refHeader is a header with one slot.
type refHeader struct {
	account           []byte
	revision          uint64
	epoch, floor      uint32
	previous, history []byte
	slot              refSlot
}

func (h *refHeader) encode(lineage, master []byte) []byte {
	b := append([]byte("NSCO\x01"), h.account...)
	b = binary.BigEndian.AppendUint64(b, h.revision)
	b = binary.BigEndian.AppendUint32(b, h.epoch)
	b = binary.BigEndian.AppendUint32(b, h.floor)
	b = bytes.Join([][]byte{b, h.previous, h.history, {1}, h.slot.encode()}, nil)
	for _, key := range [][]byte{lineage, master} {
		mac := hmac.New(sha256.New, refHKDF(key, nil, "nescio/keyring/v1", 32))
		mac.Write(b)
		b = mac.Sum(b)
	}
	return b
}

// checkpoint describes the encoded header.
func (h *refHeader) checkpoint(encoded, master []byte) []byte {
	digest := sha256.Sum256(encoded)
	b := append([]byte("N\x01"), h.account...)
	b = append(binary.BigEndian.AppendUint64(b, h.revision), digest[:]...)
	b = binary.BigEndian.AppendUint32(b, h.epoch)
	b = binary.BigEndian.AppendUint32(b, h.floor)
	b = append(b, refHKDF(master, nil, "nescio/mk-id/v1", 16)...)
	slot := h.slot.encode()
	mark := refHash("nescio/slot/digest/v1", slot[:len(slot)-1168])[:16]
	return bytes.Join([][]byte{b, {1}, h.slot.id, mark}, nil)
}

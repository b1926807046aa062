package recovery_test

// A second implementation of the format, by the text of the package documentation
// alone: of this module it uses nothing.

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/scrypt"
)

type refHeader struct {
	account               []byte
	revision              uint64
	epoch                 uint32
	prev                  []byte
	history               []refHistory
	slots                 []refSlot
	beforeMACs            []byte
	lineageMAC, masterMAC []byte
}

type refHistory struct {
	epoch   uint32
	wrapped []byte
}

type refSlot struct {
	kind, flags                      byte
	id                               []byte
	born                             uint32
	params, wrapped, pk, enc, sealed []byte
}

var refNames = []string{1: "password", 2: "export", 3: "phrase", 4: "file", 5: "passkey"}

func refHKDF(key, salt []byte, info string, n int) []byte {
	b, err := hkdf.Key(sha256.New, key, salt, info, n)
	if err != nil {
		panic(err)
	}
	return b
}

func refHMAC(key []byte, message ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	for _, part := range message {
		m.Write(part)
	}
	return m.Sum(nil)
}

// cursor reads; it panics beyond the end, since what it reads is ours.
type cursor []byte

func (c *cursor) bytes(n int) []byte {
	b := (*c)[:n:n]
	*c = (*c)[n:]
	return b
}

func (c *cursor) u8() byte    { return c.bytes(1)[0] }
func (c *cursor) u16() uint16 { return binary.BigEndian.Uint16(c.bytes(2)) }
func (c *cursor) u32() uint32 { return binary.BigEndian.Uint32(c.bytes(4)) }
func (c *cursor) u64() uint64 { return binary.BigEndian.Uint64(c.bytes(8)) }

func refParse(b []byte) (h refHeader) {
	c := cursor(b)
	if string(c.bytes(4)) != "NSCO" || c.u8() != 1 || c.u8() != 16 {
		panic("not a header")
	}
	h.account, h.revision, h.epoch, h.prev = c.bytes(16), c.u64(), c.u32(), c.bytes(32)
	for range c.u8() {
		h.history = append(h.history, refHistory{c.u32(), c.bytes(106)})
	}
	for range c.u8() {
		s := refSlot{kind: c.u8(), flags: c.u8(), id: c.bytes(16), born: c.u32()}
		body := cursor(c.bytes(int(c.u16())))
		if s.kind != 6 { // a device has neither
			s.params, s.wrapped = body.bytes(len(body)-138-1216-1120-48), body.bytes(138)
		}
		s.pk, s.enc, s.sealed = body.bytes(1216), body.bytes(1120), body.bytes(48)
		if len(body) != 0 {
			panic("not a header")
		}
		h.slots = append(h.slots, s)
	}
	h.beforeMACs = b[:len(b)-len(c)]
	h.lineageMAC, h.masterMAC = c.bytes(32), c.bytes(32)
	if len(c) != 0 {
		panic("not a header")
	}
	return h
}

func refBinding(purpose string, account, slot []byte, epoch uint32) []byte {
	b := append([]byte{1, byte(len(purpose))}, purpose...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(account))), account...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(slot))), slot...)
	return binary.BigEndian.AppendUint64(b, uint64(epoch))
}

func refUnwrap(key, ctx, blob []byte) ([]byte, error) {
	if blob[0] != 1 || blob[1] != 1 {
		return nil, errors.New("not a wrap of suite 1")
	}
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

// refKDF reads the parameters of a password slot and stretches by them.
func refKDF(password, params []byte) []byte {
	c := cursor(params)
	salt := c.bytes(32)
	k := cursor(c.bytes(int(c.u16())))
	if len(c) != 0 || k.u8() != 'K' || k.u8() != 1 {
		panic("no parameters of a KDF")
	}
	var out []byte
	var err error
	switch k.u8() {
	case 1:
		out, err = pbkdf2.Key(sha512.New, string(password), salt, int(k.u32()), 32)
	case 2:
		m, t, p := k.u32(), k.u32(), k.u8()
		out = argon2.IDKey(password, salt, t, m, p, 32)
	case 3:
		n, r, p := 1<<k.u8(), int(k.u32()), int(k.u32())
		out, err = scrypt.Key(password, salt, n, r, p, 32)
	}
	if err != nil || len(out) != 32 || k.u8() != 0 || len(k) != 0 {
		panic("no parameters of a KDF")
	}
	return out
}

// refCost is the algorithm and the cost that a pin names.
func refCost(params []byte) (algorithm byte, cost uint64) {
	c := cursor(params[32+2+2:])
	switch algorithm = c.u8(); algorithm {
	case 1:
		cost = uint64(c.u32())
	case 2:
		m, t := uint64(c.u32()), uint64(c.u32())
		cost = m * t
	case 3:
		n, r, p := uint64(1)<<c.u8(), uint64(c.u32()), uint64(c.u32())
		cost = n * r * p
	}
	return algorithm, cost
}

func (s *refSlot) kekSalt() []byte { return append(append([]byte(nil), s.id...), s.params[:32]...) }

func (s *refSlot) kekInfo() []byte {
	return append([]byte("nescio/slot/"+refNames[s.kind]+"/v1\x00"+string(s.flags)), s.params...)
}

func (s *refSlot) binding(account []byte) []byte {
	return refBinding("nescio/slot/"+refNames[s.kind]+"/v1", account, s.id, s.born)
}

// refMaster opens the master key with a slot's seed.
func (s *refSlot) refMaster(info, seed []byte) ([]byte, error) {
	kem, err := hpke.NewKEM(0x647a)
	if err != nil {
		return nil, err
	}
	kdf, err := hpke.NewKDF(0x0001)
	if err != nil {
		return nil, err
	}
	aead, err := hpke.NewAEAD(0x0003)
	if err != nil {
		return nil, err
	}
	key, err := kem.NewPrivateKey(seed)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(key.PublicKey().Bytes(), s.pk) {
		return nil, errors.New("the public key is not the seed's")
	}
	r, err := hpke.NewRecipient(s.enc, key, kdf, aead, info)
	if err != nil {
		return nil, err
	}
	return r.Open(nil, s.sealed)
}

// refPin is the binary form of a header's pin.
func (h *refHeader) refPin(digest, mkID []byte) []byte {
	b := append([]byte("N\x01"), h.account...)
	b = binary.BigEndian.AppendUint64(b, h.revision)
	b = append(b, digest...)
	b = binary.BigEndian.AppendUint32(b, h.epoch)
	b = append(b, mkID...)
	var costs []byte
	n := byte(0)
	for _, s := range h.slots {
		if s.kind == 1 {
			algorithm, cost := refCost(s.params)
			costs = append(append(costs, s.id...), algorithm)
			costs = binary.BigEndian.AppendUint64(costs, cost)
			n++
		}
	}
	return append(append(b, n), costs...)
}

// What follows is the approval of design section 9, by either side.

func refSHA256(parts ...[]byte) []byte {
	sum := sha256.Sum256(slices.Concat(parts...))
	return sum[:]
}

func refMust[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// refSuite is HPKE's, by the numbers of its parts.
func refSuite() (hpke.KEM, hpke.KDF, hpke.AEAD) {
	return refMust(hpke.NewKEM(0x647a)), refMust(hpke.NewKDF(0x0001)), refMust(hpke.NewAEAD(0x0003))
}

func refPublicKey(seed []byte) []byte {
	kem, _, _ := refSuite()
	return refMust(kem.NewPrivateKey(seed)).PublicKey().Bytes()
}

func refApprovalInfo(purpose byte, account []byte) []byte {
	return slices.Concat([]byte("nescio/approve/v1\x00"), []byte{purpose}, account)
}

// refApprovalOpen opens a grant's ct with the requester's seed.
func refApprovalOpen(purpose byte, account, seed, enc, aad, ct []byte) ([]byte, error) {
	kem, kdf, aead := refSuite()
	r, err := hpke.NewRecipient(enc, refMust(kem.NewPrivateKey(seed)), kdf, aead, refApprovalInfo(purpose, account))
	if err != nil {
		return nil, err
	}
	return r.Open(aad, ct)
}

// refSender is an approver's half of HPKE.
func refSender(purpose byte, account, pk []byte) (enc []byte, s *hpke.Sender) {
	kem, kdf, aead := refSuite()
	enc, s, err := hpke.NewSender(refMust(kem.NewPublicKey(pk)), kdf, aead, refApprovalInfo(purpose, account))
	if err != nil {
		panic(err)
	}
	return enc, s
}

func refCommitment(pk, r1 []byte) []byte {
	return refSHA256([]byte("nescio/approve/v1/commit\x00"), pk, r1)
}

func refAsk(purpose byte, pk, c []byte) []byte { return slices.Concat([]byte{purpose, 1}, pk, c) }

// refCodeHash is t, of which the code is the first 30 bits.
func refCodeHash(purpose byte, account, pk, c, enc, r2, r1 []byte) []byte {
	return refSHA256([]byte("nescio/approve/v1/code\x00"), []byte{purpose}, account, pk, c, enc, r2, r1)
}

// refShortCode is Crockford's base 32: the digits, and the letters without I, L, O and U.
func refShortCode(t []byte) string {
	bits := binary.BigEndian.Uint32(t)
	var code strings.Builder
	for i := range 6 {
		if i == 3 {
			code.WriteByte('-')
		}
		code.WriteByte("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[bits>>27])
		bits <<= 5
	}
	return code.String()
}

func refQR(purpose byte, account, pk, secret []byte) string {
	b := slices.Concat([]byte{purpose}, account, refSHA256(pk), secret)
	return "nescio-approve:" + strings.TrimRight(base64.URLEncoding.EncodeToString(b), "=")
}

// refQRSecret is the secret that a QR code's text ends with.
func refQRSecret(text string) []byte {
	return refMust(base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, "nescio-approve:")))[49:]
}

func refGrantMAC(purpose byte, account, secret, pk, enc, ct []byte) (key, mac []byte) {
	key = refHKDF(secret, nil, "nescio/approve/v1/mac", 32)
	return key, refHMAC(key, []byte{purpose}, account, pk, enc, ct)
}

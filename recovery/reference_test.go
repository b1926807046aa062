package recovery_test

// A second implementation of the formats, written from FORMAT.md and the
// standards that it names. It uses nothing of this module. It panics on
// malformed input. It returns an error if a key does not fit.

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
	"golang.org/x/crypto/scrypt"

	"github.com/nescio-go/nescio/internal/testvec"
)

type refHeader struct {
	account, prev                             []byte
	revision                                  uint64
	epoch, floor                              uint32
	history                                   [][]byte // of refOldest(epoch) to epoch − 1
	slots                                     []refSlot
	beforeMACs, lineageMAC, masterMAC, digest []byte
}

type refSlot struct {
	kind, flags                             byte
	born                                    uint32
	id, family, params, wrapped, pk, sealed []byte // sealed is enc ‖ ct
}

var (
	refNames = []string{1: "password", 2: "export", 3: "phrase", 4: "file", 5: "passkey", 6: "device", 7: "contacts"}
	errRef   = errors.New("reference: refused")
	refJoin  = slices.Concat[[]byte]
)

func refMust[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func refCheck(ok bool, what string) {
	if !ok {
		panic("reference: malformed " + what)
	}
}

func refHKDF(key, salt []byte, info string, n int) []byte {
	return refMust(hkdf.Key(sha256.New, key, salt, info, n))
}

func refHMAC(key []byte, message ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(refJoin(message...))
	return m.Sum(nil)
}

func refSHA256(parts ...[]byte) []byte {
	sum := sha256.Sum256(refJoin(parts...))
	return sum[:]
}

func refU16(n int) []byte    { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
func refU32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
func refU64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// refCursor reads, and panics beyond the end.
type refCursor []byte

func (c *refCursor) bytes(n int) []byte {
	refCheck(n >= 0 && n <= len(*c), "length")
	b := (*c)[:n:n]
	*c = (*c)[n:]
	return b
}

func (c *refCursor) u8() byte    { return c.bytes(1)[0] }
func (c *refCursor) u16() uint16 { return binary.BigEndian.Uint16(c.bytes(2)) }
func (c *refCursor) u32() uint32 { return binary.BigEndian.Uint32(c.bytes(4)) }
func (c *refCursor) u64() uint64 { return binary.BigEndian.Uint64(c.bytes(8)) }

func (c *refCursor) start(magic string) {
	refCheck(string(c.bytes(len(magic))) == magic && c.u8() == 1, "start of "+magic)
}

func (c refCursor) end()    { refCheck(len(c) == 0, "end") }
func refZero(b []byte) bool { return bytes.Equal(b, make([]byte, len(b))) }

func refDataKey(mk []byte) []byte { return refHKDF(mk, nil, "nescio/keyring/data/v1", 32) }
func refMKID(mk []byte) []byte    { return refHKDF(mk, nil, "nescio/mk-id/v1", 16) }
func refMACKey(key []byte) []byte { return refHKDF(key, nil, "nescio/keyring/v1", 32) }

// refMAC is HMAC_L, with L and the bytes before it, or HMAC_MK, with MK.
func refMAC(key []byte, before ...[]byte) []byte { return refHMAC(refMACKey(key), before...) }

func refSuite() (hpke.KEM, hpke.KDF, hpke.AEAD) {
	return refMust(hpke.NewKEM(0x647a)), refMust(hpke.NewKDF(0x0001)), refMust(hpke.NewAEAD(0x0003))
}

func refPublicKey(seed []byte) []byte {
	kem, _, _ := refSuite()
	return refMust(kem.NewPrivateKey(seed)).PublicKey().Bytes()
}

// refHPKESeal returns enc ‖ ct.
func refHPKESeal(pk, info, plaintext []byte) []byte {
	kem, kdf, aead := refSuite()
	return refMust(hpke.Seal(refMust(kem.NewPublicKey(pk)), kdf, aead, info, plaintext))
}

// refOldest is the oldest epoch in the history of a header, its own if there is
// none.
func refOldest(epoch uint32) uint32 { return uint32(max(1, int64(epoch)-255)) }

func refParse(b []byte) (h refHeader) {
	refCheck(len(b) <= 131072, "header")
	c := refCursor(b)
	c.start("NSCO")
	h.account, h.revision, h.epoch, h.floor, h.prev = c.bytes(16), c.u64(), c.u32(), c.u32(), c.bytes(32)
	refCheck(!refZero(h.account) && h.revision >= 1 && (h.revision == 1) == refZero(h.prev), "account or revision")
	refCheck(1 <= h.epoch && uint64(h.epoch) <= h.revision && refOldest(h.epoch) <= h.floor && h.floor <= h.epoch, "epoch or floor")
	for range h.epoch - refOldest(h.epoch) {
		h.history = append(h.history, c.bytes(106))
	}
	var kinds [8]int
	for i := range c.u8() {
		s := refParseSlot(&c)
		refCheck(1 <= s.born && s.born <= h.epoch && !refZero(s.id) && (i == 0 || bytes.Compare(h.slots[i-1].id, s.id) < 0), "order of slots")
		kinds[s.kind]++
		h.slots = append(h.slots, s)
	}
	refCheck(1 <= len(h.slots) && len(h.slots) <= 24 && kinds[1] <= 4, "number of slots")
	h.beforeMACs, h.digest = b[:len(b)-len(c)], refSHA256(b)
	h.lineageMAC, h.masterMAC = c.bytes(32), c.bytes(32)
	c.end()
	return h
}

func refParseSlot(c *refCursor) refSlot {
	s := refSlot{kind: c.u8(), flags: c.u8(), id: c.bytes(16), born: c.u32(), family: c.bytes(16)}
	body := refCursor(c.bytes(int(c.u16())))
	if s.kind != 6 {
		s.params, s.wrapped = body.bytes(len(body)-138-1216-1168), body.bytes(138)
	}
	s.pk, s.sealed = body.bytes(1216), body.bytes(1168)
	body.end()
	p, flags, ok := s.params, byte(0), true
	switch s.kind {
	case 1:
		rest := refCursor(p[32:])
		kdf := refCursor(rest.bytes(int(rest.u16())))
		refReadKDF(&kdf)
		flags, ok = 1, len(kdf)+len(rest) == 0
	case 2:
		ok = len(p) == 64
	case 3:
		ok = len(p) == 33 && (p[32] == 16 || p[32] == 32)
	case 5:
		flags, ok = 1, len(p) > 97 && p[96] <= 253 && len(p) == 97+int(p[96])
	case 7:
		ok = len(p) > 34 && 1 <= p[32] && p[32] <= p[33] && p[33] <= 32 && len(p) == 34+32*int(p[33])
	default:
		ok = s.kind == 4 && len(p) == 32 || s.kind == 6
	}
	refCheck(ok && s.flags <= flags, "params")
	return s
}

func (s *refSlot) encode() []byte {
	body := refJoin(s.params, s.wrapped, s.pk, s.sealed)
	return refJoin([]byte{s.kind, s.flags}, s.id, refU32(s.born), s.family, refU16(len(body)), body)
}

func (s *refSlot) slotDigest() []byte {
	b := s.encode()
	return refSHA256([]byte("nescio/slot/digest/v1\x00"), b[:len(b)-1168])[:16]
}

// encode writes the header. It computes the MACs and the digest.
func (h *refHeader) encode(lineage, mk []byte) []byte {
	b := refJoin([]byte("NSCO\x01"), h.account, refU64(h.revision), refU32(h.epoch), refU32(h.floor), h.prev)
	b = append(append(b, refJoin(h.history...)...), byte(len(h.slots)))
	for i := range h.slots {
		b = append(b, h.slots[i].encode()...)
	}
	h.beforeMACs, h.lineageMAC = b, refMAC(lineage, b)
	h.masterMAC = refMAC(mk, b, h.lineageMAC)
	h.digest = refSHA256(b, h.lineageMAC, h.masterMAC)
	return refJoin(b, h.lineageMAC, h.masterMAC)
}

func refHistoryBinding(account []byte, epoch uint32) []byte {
	return testvec.WrapBinding("nescio/history/v1", account, nil, uint64(epoch))
}

// refHistory walks from the header's master key to the key of an epoch.
func (h *refHeader) refHistory(mk []byte, epoch uint32) (key []byte, err error) {
	oldest := refOldest(h.epoch)
	if epoch < oldest || epoch > h.epoch {
		return nil, errRef
	}
	for e := h.epoch; e > epoch && err == nil; e-- {
		mk, err = testvec.WrapOpen(mk, refHistoryBinding(h.account, e-1), h.history[e-1-oldest])
	}
	return mk, err
}

// refReadKDF reads the parameters of a KDF: its algorithm and costs.
func refReadKDF(c *refCursor) (algorithm byte, x, y, z uint64) {
	c.start("K")
	ok := false
	switch algorithm = c.u8(); algorithm {
	case 1:
		x = uint64(c.u32())
		ok = 1 <= x && x < 1<<31
	case 2:
		x, y, z = uint64(c.u32()), uint64(c.u32()), uint64(c.u8())
		ok = 1 <= z && 8*z <= x && x < 1<<31 && 1 <= y && y < 1<<31
	case 3:
		x, y, z = uint64(c.u8()), uint64(c.u32()), uint64(c.u32())
		ok = 1 <= x && x <= 30 && 1 <= y && 1 <= z && y*z < 1<<30 && y<<x <= 1<<31
	}
	refCheck(ok && c.u8() == 0, "KDF")
	return algorithm, x, y, z
}

// refKDF stretches the password of a slot. The secret key is not part of it.
func (s *refSlot) refKDF(password []byte) []byte {
	c, salt := refCursor(s.params[34:]), s.params[:32]
	switch algorithm, x, y, z := refReadKDF(&c); algorithm {
	case 1:
		return refMust(pbkdf2.Key(sha512.New, string(password), salt, int(x), 32))
	case 2:
		return argon2.IDKey(password, salt, uint32(y), uint32(x), uint8(z), 32)
	default:
		return refMust(scrypt.Key(password, salt, 1<<x, int(y), int(z), 32))
	}
}

func (s *refSlot) purpose() string          { return "nescio/slot/" + refNames[s.kind] + "/v1" }
func (s *refSlot) kekSalt() []byte          { return refJoin(s.id, s.params[:32]) }
func (s *refSlot) kekInfo() string          { return s.purpose() + "\x00" + string(s.flags) + string(s.params) }
func (s *refSlot) refKEK(ikm []byte) []byte { return refHKDF(ikm, s.kekSalt(), s.kekInfo(), 32) }

func (s *refSlot) binding(account []byte) []byte {
	return testvec.WrapBinding(s.purpose(), account, s.id, uint64(s.born))
}

// refSecret opens the slot's secret, seed ‖ L.
func (s *refSlot) refSecret(account, kek []byte) ([]byte, error) {
	return testvec.WrapOpen(kek, s.binding(account), s.wrapped)
}

func refMasterInfo(account, id []byte, epoch uint32) []byte {
	return testvec.WrapBinding("nescio/slot/mk/v1", account, id, uint64(epoch))
}

// refMaster opens the master key with the slot's seed, for the header's epoch.
func (s *refSlot) refMaster(account []byte, epoch uint32, seed []byte) ([]byte, error) {
	if !bytes.Equal(refPublicKey(seed), s.pk) {
		return nil, errRef
	}
	kem, kdf, aead := refSuite()
	key, info := refMust(kem.NewPrivateKey(seed)), refMasterInfo(account, s.id, epoch)
	return hpke.Open(key, kdf, aead, info, s.sealed)
}

// refOpen follows "Opening" with the secret of slot i.
func (h *refHeader) refOpen(i int, secret []byte) (mk []byte, err error) {
	if !hmac.Equal(refMAC(secret[32:], h.beforeMACs), h.lineageMAC) {
		return nil, errRef
	}
	mk, err = h.slots[i].refMaster(h.account, h.epoch, secret[:32])
	if err != nil || len(mk) != 32 || !hmac.Equal(refMAC(mk, h.beforeMACs, h.lineageMAC), h.masterMAC) {
		return nil, errRef
	}
	return mk, nil
}

func refBlobBinding(purpose string, account, item []byte, epoch, origin uint32) []byte {
	return testvec.WrapBinding(purpose, account, item, uint64(origin)<<32|uint64(epoch))
}

func refBlobSeal(mk []byte, purpose string, account, item []byte, epoch, origin uint32, nonce, secret []byte) []byte {
	b := testvec.WrapSeal(refDataKey(mk), refBlobBinding(purpose, account, item, epoch, origin), nonce, secret)
	return refJoin([]byte("W\x01"), refU32(epoch), refU32(origin), b)
}

// refBlob opens a blob. master returns the master key of an epoch, as
// refHistory does.
func refBlob(master func(epoch uint32) ([]byte, error), purpose string, account, item, blob []byte) (secret []byte, epoch, origin uint32, err error) {
	c := refCursor(blob)
	c.start("W")
	epoch, origin = c.u32(), c.u32()
	refCheck(1 <= origin && origin <= epoch, "origin")
	mk, err := master(epoch)
	if err == nil {
		secret, err = testvec.WrapOpen(refDataKey(mk), refBlobBinding(purpose, account, item, epoch, origin), c)
	}
	return secret, epoch, origin, err
}

func (h *refHeader) refCheckpoint(mkID []byte) []byte {
	b := refJoin([]byte("N\x01"), h.account, refU64(h.revision), h.digest, refU32(h.epoch), refU32(h.floor), mkID)
	b = append(b, byte(len(h.slots)))
	for i := range h.slots {
		b = refJoin(b, h.slots[i].id, h.slots[i].slotDigest())
	}
	return b
}

func refUnconfirmed(old, new []byte) []byte { return refJoin([]byte("U\x01"), old, new) }

// refDevice is a device's secret form, refPayload what an approval gives it.
func refDevice(account, id, secret []byte) []byte {
	return refJoin([]byte("D\x01"), account, id, secret)
}
func refPayload(id, lineage, check []byte) []byte { return refJoin([]byte{1}, id, lineage, check) }

const refBegin, refEnd = "-----BEGIN NESCIO RECOVERY FILE-----\n", "-----END NESCIO RECOVERY FILE-----\n"

func refFileText(id, f []byte) string {
	content := refJoin([]byte{1}, id, f)
	text := base64.StdEncoding.EncodeToString(append(content, refSHA256(content)[:4]...))
	return refBegin + text[:64] + "\n" + text[64:] + "\n" + refEnd
}

// refParseFile reads the text that refFileText writes, and nothing else.
func refParseFile(text string) (id, f []byte) {
	body := strings.TrimSuffix(strings.TrimPrefix(text, refBegin), refEnd)
	b := refMust(base64.StdEncoding.DecodeString(body)) // which skips line ends
	refCheck(len(b) == 53 && refFileText(b[1:17], b[17:49]) == text, "file")
	return b[1:17], b[17:49]
}

// refSecretKeyText computes the check with Horner's rule.
func refSecretKeyText(key []byte) string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	bits := append(bytes.Clone(key), 0, 0)
	var numbers []byte
	for at := 0; at < 130; at += 5 {
		numbers = append(numbers, byte(binary.BigEndian.Uint16(bits[at/8:])>>(11-at%8)&31))
	}
	check := byte(0)
	for _, c := range slices.Backward(numbers) {
		if check = (check ^ c) << 1; check&32 != 0 {
			check ^= 0b100101 // x^5 + x^2 + 1
		}
	}
	text := "NSK1"
	for i, c := range append(numbers, check) {
		if i%5 == 0 {
			text += "-"
		}
		text += alphabet[c : c+1]
	}
	return text
}

func refAuthSecret(entropy []byte) []byte { return refHKDF(entropy, nil, "nescio/phrase/auth/v1", 32) }

func refPhraseLoginID(id []byte) []byte {
	return refJoin([]byte("\xffnescio/phrase/id/v1\x00"), refSHA256(id))
}

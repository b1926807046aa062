package recovery

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
)

// What both sides of an approval compute. The requester's half is request.go, the
// approver's approve.go.

// Purpose is what an approval is for. The list is closed.
type Purpose uint8

const (
	ForDevice Purpose = 1 // a slot for another device
	ForShare  Purpose = 2 // a contact's share of a key
)

// MaxMessage is 5264, the size in bytes that no message of an approval exceeds, for
// servers that pass them on. Those of [Request.Ask] and so on are smaller and fixed; a
// device's grant by QR code has some 1.3 KiB.
const MaxMessage = encSize + maxPayload + tagSize + macSize

const (
	approvalLabel = "nescio/approve/v1"
	qrPrefix      = "nescio-approve:"
	qrSecretSize  = 16
	qrSize        = 1 + 16 + sha256.Size + qrSecretSize
	nonceSize     = 32   // r1, r2
	encSize       = 1120 // of HPKE
	tagSize       = 16
	askSize       = 2 + publicKeySize + sha256.Size
	maxPayload    = 4 << 10
	codeChars     = 6 // of 5 bits each
)

// ErrApproval means an approval whose messages do not belong together: another
// requester, another approver, another account, or somebody in between.
var ErrApproval = errors.New("recovery: the approval is not authentic")

var (
	errPayload  = refused("a share has 1 to 4094 bytes")
	errCompared = refused("the codes have not been compared")
	errPurpose  = refused("a request is ForDevice or ForShare")
)

func (p Purpose) valid() bool { return p == ForDevice || p == ForShare }

// approvalInfo is the info of HPKE: "nescio/approve/v1" ‖ 00 ‖ purpose u8 ‖ account.
func approvalInfo(p Purpose, account [16]byte) []byte {
	b := append([]byte(approvalLabel), 0, byte(p))
	return append(b, account[:]...)
}

// commitment is SHA-256("nescio/approve/v1/commit" ‖ 00 ‖ pk ‖ r1).
func commitment(publicKey, r1 []byte) []byte {
	h := sha256.New()
	h.Write([]byte(approvalLabel + "/commit\x00"))
	h.Write(publicKey)
	h.Write(r1)
	return h.Sum(nil)
}

// codeHash is t = SHA-256("nescio/approve/v1/code" ‖ 00 ‖ purpose u8 ‖ account ‖ pk ‖
// c ‖ enc ‖ r2 ‖ r1).
func codeHash(p Purpose, account [16]byte, publicKey, commitment, enc, r2, r1 []byte) []byte {
	h := sha256.New()
	h.Write([]byte(approvalLabel + "/code\x00"))
	h.Write([]byte{byte(p)})
	h.Write(account[:])
	for _, b := range [][]byte{publicKey, commitment, enc, r2, r1} {
		h.Write(b)
	}
	return h.Sum(nil)
}

// shortCode is the first 30 bits of t in Crockford's base 32: "K7M-2QX".
func shortCode(t []byte) string {
	chars := base32Crockford.EncodeToString(t)[:codeChars]
	return chars[:codeChars/2] + "-" + chars[codeChars/2:]
}

// grantMAC is HMAC-SHA256(HKDF-SHA256(s, "", "nescio/approve/v1/mac", 32), purpose u8 ‖
// account ‖ pk ‖ enc ‖ ct).
func grantMAC(p Purpose, account [16]byte, secret, publicKey, sealed []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, approvalLabel+"/mac", sha256.Size)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte{byte(p)})
	mac.Write(account[:])
	mac.Write(publicKey)
	mac.Write(sealed)
	return mac.Sum(nil), nil
}

// qrCode is what a QR code holds: "nescio-approve:" and in base64url purpose u8 ‖
// account 16 ‖ SHA-256(pk) ‖ secret 16.
type qrCode struct {
	purpose   Purpose
	account   [16]byte
	publicKey [sha256.Size]byte // its hash
	secret    [qrSecretSize]byte
}

func (q *qrCode) text() string {
	b := append([]byte{byte(q.purpose)}, q.account[:]...)
	b = append(b, q.publicKey[:]...)
	b = append(b, q.secret[:]...)
	defer func() { clear(b) }()
	return qrPrefix + base64.RawURLEncoding.EncodeToString(b)
}

func parseQR(text string) (q qrCode, ok bool) {
	body, ok := strings.CutPrefix(strings.TrimSpace(text), qrPrefix)
	if !ok || len(body) != base64.RawURLEncoding.EncodedLen(qrSize) || strings.ContainsAny(body, "\r\n") {
		return qrCode{}, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return qrCode{}, false
	}
	defer clear(b)
	q = qrCode{Purpose(b[0]), [16]byte(b[1:]), [sha256.Size]byte(b[17:]), [qrSecretSize]byte(b[17+sha256.Size:])}
	return q, q.purpose.valid()
}

// splitAsk reads the message of Request.Ask.
func splitAsk(ask []byte, p Purpose) (publicKey, commitment []byte, ok bool) {
	if len(ask) != askSize || Purpose(ask[0]) != p || ask[1] != version {
		return nil, nil, false
	}
	return ask[2 : 2+publicKeySize], ask[2+publicKeySize:], true
}

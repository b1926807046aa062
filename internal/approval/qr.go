package approval

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
)

const (
	qrPrefix     = "nescio-approve:"
	qrSecretSize = 16
	qrSize       = 1 + 16 + sha256.Size + qrSecretSize
)

// qrCode is the content of a QR code.
type qrCode struct {
	purpose Purpose
	account [16]byte
	digest  [sha256.Size]byte // SHA-256(pk)
	secret  [qrSecretSize]byte
}

// text returns "nescio-approve:" ‖ base64url(purpose u8 ‖ account 16 ‖
// SHA-256(pk) ‖ s 16).
func (q *qrCode) text() string {
	b := slices.Concat([]byte{byte(q.purpose)}, q.account[:], q.digest[:], q.secret[:])
	defer clear(b)
	return qrPrefix + base64.RawURLEncoding.EncodeToString(b)
}

// parseQR is the inverse of text. White space around the text is ignored.
func parseQR(text string) (q qrCode, ok bool) {
	body, ok := strings.CutPrefix(strings.TrimSpace(text), qrPrefix)
	// The decoder would skip line breaks.
	if !ok || len(body) != base64.RawURLEncoding.EncodedLen(qrSize) || strings.ContainsAny(body, "\r\n") {
		return qrCode{}, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return qrCode{}, false
	}
	defer clear(b)
	q = qrCode{
		purpose: Purpose(b[0]),
		account: [16]byte(b[1:]),
		digest:  [sha256.Size]byte(b[17:]),
		secret:  [qrSecretSize]byte(b[17+sha256.Size:]),
	}
	return q, q.purpose == Device || q.purpose == Share
}

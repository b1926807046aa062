package server

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"
)

// TOTP by RFC 6238, with the parameters that every authenticator has: SHA-1, 6
// digits and steps of 30 seconds.
const (
	totpDigits = 6
	totpStep   = 30 // seconds
	totpSecret = 20 // bytes
)

// totpCode returns the code of a step: HOTP of RFC 4226, Section 5.3.
func totpCode(secret []byte, step int64, digits int) string {
	h := hmac.New(sha1.New, secret)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := h.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	value := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	modulus := uint32(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, value%modulus)
}

// totpCheck returns the step of a code, or false. It accepts one step more and
// one less, because clocks differ, and no step up to the last accepted one
// (RFC 6238, Section 5.2).
func totpCheck(secret []byte, code string, now time.Time, last int64) (step int64, ok bool) {
	current := now.Unix() / totpStep
	for s := current - 1; s <= current+1; s++ {
		if s > last && subtle.ConstantTimeCompare([]byte(totpCode(secret, s, totpDigits)), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

var totpEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// totpURI is what an authenticator reads from a QR code.
func totpURI(issuer, name string, secret []byte) string {
	label := url.PathEscape(issuer + ":" + name)
	return "otpauth://totp/" + label + "?secret=" + totpEncoding.EncodeToString(secret) + "&issuer=" + url.QueryEscape(issuer)
}

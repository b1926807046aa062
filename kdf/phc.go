package kdf

import (
	"encoding"
	"encoding/base64"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// The text form is the PHC string format, without a hash at the end:
//
//	$pbkdf2-sha512[$i=‹iterations›][$‹salt›]
//	$argon2id$v=19$m=‹KiB›,t=‹passes›,p=‹parallelism›[$‹salt›]
//	$scrypt$ln=‹log2 N›,r=‹block size›,p=‹parallelism›[$‹salt›]
//
// with the salt in base64 without padding. PBKDF2 has no i if the number of
// iterations has been taken out.

// maxText is longer than any text form.
const maxText = 192

var phcBase64 = base64.RawStdEncoding

// String returns the text form, or "invalid".
func (p Params) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "$%v", p.algorithm)
	switch {
	case p.lacksIterations():
	case p.algorithm == PBKDF2SHA512:
		fmt.Fprintf(&b, "$i=%d", p.n)
	case p.algorithm == Argon2id:
		fmt.Fprintf(&b, "$v=19$m=%d,t=%d,p=%d", p.m, p.t, p.p)
	case p.algorithm == Scrypt:
		fmt.Fprintf(&b, "$ln=%d,r=%d,p=%d", bits.TrailingZeros32(p.n), p.r, p.p)
	default:
		return "invalid"
	}
	if p.salt != "" {
		b.WriteByte('$')
		b.WriteString(phcBase64.EncodeToString([]byte(p.salt)))
	}
	return b.String()
}

// ParseParams decodes the text form, or returns [ErrMalformed].
func ParseParams(text string) (Params, error) {
	if len(text) > maxText {
		return Params{}, ErrMalformed
	}
	p, rest := parseCosts(text)
	if salt, ok := strings.CutPrefix(rest, "$"); ok {
		b, err := phcBase64.DecodeString(salt)
		if err != nil {
			return Params{}, ErrMalformed
		}
		p.salt = string(b)
	}
	// There is one spelling: the text must equal the encoding of p.
	if !p.valid() || p.String() != text {
		return Params{}, ErrMalformed
	}
	return p, nil
}

// parseCosts reads the part before the salt.
func parseCosts(text string) (p Params, rest string) {
	if rest, ok := strings.CutPrefix(text, "$pbkdf2-sha512"); ok {
		p.algorithm = PBKDF2SHA512
		if strings.HasPrefix(rest, "$i=") {
			p.n, rest = parseCost(rest, "$i=")
		}
		return p, rest
	}
	if rest, ok := strings.CutPrefix(text, "$argon2id$v=19"); ok {
		p.algorithm = Argon2id
		p.m, rest = parseCost(rest, "$m=")
		p.t, rest = parseCost(rest, ",t=")
		p.p, rest = parseCost(rest, ",p=")
		return p, rest
	}
	if rest, ok := strings.CutPrefix(text, "$scrypt"); ok {
		var ln uint32
		p.algorithm = Scrypt
		ln, rest = parseCost(rest, "$ln=")
		p.r, rest = parseCost(rest, ",r=")
		p.p, rest = parseCost(rest, ",p=")
		p.n = 1 << ln // 0, which is not valid, from 32 on
		return p, rest
	}
	return Params{}, ""
}

// parseCost reads a number after its name. It returns 0, which is never valid,
// for text that is not such a number.
func parseCost(text, name string) (value uint32, rest string) {
	digits, ok := strings.CutPrefix(text, name)
	if !ok {
		return 0, ""
	}
	end := strings.IndexAny(digits, ",$")
	if end < 0 {
		end = len(digits)
	}
	v, err := strconv.ParseUint(digits[:end], 10, 32)
	if err != nil {
		return 0, ""
	}
	return uint32(v), digits[end:]
}

// MarshalText returns the text form.
func (p Params) MarshalText() ([]byte, error) {
	if !p.valid() {
		return nil, ErrUnknown
	}
	return []byte(p.String()), nil
}

// UnmarshalText is [ParseParams].
func (p *Params) UnmarshalText(text []byte) error {
	if len(text) > maxText {
		return ErrMalformed
	}
	q, err := ParseParams(string(text))
	if err == nil {
		*p = q
	}
	return err
}

var (
	_ encoding.TextMarshaler   = Params{}
	_ encoding.TextUnmarshaler = (*Params)(nil)
	_ fmt.Stringer             = Params{}
)

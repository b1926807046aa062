package approval

import (
	"crypto/subtle"
	"encoding/base32"
	"strings"
	"unicode"
)

// The short code is the first 60 bits of t in Crockford's base 32, in two
// halves. The requester's screen shows the first half and the approver's screen
// shows the second.

const halfSize = 6 // characters of 5 bits each

var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

func requesterHalf(t []byte) string { return crockford.EncodeToString(t)[:halfSize] }

func approverHalf(t []byte) string { return crockford.EncodeToString(t)[halfSize : 2*halfSize] }

// show returns a half as a screen shows it, such as "K7M-2QX".
func show(half string) string { return half[:halfSize/2] + "-" + half[halfSize/2:] }

// maxTyped bounds a typed half, in bytes, before any work is done on it.
const maxTyped = 256

// matches compares what a user has typed with a half, in constant time.
func matches(typed, half string) bool {
	if len(typed) > maxTyped {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(strings.Map(typedCharacter, typed)), []byte(half)) == 1
}

// typedCharacter undoes what people and their programs do to a character. It
// returns -1 for a character to drop. Unicode's format characters (Cf) include
// the soft hyphen and all characters without width.
func typedCharacter(c rune) rune {
	switch c = unicode.ToUpper(c); {
	case c == 'O':
		return '0'
	case c == 'I' || c == 'L':
		return '1'
	case unicode.In(c, unicode.White_Space, unicode.Dash, unicode.Hyphen, unicode.Cf):
		return -1
	}
	return c
}

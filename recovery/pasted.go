package recovery

import (
	"strings"
	"unicode"
)

// Programs change texts that people copy: they break lines, replace hyphens and
// quotes with typographic ones, and add invisible characters. The parsers
// of phrases, secret keys and files ignore such characters, and leave the
// decision to a checksum.

// maxPasted bounds the text of a phrase or secret key, in bytes.
const maxPasted = 4 << 10

// isPasted reports whether parsers of phrases and secret keys ignore c, a
// character of a text in normalization form KD.
func isPasted(c rune) bool {
	return isInvisible(c) || strings.ContainsRune(".,`\u060c\u3001\u3002", c) || // with the Arabic and ideographic comma and full stop
		unicode.In(c, unicode.White_Space, unicode.Dash, unicode.Hyphen, unicode.Quotation_Mark)
}

// isInvisible reports whether c has no width: byte order mark, zero-width
// space, soft hyphen, Mongolian vowel separator, word joiner, invisible
// operators, joiners, and marks of direction.
func isInvisible(c rune) bool {
	return strings.ContainsRune("\ufeff\u200b\u00ad\u180e\u2060\u2061\u2062\u2063\u2064", c) ||
		unicode.In(c, unicode.Join_Control, unicode.Bidi_Control)
}

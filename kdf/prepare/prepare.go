// Package prepare turns typed passwords and user names into one form. The same
// letters can be typed as different bytes: keyboards and operating systems
// differ in how they compose accents, in the width of letters, and in spaces.
// Packages kdf, srp and opaque use passwords and names byte for byte, so an
// account could be used from one device and not from another.
//
// Source: RFC 8265, profiles OpaqueString and UsernameCaseMapped, over the
// PRECIS framework of RFC 8264, as golang.org/x/text/secure/precis implements
// it.
//
// # Where to start
//
// Call [Password] and [Username] in the client, on what the user typed, before
// a registration and before every login. Every client of an application must do
// the same. The server calls [Username] again, on every id that it receives,
// before the look-up. For [ErrInvalid] it answers with HTTP status 400. Both
// functions are idempotent: what they return, they return unchanged.
//
// The package-level example about older accounts shows how accounts log in that
// registered before the clients prepared passwords.
//
// # What is refused
//
// Both functions return [ErrInvalid] for invalid UTF-8, control characters,
// invisible characters and code points that Unicode 15.0 does not define. They
// also refuse emoji with a joiner or a variation selector, such as families and
// red hearts. Tell users so at registration. Later versions of
// golang.org/x/text know more code points, and then more texts are accepted. A
// password that is accepted keeps its form, because Unicode does not change the
// normalization of defined code points.
//
// The package does not measure how strong a password is. It does not detect
// names that look alike, such as Latin "a" and Cyrillic "а".
//
// # Security
//
// The time depends on the text. The package clears its own copies of a
// password. The normalizer of golang.org/x/text keeps small pieces of it, up to
// 128 bytes around accents, which nothing can clear. The caller clears its
// input and the result.
package prepare

import (
	"bytes"
	"errors"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/bidirule"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// MaxLength is the longest text in bytes that [Password] and [Username] accept
// and return.
const MaxLength = 1024

// ErrInvalid means a text that is empty, longer than [MaxLength] bytes before
// or after preparation, or not allowed by its profile.
var ErrInvalid = errors.New("prepare: not 1 to 1,024 bytes of text that RFC 8265 allows")

// maxGrowth is how many times longer UTF-8 can become in NFC (UAX #15).
const maxGrowth = 3

// Password prepares a password of 1 to 1,024 bytes of UTF-8 by the OpaqueString
// profile (RFC 8265, Section 4.2). Every kind of space becomes U+0020, and the
// text is normalized to NFC. Case and width stay as typed. It returns a new
// slice of 1 to 1,024 bytes and leaves its argument unchanged. It returns
// [ErrInvalid] for any other text. It is safe for concurrent use and not
// constant time.
func Password(password []byte) ([]byte, error) {
	if len(password) == 0 || len(password) > MaxLength || !utf8.Valid(password) {
		return nil, ErrInvalid
	}
	// No space is shorter than U+0020, so spaced never grows.
	spaced := make([]byte, 0, len(password))
	defer clear(spaced[:cap(spaced)])
	for rest := password; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if unicode.Is(unicode.Zs, r) {
			r = ' '
		}
		spaced = utf8.AppendRune(spaced, r)
		rest = rest[size:]
	}
	normal := norm.NFC.Append(make([]byte, 0, maxGrowth*len(spaced)), spaced...)
	defer clear(normal)
	if len(normal) > MaxLength {
		return nil, ErrInvalid
	}
	// The profile changes nothing more, so it makes no copies of its own.
	out, err := precis.OpaqueString.Append(make([]byte, 0, len(normal)), normal)
	if err != nil || !bytes.Equal(out, normal) {
		clear(out)
		return nil, ErrInvalid
	}
	return out, nil
}

// caseMapped is UsernameCaseMapped without its Directionality Rule.
// precis.UsernameCaseMapped applies that rule to every name that is not ASCII
// and refuses "josé_". RFC 8265 applies it to names with right-to-left code
// points.
var caseMapped = precis.NewIdentifier(precis.FoldWidth, precis.LowerCase(), precis.Norm(norm.NFC))

// Username prepares a user name of 1 to 1,024 bytes of UTF-8 by the
// UsernameCaseMapped profile (RFC 8265, Section 3.3). Wide and narrow letters
// become ordinary ones, upper case becomes lower case, and the text is
// normalized to NFC. It refuses spaces. It refuses symbols, except those of
// ASCII. The result is 1 to 1,024 bytes long. Username returns [ErrInvalid] for
// any other text. It is safe for concurrent use.
func Username(name string) (string, error) {
	if len(name) == 0 || len(name) > MaxLength || !utf8.ValidString(name) {
		return "", ErrInvalid
	}
	out, err := caseMapped.String(name)
	if err != nil || len(out) == 0 || len(out) > MaxLength {
		return "", ErrInvalid
	}
	if bidirule.DirectionString(out) == bidi.RightToLeft && !bidirule.ValidString(out) {
		return "", ErrInvalid
	}
	return out, nil
}

// Package prepare converts typed passwords and user names to one form.
// Keyboards and operating systems encode accents, wide letters and spaces
// differently, but packages kdf, srp and opaque compare bytes. The source is
// RFC 8265, profiles OpaqueString and UsernameCaseMapped, as implemented by
// golang.org/x/text/secure/precis.
//
// # Where to start
//
//	name, err := prepare.Username(typedName)
//	password, err := prepare.Password(typedPassword)
//
// # What the application must do
//
//  1. Prepare names and passwords in every client, before each registration and
//     login. Otherwise an account may work from one device only.
//  2. Prepare every id again on the server, before the look-up, because clients
//     can send anything. For [ErrInvalid], answer with HTTP status 400.
//  3. Tell users at registration which characters are refused, because some
//     emoji are among them.
//  4. Accounts that are older than the preparation may have another form of the
//     password. Example (OlderAccounts) logs them in.
//
// # Limits
//
// Both functions refuse invalid UTF-8, control and invisible characters, and
// code points that Unicode 15.0 does not define. They also refuse emoji with a
// joiner or a variation selector, such as families and red hearts. They do not
// measure the strength of passwords, and do not detect names that look alike,
// such as with Latin "a" and Cyrillic "а".
//
// # Security
//
// The functions are not constant time. They clear their copies of a password,
// except up to 128 bytes around accents, which the normalizer of
// golang.org/x/text keeps. The caller clears the input and the result.
//
// # Compatibility
//
// Later versions of golang.org/x/text may accept more texts. Accepted passwords
// keep their form, because Unicode does not change the normalization of defined
// code points.
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

// MaxLength is the maximum length of a text in bytes, before and after
// preparation.
const MaxLength = 1024

// ErrInvalid means a text that is empty, too long, or not allowed.
var ErrInvalid = errors.New("prepare: text must be 1 to 1,024 bytes that RFC 8265 allows")

// maxGrowth is how many times longer UTF-8 can become in NFC (UAX #15).
const maxGrowth = 3

// Password applies OpaqueString (RFC 8265, Section 4.2). Every space becomes
// U+0020, and the text is normalized to NFC. Case and width do not change. It
// returns a new slice, or [ErrInvalid]. It is idempotent and safe for
// concurrent use.
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

// Username applies UsernameCaseMapped (RFC 8265, Section 3.3). Wide and narrow
// letters become ordinary ones, upper case becomes lower case, and the text is
// normalized to NFC. It returns [ErrInvalid] for spaces and for symbols outside
// ASCII. It is idempotent and safe for concurrent use.
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

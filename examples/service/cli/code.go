package main

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"github.com/nescio-go/nescio/examples/service/client"
)

// errShape is the error for a text that cannot be a code of the other screen.
var errShape = errors.New("a code looks like GKC-YM5, and nothing was sent")

// codeSize is the number of characters of a code on the other screen.
const codeSize = 6

// typedCharacter undoes what people and their programs do to a character. It
// returns -1 for a character to drop.
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

// screenCode returns a typed code as the other screen shows it, and reports
// whether the text is a code.
func screenCode(typed string) (code string, ok bool) {
	code = strings.Map(typedCharacter, typed)
	if len(code) != codeSize {
		return "", false
	}
	for _, c := range code {
		if !strings.ContainsRune("0123456789ABCDEFGHJKMNPQRSTVWXYZ", c) {
			return "", false
		}
	}
	return code[:codeSize/2] + "-" + code[codeSize/2:], true
}

// typed asks for the code on the other screen. If the answer is not a code, such
// as an empty line or a password, it asks again and sends nothing.
func (d *device) typed(ctx context.Context) (code string, err error) {
	for try := 1; ; try++ {
		typed, err := d.line(ctx, "Code on the other screen, never from a message")
		if err != nil {
			return "", err
		}
		if code, ok := screenCode(typed); ok {
			return code, nil
		}
		if try == d.tries() {
			return "", errShape
		}
		d.say("%v", errShape)
	}
}

// sharesAgain explains codes that do not match when a share is given.
func sharesAgain(err error) error {
	if errors.Is(err, client.ErrCodes) {
		return errors.New("the codes do not match. Begin again on both sides, with recover -contacts -code and approve: the contact may give the share again. If nobody has mistyped, somebody else has answered in between")
	}
	return err
}

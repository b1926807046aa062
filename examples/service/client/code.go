package client

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/nescio-go/nescio/recovery"
)

var (
	// ErrNotACode means a text that is too long for a code, such as a password
	// or a recovery phrase. It was not sent.
	ErrNotACode = errors.New("that is not a code, and it was not sent")
	// ErrCodes means that the codes of the two screens do not match. The
	// exchange is over. Somebody else may have taken part in it.
	ErrCodes = errors.New("the codes do not match: begin again")
)

// maxCode is the length of the longest code in characters.
const maxCode = 16

// checkCode refuses what is no code before anything is sent.
func checkCode(typed string) error {
	if utf8.RuneCountInString(strings.TrimSpace(typed)) > maxCode {
		return ErrNotACode
	}
	return nil
}

// compared returns ErrCodes for the error of an exchange whose codes did not
// match.
func compared(err error) error {
	if errors.Is(err, recovery.ErrUntrusted) {
		return fmt.Errorf("%w: %w", ErrCodes, err)
	}
	return err
}

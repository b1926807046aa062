package recovery

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nescio-go/nescio/internal/bip39"
	"golang.org/x/text/unicode/norm"
)

// errWords is the error of [NewPhrase].
var errWords = refused("a phrase has 12 or 24 words")

// PhraseError describes a wrong phrase without its words. If both fields are 0,
// the checksum is wrong.
type PhraseError struct {
	// Words is the number of words if it is wrong.
	Words int
	// Position is the first unknown word, from 1.
	Position int
}

// Error returns text for people.
func (e *PhraseError) Error() string {
	switch {
	case e.Words > 0:
		return fmt.Sprintf("recovery: a phrase has 12 or 24 words, not %d", e.Words)
	case e.Position > 0:
		return fmt.Sprintf("recovery: word %d is not in the list", e.Position)
	}
	return "recovery: the checksum of the words is wrong"
}

// Unwrap returns [ErrMalformed].
func (e *PhraseError) Unwrap() error { return ErrMalformed }

// ParsePhrase reads what people type, at most 4 KiB. It returns [ErrMalformed]
// or a [*PhraseError].
func ParsePhrase(text string) (*Phrase, error) {
	if len(text) > maxPasted {
		return nil, ErrMalformed
	}
	words := strings.FieldsFunc(strings.ToLower(norm.NFKD.String(text)), func(c rune) bool {
		return isPasted(c) || strings.ContainsRune("():", c)
	})
	words = slices.DeleteFunc(words, isListNumber)
	switch len(words) {
	case 12, 24:
	case 0:
		return nil, ErrMalformed
	default:
		return nil, &PhraseError{Words: len(words)}
	}
	entropy, index, err := bip39.Decode(words)
	switch err {
	case nil:
		return newPhrase(entropy), nil
	case bip39.ErrWord:
		return nil, &PhraseError{Position: index + 1}
	}
	return nil, new(PhraseError)
}

// isListNumber reports whether w is the number of a word in a list.
func isListNumber(w string) bool {
	n, err := strconv.ParseUint(w, 10, 8)
	return err == nil && len(w) <= 2 && 1 <= n && n <= 24
}

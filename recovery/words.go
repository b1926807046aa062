package recovery

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nescio-go/nescio/internal/bip39"
	"golang.org/x/text/unicode/norm"
)

// errWords is the refusal of [NewPhrase].
var errWords = refused("a phrase has 12 or 24 words")

// PhraseError says what is wrong with the words of a phrase, without a word of
// it. It wraps [ErrMalformed].
type PhraseError struct {
	// Words is the number of words, if it is not 12 or 24, and otherwise 0.
	Words int
	// Position is the number of the first word that is not in the list, from 1.
	// If it and Words are 0, all words are in the list but do not belong
	// together: one is wrong, or two have changed places. Of 16 wrong phrases
	// of 12 words one passes, of 24 words one of 256.
	Position int
}

// Error returns a text for people.
func (e *PhraseError) Error() string {
	switch {
	case e.Words > 0:
		return fmt.Sprintf("recovery: a phrase has 12 or 24 words, not %d", e.Words)
	case e.Position > 0:
		return fmt.Sprintf("recovery: word %d is not in the list", e.Position)
	}
	return "recovery: the words do not belong together"
}

// Unwrap returns [ErrMalformed].
func (e *PhraseError) Unwrap() error { return ErrMalformed }

// ParsePhrase reads the words of a phrase as people write and paste them: in
// any case, in any Unicode form, each word whole or by its first four letters
// or more, in at most 4 KiB. Around and between the words it ignores white
// space, dashes and hyphens, quotation marks, commas, full stops, colons,
// parentheses, and characters without width, of any kind, and list numbers from
// 1 to 24. It returns [ErrMalformed] for a longer or an empty text, and
// otherwise a [*PhraseError].
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

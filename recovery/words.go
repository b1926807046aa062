package recovery

import (
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// BIP-39: 2048 words stand for 11 bits each, and the bits behind the entropy are
// the first of its SHA-256: 4 for 12 words, 8 for 24.

//go:embed wordlist_english.txt
var wordlistText string

// wordlist is sorted, and no two of its words have their first four letters in
// common.
var wordlist = strings.Fields(wordlistText)

const (
	wordBits   = 11
	prefixSize = 4 // letters that tell the words apart
)

var (
	// ErrWordCount means that a phrase does not have 12 or 24 words.
	ErrWordCount = errors.New("recovery: a phrase has 12 or 24 words")
	// ErrWord means a word that is not in the list: see [WordError].
	ErrWord = errors.New("recovery: not a word of the list")
	// ErrChecksum means that all words are in the list, but that they do not belong
	// together: one is wrong, or two have changed places. Of 16 wrong phrases of 12
	// words one passes, of 24 words one of 256.
	ErrChecksum = errors.New("recovery: the words do not belong together")
)

// WordError is an ErrWord that says which word it is, without saying the word.
type WordError struct {
	Position int // from 1
}

func (e *WordError) Error() string {
	return fmt.Sprintf("recovery: word %d is not a word of the list", e.Position)
}

// Unwrap returns ErrWord.
func (e *WordError) Unwrap() error { return ErrWord }

// ParsePhrase reads the words of a phrase as people write and paste them: in any case,
// in any Unicode form, each word whole or by its first four letters or more, in at most
// 4 KiB. Around and between the words it ignores white space, dashes and hyphens,
// quotation marks, commas, full stops, colons, parentheses, and characters without
// width, of any kind, and list numbers from 1 to 24. It returns a [*WordError], ErrWordCount or ErrChecksum, in this
// order of what to tell the user: the count, then the first word that is none, then
// that they do not belong together.
func ParsePhrase(text string) (*Phrase, error) {
	if len(text) > maxPasted {
		return nil, ErrWordCount
	}
	words := strings.FieldsFunc(strings.ToLower(norm.NFKD.String(text)), func(c rune) bool {
		return isPasted(c) || strings.ContainsRune("():", c)
	})
	words = slices.DeleteFunc(words, isListNumber)
	if len(words) != 12 && len(words) != 24 {
		return nil, ErrWordCount
	}
	bits := make([]byte, len(words)*wordBits)
	defer clear(bits)
	for i, w := range words {
		index, ok := findWord(w)
		if !ok {
			return nil, &WordError{Position: i + 1}
		}
		for b := range wordBits {
			bits[i*wordBits+b] = byte(index>>(wordBits-1-b)) & 1
		}
	}
	entropy := make([]byte, len(words)/12*16)
	for i := range bits[:8*len(entropy)] {
		entropy[i/8] |= bits[i] << (7 - i%8)
	}
	sum := sha256.Sum256(entropy)
	for i, bit := range bits[8*len(entropy):] {
		if sum[0]>>(7-i)&1 != bit {
			clear(entropy)
			return nil, ErrChecksum
		}
	}
	return newPhrase(entropy), nil
}

// isListNumber reports whether w is the number of a word in a list.
func isListNumber(w string) bool {
	n, err := strconv.ParseUint(w, 10, 8)
	return err == nil && len(w) <= 2 && 1 <= n && n <= 24
}

// findWord returns the number of a word, or of the one that begins with it.
func findWord(w string) (int, bool) {
	i, exact := slices.BinarySearch(wordlist, w)
	if exact {
		return i, true
	}
	return i, len(w) >= prefixSize && i < len(wordlist) && strings.HasPrefix(wordlist[i], w)
}

func encodeWords(entropy []byte) string {
	sum := sha256.Sum256(entropy)
	b := append(append([]byte(nil), entropy...), sum[0])
	defer clear(b)
	words := make([]string, len(entropy)/16*12)
	for i := range words {
		index := 0
		for at := i * wordBits; at < (i+1)*wordBits; at++ {
			index = index<<1 | int(b[at/8]>>(7-at%8)&1)
		}
		words[i] = wordlist[index]
	}
	return strings.Join(words, " ")
}

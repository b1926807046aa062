package testvec

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
)

// search is what a secret may look like in a text.
type search struct {
	exact   []string // as bytes, strings and base64
	hex     string   // lower case
	numbers []string // a list of numbers, in each of bases
}

// bases are those that package fmt writes numbers in, with their prefixes.
var bases = []struct {
	base     int
	prefixes []string
}{{2, []string{"0b"}}, {8, []string{"0o"}}, {10, nil}, {16, []string{"0x", "u+"}}}

func newSearch(secret []byte) search {
	head := secret[:minRedacted]
	s := search{hex: hex.EncodeToString(head)}
	for _, b := range [][]byte{head, secret} {
		text, _ := json.Marshal(string(b))
		quoted := []string{string(text), strconv.Quote(string(b)), strconv.QuoteToASCII(string(b))}
		for _, q := range quoted {
			s.exact = append(s.exact, q[1:len(q)-1])
		}
	}
	s.exact = append(s.exact, string(head), gobArray(head), runes(head))
	for skip := range 3 { // whatever stands before the secret
		group := head[skip : skip+6]
		s.exact = append(s.exact, base64.StdEncoding.EncodeToString(group), base64.URLEncoding.EncodeToString(group))
	}
	for _, n := range bases {
		var list []string
		for _, b := range head {
			list = append(list, strconv.FormatInt(int64(b), n.base))
		}
		s.numbers = append(s.numbers, join(list))
	}
	return s
}

// gobArray is what encoding/gob makes of an array of bytes.
func gobArray(b []byte) string {
	var out []byte
	for _, c := range b {
		if c >= 128 {
			out = append(out, 0xff) // one byte follows
		}
		out = append(out, c)
	}
	return string(out)
}

// runes is what %c makes of bytes.
func runes(b []byte) string {
	var out []string
	for _, c := range b {
		out = append(out, string(rune(c)))
	}
	return strings.Join(out, " ")
}

// haystack is a text in the forms that a search looks at.
type haystack struct {
	text, lower string
	numbers     []string // all numbers of the text, in each of bases
}

func newHaystack(text string) haystack {
	h := haystack{text: text, lower: strings.ToLower(text)}
	words := wordsOf(h.lower)
	for _, n := range bases {
		list := make([]string, 0, len(words))
		for _, w := range words {
			for _, prefix := range n.prefixes {
				w = strings.TrimPrefix(w, prefix)
			}
			if isNumber(w, n.base) {
				list = append(list, trimZeros(w))
			}
		}
		h.numbers = append(h.numbers, join(list))
	}
	return h
}

// wordsOf splits a text at everything but digits, small letters and the plus of
// U+0041. Texts are long, and there are many.
func wordsOf(text string) (words []string) {
	start := 0
	for i := range len(text) + 1 {
		if i < len(text) && (digit(text[i]) < 36 || text[i] == '+') {
			continue
		}
		if i > start {
			words = append(words, text[start:i])
		}
		start = i + 1
	}
	return words
}

// digit returns the value of a digit or of a small letter, 36 for all else.
func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 10
	}
	return 36
}

func isNumber(word string, base int) bool {
	for i := range len(word) {
		if digit(word[i]) >= base {
			return false
		}
	}
	return word != ""
}

func trimZeros(number string) string {
	if trimmed := strings.TrimLeft(number, "0"); trimmed != "" {
		return trimmed
	}
	return "0"
}

// join puts a space around each number, so that none is a part of another.
func join(list []string) string { return " " + strings.Join(list, " ") + " " }

func (s search) in(h haystack) bool {
	for _, e := range s.exact {
		if strings.Contains(h.text, e) {
			return true
		}
	}
	for i := range bases {
		if strings.Contains(h.numbers[i], s.numbers[i]) {
			return true
		}
	}
	return strings.Contains(h.lower, s.hex)
}

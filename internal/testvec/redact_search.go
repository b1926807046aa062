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
	words := strings.FieldsFunc(h.lower, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') && r != '+' })
	for _, n := range bases {
		var list []string
		for _, w := range words {
			for _, prefix := range n.prefixes {
				w = strings.TrimPrefix(w, prefix)
			}
			if value, err := strconv.ParseUint(w, n.base, 64); err == nil {
				list = append(list, strconv.FormatUint(value, n.base))
			}
		}
		h.numbers = append(h.numbers, join(list))
	}
	return h
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

package replaytest

import (
	"crypto/rand"
	"fmt"
	"math/bits"
	"strings"
)

// similarIDs finds stores that keep less than all 128 bits of an id, or that
// treat an id as text.
func similarIDs(s *store) {
	r, ok := s.open()
	if !ok {
		return
	}
	expires := soon()
	base := oddID()
	near := [][16]byte{base}
	for bit := range 128 {
		id := base
		id[bit/8] ^= 1 << (bit % 8)
		near = append(near, id)
	}
	for change := 3; change < 256; change += 18 { // not of a single bit
		id := base
		id[15] ^= byte(change)
		near = append(near, id)
	}
	for _, id := range near {
		if !s.first(r, id, expires, "only similar ids were used before. Compare all 16 bytes, as bytes and not as text.") {
			return
		}
	}
	for _, id := range near {
		if !s.used(r, id, expires, "similar ids were used since then. Remember all of them.") {
			return
		}
	}
	for _, p := range alike {
		l := letters(16)
		a, b := p.of(l)
		if !s.first(r, id(a), expires, newIsNotFirst) ||
			!s.first(r, id(b), expires, fmt.Sprintf("only id %x was used, and the two ids %s. "+
				"An id is 16 bytes, not text or a number. Use a type of column or key that holds bytes.", a, p.how)) ||
			!s.used(r, id(a), expires, "an id may contain any bytes. Those of this one are easily lost in text.") ||
			!s.used(r, id(b), expires, "an id may contain any bytes. Those of this one are easily lost in text.") {
			return
		}
	}
}

// alike makes pairs of different ids that a careless store confuses, from 16
// letters. The letters are random because a store accepts a pair only once.
var alike = []struct {
	how string
	of  func(l string) (a, b string)
}{
	{"begin with a zero byte", func(l string) (a, b string) { return "\x00" + l[:15], "\x00" + letters(15) }},
	{"are equal up to a zero byte", func(l string) (a, b string) { return l[:8] + "\x00" + l[8:15], l[:8] + "\x00" + letters(7) }},
	{"have the zero byte at another end", func(l string) (a, b string) { return "\x00" + l[:15], l[:15] + "\x00" }},
	{"end with a space and a zero byte", func(l string) (a, b string) { return l[:15] + " ", l[:15] + "\x00" }},
	{"end with a carriage return and a line feed", func(l string) (a, b string) { return l[:15] + "\r", l[:15] + "\n" }},
	{"differ in upper and lower case", func(l string) (a, b string) { return l, strings.ToUpper(l) }},
	{"differ in bytes that are not UTF-8", func(l string) (a, b string) { return l[:15] + "\xfe", l[:15] + "\xff" }},
	{"contain quotes and wildcards", func(l string) (a, b string) { return l[:8] + `'"\%_;-x`, l[:8] + `'"\%_;-y` }},
	{"differ in the order of their halves", func(l string) (a, b string) { return l, l[8:] + l[:8] }},
	{"have the same digits when written without leading zeros", func(l string) (a, b string) { return l[:14] + "\x01\x11", l[:14] + "\x11\x01" }},
}

// oddID returns a random id whose bytes all have two bits set or more. Changing
// one bit makes no byte zero. Zero bytes are tested by alike.
func oddID() (id [16]byte) {
	for i := range id {
		for bits.OnesCount8(id[i]) < 2 {
			rand.Read(id[i : i+1])
		}
	}
	return id
}

func id(s string) [16]byte { return [16]byte([]byte(s)) }

// letters returns n random lower-case letters.
func letters(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = 'a' + b[i]%26
	}
	return string(b)
}

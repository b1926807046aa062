// Package bip39 spells 16 or 32 bytes as 12 or 24 English words, and reads
// them, as BIP-39 does. The words stand for 11 bits each. The bits behind the
// entropy are the first of its SHA-256: 4 for 12 words, 8 for 24. BIP-39's seed
// for wallets is not used.
package bip39

import (
	"crypto/sha256"
	_ "embed"
	"errors"
	"slices"
	"strings"
)

//go:embed english.txt
var text string

// list is sorted, and the first four letters tell its words apart.
var list = strings.Fields(text)

const (
	wordBits   = 11
	prefixSize = 4
)

// ErrChecksum means that the words do not belong together.
var ErrChecksum = errors.New("bip39: wrong checksum")

// ErrWord means a word that is not in the list.
var ErrWord = errors.New("bip39: not a word of the list")

// Encode returns the words of 16 or 32 bytes, with single spaces between them.
func Encode(entropy []byte) string {
	sum := sha256.Sum256(entropy)
	b := append(append([]byte(nil), entropy...), sum[0])
	defer clear(b)
	words := make([]string, len(entropy)/16*12)
	for i := range words {
		index := 0
		for at := i * wordBits; at < (i+1)*wordBits; at++ {
			index = index<<1 | int(b[at/8]>>(7-at%8)&1)
		}
		words[i] = list[index]
	}
	return strings.Join(words, " ")
}

// Decode reads 12 or 24 words in lower case, each whole or by its first four
// letters or more. It returns ErrWord with the index of the first word that is
// not in the list, or ErrChecksum.
func Decode(words []string) (entropy []byte, index int, err error) {
	bits := make([]byte, len(words)*wordBits)
	defer clear(bits)
	for i, w := range words {
		n, ok := find(w)
		if !ok {
			return nil, i, ErrWord
		}
		for b := range wordBits {
			bits[i*wordBits+b] = byte(n>>(wordBits-1-b)) & 1
		}
	}
	entropy = make([]byte, len(words)/12*16)
	for i := range bits[:8*len(entropy)] {
		entropy[i/8] |= bits[i] << (7 - i%8)
	}
	sum := sha256.Sum256(entropy)
	for i, bit := range bits[8*len(entropy):] {
		if sum[0]>>(7-i)&1 != bit {
			clear(entropy)
			return nil, 0, ErrChecksum
		}
	}
	return entropy, 0, nil
}

// find returns the number of a word, or of the word that begins with w.
func find(w string) (int, bool) {
	i, exact := slices.BinarySearch(list, w)
	if exact {
		return i, true
	}
	return i, len(w) >= prefixSize && i < len(list) && strings.HasPrefix(list[i], w)
}

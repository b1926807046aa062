package main

import (
	"fmt"
	"strings"

	"github.com/nescio-go/nescio/kdf"
)

// cost returns the costs in the text form of p, which is the last field because
// there is no salt.
func cost(p kdf.Params) string {
	text := p.String()
	return text[strings.LastIndexByte(text, '$')+1:]
}

func mebibytes(bytes uint64) string {
	if bytes == 0 {
		return "-"
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}

// thousands writes a number with commas.
func thousands(n uint64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

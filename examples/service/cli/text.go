package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nescio-go/nescio/examples/internal/cli"
)

// short is how many digits of an id lists show.
const short = 8

// pick returns the only value whose id begins with the given digits.
func pick[T any](all []T, id func(T) string, what, digits string) (found T, err error) {
	n := 0
	for _, one := range all {
		if digits != "" && strings.HasPrefix(id(one), strings.ToLower(digits)) {
			found, n = one, n+1
		}
	}
	switch n {
	case 0:
		return found, fmt.Errorf("there is no %s whose id begins with %q", what, digits)
	case 1:
		return found, nil
	}
	return found, fmt.Errorf("%d %ss have ids that begin with %q: give more digits", n, what, digits)
}

// plain replaces what could control a terminal, because somebody else may have
// chosen the text.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

// plainLines is plain for a text with several lines.
func plainLines(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\t", "    "), "\n")
	for i, line := range lines {
		lines[i] = plain(strings.TrimSuffix(line, "\r"))
	}
	return strings.Join(lines, "\n")
}

// cut shortens a text to a number of characters.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// when writes a time in the time zone of this computer.
func when(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

func date(n int64) string { return when(time.Unix(n, 0)) }

// count writes a number of things.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// wrapLines wraps a text that somebody else has written, line by line.
func wrapLines(indent, text string) string {
	var b strings.Builder
	for line := range strings.Lines(plainLines(text)) {
		b.WriteString(cli.Wrap(indent, line))
	}
	return b.String()
}

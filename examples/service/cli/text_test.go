package main

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPick(t *testing.T) {
	all := []string{"abc", "abd", "b"}
	same := func(s string) string { return s }
	for digits, want := range map[string]string{"abc": "abc", "AbD": "abd", "b": "b"} {
		got, err := pick(all, same, "item", digits)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := pick(all, same, "item", "ab")
	require.EqualError(t, err, `2 items have ids that begin with "ab": give more digits`)
	for _, digits := range []string{"", "c", "abcd"} {
		_, err := pick(all, same, "item", digits)
		require.ErrorContains(t, err, "there is no item")
	}
}

// TestPlain: no text controls the terminal.
func TestPlain(t *testing.T) {
	require.Equal(t, "a?[31mb?c ü日", plain("a\x1b[31mb\nc ü日"))
	require.Equal(t, "a    b\nc\n?d?", plainLines("a\tb\r\nc\n\x07d\u202e"))
	require.Equal(t, "abc", cut("abc", 3))
	require.Equal(t, "äö…", cut("äöüß", 3))
}

func TestReadLine(t *testing.T) {
	in := strings.NewReader("one\r\n\ntwo\nlast")
	for _, want := range []string{"one", "", "two", "last"} {
		line, err := readLine(in)
		require.NoError(t, err)
		require.Equal(t, want, string(line))
	}
	_, err := readLine(in)
	require.ErrorIs(t, err, io.EOF)
	_, err = readLine(strings.NewReader(strings.Repeat("x", maxLine+1) + "\n"))
	require.ErrorIs(t, err, errLine)
}

// TestScreenCode: only the shape of a code is a code.
func TestScreenCode(t *testing.T) {
	for _, typed := range []string{"GKC-YM5", "gkcym5", " g k c – y m 5 "} {
		code, ok := screenCode(typed)
		require.True(t, ok, typed)
		require.Equal(t, "GKC-YM5", code)
	}
	code, ok := screenCode("oil-OIL")
	require.True(t, ok)
	require.Equal(t, "011-011", code)
	for _, typed := range []string{"", " ", "-", "GKC-YM", "GKC-YM55", "GKC-YMU", "GKC-YM!", "éKCYM5", "zoo zoo zoo"} {
		_, ok := screenCode(typed)
		require.False(t, ok, typed)
	}
}

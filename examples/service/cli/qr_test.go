package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"rsc.io/qr"
	"rsc.io/qr/coding"
)

// dark returns the modules of a drawing, without its quiet border.
func dark(t *testing.T, lines []string) (modules [][]bool) {
	width := utf8.RuneCountInString(lines[0])
	for _, line := range lines {
		upper, lower := make([]bool, 0, width), make([]bool, 0, width)
		for _, c := range line {
			upper = append(upper, c == '▀' || c == '█')
			lower = append(lower, c == '▄' || c == '█')
		}
		require.Len(t, upper, width)
		modules = append(modules, upper, lower)
	}
	modules = modules[:width] // the last line may be half
	for i, row := range modules {
		border := row[:quiet]
		if i < quiet || i >= width-quiet {
			border = row
		}
		require.NotContains(t, border, true)
		require.NotContains(t, row[width-quiet:], true)
		modules[i] = row[quiet : width-quiet]
	}
	return modules[quiet : width-quiet]
}

// readQR returns the text of a QR code of bytes, by the places of its bits.
func readQR(t *testing.T, modules [][]bool) string {
	version := coding.Version((len(modules) - 17) / 4)
	plan, err := coding.NewPlan(version, coding.L, 0)
	require.NoError(t, err)
	bits := make([]bool, 8*plan.DataBytes)
	for y, row := range plan.Pixel {
		for x, p := range row {
			if p.Role() == coding.Data && int(p.Offset()) < len(bits) {
				bits[p.Offset()] = modules[y][x] != (p&coding.Invert != 0)
			}
		}
	}
	take := func(n int) (value int) {
		for _, bit := range bits[:n] {
			value <<= 1
			if bit {
				value++
			}
		}
		bits = bits[n:]
		return value
	}
	require.Equal(t, 4, take(4), "bytes")
	length := 8
	if version > 9 {
		length = 16
	}
	text := make([]byte, take(length))
	for i := range text {
		text[i] = byte(take(8))
	}
	return string(text)
}

// TestQR: what is drawn is the QR code, module by module, and fits on a small
// terminal.
func TestQR(t *testing.T) {
	for _, text := range []string{"a", strings.Repeat("aB3-", 26)[:102], strings.Repeat("x", 500)} {
		lines, err := drawQR(text)
		require.NoError(t, err)
		if len(text) < 103 {
			require.LessOrEqual(t, len(lines), 23)
			require.LessOrEqual(t, utf8.RuneCountInString(lines[0]), 80)
		}
		want, err := qr.Encode(text, qr.L)
		require.NoError(t, err)
		got := dark(t, lines)
		require.Len(t, got, want.Size)
		for y, row := range got {
			for x, black := range row {
				require.Equal(t, want.Black(x, y), black, "%d, %d", x, y)
			}
		}
		require.Equal(t, text, readQR(t, got))
	}
	_, err := drawQR(strings.Repeat("x", 3000))
	require.ErrorContains(t, err, "cannot be drawn")
}

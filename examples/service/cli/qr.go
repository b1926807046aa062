package main

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quiet is the width of the light border that scanners need.
const quiet = 4

// drawQR draws a QR code with two rows of modules in each line. Its dark parts
// are characters, and its light parts are spaces.
func drawQR(text string) (lines []string, err error) {
	code, err := qr.Encode(text, qr.L) // a screen has no dirt
	if err != nil {
		return nil, fmt.Errorf("the QR code cannot be drawn: %w", err)
	}
	for y := -quiet; y < code.Size+quiet; y += 2 {
		var line strings.Builder
		for x := -quiet; x < code.Size+quiet; x++ {
			line.WriteRune(halves[code.Black(x, y)][code.Black(x, y+1)])
		}
		lines = append(lines, line.String())
	}
	return lines, nil
}

// halves are the characters for an upper and a lower module.
var halves = map[bool]map[bool]rune{
	false: {false: ' ', true: '▄'},
	true:  {false: '▀', true: '█'},
}

// Black on white, whatever the theme of the terminal is.
const (
	blackOnWhite = "\x1b[38;5;16;48;5;231m"
	usualColours = "\x1b[0m"
)

// showQR draws a QR code on the terminal. Elsewhere nobody knows which colour is
// dark, and the text follows.
func (d *device) showQR(text string) error {
	lines, err := drawQR(text)
	if err != nil {
		return err
	}
	if d.interactive() {
		d.clear()
		for _, line := range lines {
			fmt.Fprintln(d.errOut, blackOnWhite+line+usualColours)
		}
		return nil
	}
	_, err = fmt.Fprintf(d.out, "%s\n%s\n", strings.Join(lines, "\n"), text)
	return err
}

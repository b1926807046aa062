package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/nescio-go/nescio/moduli"
)

// meter shows the progress of a long command. On a terminal it overwrites one
// line. Elsewhere it writes a new line every ten seconds.
type meter struct {
	out      io.Writer
	terminal bool
	shown    bool      // a line is to be overwritten
	next     time.Time // when the next line may be written elsewhere
}

const linesEvery = 10 * time.Second

func newMeter(out io.Writer) *meter {
	return &meter{out: out, terminal: isTerminal(out), next: time.Now().Add(linesEvery)}
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// show shows a line that the next one replaces.
func (m *meter) show(format string, args ...any) {
	switch now := time.Now(); {
	case m.terminal:
		fmt.Fprintf(m.out, "\r"+format+"\x1b[K", args...)
		m.shown = true
	case now.After(m.next):
		fmt.Fprintf(m.out, format+"\n", args...)
		m.next = now.Add(linesEvery)
	}
}

// say writes a line that stays.
func (m *meter) say(format string, args ...any) {
	m.clear()
	fmt.Fprintf(m.out, format+"\n", args...)
}

// clear removes the line that is shown.
func (m *meter) clear() {
	if m.shown {
		fmt.Fprint(m.out, "\r\x1b[K")
		m.shown = false
	}
}

// searching describes a search, while moduliLeft moduli are missing. The
// remaining time of a search does not depend on the time so far: its average is
// always the mean time of a whole search.
func searching(p moduli.Progress, moduliLeft int) string {
	seconds := p.Elapsed.Seconds()
	if p.Next == 0 || seconds == 0 {
		return "sieving"
	}
	slots := float64(p.Next) / seconds
	left := time.Duration(p.Expected / slots * float64(moduliLeft) * float64(time.Second))
	return fmt.Sprintf("slot %s, %s slots/s, %s tests/s, about %v more on average",
		thousands(p.Next), thousands(uint64(slots)), thousands(uint64(float64(p.Tests)/seconds)), short(left))
}

// short rounds a duration for display.
func short(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}

// thousands writes a number with commas.
func thousands(n uint64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// progress shows the current step. On a terminal it is one line that moves and
// disappears. Elsewhere each step is a line.
type progress struct {
	out      io.Writer
	terminal bool
	end      func() // of the step, or nil
}

func newProgress(out io.Writer) *progress {
	f, ok := out.(*os.File)
	return &progress{out: out, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// step begins a step, which ends the one before.
func (p *progress) step(what string) {
	p.clear()
	if !p.terminal {
		fmt.Fprintln(p.out, what)
		return
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	p.end = func() {
		close(stop)
		<-stopped
	}
	go func() {
		defer close(stopped)
		tick := time.NewTicker(120 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			fmt.Fprintf(p.out, "\r%c %s ", `|/-\`[i%4], what)
			select {
			case <-tick.C:
			case <-stop:
				fmt.Fprint(p.out, "\r\x1b[K")
				return
			}
		}
	}()
}

// clear ends the step.
func (p *progress) clear() {
	if p.end != nil {
		p.end()
		p.end = nil
	}
}

// clearing is a writer that ends the step first.
type clearing struct {
	*progress
	to io.Writer
}

func (c clearing) Write(b []byte) (int, error) {
	c.clear()
	return c.to.Write(b)
}

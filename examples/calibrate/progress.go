package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"
)

// progress is one line that says what is going on, on a terminal; elsewhere it
// says nothing.
type progress struct {
	out *os.File // nil if it is no terminal
}

func newProgress(f *os.File) *progress {
	if !term.IsTerminal(int(f.Fd())) {
		return &progress{}
	}
	return &progress{f}
}

// start shows a line, with the seconds that have passed, until done is called.
func (p *progress) start(what string) (done func()) {
	if p.out == nil {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	begin := time.Now()
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			fmt.Fprintf(p.out, "\r%s … %d s ", what, int(time.Since(begin).Seconds()))
			select {
			case <-tick.C:
			case <-stop:
				fmt.Fprint(p.out, "\r\x1b[K")
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

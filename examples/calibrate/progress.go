package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"
)

// progress shows the current step in one line on a terminal, and nothing
// elsewhere.
type progress struct {
	out *os.File // nil if it is not a terminal
}

func newProgress(f *os.File) *progress {
	if !term.IsTerminal(int(f.Fd())) {
		return &progress{}
	}
	return &progress{f}
}

// start shows a line with the elapsed seconds until done is called.
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

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// terminal is where the user is.
type terminal struct {
	in  *bufio.Reader
	out io.Writer
	// hidden reads a line without showing it. Nil if the input is not a terminal:
	// then a password is a line like any other.
	hidden func() ([]byte, error)
	done   <-chan struct{} // of the command's context: then reads give up
}

// newTerminal returns the terminal of the process, and a function that makes it show
// again what is typed, for those who are leaving in the middle of a password.
func newTerminal() (t *terminal, restore func()) {
	t = &terminal{in: bufio.NewReader(os.Stdin), out: os.Stdout}
	fd := int(os.Stdin.Fd())
	before, err := term.GetState(fd)
	if err != nil || !term.IsTerminal(fd) {
		return t, func() {}
	}
	t.hidden = func() ([]byte, error) { return term.ReadPassword(fd) }
	return t, func() { term.Restore(fd, before) }
}

func (t *terminal) say(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

// ask reads a line.
func (t *terminal) ask(prompt string) (string, error) {
	line, err := t.line(prompt)
	return strings.TrimSpace(string(line)), err
}

// secret reads a password, which is used as typed.
func (t *terminal) secret(prompt string) ([]byte, error) {
	var password []byte
	var err error
	if t.hidden == nil {
		password, err = t.line(prompt)
	} else {
		fmt.Fprint(t.out, prompt+": ")
		password, err = t.read(t.hidden)
		fmt.Fprintln(t.out) // the user's own was not shown
	}
	if err == nil && (len(password) == 0 || len(password) > 1024) {
		err = errors.New("a password has 1 to 1024 bytes")
	}
	return password, err
}

// newSecret reads a new password, twice.
func (t *terminal) newSecret() ([]byte, error) {
	password, err := t.secret("New password")
	if err != nil {
		return nil, err
	}
	again, err := t.secret("The same again")
	if err == nil && string(again) != string(password) {
		err = errors.New("the two passwords differ: nothing was changed, try again")
	}
	clear(again)
	return password, err
}

// agree goes on only if the user says yes.
func (t *terminal) agree(question string) error {
	answer, err := t.ask(question + " (yes/no)")
	if err == nil && answer != "yes" {
		err = errors.New("stopped, since the answer was not yes")
	}
	return err
}

// read gives up when the command is to stop, so that it leaves nothing behind. The
// read itself cannot be ended: it goes with the process.
func (t *terminal) read(f func() ([]byte, error)) ([]byte, error) {
	select {
	case <-t.done:
		return nil, context.Canceled // a hidden read would turn the echo off again
	default:
	}
	var line []byte
	var err error
	finished := make(chan struct{})
	go func() {
		line, err = f()
		close(finished)
	}()
	select {
	case <-finished:
		return line, err
	case <-t.done:
		return nil, context.Canceled
	}
}

func (t *terminal) line(prompt string) ([]byte, error) {
	fmt.Fprint(t.out, prompt+": ")
	line, err := t.read(func() ([]byte, error) { return t.in.ReadBytes('\n') })
	if err == io.EOF && len(line) > 0 {
		err = nil
	}
	if err == io.EOF {
		err = fmt.Errorf("the input ended at %q", prompt)
	}
	if t.hidden == nil {
		fmt.Fprintln(t.out) // nobody pressed Enter
	}
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line, err
}

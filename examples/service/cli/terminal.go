package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/kdf/prepare"
	"golang.org/x/term"
)

// input is where passwords come from. Tests replace it.
var input io.Reader = os.Stdin

// terminal asks questions and shows messages.
type terminal struct {
	*progress
	in     io.Reader
	hidden *os.File // the terminal, or nil if the input is not one
	errOut io.Writer
}

func newTerminal(in io.Reader, errOut io.Writer) *terminal {
	t := &terminal{in: in, errOut: errOut, progress: newProgress(errOut)}
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.hidden = f
	}
	return t
}

// interactive reports whether a person sees the messages and answers.
func (t *terminal) interactive() bool { return t.hidden != nil && t.progress.terminal }

// aside shows something to a person on a screen of its own, which disappears
// when f returns, and which the terminal does not keep.
func (t *terminal) aside(f func() error) error {
	t.clear()
	io.WriteString(t.errOut, "\x1b[?1049h\x1b[H\x1b[2J")
	defer io.WriteString(t.errOut, "\x1b[?1049l")
	return f()
}

// tries is how often a question is repeated.
func (t *terminal) tries() int {
	if t.hidden == nil {
		return 1
	}
	return tries
}

// say shows a message, which is not part of the result.
func (t *terminal) say(format string, args ...any) {
	t.clear()
	io.WriteString(t.errOut, cli.Wrap("", fmt.Sprintf(format, args...)))
}

const maxLine = 4096

var errLine = errors.New("the line is too long")

// endOfInput is the error of a question that nobody answers.
type endOfInput string

func (e endOfInput) Error() string {
	return fmt.Sprintf("the input ends before an answer to %q", string(e))
}

func ended(err error) bool {
	_, ok := errors.AsType[endOfInput](err)
	return ok
}

// line asks for a line.
func (t *terminal) line(ctx context.Context, prompt string) (string, error) {
	b, err := t.ask(ctx, prompt, func() ([]byte, error) { return readLine(t.in) })
	return strings.TrimSpace(string(b)), err
}

// yes asks for the word yes. No input means no.
func (t *terminal) yes(ctx context.Context, question string) (bool, error) {
	answer, err := t.line(ctx, question+" Type yes")
	if ended(err) {
		return false, nil
	}
	return strings.EqualFold(answer, "yes"), err
}

// secret asks for a password without echo.
func (t *terminal) secret(ctx context.Context, prompt string) ([]byte, error) {
	if t.hidden == nil {
		return t.ask(ctx, prompt, func() ([]byte, error) { return readLine(t.in) })
	}
	fd := int(t.hidden.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	defer term.Restore(fd, before) // after a signal it would still be without echo
	b, err := t.ask(ctx, prompt, func() ([]byte, error) { return term.ReadPassword(fd) })
	fmt.Fprintln(t.errOut)
	return b, err
}

// minPassword is the minimum length of new passwords in characters.
const minPassword = 8

// newSecret asks for a new password, on a terminal twice.
func (t *terminal) newSecret(ctx context.Context, prompt string) ([]byte, error) {
	for try := 1; ; try++ {
		password, err := t.newSecretOnce(ctx, prompt)
		if err == nil || ctx.Err() != nil || try == t.tries() || ended(err) {
			return password, err
		}
		t.say("%v", err)
	}
}

func (t *terminal) newSecretOnce(ctx context.Context, prompt string) ([]byte, error) {
	password, err := t.secret(ctx, prompt)
	if err != nil {
		return nil, err
	}
	prepared, err := prepare.Password(password)
	switch {
	case utf8.RuneCount(password) < minPassword:
		return nil, fmt.Errorf("a new password has at least %d characters", minPassword)
	case err != nil:
		return nil, errors.New("the password contains characters that not every device can type")
	}
	clear(prepared)
	if t.hidden == nil {
		return password, nil
	}
	again, err := t.secret(ctx, "The same again")
	if err != nil {
		return nil, err
	}
	defer clear(again)
	if !bytes.Equal(password, again) {
		return nil, errors.New("the two passwords differ")
	}
	return password, nil
}

// ask reads an answer, until ctx ends.
func (t *terminal) ask(ctx context.Context, prompt string, read func() ([]byte, error)) ([]byte, error) {
	t.clear()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if t.hidden != nil {
		fmt.Fprintf(t.errOut, "%s: ", prompt)
	}
	type answer struct {
		b   []byte
		err error
	}
	got := make(chan answer, 1)
	go func() {
		b, err := read()
		got <- answer{b, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case a := <-got:
		if errors.Is(a.err, io.EOF) {
			return nil, endOfInput(prompt)
		}
		return a.b, a.err
	}
}

// readLine reads one byte at a time, because what follows the line may be for
// somebody else.
func readLine(in io.Reader) (line []byte, err error) {
	b := make([]byte, 1)
	for len(line) <= maxLine {
		n, err := in.Read(b)
		switch {
		case n == 1 && b[0] == '\n', err == io.EOF && len(line) > 0:
			return bytes.TrimSuffix(line, []byte("\r")), nil
		case n == 1:
			line = append(line, b[0])
		}
		if err != nil && n == 0 {
			return nil, err
		}
	}
	return nil, errLine
}

// text reads the rest of the input.
func (t *terminal) text(ctx context.Context, limit int) (string, error) {
	prompt := "Text, which ends with Ctrl-D on a line of its own"
	b, err := t.ask(ctx, prompt, func() ([]byte, error) {
		if t.hidden != nil {
			fmt.Fprintln(t.errOut)
		}
		return io.ReadAll(io.LimitReader(t.in, int64(limit)+1))
	})
	if err == nil && len(b) > limit {
		err = fmt.Errorf("the text is longer than %d bytes", limit)
	}
	return strings.TrimSuffix(string(b), "\n"), err
}

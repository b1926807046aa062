package main

import (
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/stretchr/testify/require"
)

// side is one of two programs that run at once. A line that begins with < is a
// pattern for what the other program prints, which this one then types.
type side struct {
	person
	lines string
	args  []string

	other  *side
	turn   chan struct{} // it may run
	done   bool
	ctx    context.Context
	out    strings.Builder
	err    error
	typing string
	next   []string
}

type sideKey struct{}

var errStuck = errors.New("both programs wait for each other")

// both runs two programs in turn: one goes on when the other has to wait.
func both(t *testing.T, first, second *side) {
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	before := pause
	pause = func(ctx context.Context) error { return ctx.Value(sideKey{}).(*side).yield() }
	defer func() { pause = before }()
	first.other, second.other = second, first
	ended := make(chan *side)
	for _, s := range []*side{first, second} {
		s.turn, s.next = make(chan struct{}, 1), strings.SplitAfter(s.lines, "\n")
		s.ctx = context.WithValue(ctx, sideKey{}, s)
		go func() {
			if s.wait() == nil {
				input = s // the other one has read it, or has not begun
				args := slices.Insert(slices.Clone(s.args), 1, "-folder", s.folder)
				s.err = program.Run(s.ctx, args, &s.out, &s.out)
			}
			s.done = true
			s.other.turn <- struct{}{}
			ended <- s
		}()
	}
	first.turn <- struct{}{}
	<-ended
	<-ended
	fits(t, first.out.String()+second.out.String())
}

func (s *side) wait() error {
	select {
	case <-s.turn:
		return nil
	case <-s.ctx.Done():
		return errStuck
	}
}

func (s *side) yield() error {
	if s.other.done {
		return errStuck
	}
	s.other.turn <- struct{}{}
	return s.wait()
}

// Read types a line as soon as it is known.
func (s *side) Read(b []byte) (int, error) {
	for s.typing == "" {
		if len(s.next) == 0 || s.next[0] == "" {
			return 0, io.EOF
		}
		line := s.next[0]
		if pattern, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "<"); ok {
			m := regexp.MustCompile(pattern).FindStringSubmatch(s.other.out.String())
			if m == nil {
				if err := s.yield(); err != nil {
					return 0, err
				}
				continue
			}
			line = m[1] + "\n"
		}
		s.typing, s.next = line, s.next[1:]
	}
	n := copy(b, s.typing)
	s.typing = s.typing[n:]
	return n, nil
}

// Patterns of what a program prints for the other one.
const (
	otherRequest = `<request ([0-9a-f]{4}):` + "\n"
	otherCode    = `<other side:  ([0-9A-Z]{3}-[0-9A-Z]{3})` + "\n"
	otherQR      = `<(?m)^(nescio\S+)$` + "\n"
)

// TestJoin: a device lets another one in, which can then read and write.
func TestJoin(t *testing.T) {
	w := newWorld(t, server.Config{})
	a, b, c := w.device(), w.device(), w.device()
	a.must(pass, "signup", "alice")
	a.must(pass, "add", "-title", "Note", "-text", "kept")
	require.Contains(t, a.must(pass, "approve"), "There is no request.")

	here := &side{person: b, lines: "device horse\n" + otherCode, args: []string{"join", "-code", "alice"}}
	there := &side{person: a, lines: pass + otherRequest + otherCode, args: []string{"approve"}}
	both(t, here, there)
	require.NoError(t, there.err, there.out.String())
	require.NoError(t, here.err, here.out.String())
	require.Contains(t, there.out.String(), "  a new device of this account  ")
	require.Contains(t, there.out.String(), "the new device is let in")
	require.Contains(t, here.out.String(), "this device has joined alice")
	require.Contains(t, b.must("device horse\n", "list"), "Note")
	b.must("device horse\n", "add", "-title", "From b", "-text", "")
	require.Contains(t, a.must(pass, "list"), "From b")
	require.Contains(t, a.must(pass, "slots"), ", let in by another device\n")
	require.Regexp(t, `  device\n`, a.must("", "sessions"))
	for _, args := range [][]string{{"password"}, {"phrase"}, {"totp", "on"}, {"contacts", "-invite", "Bob"}, {"slots", "-remove", "0"}} {
		b.fails("this device was let in by another one", "device horse\n", args...)
	}

	here = &side{person: c, lines: "device horse\n", args: []string{"join", "alice"}}
	there = &side{person: a, lines: pass + otherQR, args: []string{"approve", "-qr"}}
	both(t, here, there)
	require.NoError(t, there.err, there.out.String())
	require.NoError(t, here.err, here.out.String())
	require.Contains(t, there.out.String(), "approved: the other side goes on by itself")
	require.Contains(t, c.must("device horse\n", "list"), "From b")

	// A wrong code ends both sides, and a phrase is not even sent.
	d := w.device()
	here = &side{person: d, lines: "device horse\n" + otherCode, args: []string{"join", "-code", "alice"}}
	there = &side{person: a, lines: pass + otherRequest + "AAA-AAA\n", args: []string{"approve"}}
	both(t, here, there)
	require.ErrorContains(t, there.err, "the codes do not match")
	require.ErrorIs(t, here.err, errStuck)
	here = &side{person: d, lines: "device horse\n" + otherCode, args: []string{"join", "-code", "alice"}}
	there = &side{person: a, lines: pass + otherRequest + strings.Repeat("zoo ", 12) + "\n", args: []string{"approve"}}
	both(t, here, there)
	require.ErrorContains(t, there.err, errShape.Error())
	here = &side{person: d, lines: "device horse\n\n", args: []string{"join", "-code", "alice"}}
	there = &side{person: a, lines: pass + otherRequest + "<other side:  ([0-9A-Z]{3})\n", args: []string{"approve"}}
	both(t, here, there)
	require.EqualError(t, there.err, errShape.Error())
	require.EqualError(t, here.err, errShape.Error())
	d.fails("this device has no account yet", pass, "list")
	func() {
		defer func(before func(context.Context) error) { pause = before }(pause)
		pause = func(context.Context) error { w.seconds.Add(700); return nil }
		d.fails("no device has let this one in within ten minutes", "device horse\n", "join", "alice")
	}()
	a.fails("the text belongs to no open request", pass+"nonsense\n", "approve", "-qr")

	a.fails("this device has no claim", "", "recover")

	// An approved device sets a password after a wait.
	a.fails("-password is for a device that another one has let in", "", "recover", "-password")
	require.Contains(t, b.must("", "recover", "-password"), "claim:    to set a password on an approved device\nstate:    it waits")
	require.Contains(t, a.must(pass, "list"), "attention: 1 claim of this account is open.")
	w.seconds.Add(day + 60)
	require.Contains(t, b.must("device horse\nanother horse\nyes\n", "recover"), "The password is set.")
	require.Contains(t, b.must("another horse\n", "list"), "Note")
	require.Contains(t, c.must("device horse\n", "list"), "Note")
	require.NotContains(t, c.must("device horse\n", "list"), "logged out")
	c.fails("this device has another account", pass, "join", "bob")
}

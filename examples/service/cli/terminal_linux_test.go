package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a pseudo-terminal.
func openTerminal(t *testing.T) (person, program *os.File) {
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there are no pseudo-terminals")
	}
	t.Cleanup(func() { person.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { program.Close() })
	return person, program
}

// echoes reports whether a terminal shows what is typed.
func echoes(t *testing.T, f *os.File) bool {
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	require.NoError(t, err)
	return state.Lflag&unix.ECHO != 0
}

// screen is what a terminal shows.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// TestTerminal: passwords are hidden and new ones are typed twice. After a
// signal the terminal shows again what is typed.
func TestTerminal(t *testing.T) {
	me, it := openTerminal(t)
	shown := new(screen)
	go io.Copy(shown, me)
	wait := func(until func() bool) bool { return assert.Eventually(t, until, 5*time.Second, time.Millisecond) }
	prompts := func(n int) func() bool { return func() bool { return strings.Count(shown.String(), ": ") == n } }
	hidden := func() bool { return !echoes(t, it) }

	term := newTerminal(it, it)
	term.step("Working")
	go func() {
		for i, line := range []string{"short", "long enough", "long eNough", "long enough", "long enough"} {
			if !wait(prompts(i+1)) || !wait(hidden) {
				it.Close()
				return
			}
			fmt.Fprintln(me, line)
		}
	}()
	secret, err := term.newSecret(t.Context(), "New password")
	require.NoError(t, err)
	require.Equal(t, "long enough", string(secret))

	fmt.Fprintln(me, " yes ")
	ok, err := term.yes(t.Context(), "Sure?")
	require.NoError(t, err)
	require.True(t, ok)

	ctx, stop := context.WithCancel(t.Context())
	go func() {
		wait(hidden)
		stop()
	}()
	_, err = term.secret(ctx, "Password")
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, echoes(t, it))
	require.True(t, wait(prompts(7)))

	for _, part := range []string{"| Working \r\x1b[KNew password: ", "at least 8 characters", "the two passwords differ", "Sure? Type yes: "} {
		require.Contains(t, shown.String(), part)
	}
	require.NotContains(t, shown.String(), "ong e")
	require.Equal(t, 2, strings.Count(shown.String(), "The same again: "))
}

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/server"
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

// TestWords: a person sees the phrase on a screen that disappears, and types some
// of its words.
func TestWords(t *testing.T) {
	me, it := openTerminal(t)
	shown := new(screen)
	go io.Copy(shown, me)
	all := strings.Fields("legal winner thank year wave sausage worth useful legal winner thank yellow")
	asked := regexp.MustCompile(`Word (\d+): `)
	go func() {
		typed, looked := 0, 0
		for assert.Eventually(t, func() bool {
			return strings.Count(shown.String(), "They disappear then: ") > looked || len(asked.FindAllString(shown.String(), -1)) > typed
		}, 5*time.Second, time.Millisecond) {
			if strings.Count(shown.String(), "They disappear then: ") > looked {
				looked++
				fmt.Fprintln(me)
				continue
			}
			n, _ := strconv.Atoi(asked.FindAllStringSubmatch(shown.String(), -1)[typed][1])
			typed++
			if typed == 2 {
				fmt.Fprintln(me, "zoo") // one mistake: everything again
				continue
			}
			fmt.Fprintln(me, " "+strings.ToUpper(all[n-1]))
			if typed == 2+askedWords {
				return
			}
		}
		it.Close()
	}()
	d := &device{terminal: newTerminal(it, it), out: io.Discard}
	require.True(t, d.interactive())
	require.NoError(t, d.showWords(t.Context(), all))
	text := shown.String()
	require.Equal(t, 2, strings.Count(text, "\x1b[?1049h"))
	require.Equal(t, 2, strings.Count(text, "\x1b[?1049l"))
	require.Contains(t, text, "\x1b[?1049h\x1b[H\x1b[2JThat is another word: look at the phrase again.\r\n\r\nThese are")
	require.Contains(t, text, "   1. legal        2. winner       3. thank\r\n")
	for part := range strings.SplitSeq(text, "\x1b[?1049h") { // none of them stays
		_, after, _ := strings.Cut(part, "\x1b[?1049l")
		require.NotContains(t, after, ". legal")
	}
	require.NoError(t, d.showQR("text"))
	wait := func() bool { return strings.Count(shown.String(), blackOnWhite) == (21+2*quiet+1)/2 }
	require.Eventually(t, wait, 5*time.Second, time.Millisecond)
}

// types answers prompts on a terminal, each once it is shown.
func types(t *testing.T, me, it *os.File, shown *screen, answers ...string) {
	prompts := regexp.MustCompile(`[a-z0-9)]: `)
	for i, line := range answers {
		if !assert.Eventually(t, func() bool { return len(prompts.FindAllString(shown.String(), -1)) > i }, 5*time.Second, time.Millisecond) {
			it.Close()
			return
		}
		time.Sleep(50 * time.Millisecond) // until the terminal hides what is typed
		fmt.Fprintln(me, line)
	}
}

// TestTypedAgain: a person may mistype a password and a code, and begin a
// phrase again.
func TestTypedAgain(t *testing.T) {
	w := newWorld(t, server.Config{})
	a := w.device()
	a.must(pass, "signup", "alice")
	on := func(answers ...string) (*os.File, *screen) {
		me, it := openTerminal(t)
		shown := new(screen)
		go io.Copy(shown, me)
		go types(t, me, it, shown, answers...)
		return it, shown
	}
	t.Setenv("NESCIO_FOLDER", a.folder)
	run := func(it *os.File, args ...string) error {
		input = it
		return program.Run(t.Context(), args, io.Discard, it)
	}

	path := filepath.Join(t.TempDir(), "alice.recovery")
	it, shown := on("wrong", "correct horse")
	require.NoError(t, run(it, "file", "-o", path), shown)
	require.FileExists(t, path)
	require.Equal(t, 2, strings.Count(shown.String(), "Password: "))
	require.Contains(t, shown.String(), "the password does not open this device")

	it, shown = on("wrong", "wrong", "wrong")
	require.ErrorContains(t, run(it, "file", "-o", path+".2"), "the password does not open this device")
	require.Equal(t, 3, strings.Count(shown.String(), "Password: "))

	it, shown = on("alice", "wrong", "correct horse")
	require.NoError(t, run(it, "delete"), shown)
	require.Equal(t, 2, strings.Count(shown.String(), "Password: "))

	it, shown = on("", "a code", "gkcym5")
	d := &device{terminal: newTerminal(it, it), out: io.Discard}
	code, err := d.typed(t.Context())
	require.NoError(t, err)
	require.Equal(t, "GKC-YM5", code)
	require.Equal(t, 2, strings.Count(shown.String(), errShape.Error()))

	words := "legal winner thank year wave sausage worth useful legal winner thank yellow"
	it, shown = on("legal", "", words)
	d = &device{terminal: newTerminal(it, it), out: io.Discard}
	p, err := d.readPhrase(t.Context())
	require.NoError(t, err)
	require.Equal(t, words, p.Words())
	require.Contains(t, shown.String(), "Word 2 and the rest (Enter: start again): ")
}

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// asProgram makes the test's own binary run the program: see TestMain.
const asProgram = "NESCIO_TEST_AS_PROGRAM"

// pty is a program at a terminal of its own, as a person has it.
type pty struct {
	*dialog
	tty *os.File
}

func startPTY(t *testing.T, line string) *pty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("no pseudo-terminals on this system: ", err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { master.Close() })
	// Not master.Fd, which would make its reads block in the way of Close.
	raw, err := master.SyscallConn()
	require.NoError(t, err)
	var number int
	require.NoError(t, raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}))
	require.NoError(t, err)
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { tty.Close() })

	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe, words(line)...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	d := &dialog{t: t, in: master, done: make(chan error, 1)}
	require.NoError(t, cmd.Start())
	go io.Copy(d, master)
	go func() { d.done <- cmd.Wait() }()
	return &pty{d, tty}
}

// echoes reports whether the terminal shows what is typed.
func (p *pty) echoes() bool {
	s, err := unix.IoctlGetTermios(int(p.tty.Fd()), unix.TCGETS)
	require.NoError(p.t, err)
	return s.Lflag&unix.ECHO != 0
}

// hidden waits until it does not: the program asks, and then turns that off.
func (p *pty) hidden() {
	require.Eventually(p.t, func() bool { return !p.echoes() }, 10*time.Second, time.Millisecond)
}

// all is what the terminal has shown.
func (p *pty) all() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown.String()
}

// TestTerminal is the program at a terminal: what is typed as a password is not
// shown, other lines are, and who leaves in the middle gets the terminal back, and
// leaves nothing behind.
func TestTerminal(t *testing.T) {
	in(t)
	p := startPTY(t, "sign-up alice")
	p.see("New password: ")
	p.hidden()
	p.say(pw1)
	p.see("The same again: ")
	p.hidden()
	p.say(pw1)
	p.see("alice has an account")
	require.NoError(t, p.end())
	require.True(t, p.echoes())
	require.NotContains(t, p.all(), pw1)

	p = startPTY(t, "login alice -device other")
	p.see("Password of alice: ")
	p.hidden()
	p.say(pw1)
	p.see("Go on.*: ")
	require.True(t, p.echoes())
	p.say("yes")
	p.see("^yes\r\n") // the terminal's echo
	p.see("alice is in")
	require.NoError(t, p.end())
	require.NotContains(t, p.all(), pw1)

	p = startPTY(t, "login alice")
	p.see("Password of alice: ")
	p.hidden()
	_, err := p.in.Write([]byte("s"))
	require.NoError(t, err)
	p.interrupt()
	var exit *exec.ExitError
	require.ErrorAs(t, p.end(), &exit)
	require.Equal(t, 1, exit.ExitCode())
	require.True(t, p.echoes())
	p.see("recovery: stopped\r\n")

	p = startPTY(t, "ask alice -device other")
	p.see("alone:\r\n\\S+\r\n")
	require.Len(t, files(t, "nescio-server/requests"), 1)
	p.interrupt()
	require.ErrorAs(t, p.end(), &exit)
	require.Equal(t, 1, exit.ExitCode())
	p.see("recovery: stopped\r\n")
	require.Empty(t, files(t, "nescio-server/requests"))
	require.NoFileExists(t, "nescio-server/lock")
	require.NoFileExists(t, "other/lock")

	// Who cannot wait until it has unwound, here for a lock, stops it once more.
	p = startPTY(t, "login alice")
	p.see("Password of alice: ")
	p.hidden()
	require.NoError(t, os.WriteFile("nescio-server/lock", nil, 0o600))
	p.say(pw1)
	require.Eventually(t, p.echoes, 10*time.Second, time.Millisecond)
	for err = nil; err == nil; { // two that are too close are one
		p.interrupt()
		select {
		case err = <-p.done:
		case <-time.After(100 * time.Millisecond):
		}
	}
	require.ErrorAs(t, err, &exit)
	require.True(t, exit.Sys().(syscall.WaitStatus).Signaled())
}

// interrupt is Ctrl-C.
func (p *pty) interrupt() {
	_, err := p.in.Write([]byte{3})
	require.NoError(p.t, err)
}

func files(t *testing.T, folder string) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	return entries
}

// Package cli is the common part of the example programs: commands with help,
// exit statuses, flags, and files that are written as a whole or not at all.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"time"
)

// Command is a command of a program. Run writes the result to out, and messages
// to errOut.
type Command struct {
	Name, Purpose string
	Run           func(ctx context.Context, args []string, out, errOut io.Writer) error
}

// Program is a program with commands.
type Program struct {
	Name     string
	Path     string // of its package
	Summary  string // one line
	Commands []Command
}

// grace is how long a command may take to stop.
const grace = 5 * time.Second

// Main runs the program and ends the process with an exit status: 0, 1 if
// something failed, or 2 for a wrong command line.
func (p *Program) Main() {
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals...)
	context.AfterFunc(ctx, func() {
		stop() // a second signal ends the program at once
		time.Sleep(grace)
		os.Exit(p.Status(ctx.Err(), os.Stderr)) // the command may be waiting for input
	})
	os.Exit(p.Status(p.Run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr))
}

// Run runs the command that the first argument names.
func (p *Program) Run(ctx context.Context, args []string, out, errOut io.Writer) error {
	if len(args) == 0 {
		return UsageError{Reason: "a command is missing"}
	}
	result := &sticky{out: out}
	err := p.run(ctx, args, result, errOut)
	if result.err != nil && (err == nil || err == flag.ErrHelp) {
		return result.err // the command ignored it
	}
	return err
}

func (p *Program) run(ctx context.Context, args []string, out, errOut io.Writer) error {
	switch args[0] {
	case "help", "-h", "-help", "--help":
		switch len(args) {
		case 1:
			return p.overview(out)
		case 2:
			args = []string{args[1], "-h"}
		default:
			return UsageError{Reason: "help takes one command"}
		}
	}
	switch args[0] {
	case "version", "-version", "--version":
		f := p.Flags("version", "[-h]\n\nPrints the version, and the revision that the program was built from.")
		if err := Parse(f, args[1:], out); err != nil {
			return err
		}
		if f.NArg() > 0 {
			return Misuse(f, "there are no arguments")
		}
		_, err := fmt.Fprintf(out, "%s %s\n", p.Name, Version())
		return err
	}
	for _, c := range p.Commands {
		if c.Name == args[0] {
			return c.Run(ctx, args[1:], out, errOut)
		}
	}
	return UsageError{Reason: fmt.Sprintf("there is no command %q", args[0])}
}

func (p *Program) overview(out io.Writer) error {
	fmt.Fprintf(out, "%s\n\n", p.Summary)
	for _, c := range p.Commands {
		fmt.Fprintf(out, "  %-10s%s\n", c.Name, c.Purpose)
	}
	fmt.Fprintf(out, "  %-10s%s\n", "version", "print the version")
	_, err := fmt.Fprintf(out, "\n%s explains a command.\n", p.CommandLine("COMMAND", "-h"))
	return err
}

// Version returns the version of this module, and the revision if the program
// was built from a repository.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && !strings.Contains(version, s.Value[:min(12, len(s.Value))]) {
			version += " " + s.Value
		}
	}
	return version
}

// Status prints an error for a person and returns the exit status.
func (p *Program) Status(err error, errOut io.Writer) int {
	var usage UsageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		p.complain(errOut, err.Error())
		fmt.Fprintf(errOut, "For help: %s\n", p.CommandLine(usage.help()...))
		return 2
	case errors.Is(err, context.Canceled):
		p.complain(errOut, "stopped")
	default:
		for line := range strings.Lines(err.Error()) {
			p.complain(errOut, strings.TrimPrefix(line, p.Name+": "))
		}
	}
	return 1
}

// complain prints a line of an error.
func (p *Program) complain(errOut io.Writer, line string) {
	io.WriteString(errOut, Wrap("", p.Name+": "+line))
}

// CommandLine returns a call of the program for a shell.
func (p *Program) CommandLine(args ...string) string {
	line := Quote(os.Args[0])
	if strings.Contains(os.Args[0], "go-build") { // the go command made it only for this run
		line = "go run " + p.Path
	}
	for _, arg := range args {
		line += " " + Quote(arg)
	}
	return line
}

// Quote quotes an argument for a shell.
func Quote(arg string) string {
	safe := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("-_=+./:,@%", r)
	}
	if arg != "" && strings.TrimFunc(arg, safe) == "" {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// WriteError means that the result of a command could not be printed.
type WriteError struct{ error }

func (e WriteError) Error() string { return "the result could not be printed: " + e.error.Error() }
func (e WriteError) Unwrap() error { return e.error }

// sticky is a writer that remembers its first error.
type sticky struct {
	out io.Writer
	err error
}

func (s *sticky) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.out.Write(p)
	if err != nil {
		s.err = WriteError{err}
	}
	return n, s.err
}

package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// UsageError means a wrong command line.
type UsageError struct{ Command, Reason string }

func (e UsageError) Error() string {
	if e.Command == "" {
		return e.Reason
	}
	return e.Command + ": " + e.Reason
}

// help returns the arguments that explain the command.
func (e UsageError) help() []string {
	if e.Command == "" {
		return []string{"help"}
	}
	return []string{e.Command, "-h"}
}

// Flags returns the flags of a command. The first line of the usage lists the
// arguments, and the rest explains the command.
func (p *Program) Flags(command, usage string) *flag.FlagSet {
	fs := flag.NewFlagSet(command, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are returned
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usage: %s %s %s\n", p.Name, command, strings.TrimLeft(usage, "\n"))
		printFlags(fs)
	}
	return fs
}

// printFlags prints the flags like flag.PrintDefaults, within 80 columns.
func printFlags(fs *flag.FlagSet) {
	fs.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "false" && !strings.Contains(usage, "(default ") {
			usage += fmt.Sprintf(" (default %s)", f.DefValue)
		}
		fmt.Fprintf(fs.Output(), "  %s\n", strings.TrimRight("-"+f.Name+" "+value, " "))
		fmt.Fprint(fs.Output(), Wrap("      ", usage))
	})
}

// Wrap returns text in lines of at most 80 characters, each of which begins
// with indent. A longer word gets its own line.
func Wrap(indent, text string) string {
	var b strings.Builder
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > 80 {
			b.WriteString(line + "\n")
			line = ""
		}
		if line == "" {
			line = indent + word
		} else {
			line += " " + word
		}
	}
	return b.String() + line + "\n"
}

// Parse parses the flags. If they ask for help, it writes the usage to out and
// returns flag.ErrHelp.
func Parse(fs *flag.FlagSet, args []string, out io.Writer) error {
	err := fs.Parse(args)
	if err == flag.ErrHelp {
		fs.SetOutput(out)
		fs.Usage()
		return err
	}
	if err != nil {
		return UsageError{fs.Name(), err.Error()}
	}
	for _, arg := range fs.Args() {
		if strings.HasPrefix(arg, "-") {
			return Misuse(fs, "%s follows an argument: flags come first", arg)
		}
	}
	return nil
}

// Misuse returns a UsageError of the command.
func Misuse(fs *flag.FlagSet, format string, args ...any) error {
	return UsageError{fs.Name(), fmt.Sprintf(format, args...)}
}

// Given reports whether a flag was set.
func Given(fs *flag.FlagSet, name string) (set bool) {
	fs.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// Date is a flag for a time: 2030-12-31 or 2030-12-31T18:00:00Z in UTC, or
// +365d or +2h from now.
type Date struct {
	time.Time
	Last bool // a day means its last second, not its first
}

func (d *Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.UTC().Format(time.RFC3339)
}

// Set reads the time.
func (d *Date) Set(s string) error {
	if after, ok := strings.CutPrefix(s, "+"); ok {
		wait, err := parseWait(after)
		if err != nil {
			return errors.New("a time from now must have the form +365d or +2h")
		}
		d.Time = time.Now().UTC().Add(wait).Truncate(time.Second)
		return nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, err = time.Parse(time.DateOnly, s)
		if d.Last {
			t = t.Add(24*time.Hour - time.Second)
		}
	}
	if err != nil || t.Unix() <= 0 {
		return errors.New("a time must have the form 2030-12-31 or 2030-12-31T18:00:00Z (UTC, from 1970 on), or +365d or +2h from now")
	}
	d.Time = t
	return nil
}

// parseWait reads a number of hours or days.
func parseWait(text string) (time.Duration, error) {
	unit := time.Hour
	digits, ok := strings.CutSuffix(text, "h")
	if !ok {
		unit = 24 * time.Hour
		if digits, ok = strings.CutSuffix(text, "d"); !ok {
			return 0, errors.New("no unit")
		}
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	return time.Duration(n) * unit, err
}

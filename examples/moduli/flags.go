package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nescio-go/nescio/moduli"
)

// usageError means a command that was called wrongly.
type usageError struct{ command, reason string }

func (e usageError) Error() string {
	if e.command == "" {
		return e.reason
	}
	return e.command + ": " + e.reason
}

// help is the arguments that explain the command.
func (e usageError) help() []string {
	if e.command == "" {
		return []string{"help"}
	}
	return []string{e.command, "-h"}
}

// newFlags returns the flags of a command. The usage is its arguments, on the
// first line, and what there is to know.
func newFlags(command, usage string) *flag.FlagSet {
	fs := flag.NewFlagSet(command, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are returned
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usage: moduli %s %s\n", command, strings.TrimLeft(usage, "\n"))
		fs.PrintDefaults()
	}
	return fs
}

// parse parses the flags, and writes the usage to out and returns flag.ErrHelp if
// that is what they ask for.
func parse(fs *flag.FlagSet, args []string, out io.Writer) error {
	err := fs.Parse(args)
	if err == flag.ErrHelp {
		fs.SetOutput(out)
		fs.Usage()
		return err
	}
	if err != nil {
		return usageError{fs.Name(), err.Error()}
	}
	for _, arg := range fs.Args() {
		if strings.HasPrefix(arg, "-") {
			return misuse(fs, "%s stands behind a file name: flags come first", arg)
		}
	}
	return nil
}

func misuse(fs *flag.FlagSet, format string, args ...any) error {
	return usageError{fs.Name(), fmt.Sprintf(format, args...)}
}

// given reports whether a flag was set.
func given(fs *flag.FlagSet, name string) (set bool) {
	fs.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// date is a flag for a time: 2030-12-31, or 2030-12-31T18:00:00Z.
type date struct {
	time.Time
	last bool // a day alone means its last second, not its first
}

func (d *date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.UTC().Format(time.RFC3339)
}

func (d *date) Set(s string) error {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, err = time.Parse(time.DateOnly, s)
		if d.last {
			t = t.Add(24*time.Hour - time.Second)
		}
	}
	if err != nil || t.Unix() <= 0 {
		return errors.New("write a time since 1970 as 2030-12-31, in UTC, or 2030-12-31T18:00:00Z")
	}
	d.Time = t
	return nil
}

// checkBits refuses a size that no search has.
func checkBits(fs *flag.FlagSet, bits int) error {
	if bits < moduli.MinBits || bits > moduli.MaxBits || bits%8 != 0 {
		return misuse(fs, "-bits %d is not a multiple of 8 from %d to %d: take 2048, 3072 or 4096, or 512 for a test",
			bits, moduli.MinBits, moduli.MaxBits)
	}
	return nil
}

// maxWorkers is more cores than anybody has.
const maxWorkers = 1024

func checkWorkers(fs *flag.FlagSet, workers int) error {
	if workers < 0 || workers > maxWorkers {
		return misuse(fs, "-workers is from 1 to %d, or 0 for all cores", maxWorkers)
	}
	return nil
}

// Moduli finds, proves, signs and passes on the moduli of package moduli.
//
//	go run ./examples/moduli generate -bits 2048 -label example.org/2030 -o pool.moduli
//	go run ./examples/moduli verify pool.moduli
//	go run ./examples/moduli keygen -o signing.key
//	go run ./examples/moduli sign -key signing.key pool.moduli
//	go run ./examples/moduli verify -key signing.key.pub pool.moduli
//
// Every command explains itself: go run ./examples/moduli generate -h. The exit
// status is 0, or 1 if something failed, or 2 if the command was called wrongly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

// command is what the first argument names. It writes what was asked for to out,
// and what concerns the person before it to errOut.
type command struct {
	name, purpose string
	run           func(ctx context.Context, args []string, out, errOut io.Writer) error
}

var commands = []command{
	{"generate", "find moduli and write a pool of them", generate},
	{"verify", "prove the moduli of pools and check their signatures", verify},
	{"show", "print what records say", show},
	{"keygen", "make a key to sign records with", keygen},
	{"sign", "prove and sign the records of a pool", sign},
	{"retire", "take moduli of a pool out of use for new passwords", retire},
	{"import", "make a pool of the moduli of OpenSSH, OpenSSL, Proton and others", importModuli},
	{"export", "write moduli for OpenSSH, OpenSSL and others", export},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals...)
	context.AfterFunc(ctx, stop) // a second one ends the program at once
	os.Exit(status(run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr))
}

// run runs the command that the first argument names.
func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	if len(args) == 0 {
		if err := overview(errOut); err != nil {
			return err
		}
		return usageError{reason: "there is no command"}
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) == 1 {
			return overview(out)
		}
		args = []string{args[1], "-h"}
	}
	for _, c := range commands {
		if c.name == args[0] {
			result := &sticky{out: out}
			err := c.run(ctx, args[1:], result, errOut)
			if result.err != nil {
				return result.err
			}
			return err
		}
	}
	return usageError{reason: fmt.Sprintf("there is no command %q", args[0])}
}

func overview(out io.Writer) error {
	fmt.Fprint(out, "Moduli finds, proves, signs and passes on prime groups for SRP.\n\n")
	for _, c := range commands {
		fmt.Fprintf(out, "  %-10s%s\n", c.name, c.purpose)
	}
	_, err := fmt.Fprintf(out, "\n%s says more.\n", commandLine("COMMAND", "-h"))
	return err
}

// status says what went wrong, if anything did, and returns the exit status.
func status(err error, errOut io.Writer) int {
	var usage usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(errOut, "moduli: %v\n%s says how to call it.\n", err, commandLine(usage.help()...))
		return 2
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(errOut, "moduli: stopped")
	default:
		fmt.Fprintln(errOut, "moduli:", plain(err))
	}
	return 1
}

// plain is the text of an error without the name of the package that it comes
// from.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "moduli: ") }

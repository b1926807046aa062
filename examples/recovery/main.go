// Recovery is a small service with its users, on two folders: what the server has is
// in one, what a device keeps in another, and every step that would go over a network
// goes through files.
//
//	go run ./examples/recovery sign-up alice
//	go run ./examples/recovery note alice "The spare key is under the third pot."
//	go run ./examples/recovery phrase alice
//	rm -r nescio-device
//	go run ./examples/recovery recover alice -by phrase
//	go run ./examples/recovery note alice
//	go run ./examples/recovery inspect
//
// Another device is another folder, in another terminal:
//
//	go run ./examples/recovery ask alice -device phone
//	go run ./examples/recovery approve alice
//
// Every command explains itself: go run ./examples/recovery recover -h. The exit
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
	"syscall"
)

// signals end a command.
var signals = []os.Signal{os.Interrupt, syscall.SIGTERM}

func main() {
	t, restore := newTerminal()
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], t)
	if ctx.Err() != nil { // and not always: in the background it would stop the process
		restore()
	}
	os.Exit(status(err, os.Stderr))
}

// run runs the command that the first argument names.
func run(ctx context.Context, args []string, t *terminal) error {
	t.done = ctx.Done()
	if len(args) == 0 {
		overview(t.out)
		return usageError{reason: "there is no command"}
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		overview(t.out)
		return nil
	}
	for _, c := range commands {
		if c.name == args[0] {
			return explain(c.call(ctx, args[1:], t))
		}
	}
	return usageError{reason: fmt.Sprintf("there is no command %q", args[0])}
}

func overview(out io.Writer) {
	fmt.Fprint(out, "Recovery is a small service with its users, who lose things and get them back.\n\n")
	for _, c := range commands {
		fmt.Fprintf(out, "  %-10s%s\n", c.name, c.purpose)
	}
	fmt.Fprint(out, "\nCOMMAND -h says more.\n")
}

// status says what went wrong, if anything did, and returns the exit status.
func status(err error, errOut io.Writer) int {
	var usage usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(errOut, "\nrecovery: stopped") // behind what the terminal shows for Ctrl-C
		return 1
	case errors.As(err, &usage):
		fmt.Fprintf(errOut, "recovery: %v\n%s -h says how to call it.\n", err, strings.TrimSpace("recovery "+usage.command))
		return 2
	}
	text := err.Error()
	for _, pkg := range []string{"recovery: ", "contacts: ", "opaque: "} {
		text = strings.TrimPrefix(text, pkg)
	}
	fmt.Fprintln(errOut, "recovery:", text)
	return 1
}

// usageError means a command that was called wrongly.
type usageError struct{ command, reason string }

func (e usageError) Error() string {
	if e.command == "" {
		return e.reason
	}
	return e.command + ": " + e.reason
}

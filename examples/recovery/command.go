package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// command is what the first argument names.
type command struct {
	name, purpose string
	usage         string // its arguments, on the first line, and what there is to know
	flags         string // those it has beside -server
	least, most   int    // arguments
	run           func(ctx context.Context, c *client, o *options) error
}

// options are the arguments of a command: names first, flags anywhere.
type options struct {
	args      []string
	device    string
	by        string
	file      string
	out       string
	as        string
	id        string
	claim     string
	threshold int
	code      bool
	clear     bool
	drop      bool
}

// register adds the flags that a command has.
func (o *options) register(fs *flag.FlagSet, names string) {
	for name := range strings.FieldsSeq(names) {
		switch name {
		case "device":
			fs.StringVar(&o.device, name, o.device, "`folder` of the device")
		case "by":
			fs.StringVar(&o.by, name, "", "`way` in: phrase, file, contacts or device")
		case "file":
			fs.StringVar(&o.file, name, "", "the recovery `file`, for -by file")
		case "o":
			fs.StringVar(&o.out, name, "", "`file` to write, which must not exist")
		case "as":
			fs.StringVar(&o.as, name, "", "`name` of the contact's own account")
		case "id":
			fs.StringVar(&o.id, name, "", "`id` of the request, if there are several")
		case "claim":
			fs.StringVar(&o.claim, name, "", "`id` of a claim to let through, with -clear, or to end, with -drop")
		case "k":
			fs.IntVar(&o.threshold, name, 2, "how many contacts have to agree")
		case "code":
			fs.BoolVar(&o.code, name, false, "compare a short code, in place of the QR code's text")
		case "drop":
			fs.BoolVar(&o.drop, name, false, "end a claim")
		case "clear":
			fs.BoolVar(&o.clear, name, false, "forget all failures, which ends a hold")
		}
	}
}

// call parses the arguments and runs the command.
func (c command) call(ctx context.Context, args []string, t *terminal) error {
	usage := strings.TrimPrefix(c.usage, "\n") // one: the arguments may be none
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are returned
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usage: recovery %s %s\n", c.name, usage)
		fs.PrintDefaults()
	}
	o := options{device: "nescio-device"}
	o.register(fs, c.flags)
	serverDir := fs.String("server", "nescio-server", "`folder` of the server")
	for {
		err := fs.Parse(args)
		if err == flag.ErrHelp {
			fs.SetOutput(t.out)
			fs.Usage()
			return err
		}
		if err != nil {
			return usageError{c.name, err.Error()}
		}
		if fs.NArg() == 0 {
			break
		}
		o.args, args = append(o.args, fs.Arg(0)), fs.Args()[1:]
	}
	if len(o.args) < c.least || len(o.args) > c.most {
		arguments, _, _ := strings.Cut(usage, "\n")
		return usageError{c.name, "call it as " + strings.TrimSpace("recovery "+c.name+" "+arguments)}
	}
	name := o.as
	if name == "" && len(o.args) > 0 {
		name = o.args[0]
	}
	if c.least > 0 {
		if err := checkNames(o.args[0], name); err != nil {
			return usageError{c.name, err.Error()}
		}
	}
	if _, err := os.Stat(*serverDir); errors.Is(err, os.ErrNotExist) && c.name != "sign-up" {
		return fmt.Errorf("there is no server in %s: sign-up makes one", *serverDir)
	}
	srv, err := openServer(*serverDir)
	if err != nil {
		return err
	}
	client, err := newClient(t, srv, o.device, name)
	if err != nil {
		return err
	}
	return c.run(ctx, client, &o)
}

// checkNames lets only those names in that are the same in every spelling, and those
// of files everywhere.
func checkNames(names ...string) error {
	for _, name := range names {
		bad := strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-")
		if name == "" || len(name) > 32 || bad != "" || name[0] == '-' {
			return errors.New("a name has 1 to 32 small letters, digits and dashes")
		}
	}
	return nil
}

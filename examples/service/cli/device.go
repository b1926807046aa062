package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/moduli"
)

// device is what a command works with: its flags, the terminal and the client.
type device struct {
	*client.Client
	*terminal
	flags *flag.FlagSet
	out   io.Writer

	server, folder, moduli, purpose, identity string

	policy kdf.Policy // for files of others
}

// testConfig, if not nil, changes the configuration of the client in tests.
var testConfig func(*client.Config)

// command returns a command with the flags that all commands have. Its errors
// are explained to people.
func command(name, purpose, usage string, run func(context.Context, *device, []string) error) cli.Command {
	return cli.Command{Name: name, Purpose: purpose, Run: func(ctx context.Context, args []string, out, errOut io.Writer) error {
		d := newDevice(name, usage, out, errOut)
		defer d.close()
		return d.explained(ctx, run(ctx, d, args))
	}}
}

// explained is explain for a device, which may have got another -identity.
func (d *device) explained(ctx context.Context, err error) error {
	text := explain(ctx, err)
	if d.identity != "" && ctx.Err() == nil && errors.Is(err, client.ErrAuthentication) {
		return fmt.Errorf("%w. Or the server has another -identity", text)
	}
	return text
}

func newDevice(name, usage string, out, errOut io.Writer) *device {
	t := newTerminal(input, errOut)
	d := &device{terminal: t, flags: program.Flags(name, usage), out: clearing{t.progress, out}}
	d.flags.StringVar(&d.server, "server", os.Getenv("NESCIO_SERVER"), "`address` of the server, also in NESCIO_SERVER (default the one of the last login, or http://localhost:8080)")
	d.flags.StringVar(&d.folder, "folder", or(os.Getenv("NESCIO_FOLDER"), defaultFolder()), "`folder` of this device's data, also in NESCIO_FOLDER")
	d.flags.StringVar(&d.moduli, "moduli", os.Getenv("NESCIO_MODULI"), "`file` with the public keys that sign moduli, for accounts with Proton's protocol, also in NESCIO_MODULI")
	d.flags.StringVar(&d.purpose, "purpose", "nescio/service", "`purpose` of those moduli")
	d.flags.StringVar(&d.identity, "identity", "", "`identity` of the server, if its operator has chosen another one")
	return d
}

func or(value, standard string) string {
	if value == "" {
		return standard
	}
	return value
}

func defaultFolder() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "nescio")
}

// parse reads the flags of a command, and from min to max arguments.
func (d *device) parse(args []string, min, max int, arguments string) error {
	if err := cli.Parse(d.flags, args, d.out); err != nil {
		return err
	}
	if n := d.flags.NArg(); n < min || n > max {
		return cli.Misuse(d.flags, "%s", arguments)
	}
	return nil
}

// oneOf returns the name of the only given flag among some, or "".
func (d *device) oneOf(names ...string) (given string, err error) {
	for _, name := range names {
		if !cli.Given(d.flags, name) {
			continue
		}
		if given != "" {
			return "", cli.Misuse(d.flags, "-%s and -%s exclude each other", given, name)
		}
		given = name
	}
	return given, nil
}

// start opens the folder of the device, after the flags were read.
func (d *device) start(ctx context.Context) error {
	if d.folder == "" {
		return cli.Misuse(d.flags, "-folder FOLDER is missing")
	}
	files := client.NewFiles(d.folder)
	if d.server == "" {
		known, err := client.Server(ctx, files)
		if err != nil {
			return err
		}
		d.server = or(known, "http://localhost:8080")
	}
	c := client.Config{Server: d.server, Store: files, Identity: d.identity, ModuliPurpose: d.purpose, Progress: d.step}
	var err error
	if c.Transport, err = client.HTTP(d.server, nil); err != nil {
		return cli.Misuse(d.flags, "-server %s: %v", d.server, err)
	}
	if d.moduli != "" {
		text, err := cli.Read(d.moduli, 1<<20)
		if err != nil {
			return err
		}
		if c.Moduli, err = moduli.ParseKeys(string(text)); err != nil {
			return fmt.Errorf("%s is not a file of public keys that sign moduli", d.moduli)
		}
	}
	if testConfig != nil {
		testConfig(&c)
	}
	d.policy = c.KDFPolicy
	d.Client, err = client.New(ctx, c)
	return err
}

// begin starts a command without arguments on a device that has an account.
func (d *device) begin(ctx context.Context, args []string) error {
	if err := d.parse(args, 0, 0, "there are no arguments"); err != nil {
		return err
	}
	return d.known(ctx)
}

// known starts a command on a device that has an account.
func (d *device) known(ctx context.Context) error {
	if err := d.start(ctx); err != nil {
		return err
	}
	if d.Name() == "" {
		return client.ErrNoDevice
	}
	return nil
}

func (d *device) close() {
	d.clear()
	if d.Client != nil {
		d.Client.Close()
	}
}

// tries is how often a person may type a password or a code.
const tries = 3

// unlock asks for the password and opens the keyring. If the server could not
// take part, it returns why.
func (d *device) unlock(ctx context.Context) (why string, err error) {
	for try := 1; ; try++ {
		prompt := "Password"
		if d.TwoPasswords() {
			prompt = "Keyring password"
		}
		password, err := d.secret(ctx, prompt)
		if err != nil {
			return "", err
		}
		u, err := d.Unlock(ctx, password)
		clear(password)
		if try < d.tries() && errors.Is(err, client.ErrWrongPassword) {
			d.say("the password does not open this device")
			continue
		}
		if err != nil {
			return "", err
		}
		if u.Overtaken {
			d.say("another device changed the keyring before a removal on this one: see the command slots")
		}
		if u.Offline == nil {
			d.warn(ctx)
			return "", nil
		}
		if why = away(u.Offline); why == "" {
			why = "the server cannot be used (" + u.Offline.Error() + ")"
		}
		return why, ctx.Err()
	}
}

// synced syncs after a change. If the server is not reached, the change stays
// on this device.
func (d *device) synced(ctx context.Context, why string) error {
	if why == "" {
		err := d.Sync(ctx)
		if why = away(err); why == "" || ctx.Err() != nil {
			return err
		}
	}
	d.say("%s: the change stays on this device until the next sync", why)
	return nil
}

// fetched syncs before items are used. If the server is not reached, it returns
// why.
func (d *device) fetched(ctx context.Context, why string) (string, error) {
	if why != "" {
		return why, nil
	}
	err := d.Sync(ctx)
	if why = away(err); why == "" || ctx.Err() != nil {
		return "", err
	}
	return why, nil
}

// stale says that the items may be older than the server's.
func (d *device) stale(why string) {
	if why != "" {
		d.say("%s: showing what was fetched", why)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/kdf/prepare"
)

const signupUsage = `
[flags] NAME [NAME...]

Makes an account with one to four names, each of which logs in, and logs in with
the first one. The password has at least 8 characters. Nobody can reset it.
Therefore signup asks whether to make a recovery phrase: see the command phrase.

Input: the new password; yes to make a recovery phrase, which may be left out;
then, on a terminal, three words of the phrase. A script sends the whole phrase,
as it was printed.
`

func signup(ctx context.Context, d *device, args []string) error {
	if err := d.parse(args, 1, 4, "give one to four names"); err != nil {
		return err
	}
	for _, name := range d.flags.Args() {
		if _, err := d.name(name); err != nil {
			return err
		}
	}
	if err := d.start(ctx); err != nil {
		return err
	}
	if d.Name() != "" {
		return client.ErrOtherAccount
	}
	password, err := d.newSecret(ctx, "New password")
	if err != nil {
		return err
	}
	defer clear(password)
	e, err := d.SignUp(ctx, d.flags.Args(), client.Passwords{Login: password})
	if err != nil {
		return err
	}
	if err := d.entered(ctx, e); err != nil {
		return err
	}
	return d.offerPhrase(ctx, password)
}

// name returns the form of a name that all devices have.
func (d *device) name(typed string) (string, error) {
	name, err := prepare.Username(typed)
	if err != nil {
		return "", cli.Misuse(d.flags, "%q is not a name: use letters, digits and signs such as @ . -, without spaces", typed)
	}
	return name, nil
}

const loginUsage = `
[flags] [NAME]

Logs in on this device. NAME may be left out if the device has logged in before.
If the keyring has a password of its own, login asks for it. With -former, it
logs in to an account that had the name before, as after a review.

Input: the password; with -two, the keyring's password; a code if the account
has a second factor; the keyring's password if it is needed and -two is absent;
yes to confirm new slots of the keyring, which may be left out.
`

func login(ctx context.Context, d *device, args []string) error {
	two := d.flags.Bool("two", false, "ask for the keyring's password at once")
	former := d.flags.Int("former", 0, "the `N`th account that had the name before, the newest first")
	if err := d.parse(args, 0, 1, "give one name"); err != nil {
		return err
	}
	if err := d.start(ctx); err != nil {
		return err
	}
	who, err := d.who(*former)
	if err != nil {
		return err
	}
	var p client.Passwords
	defer func() { wipe(p) }()
	if p.Login, err = d.secret(ctx, "Password"); err != nil {
		return err
	}
	if *two {
		if p.Keyring, err = d.secret(ctx, "Keyring password"); err != nil {
			return err
		}
	}
	e, err := d.logIn(ctx, who, p)
	if errors.Is(err, client.ErrSecondPassword) {
		d.say("the keyring has a password of its own")
	}
	for try := 1; errors.Is(err, client.ErrSecondPassword) || errors.Is(err, client.ErrKeyringPassword) && try <= d.tries(); try++ {
		if errors.Is(err, client.ErrKeyringPassword) {
			d.say("the password of the keyring is wrong")
		}
		if p.Keyring, err = d.secret(ctx, "Keyring password"); err != nil {
			break
		}
		e, err = d.KeyringPassword(ctx, p.Keyring)
	}
	if errors.Is(err, client.ErrKeyringPassword) {
		d.LogOut(ctx) // a session that cannot open the keyring
	}
	if err != nil {
		return err
	}
	if err := d.entered(ctx, e); err != nil {
		return err
	}
	_, err = d.fetched(ctx, "")
	return err
}

// logIn logs in with a code if there is a second factor.
func (d *device) logIn(ctx context.Context, who client.Who, p client.Passwords) (e client.Entered, err error) {
	e, err = d.LoginFormer(ctx, who.Former, who.Name, p)
	if errors.Is(err, client.ErrCodeRequired) {
		err = d.code(ctx, codePrompt, func(code string) (err error) {
			e, err = d.Code(ctx, code)
			return err
		})
	}
	return e, err
}

// sameSlots says how the owner finds what a dishonest server has added.
const sameSlots = "If you have another device, run slots on both: the lists must be the same. Otherwise remove what you do not know."

// entered says what a login has found.
func (d *device) entered(ctx context.Context, e client.Entered) error {
	former := ""
	if n := d.Who().Former; n > 0 {
		former = fmt.Sprintf(" (former account %d)", n)
	}
	fmt.Fprintf(d.out, "logged in as %s%s\n", plain(d.Name()), former)
	if e.Created {
		fmt.Fprintln(d.out, "the keyring was created")
	}
	if e.Moved {
		fmt.Fprintln(d.out, "the account has moved to OPAQUE")
	}
	if e.NewDevice {
		fmt.Fprint(d.out, cli.Wrap("", "This device is new and had to believe the server about the keyring. "+sameSlots))
	}
	if e.Overtaken {
		fmt.Fprint(d.out, cli.Wrap("", overtaken))
	}
	if e.NoDevice {
		fmt.Fprint(d.out, cli.Wrap("", noRoom))
	}
	d.warn(ctx)
	_, err := d.review(ctx, e.Unseen)
	return err
}

const logoutUsage = `
[flags]

Ends the session of this device. The device keeps what it has fetched, and the
password still opens it. The command forget removes it.
`

func logout(ctx context.Context, d *device, args []string) error {
	if err := d.begin(ctx, args); err != nil {
		return err
	}
	way, recovered := d.Way()
	if err := d.LogOut(ctx); err != nil {
		return err
	}
	if way == api.WayDevice && !recovered {
		d.say("another device has let this one in: to log in again, use join, or login with the account's password")
	}
	_, err := fmt.Fprintln(d.out, "logged out")
	return err
}

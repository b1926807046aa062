package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
)

const recoverUsage = `
[-phrase | -file FILE | -contacts | -password | -review |
  -drop] [flags] [NAME]

Opens the account without its password, and sets a new one. NAME may be left out
on a device that has logged in before.

With -phrase it works at once. The others claim the account. This device keeps
the claim, and recover without flags shows what has become of it, and goes on
with it when it is ready:

  -file      waits, usually 24 hours, and needs the file again afterwards
  -contacts  asks one contact after the other, and waits when enough of them
             have given their shares
  -password  sets a password on a device that another one has let in, after a
             wait
  -review    asks the operator. The operator cannot open the account, and can
             only allow a new account under its names

While a claim waits, everybody who is logged in to the account sees it. Anyone
who has the password can cancel it, and any device can delay it once. The server
gives the same answer for every name and file: a wrong claim waits too, and then
fails.

Input, with -phrase: the phrase in one line or several; the new password; if the
account has a second factor, yes to turn it off or no; if it stays on, a code;
yes to confirm new slots of the keyring. With -contacts, for each contact: with
-code the code on the contact's screen; yes to ask another one. With -review:
who you are and where the operator can reach you, until the end of the input.
With -drop: yes. When a claim is ready: with -password the password of this
device; then as after a phrase. When the operator has allowed a new account: its
new password.
`

// recovering is what the flags of recover ask for.
type recovering struct {
	way    string // the flag that names it, or ""
	file   *recovery.File
	codes  bool
	former int
}

func recoverAccount(ctx context.Context, d *device, args []string) error {
	var r recovering
	d.flags.Bool("phrase", false, "with the recovery phrase")
	path := d.flags.String("file", "", "with the recovery `FILE`")
	d.flags.Bool("contacts", false, "with contacts, or ask another one")
	d.flags.Bool("password", false, "set a password on an approved device")
	d.flags.Bool("review", false, "ask the operator for a new account under the old names")
	d.flags.Bool("drop", false, "forget the claim of this device")
	d.flags.BoolVar(&r.codes, "code", false, "compare codes with the contact, and show no QR code")
	d.flags.IntVar(&r.former, "former", 0, "the `N`th account that had the name before, after a review")
	if err := d.parse(args, 0, 1, "give one name"); err != nil {
		return err
	}
	var err error
	if r.way, err = d.oneOf("phrase", "file", "contacts", "password", "review", "drop"); err != nil {
		return err
	}
	switch named := d.flags.NArg() == 1 || cli.Given(d.flags, "former"); {
	case named && (r.way == "" || r.way == "password" || r.way == "drop"):
		return cli.Misuse(d.flags, "NAME and -former are for a new claim: say how, such as with -phrase or -file FILE")
	case r.way == "review" && cli.Given(d.flags, "former"):
		return cli.Misuse(d.flags, "-former is not for a review")
	case r.codes && r.way != "contacts":
		return cli.Misuse(d.flags, "-code is for -contacts")
	}
	if r.way == "file" {
		if r.file, err = readFile(*path); err != nil {
			return err
		}
	}
	if err := d.start(ctx); err != nil {
		return err
	}
	switch r.way {
	case "phrase":
		return d.recoverPhrase(ctx, r)
	case "drop":
		return d.dropClaim(ctx)
	}
	return d.recoverClaim(ctx, r)
}

// who returns the account that the argument names, or the one of this device.
func (d *device) who(former int) (client.Who, error) {
	if former < 0 {
		return client.Who{}, cli.Misuse(d.flags, "-former must be at least 1")
	}
	if d.flags.NArg() == 0 {
		who := d.Who()
		if who.Name == "" {
			return who, cli.Misuse(d.flags, "NAME is missing")
		}
		if cli.Given(d.flags, "former") {
			who.Former = former
		}
		return who, nil
	}
	name, err := d.name(d.flags.Arg(0))
	return client.Who{Name: name, Former: former}, err
}

func (d *device) recoverPhrase(ctx context.Context, r recovering) error {
	who, err := d.who(r.former)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		p, err := d.readPhrase(ctx)
		if err != nil {
			return err
		}
		err = d.LoginPhrase(ctx, who, p)
		if err == nil {
			return d.setPassword(ctx)
		}
		if !errors.Is(err, client.ErrAuthentication) {
			return err
		}
		err = errors.New("the name or the phrase is wrong, or the account has no phrase")
		if try == d.tries() {
			return err
		}
		d.say("%v", err)
	}
}

// readPhrase asks for a recovery phrase, in one line or in several.
func (d *device) readPhrase(ctx context.Context) (*recovery.Phrase, error) {
	for try := 1; ; try++ {
		p, err := d.readPhraseOnce(ctx)
		if !errors.Is(err, recovery.ErrMalformed) {
			return p, err
		}
		err = wrongPhrase(err)
		if try == d.tries() {
			return nil, err
		}
		d.say("%v", err)
	}
}

const phraseWords = 12

func (d *device) readPhraseOnce(ctx context.Context) (*recovery.Phrase, error) {
	const firstPrompt = "Recovery phrase"
	text, prompt := "", firstPrompt
	for {
		line, err := d.line(ctx, prompt)
		if err != nil {
			return nil, err
		}
		if line == "" && text != "" && d.hidden != nil {
			text, prompt = "", firstPrompt
			continue
		}
		text += " " + line
		p, err := recovery.ParsePhrase(text)
		wrong, ok := errors.AsType[*recovery.PhraseError](err)
		if !ok || line == "" || wrong.Words == 0 || wrong.Words >= phraseWords {
			return p, err
		}
		prompt = fmt.Sprintf("Word %d and the rest (Enter: start again)", wrong.Words+1)
	}
}

// wrongPhrase says what is wrong with a phrase, without its words.
func wrongPhrase(err error) error {
	wrong, ok := errors.AsType[*recovery.PhraseError](err)
	switch {
	case ok && wrong.Words > 0:
		return fmt.Errorf("a recovery phrase has %d words, and this has %d", phraseWords, wrong.Words)
	case ok && wrong.Position > 0:
		return fmt.Errorf("word %d is in no recovery phrase: look at its spelling", wrong.Position)
	}
	return errors.New("that is not a recovery phrase: a word is wrong, or words are in the wrong order")
}

// recoverClaim begins a claim, or goes on with the one of this device.
func (d *device) recoverClaim(ctx context.Context, r recovering) error {
	now, err := d.Claim(ctx)
	if errors.Is(err, client.ErrNoClaim) && r.way != "" {
		if err = d.beginClaim(ctx, r); err == nil {
			now, err = d.Claim(ctx)
		}
	} else if err == nil && r.way != "" && (r.way != string(now.Way) || d.flags.NArg() > 0) {
		err = client.ErrHasClaim
	}
	if _, recovered := d.Way(); recovered && errors.Is(err, client.ErrNoClaim) {
		err = errors.New("this device has opened the account, and set no password yet: use recover -phrase again")
	}
	if answered(err, api.NotFound) {
		err = errors.New("the server has forgotten the claim: use recover -drop, and begin again")
	}
	if err != nil {
		return err
	}
	if now.Way == api.WayContacts && now.State == api.ClaimAsked && r.way == "contacts" {
		return d.askContacts(ctx, r.codes)
	}
	return d.goOn(ctx, now, r.file)
}

func (d *device) beginClaim(ctx context.Context, r recovering) error {
	if r.way == "password" {
		if d.Name() == "" {
			return client.ErrNoDevice
		}
		if way, recovered := d.Way(); way != api.WayDevice || recovered {
			return errors.New("-password is for a device that another one has let in: use -phrase, -file, -contacts or -review")
		}
		return d.ClaimPassword(ctx)
	}
	who, err := d.who(r.former)
	if err != nil {
		return err
	}
	switch r.way {
	case "file":
		return d.ClaimFile(ctx, who, r.file)
	case "contacts":
		return d.ClaimContacts(ctx, who)
	}
	text, err := d.text(ctx, api.MaxText)
	text = strings.Join(strings.Fields(text), " ") // a message of the server has no line ends
	if err == nil && text == "" {
		err = errors.New("the operator has to know who asks: nothing was sent")
	}
	if err != nil {
		return err
	}
	return d.ClaimReview(ctx, who.Name, text)
}

func (d *device) dropClaim(ctx context.Context) error {
	if _, err := d.Claim(ctx); errors.Is(err, client.ErrNoClaim) {
		return err
	}
	ok, err := d.yes(ctx, "Forget the claim? A new one waits from the beginning.")
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("nothing was forgotten, because the answer was not yes")
	}
	if err := d.DropClaim(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintln(d.out, "this device has forgotten the claim")
	return err
}

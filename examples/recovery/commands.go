package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

var commands = []command{
	{"sign-up", "make an account", `
NAME

Makes an account with a password, and a keyring that the password opens. It can be
another account's contact. Make a phrase or a file next, or approve a device, or appoint
contacts: until then nothing helps who forgets the password.
`, "device", 1, 1, signUp},

	{"login", "log in by password, and see what opens the keyring", `
NAME

Logs in by password, on a device that need not have seen the account before.
`, "device", 1, 1, login},

	{"note", "write or read a note under the keyring", `
NAME [TEXT]

Encrypts TEXT on the device, or reads the note that is there: it is to survive
everything.
`, "device", 1, 2, note},

	{"password", "change the password", `
NAME

Changes the password. If this is cut off, the old or the new one still works. It wants
the old one: an approved device reads and writes, and sets no password. For who forgot
it recover -by device does, after a review.
`, "device", 1, 1, password},

	{"phrase", "make a phrase of 12 words, in the place of the one before", `
NAME

Shows a new phrase, once. It opens the account without the password.
`, "device", 1, 1, phrase},

	{"file", "make a recovery file, in the place of the one before", `
NAME -o FILE

Writes a recovery file. The server has the other half of it.
`, "device o", 1, 1, file},

	{"ask", "ask for approval of this device, and wait", `
NAME [-code]

Shows the text of a QR code, or with -code a short code, and waits until approve has
been run on a device that is in. Give the text to nobody else. An approved device
reads and writes, and sets no password: recover -by device does, after a review.
`, "device code", 1, 1, ask},

	{"approve", "approve a device that asks", `
NAME [-id ID]

Approves a device that you have before you. It can do what this one can.
`, "device id", 1, 1, approveRequest},

	{"revoke", "revoke a device or another way in", `
NAME SLOT

Revokes a way in, and makes a new master key, which its holder does not get to know.
SLOT is the number of 32 digits that login shows.
`, "device", 2, 2, revoke},

	{"contacts", "appoint contacts, in the place of those before", `
NAME [-k NUMBER] CONTACT CONTACT...

Gives each contact a share of a key. So many of them as -k says open the account
together. Contacts are names of accounts; compare the fingerprints of their keys with
what login shows them. Then tell them the fingerprint of their shares, with which each
of them runs keep while this command waits.
`, "device k", 3, 33, appoint},

	{"keep", "keep a share, as a contact", `
NAME -as CONTACT

Keeps CONTACT's share of NAME's key, after you have compared its fingerprint with what
NAME has been shown by contacts.
`, "device as", 1, 1, keep},

	{"release", "hand out a share, as a contact", `
NAME -as CONTACT [-id ID]

Hands CONTACT's share of NAME's key to the device that NAME has before them now, which
runs recover. Only after you have recognised NAME by face or voice.
`, "device as id", 1, 1, release},

	{"recover", "regain an account without its password", `
NAME -by phrase
       recovery recover NAME -by file -file FILE
       recovery recover NAME -by contacts [-code]
       recovery recover NAME -by device

Opens the keyring by another way, and sets a new password. By device is for who has an
approved device, and only forgot the password. By file, contacts or device there is no
login that may set one: the first call makes a claim, which waits until the operator
has let it through by review.
`, "device by file code", 1, 1, regain},

	{"review", "look at failures and claims, as the operator", `
NAME [-clear [-claim ID]]
       recovery review NAME -drop -claim ID

Shows what the server has counted for NAME, and which recoveries wait. With -clear
forgets the failures, and with -claim lets a recovery through: only after a look at
who it is. With -drop ends it.
`, "clear claim drop", 1, 1, review},

	{"inspect", "list everything that the server has", `


Says in words and sizes what is in the server's folder.
`, "", 0, 0, inspect},
}

func signUp(ctx context.Context, c *client, _ *options) error {
	if err := c.srv.taken(c.name); err != nil {
		return err
	}
	password, err := c.newSecret()
	if err != nil {
		return err
	}
	defer clear(password)
	record, export, way, err := c.register(ctx, byPassword, password)
	if err != nil {
		return err
	}
	defer clear(export)
	k, err := recovery.Create(ctx, random(16), way) // the server never chooses the number
	if err != nil {
		return err
	}
	key, err := contacts.NewKey()
	if err != nil {
		return err
	}
	secret := key.Secret()
	defer clear(secret)
	own, err := seal(ctx, k, contactKey, secret)
	if err != nil {
		return err
	}
	err = c.upload(k, func(header []byte) error {
		return c.srv.signUp(c.name, account{Record: record, Header: header, ContactKey: key.PublicKey(), ContactSecret: own})
	})
	if err == nil { // what else is there is of an account of this name that never came to be
		err = c.keep(func(s *state) { *s = state{Pins: s.Pins} })
	}
	if err == nil {
		c.say("%s has an account. Now make a way back in: phrase, file or contacts.", c.name)
	}
	return err
}

func login(ctx context.Context, c *client, _ *options) error {
	k, err := c.enterByPassword(ctx)
	if err != nil {
		return err
	}
	if len(c.state.Device) > 0 && !slices.ContainsFunc(k.Slots(), c.isThis) {
		// It was revoked.
		if err := c.keep(func(s *state) { s.Device, s.Token = nil, nil }); err != nil {
			return err
		}
	}
	c.say("%s is in. The keyring is at master key %d, and opens by:", c.name, k.Epoch())
	for _, s := range k.Slots() {
		mark := ""
		if c.isThis(s) {
			mark = "  (this device)"
		}
		c.say("  %-9s %s%s", wayIn(s), s.ID, mark)
	}
	a, err := c.srv.mine(c.on)
	if err != nil {
		return err
	}
	key, err := c.ownKey(ctx, k, a) // not what the server says: that could be another's
	if err == nil {
		c.say("The fingerprint of %s as a contact is %s.", c.name, contacts.Fingerprint(key.PublicKey()))
	}
	return err
}

// wayIn is what users call the way in of a slot.
func wayIn(s recovery.Slot) string {
	if s.Type == recovery.SlotExport {
		return "password" // by OPAQUE's export key
	}
	return s.Type.String()
}

func (c *client) isThis(s recovery.Slot) bool {
	d, err := recovery.ParseDevice(c.state.Device)
	return err == nil && d.ID() == s.ID
}

func note(ctx context.Context, c *client, o *options) error {
	k, err := c.enter(ctx)
	if err != nil {
		return err
	}
	if len(o.args) == 2 {
		s, err := seal(ctx, k, noteKey, []byte(o.args[1]))
		if err != nil {
			return err
		}
		if err := c.srv.putNote(c.on, s); err != nil {
			return err
		}
		c.say("Written.")
		return nil
	}
	a, err := c.srv.mine(c.on)
	if err != nil {
		return err
	}
	if len(a.Note.Text) == 0 {
		return errors.New("there is no note yet: note NAME TEXT writes one")
	}
	text, err := unseal(ctx, k, noteKey, a.Note)
	if err == nil {
		c.say("The note: %s", text)
	}
	return err
}

func password(ctx context.Context, c *client, _ *options) error {
	k, err := c.enterByPassword(ctx)
	if err != nil {
		return err
	}
	password, err := c.newSecret()
	if err != nil {
		return err
	}
	defer clear(password)
	if err := c.setPassword(ctx, k, password); err != nil {
		return err
	}
	c.say("The password is new.")
	return nil
}

func phrase(ctx context.Context, c *client, _ *options) error {
	k, err := c.enterByPassword(ctx)
	if err != nil {
		return err
	}
	if err := c.newPhrase(ctx, k); err != nil {
		return err
	}
	c.say("The phrase works. A phrase of before does not any more.")
	return nil
}

func file(ctx context.Context, c *client, o *options) error {
	if o.out == "" {
		return usageError{"file", "-o FILE is missing"}
	}
	if _, err := os.Lstat(o.out); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("%s exists, and is not overwritten: write to another file", o.out))
	}
	k, err := c.enter(ctx)
	if err != nil {
		return err
	}
	if err := c.newFile(ctx, k, o.out); err != nil {
		return err
	}
	c.say("%s works. A file of before does not any more.", o.out)
	return nil
}

func ask(ctx context.Context, c *client, o *options) error { return c.becomeDevice(ctx, o.code) }

func approveRequest(ctx context.Context, c *client, o *options) error {
	k, err := c.enter(ctx)
	if err != nil {
		return err
	}
	r, err := c.pick(c.name, "", o.id)
	if err != nil {
		return err
	}
	return c.approveDevice(ctx, k, r)
}

func revoke(ctx context.Context, c *client, o *options) error {
	k, err := c.enter(ctx)
	if err != nil {
		return err
	}
	if err := c.drop(ctx, k, o.args[1]); err != nil {
		return err
	}
	c.say("Revoked. The keyring has a new master key.")
	return nil
}

func appoint(ctx context.Context, c *client, o *options) error {
	names := o.args[1:]
	if err := checkNames(names...); err != nil {
		return err
	}
	if o.threshold < 2 || o.threshold > len(names) {
		return usageError{"contacts", fmt.Sprintf("-k is from 2 to %d, the number of contacts", len(names))}
	}
	if slices.Contains(names, c.name) || len(slices.Compact(slices.Sorted(slices.Values(names)))) < len(names) {
		return usageError{"contacts", "name other people, each once"}
	}
	k, err := c.enter(ctx)
	if err != nil {
		return err
	}
	if err := c.appoint(ctx, k, o.threshold, names); err != nil {
		return err
	}
	c.say("%d of these %d contacts can let you in again. Shares of contacts before do not any more.", o.threshold, len(names))
	return nil
}

func keep(ctx context.Context, c *client, o *options) error {
	if o.as == "" {
		return usageError{"keep", "-as CONTACT is missing"}
	}
	k, err := c.enter(ctx)
	if err != nil {
		return err
	}
	if err := c.accept(ctx, k, o.args[0]); err != nil {
		return err
	}
	c.say("Kept. It helps %s when they ask for it by recover, and you run release.", o.args[0])
	return nil
}

func release(ctx context.Context, c *client, o *options) error {
	if o.as == "" {
		return usageError{"release", "-as CONTACT is missing"}
	}
	k, err := c.enter(ctx)
	if err != nil {
		return err
	}
	r, err := c.pick(o.args[0], c.name, o.id)
	if err != nil {
		return err
	}
	return c.handOut(ctx, k, o.args[0], r)
}

func regain(ctx context.Context, c *client, o *options) (err error) {
	var still string // works: a recovery takes nothing away but the password
	switch o.by {
	case "phrase":
		err = c.byPhrase(ctx)
		still = "The phrase still works. If others may have seen it, phrase %s makes another in its place."
	case "file":
		if o.file == "" {
			return usageError{"recover", "-file FILE is missing"}
		}
		err = c.byFile(o.file)
		still = "The file still works. If others may have it, file %s -o FILE makes another in its place."
	case "contacts":
		err = c.byContacts(ctx, o.code)
		still = "The shares still work. If others may have them, contacts %s CONTACT CONTACT... makes others in their place."
	case "device":
		err = c.byOwnDevice()
		still = "This device is still approved. If others may use it, revoke %s SLOT ends that, and login shows its SLOT."
	default:
		return usageError{"recover", "-by is phrase, file, contacts or device"}
	}
	if err != nil {
		return err
	}
	if err := c.regain(ctx); err != nil {
		return err
	}
	c.say(still, c.name)
	return nil
}

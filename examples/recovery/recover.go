package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/nescio-go/nescio/recovery"
)

// newPhrase gives the account a new phrase, in this order: the user has it, the
// header has its slot, the server its login, and the old one goes.
func (c *client) newPhrase(ctx context.Context, k *recovery.Keyring) error {
	phrase, err := recovery.NewPhrase(12)
	if err != nil {
		return err
	}
	c.say("Your phrase, shown this once:\n\n  %s\n", phrase.Words())
	if err := c.agree("Have you written it down?"); err != nil {
		return fmt.Errorf("%w: the words on the screen do not work, and those of before still do", err)
	}
	secret, err := phrase.AuthSecret()
	if err != nil {
		return err
	}
	defer clear(secret)
	record, export, _, err := c.register(ctx, byPhrase, secret)
	if err != nil {
		return err
	}
	clear(export) // the words themselves open the slot
	id, err := c.add(ctx, k, phrase)
	if err != nil {
		return err
	}
	if err := c.srv.putRecord(c.on, byPhrase, record, k.Header().Digest()); err != nil {
		return err
	}
	return c.revoke(ctx, k, recovery.SlotPhrase, id)
}

// newFile gives the account a new recovery file, in this order: the header has its
// slot, the server its half, the user theirs, and the old one goes. That the file can
// be written is found out first.
func (c *client) newFile(ctx context.Context, k *recovery.Keyring, path string) error {
	f, err := temporary(path)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // if it still has that name
	file := recovery.NewFile()
	id, err := c.add(ctx, k, file)
	if err != nil {
		return err
	}
	if err := c.srv.putFile(c.on, id, file.ServerSecret()); err != nil {
		return err
	}
	if err := finish(f, path, []byte(file.Text())); err != nil {
		return err
	}
	return c.revoke(ctx, k, recovery.SlotFile, id)
}

// byPhrase logs in to what guards the header, and opens that by the same words.
func (c *client) byPhrase(ctx context.Context) error {
	words, err := c.ask("The 12 words")
	if err != nil {
		return err
	}
	phrase, err := recovery.ParsePhrase(words)
	if errors.Is(err, recovery.ErrChecksum) {
		return fmt.Errorf("%w: one is wrong, or two have changed places", err)
	}
	if err != nil {
		return err
	}
	secret, err := phrase.AuthSecret()
	if err != nil {
		return err
	}
	defer clear(secret)
	export, err := c.login(ctx, byPhrase, secret)
	clear(export)
	c.way = phrase
	return err
}

// claim begins a recovery of who cannot log in at all, with this device's ticket.
func (c *client) claim() (err error) {
	if len(c.state.Ticket) == 0 {
		if err := c.keep(func(s *state) { s.Ticket = random(32) }); err != nil {
			return err
		}
	}
	c.on, err = c.srv.claim(c.name, c.state.Ticket)
	return err
}

func (c *client) byFile(path string) error {
	text, err := readFile(path)
	if err != nil {
		return err
	}
	file, err := recovery.ParseFile(string(text))
	if err != nil {
		return fmt.Errorf("%s is no recovery file, or was damaged", path)
	}
	if err := c.claim(); err != nil {
		return err
	}
	half, err := c.srv.file(c.on, file.ID())
	if err != nil {
		return err
	}
	c.way, err = file.WithServerSecret(half)
	return err
}

func (c *client) byContacts(ctx context.Context, byCode bool) error {
	if err := c.claim(); err != nil {
		return err
	}
	all, err := c.collect(ctx, byCode)
	c.way = all
	return err
}

// byOwnDevice is for who forgot the password, on an approved device. Its token logs in,
// and sets no password: else whoever finds it unlocked would keep the owner out. So
// there is a claim, as by the other ways.
func (c *client) byOwnDevice() error {
	if len(c.state.Device) == 0 {
		return errors.New("this device was not approved: use another way")
	}
	device, err := recovery.ParseDevice(c.state.Device)
	if err != nil {
		return err
	}
	if _, err := c.srv.byDevice(c.name, device.ID(), c.state.Token); err != nil {
		return err // it was revoked, which needs no review
	}
	c.way = device
	return c.claim()
}

// regain opens the keyring by the way in that was prepared, and sets a new password.
// The claim ends with the login at the end: until then the same way works again.
func (c *client) regain(ctx context.Context) error {
	k, err := c.open(ctx)
	if err != nil {
		return err
	}
	c.say("The keyring is open.")
	password, err := c.newSecret()
	if err != nil {
		return err
	}
	defer clear(password)
	if err := c.setPassword(ctx, k, password); err != nil {
		return err
	}
	if err := c.keep(func(s *state) { s.Ticket, s.Shares = nil, nil }); err != nil {
		return err
	}
	c.say("The password is new. Whoever had the old one is out; see what else should go by login and revoke.")
	return nil
}

// drop revokes one way in.
func (c *client) drop(ctx context.Context, k *recovery.Keyring, text string) error {
	var id recovery.SlotID
	err := id.UnmarshalText([]byte(text))
	slots := k.Slots()
	i := slices.IndexFunc(slots, func(s recovery.Slot) bool { return s.ID == id })
	if err != nil || i < 0 {
		return fmt.Errorf("there is no way in %q: login lists them", text)
	}
	if slots[i].Type == recovery.SlotExport {
		return errors.New("this is the password's: use password to change it")
	}
	if err := k.Revoke(ctx, id); err != nil {
		return err
	}
	return c.upload(k, c.put)
}

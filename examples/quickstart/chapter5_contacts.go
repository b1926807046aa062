package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

var lastPassword = []byte("no umbrella, no bees, one pot")

// appoint spreads a way in over three people.
func (w *work) appoint(ctx context.Context) error {
	w.say("\n  One day there may be no device left. Alice asks her sister and a neighbour to keep")
	w.say("a share each; then she thinks better of it, and asks a colleague too. Each has a")
	w.say("key, which comes from the server, and so each reads its fingerprint out to her:")
	for _, name := range []string{"sister", "colleague", "neighbour"} {
		p, err := newContact(ctx, w.base, name)
		if err != nil {
			return err
		}
		w.people = append(w.people, p)
		w.detail(p.name, "%s", p.says().fingerprint)
	}
	k, err := w.tablet.openKeyring(ctx)
	if err != nil {
		return err
	}
	if k, err = w.appointed(ctx, k, w.people[0], w.people[2]); err != nil {
		return err
	}
	w.say("The first time both had to agree, now it is two of three. Each gets a share, sealed")
	w.say("to their key. But the server has those keys as well, and could seal them something")
	w.say("of its own. So she reads out a fingerprint too, and they keep what it fits:")
	if k, err = w.appointed(ctx, k, w.people...); err != nil {
		return err
	}
	w.detail("the shares", "%s", w.people[0].latest().Fingerprint())
	for _, p := range w.people {
		share := p.latest()
		w.detail(p.name, "share %d of %d; it takes %d", share.Index(), share.Contacts(), share.Threshold())
	}
	w.detail("keyring", "%s", ways(k.Header()))
	return nil
}

// appointed appoints people, of whom two have to agree, in the place of those of
// before. What they and Alice tell each other on the telephone is a value here.
func (w *work) appointed(ctx context.Context, k *recovery.Keyring, people ...*contact) (*recovery.Keyring, error) {
	var said []appointment
	for _, p := range people {
		said = append(said, p.says())
	}
	return w.tablet.appoint(ctx, k, 2, said, func(fingerprint string) error {
		for _, p := range people {
			if err := p.receive(ctx, workName, fingerprint); err != nil {
				return err
			}
		}
		return nil
	})
}

// loseEverything leaves her with a computer that has never seen the keyring.
func (w *work) loseEverything(ctx context.Context) error {
	w.say("\n  A thief takes the bag with the laptop, the tablet and the phone. The paper and the")
	w.say("file burn. The password will not come back to her. She sits at a new computer, and")
	w.say("somebody at the service looks at her papers again, as in chapter 4. That lets her")
	w.say("fetch the header and ask her contacts, and does not open anything.")
	w.burn()
	var err error
	if w.computer, err = newClient(w.base); err != nil {
		return err
	}
	ticket, err := w.computer.claim(ctx, workName)
	if err != nil {
		return err
	}
	if err := w.s.approve(ticket); err != nil {
		return err
	}
	if err := w.computer.redeem(ctx, workName, ticket); err != nil {
		return err
	}
	w.computer.firstUse = true // she says yes, as in chapter 4
	return nil
}

// collect brings together what two of the three hand out.
func (w *work) collect(ctx context.Context) error {
	sister, colleague, neighbour := w.people[0], w.people[1], w.people[2]
	all, err := w.computer.collection(ctx)
	if err != nil {
		return err
	}
	w.computer.way = all
	w.say("\n  Her sister comes by, and scans a QR code, as the tablet did. A share leaves a")
	w.say("contact by an approval alone, sealed to the device that asks.")
	if err := w.inPerson(ctx, all, sister, sister.latest()); err != nil {
		return err
	}
	w.detail("shares", "%d missing", all.Missing())
	_, few := w.computer.openKeyring(ctx)
	w.detail("one alone", "%v", few)
	twice := w.inPerson(ctx, all, sister, sister.latest())
	w.detail("the same again", "%v", twice)
	old := w.inPerson(ctx, all, neighbour, neighbour.shares[0])
	w.detail("the neighbour's", "%v", old)
	if !errors.Is(few, contacts.ErrFew) || !isShare(twice, 1, contacts.ErrDuplicate) || !isShare(old, 2, contacts.ErrForeign) {
		return fmt.Errorf("wrong shares: %v; %v; %v", few, twice, old)
	}
	w.say("The neighbour took the one of the first time, which no slot is for any more.")

	w.say("\n  The colleague is far away. They telephone, and each reads out a short code that")
	w.say("their own screen shows. Mallory sits between the two devices, and to each of them")
	w.say("he is the other.")
	err = w.byTelephone(ctx, all, colleague, true)
	if !errors.Is(err, errCode) {
		return fmt.Errorf("with Mallory in between: %v", err)
	}
	w.say("The codes differ, so both say no. He had one chance in a billion. Then, without him:")
	if err := w.byTelephone(ctx, all, colleague, false); err != nil {
		return err
	}
	k, err := w.computer.openKeyring(ctx)
	if err != nil {
		return err
	}
	w.detail("two shares open", "%s", ways(k.Header()))
	return nil
}

// isShare reports whether an error is that of a share, and names it.
func isShare(err error, index int, want error) bool {
	var of *contacts.ShareError
	return errors.As(err, &of) && of.Index == index && errors.Is(of, want)
}

// inPerson has a contact hand out a share by QR code.
func (w *work) inPerson(ctx context.Context, all *contacts.Collection, p *contact, share *contacts.Share) error {
	asked, err := w.computer.askForShare(ctx, p.name)
	if err != nil {
		return err
	}
	if err := p.handOut(ctx, share, asked.QR()); err != nil {
		return err
	}
	got, err := asked.share(ctx)
	if err != nil {
		return err
	}
	return all.Add(got)
}

// byTelephone has a contact hand out their share by short code. What the users do,
// here the story does: it compares the two codes, and ends it if they differ.
func (w *work) byTelephone(ctx context.Context, all *contacts.Collection, p *contact, mallory bool) error {
	asked, err := w.computer.askForShare(ctx, p.name)
	if err != nil {
		return err
	}
	defer asked.Discard()
	between := func(*approval) error { return nil }
	if mallory {
		number := p.latest().Account() // he has it from the header
		m, err := newRelay(number[:], asked.Ask())
		if err != nil {
			return err
		}
		between = m.pass
	}
	if err := w.s.tamper(asked.handle, between); err != nil {
		return err
	}
	answered, err := p.answer(ctx, p.latest(), workName)
	if err != nil {
		return err
	}
	defer answered.Discard()
	if err := w.s.tamper(asked.handle, between); err != nil {
		return err
	}
	hers, err := asked.code(ctx)
	if err != nil {
		return err
	}
	if err := w.s.tamper(asked.handle, between); err != nil {
		return err
	}
	theirs, err := answered.code(ctx)
	if err != nil {
		return err
	}
	w.detail("Alice", "%s", hers)
	w.detail("the "+p.name, "%s", theirs)
	if hers != theirs {
		return errCode
	}
	if err := answered.grant(ctx); err != nil {
		return err
	}
	share, err := asked.share(ctx)
	if err != nil {
		return err
	}
	return all.Add(share)
}

// regain gives the account a new password. In life contacts take days, and then the
// server, which wants a session of the last minute for this, needs another review.
func (w *work) regain(ctx context.Context) error {
	k, err := w.computer.openKeyring(ctx)
	if err != nil {
		return err
	}
	if err := w.computer.setPassword(ctx, k, lastPassword); err != nil {
		return err
	}
	w.say("She sets a new password, and logs in with it.")
	if k, _, err = w.computer.enterKeyring(ctx, workName, lastPassword); err != nil {
		return err
	}
	return w.read(ctx, "on the computer", w.computer, k)
}

// shutOut revokes all that the thief may have.
func (w *work) shutOut(ctx context.Context) error {
	w.say("\n  Now the thief has to go: the phone's slot and the passkey, and then the burned")
	w.say("phrase and file, for which there are new ones. Each step makes a new master key.")
	k, err := w.computer.openKeyring(ctx)
	if err != nil {
		return err
	}
	k, err = w.computer.changeKeyring(ctx, k, func(k *recovery.Keyring) error {
		return k.Revoke(ctx, slots(k, func(s recovery.Slot) bool {
			return s.Type == recovery.SlotDevice || s.Type == recovery.SlotPasskey
		})...)
	})
	if err != nil {
		return err
	}
	if k, err = w.computer.newWays(ctx, k, w.keep); err != nil {
		return err
	}
	w.detail("keyring", "%s; master key %d", ways(k.Header()), k.Epoch())

	w.say("The thief gets all three unlocked. The server shuts them out; Mallory gives him")
	w.say("the header all the same.")
	token := w.phone.enterAsDevice(ctx)
	w.detail("the phone's token", "%v", token)
	if !errors.Is(token, statusError{401, "Incorrect login credentials"}) {
		return fmt.Errorf("the stolen phone logs in: %v", token)
	}
	for _, stolen := range []struct {
		key string
		c   *client
	}{{"its key", w.phone}, {"the passkey", w.tablet}, {"the laptop's key", w.laptop}} {
		_, session := stolen.c.fetchKeyring(ctx)
		if !errors.Is(session, statusError{401, "Log in first"}) {
			return fmt.Errorf("%s: a session goes on: %v", stolen.key, session)
		}
		var pin recovery.Pin
		if err := pin.UnmarshalBinary(stolen.c.pins[0]); err != nil {
			return err
		}
		_, err := recovery.Open(ctx, k.Header(), stolen.c.way, pin)
		w.detail(stolen.key, "%v", err)
		if !errors.Is(err, recovery.ErrNotMine) {
			return fmt.Errorf("%s opens: %v", stolen.key, err)
		}
	}
	w.say("What they had on them before stays his, as what Mallory took did in chapter 4.")
	return nil
}

// last reads the note of the first day once more.
func (w *work) last(ctx context.Context) error {
	w.say("\n  And the note that she wrote on the first day:")
	k, _, err := w.computer.enterKeyring(ctx, workName, lastPassword)
	if err != nil {
		return err
	}
	if err := w.read(ctx, "by the password", w.computer, k); err != nil {
		return err
	}
	first, now := w.before.notes[planName], w.s.stored(workName).notes[planName]
	if !bytes.Equal(first.Key, now.Key) || !bytes.Equal(first.Text, now.Text) {
		return errors.New("it is not the note of the first day")
	}
	w.say("The server has had %d bytes of it all along. Without a way in they open nothing.", len(now.Key)+len(now.Text))
	return nil
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
)

// workName is Alice's second account. Its password is one that everybody has.
const workName = "alice.work"

var (
	weakPassword  = []byte("monkey7")
	workPassword  = []byte("seven quiet umbrellas")
	finalPassword = []byte("the lighthouse keeps bees")
)

// The notes of the account: the first is written at sign-up, and read until the end.
const (
	planName, planText   = "plan", "the spare key is under the third pot"
	movedName, movedText = "plan 2", "the spare key has moved"
)

// recovering is chapter 4: a keyring behind many ways in, and Alice loses one after
// the other.
func (w *work) recovering(ctx context.Context) error {
	w.chapter(4, "Everything gets lost but the data")
	for _, part := range []func(context.Context) error{
		w.signUp, w.stolenBefore, w.move, w.stolenAfter, w.losePassword, w.losePhrase, w.passkey, w.rotate,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// work is the account of this chapter and the next, on Alice's side and on the server.
type work struct {
	narrator
	s    *server
	base string

	laptop, phone, tablet *client
	computer              *client    // of chapter 5
	people                []*contact // her sister, a colleague, a neighbour

	words string // on paper
	file  string // where the recovery file is

	before account // what Mallory stole before the move
}

func (w *work) signUp(ctx context.Context) error {
	w.say("Alice opens an account for work, with a weak password. Her laptop draws a master")
	w.say("key and puts it in a keyring, behind three ways in: the password; 12 words that")
	w.say("it shows her once; and a file, which opens nothing without the server's half.")
	var err error
	if w.laptop, err = newClient(w.base); err != nil {
		return err
	}
	k, err := w.laptop.signUpWithKeyring(ctx, workName, weakPassword, w.keep)
	if err != nil {
		return err
	}
	written, err := ringVault{k}.write(ctx, planName, planText)
	if err != nil {
		return err
	}
	if err := w.laptop.call(ctx, "PUT", "/notes", notes{planName: written}, nil); err != nil {
		return err
	}
	w.say("All that the server stored:")
	return w.showStored()
}

// burn takes the paper and the file away.
func (w *work) burn() {
	os.Remove(w.file)
	w.words, w.file = "", ""
}

// keep is what Alice does with new ways in.
func (w *work) keep(phrase *recovery.Phrase, file *recovery.File) (err error) {
	w.words = phrase.Words()
	words := strings.Fields(w.words)
	w.detail("on paper", "%s%s  (%d words)", words[0], strings.Repeat(" …", len(words)-1), len(words))
	old := w.file
	f, err := os.CreateTemp("", "nescio-recovery-*.txt") // mode 0600
	if err != nil {
		return err
	}
	w.file = f.Name()
	_, err = f.WriteString(file.Text())
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	info, err := os.Stat(w.file)
	if err != nil {
		return err
	}
	w.detail("the file", "%s, %v, %d bytes", w.file, info.Mode(), info.Size())
	if old == "" {
		return nil
	}
	return os.Remove(old)
}

// read fetches the note in a session and reads it.
func (w *work) read(ctx context.Context, where string, c *client, k *recovery.Keyring) error {
	var fetched notes
	if err := c.call(ctx, "GET", "/notes", struct{}{}, &fetched); err != nil {
		return err
	}
	return w.showPlan(ctx, where, k, fetched)
}

func (w *work) showPlan(ctx context.Context, where string, k *recovery.Keyring, fetched notes) error {
	got, err := ringVault{k}.read(ctx, planName, fetched[planName])
	if err != nil {
		return err
	}
	if got != planText {
		return errors.New("the note says something else")
	}
	w.detail(where, "%q", got)
	return nil
}

func (w *work) move(ctx context.Context) error {
	w.say("\n  The account moves to OPAQUE, at two logins, as in chapter 3. The first puts a")
	w.say("slot for OPAQUE beside that of the password. The second takes the password's away,")
	w.say("and makes a new master key, since the old one hung on the password.")
	for _, want := range []protocol{bySRP, byOPAQUE} {
		k, by, err := w.laptop.enterKeyring(ctx, workName, weakPassword)
		if err != nil {
			return err
		}
		if by != want {
			return fmt.Errorf("the login went by %s", by)
		}
		if err := w.read(ctx, "login by "+string(by), w.laptop, k); err != nil {
			return err
		}
		w.detail("keyring", "%s; master key %d", ways(k.Header()), k.Epoch())
	}
	return nil
}

func (w *work) losePassword(ctx context.Context) error {
	w.say("\n  Alice forgets the password, and has a new phone. Her 12 words log in to an")
	w.say("account of their own, which may fetch the header and set a password and do no")
	w.say("more. Then they open it. The phone has never seen this keyring, and so cannot see")
	w.say("that a header is an old one: it asks her first.")
	var err error
	if w.phone, err = newClient(w.base); err != nil {
		return err
	}
	_, err = w.phone.recoverByPhrase(ctx, workName, w.words)
	w.detail("the phone", "%v", err)
	if !errors.Is(err, errFirstUse) {
		return fmt.Errorf("a first use without consent: %v", err)
	}
	w.phone.firstUse = true // she says yes
	k, err := w.phone.recoverByPhrase(ctx, workName, strings.ToUpper(w.words))
	if err != nil {
		return err
	}
	if err := w.phone.setPassword(ctx, k, workPassword); err != nil {
		return err
	}
	w.say("She sets a new password, logs in with it, and the slot of the old one goes. The old")
	w.say("one logs in nowhere now, and the key that her laptop had of it opens nothing.")
	if k, _, err = w.phone.enterKeyring(ctx, workName, workPassword); err != nil {
		return err
	}
	if err := w.read(ctx, "on the phone", w.phone, k); err != nil {
		return err
	}

	_, old := w.phone.signIn(ctx, workName, weakPassword)
	w.detail("old password", "%v", old)
	header, pin := k.Header(), recovery.Pin{}
	if err := pin.UnmarshalBinary(w.laptop.pins[0]); err != nil {
		return err
	}
	_, export := recovery.Open(ctx, header, w.laptop.way, pin)
	w.detail("the laptop's key", "%v", export)
	if !errors.Is(old, opaque.ErrAuthentication) || !errors.Is(export, recovery.ErrNotMine) {
		return fmt.Errorf("something old works: %v; %v", old, export)
	}
	return nil
}

func (w *work) losePhrase(ctx context.Context) error {
	w.say("\n  A year later the password is forgotten, the phone broken, the paper gone. There")
	w.say("is the file. The server's half is not for the asking: somebody at the service must")
	w.say("have seen Alice's papers, which here the story says they have.")
	text, err := os.ReadFile(w.file)
	if err != nil {
		return err
	}
	if w.tablet, err = newClient(w.base); err != nil {
		return err
	}
	w.tablet.firstUse = true // as above
	ticket, err := w.tablet.claim(ctx, workName)
	if err != nil {
		return err
	}
	early := w.tablet.redeem(ctx, workName, ticket)
	w.detail("before the review", "%v", early)
	if !errors.Is(early, statusError{403, "Nobody has reviewed this yet"}) {
		return fmt.Errorf("the server released its half: %v", early)
	}
	if err := w.s.approve(ticket); err != nil {
		return err
	}
	if err := w.tablet.redeem(ctx, workName, ticket); err != nil {
		return err
	}
	k, err := w.tablet.recoverByFile(ctx, string(text))
	if err != nil {
		return err
	}
	w.detail("after the review", "the file and the server's half open the keyring")
	if err := w.tablet.setPassword(ctx, k, finalPassword); err != nil {
		return err
	}
	if k, _, err = w.tablet.enterKeyring(ctx, workName, finalPassword); err != nil {
		return err
	}
	w.say("She sets a new password, and gets a new phrase and a new file: the old file has")
	w.say("been used, and somebody may find the paper.")
	lost := w.words
	if k, err = w.tablet.newWays(ctx, k, w.keep); err != nil {
		return err
	}
	if err := w.read(ctx, "on the tablet", w.tablet, k); err != nil {
		return err
	}
	finder, err := newClient(w.base)
	if err != nil {
		return err
	}
	_, err = finder.recoverByPhrase(ctx, workName, lost)
	w.detail("the lost paper", "%v", err)
	if !errors.Is(err, statusError{401, "Incorrect login credentials"}) {
		return fmt.Errorf("the lost phrase logs in: %v", err)
	}
	return nil
}

func (w *work) passkey(ctx context.Context) error {
	w.say("\n  She adds a passkey, so that a touch is enough. There is no authenticator in this")
	w.say("program: it is simulated, by HMAC under a key that it keeps.")
	k, err := w.tablet.openKeyring(ctx)
	if err != nil {
		return err
	}
	chip, salt := newAuthenticator(), recovery.NewPasskeySalt()
	k, err = w.tablet.changeKeyring(ctx, k, func(k *recovery.Keyring) error {
		_, err := k.Add(ctx, chip.passkey(salt))
		return err
	})
	if err != nil {
		return err
	}
	w.detail("keyring", "%s", ways(k.Header()))
	w.tablet.way = chip
	if k, err = w.tablet.openKeyring(ctx); err != nil {
		return err
	}
	return w.read(ctx, "by the passkey", w.tablet, k)
}

func (w *work) rotate(ctx context.Context) error {
	w.say("\n  She makes a new master key, for good measure. All ways in get it, though the")
	w.say("tablet has the secret of one of them alone. What was written under the old ones")
	w.say("stays readable, and what she writes now is under the new one.")
	k, err := w.tablet.openKeyring(ctx)
	if err != nil {
		return err
	}
	old := w.s.stored(workName).keyring
	k, err = w.tablet.changeKeyring(ctx, k, func(k *recovery.Keyring) error { return k.Rotate(ctx) })
	if err != nil {
		return err
	}
	written, err := ringVault{k}.write(ctx, movedName, movedText)
	if err != nil {
		return err
	}
	if err := w.tablet.call(ctx, "PUT", "/notes", notes{movedName: written}, nil); err != nil {
		return err
	}
	if err := w.showStored(); err != nil {
		return err
	}

	w.say("\n  Mallory works at the service now. He hands out the header that was there before,")
	w.say("and then the one that he stole, which his guess opens. But the tablet remembers")
	w.say("what it saw last.")
	now := w.s.stored(workName).keyring
	for _, h := range []struct {
		what   string
		header []byte
	}{{"the one before", old}, {"the stolen one", w.before.keyring}} {
		w.s.replay(workName, h.header)
		_, err := w.tablet.openKeyring(ctx)
		w.detail(h.what, "%v", err)
		if !errors.Is(err, recovery.ErrRollback) {
			return fmt.Errorf("an old header: %v", err)
		}
	}
	w.say("A new device would have believed him: that is what the phone asked about.")

	w.say("\n  He gives up. Her laptop, which was in a drawer all the time, logs in with the")
	w.say("newest password, and what it finds follows from what it saw a year ago.")
	w.s.replay(workName, now)
	if k, _, err = w.laptop.enterKeyring(ctx, workName, finalPassword); err != nil {
		return err
	}
	if !bytes.Equal(k.Bytes(), now) {
		return errors.New("there was something left to do")
	}
	w.detail("keyring", "%s; master key %d", ways(k.Header()), k.Epoch())
	return w.read(ctx, "on the laptop", w.laptop, k)
}

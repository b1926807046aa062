package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
)

// crashWays is an account with ways back into it. Each step repeats until it is
// acknowledged. What has no answer may have happened.
type crashWays struct {
	c             *crash
	u             *crashUser
	owner, friend *crashDevice
	random        *rand.Rand
	phone         *crashDevice // an approved device, or nil
	noted         bool         // the server has the note
	phrases       []*recovery.Phrase
	file          *recovery.File
	shares        bool // the friend has a share
	set, perhaps  int  // passwords by recoveries, acknowledged and not
	cancels       int  // 1 if a claim may be cancelled, 2 if it is
	renewal       string
	renewed       bool // the operator's new account is there
}

// ways lives one life of an account after the other, until ctx ends.
func (c *crash) ways(ctx context.Context, kind string, live func(*crashWays, context.Context) bool) {
	for n := 0; ctx.Err() == nil && n < 2 && !c.Failed(); n++ {
		name := fmt.Sprint(kind, n)
		x := &crashWays{c: c, u: &crashUser{c: c, name: name, passwords: []string{"password 0 of " + name}}}
		x.random = rand.New(rand.NewPCG(*crashSeed, uint64(n)))
		x.owner, x.phrases = c.device(x.u, true), []*recovery.Phrase{nil}
		if !x.signUp(ctx) {
			return
		}
		c.mu.Lock()
		c.lives = append(c.lives, x)
		c.mu.Unlock()
		if x.note(ctx) && live(x, ctx) {
			c.count("a life of "+kind, nil)
		}
	}
}

// repeat repeats a step until it is acknowledged, or ctx ends. If the session of
// the device has ended, it logs in again.
func (x *crashWays) repeat(ctx context.Context, step string, d *crashDevice, f func() error) bool {
	for ctx.Err() == nil && !x.c.Failed() {
		err := f()
		x.c.count(step, err)
		if err == nil {
			return true
		}
		expected := transient(err) || errors.Is(err, client.ErrNotReady) || errors.Is(err, recovery.ErrOvertaken)
		if !expected || d != nil && errors.Is(err, recovery.ErrOvertaken) && !d.resolved(err) {
			x.c.Errorf("%s: %s: %v", x.u.name, step, err)
			return false
		}
		if hasCode(err, api.RateLimited) {
			time.Sleep(time.Second)
		}
		time.Sleep(50 * time.Millisecond)
		if d != nil && (hasCode(err, api.Unauthenticated) || errors.Is(err, client.ErrLoggedOut) || errors.Is(err, client.ErrLocked)) {
			d.enter(ctx)
		}
		if d != nil {
			d.look()
		}
	}
	return false
}

func (x *crashWays) who() client.Who { return client.Who{Name: x.u.name} }

func (x *crashWays) password() []byte { return []byte(x.u.passwords[0]) }

func (x *crashWays) signUp(ctx context.Context) bool {
	return x.repeat(ctx, "sign-up", nil, func() error {
		_, err := x.owner.Login(ctx, x.u.name, one(x.u.passwords[0]))
		if errors.Is(err, client.ErrAuthentication) {
			_, err = x.owner.SignUp(ctx, x.u.names(), one(x.u.passwords[0]))
		}
		return err
	})
}

func (x *crashWays) note(ctx context.Context) bool {
	if _, err := x.owner.Put(ctx, client.Item{Kind: client.KindNote, Title: "Key", Text: secret}); err != nil {
		x.c.Error(err)
	}
	x.noted = x.repeat(ctx, "sync", x.owner, func() error { return x.owner.Sync(ctx) })
	return x.noted
}

func (x *crashWays) setPhrase(ctx context.Context) bool {
	return x.repeat(ctx, "phrase", x.owner, func() error {
		p, err := recovery.NewPhrase(12)
		if err != nil {
			return err
		}
		x.phrases = append(x.phrases, p)
		if err = x.owner.SetPhrase(ctx, x.password(), p); err == nil {
			x.phrases = []*recovery.Phrase{p}
		}
		return err
	})
}

func (x *crashWays) makeFile(ctx context.Context) bool {
	return x.repeat(ctx, "file", x.owner, func() error {
		text, err := x.owner.MakeFile(ctx, x.password())
		if err == nil {
			x.file, err = recovery.ParseFile(text)
		}
		return err
	})
}

// helped makes somebody the only contact, twice.
func (x *crashWays) helped(ctx context.Context) bool {
	f := &crashWays{c: x.c, u: &crashUser{c: x.c, name: "friend-of-" + x.u.name, passwords: []string{"password of a friend"}}}
	f.owner = x.c.device(f.u, true)
	x.friend = f.owner
	if !f.signUp(ctx) {
		return false
	}
	var link, fingerprint string
	var invitation api.ID
	ok := x.repeat(ctx, "invite", x.owner, func() (err error) { link, err = x.owner.Invite(ctx, "a friend"); return err }) &&
		x.repeat(ctx, "accept", x.friend, func() (err error) { fingerprint, err = x.friend.AcceptInvitation(ctx, link, x.u.name); return err }) &&
		x.repeat(ctx, "contacts", x.owner, func() error {
			all, err := x.owner.Contacts(ctx)
			for _, one := range all {
				if one.Fingerprint == fingerprint {
					invitation = one.Invitation
				}
			}
			if err == nil && invitation == (api.ID{}) {
				x.c.Errorf("%s: an acknowledged acceptance is lost", x.u.name)
			}
			return err
		})
	return ok && x.appoint(ctx, invitation) && x.letIn(ctx) && x.revoke(ctx) && x.appoint(ctx, invitation)
}

// revoke removes the slot of the phone, whose session ends with it.
func (x *crashWays) revoke(ctx context.Context) bool {
	phone := x.phone
	x.phone = nil
	slot, err := phone.DeviceSlot(ctx)
	if err != nil {
		x.c.Error(err)
		return false
	}
	return x.repeat(ctx, "revoke", x.owner, func() error {
		err := x.owner.Sync(ctx)
		if err == nil && slices.ContainsFunc(x.owner.Slots(), func(s recovery.Slot) bool { return s.ID == slot }) {
			err = x.owner.RemoveSlots(ctx, x.password(), slot)
		}
		return err
	}) && x.ended(ctx, phone)
}

// ended: the session of a device has ended.
func (x *crashWays) ended(ctx context.Context, d *crashDevice) bool {
	return x.repeat(ctx, "session ended", nil, func() error {
		_, err := d.Account(ctx)
		if err == nil {
			x.c.Errorf("%s: a session goes on", x.u.name)
		}
		if hasCode(err, api.Unauthenticated) {
			err = nil
		}
		return err
	})
}

// appoint gives a contact a share, in place of the one before.
func (x *crashWays) appoint(ctx context.Context, invitation api.ID) bool {
	split := ""
	x.shares = false
	return x.repeat(ctx, "appoint", x.owner, func() (err error) { split, err = x.owner.Appoint(ctx, x.password(), 1, invitation); return err }) &&
		x.repeat(ctx, "receive", x.friend, func() error {
			received, err := x.friend.Receive(ctx, invitation)
			if x.shares = err == nil; err == nil && received != split {
				x.c.Errorf("%s: a share of another split", x.u.name)
			}
			return err
		})
}

// letIn approves a new device.
func (x *crashWays) letIn(ctx context.Context) bool {
	return x.repeat(ctx, "approve", x.owner, func() error {
		phone := x.c.device(x.u, false)
		a, err := phone.Join(ctx, x.who())
		if err != nil {
			return err
		}
		if err := x.owner.GrantQR(ctx, x.password(), a.QR()); err != nil {
			return err
		}
		if x.repeat(ctx, "join", nil, func() error { return a.Joined(ctx, "", []byte("a pin")) }) {
			x.phone = phone
			return nil
		}
		return ctx.Err()
	})
}

// recovers recovers the account in three ways.
func (x *crashWays) recovers(ctx context.Context) bool {
	d := x.c.device(x.u, true)
	if !x.setPhrase(ctx) ||
		!x.repeat(ctx, "login with phrase", nil, func() error { return d.LoginPhrase(ctx, x.who(), x.phrases[0]) }) || !x.setPassword(ctx, d) {
		return false
	}
	d = x.c.device(x.u, true)
	if !x.makeFile(ctx) ||
		!x.repeat(ctx, "claim by file", nil, func() error { return d.ClaimFile(ctx, x.who(), x.file) }) ||
		!x.repeat(ctx, "open by file", nil, func() error { return d.OpenClaim(ctx, x.file) }) || !x.setPassword(ctx, d) || !x.letIn(ctx) {
		return false
	}
	d, x.phone = x.phone, nil
	return x.repeat(ctx, "claim by device", nil, func() error { return d.ClaimPassword(ctx) }) &&
		x.repeat(ctx, "open by device", nil, func() error { return d.OpenClaim(ctx, nil) }) && x.setPassword(ctx, d)
}

// setPassword sets a password on a device that recovers the account, and goes on
// with this device. The sessions of the old password have ended.
func (x *crashWays) setPassword(ctx context.Context, d *crashDevice) bool {
	u, next := x.u, fmt.Sprintf("password %d of %s", x.set+x.perhaps+1, x.u.name)
	u.passwords = append(u.passwords, next)
	ok := x.repeat(ctx, "password set", nil, func() error {
		x.perhaps++
		e, err := d.SetPassword(ctx, one(next), false)
		switch {
		case err == nil:
			x.set, x.perhaps = x.set+1, x.perhaps-1
		case errors.Is(err, recovery.ErrOvertaken) || errors.Is(err, recovery.ErrUnseen):
			d.MarkSeen(ctx, e.Unseen)
		case errors.Is(err, client.ErrNotRecovered) || errors.Is(err, client.ErrLoggedOut) || hasCode(err, api.Unauthenticated): // it is set
			_, err = d.Login(ctx, u.name, one(next))
		}
		return err
	})
	if !ok {
		return false
	}
	u.passwords = []string{next}
	old := x.owner
	x.owner = d
	d.look()
	return x.ended(ctx, old)
}

// loses cancels a claim. Then the operator gives the names to a new account.
func (x *crashWays) loses(ctx context.Context) bool {
	if !x.makeFile(ctx) {
		return false
	}
	thief := x.c.device(x.u, true)
	if !x.repeat(ctx, "claim by file", nil, func() error { return thief.ClaimFile(ctx, x.who(), x.file) }) {
		return false
	}
	x.cancels = 1
	if !x.repeat(ctx, "cancel", x.owner, func() error { return x.cancelAll(ctx) }) {
		return false
	}
	x.cancels = 2
	if !x.repeat(ctx, "cancelled", nil, func() error {
		now, err := thief.Claim(ctx)
		if err == nil && now.State != api.ClaimCancelled {
			x.c.Errorf("%s: a cancelled claim is %s", x.u.name, now.State)
		}
		return err
	}) {
		return false
	}
	claimant := x.c.device(x.u, true)
	if !x.setPhrase(ctx) || !x.repeat(ctx, "claim for review", nil, func() error { return claimant.ClaimReview(ctx, x.u.name, "I have lost everything.") }) ||
		!x.repeat(ctx, "approve claims", nil, func() error { return x.operate(ctx) }) {
		return false
	}
	x.renewal = "password after the review of " + x.u.name
	x.renewed = x.repeat(ctx, "new account", nil, func() error {
		_, err := claimant.NewAccount(ctx, one(x.renewal))
		return err
	})
	return x.renewed
}

func (x *crashWays) cancelAll(ctx context.Context) error {
	all, err := x.owner.OwnClaims(ctx)
	for _, claim := range all {
		if err == nil && (claim.State == api.ClaimWaiting || claim.State == api.ClaimReady) {
			err = x.owner.CancelClaim(ctx, x.password(), claim.ID)
		}
	}
	return err
}

// operate approves all claims of the account that wait for the operator. The
// operator's command may be killed too.
func (x *crashWays) operate(ctx context.Context) error {
	run := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if x.random.IntN(3) == 0 {
			time.AfterFunc(time.Duration(x.random.IntN(100))*time.Millisecond, cancel)
		}
		out, err := exec.CommandContext(ctx, x.c.binary, append(append([]string{"reviews", "-claim-wait", crashWait}, x.c.operator...), args...)...).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%w: %s: %w", context.DeadlineExceeded, out, err) // the database may have crashed
		}
		return string(out), nil
	}
	list, err := run()
	if err != nil {
		return err
	}
	for line := range strings.Lines(list) {
		if strings.Contains(line, x.u.name+"@example.org") {
			if _, err := run("-approve", strings.Fields(line)[0], "-text", "It is her."); err != nil {
				return err
			}
		}
	}
	list, err = run()
	if err == nil && strings.Contains(list, x.u.name+"@example.org") {
		x.c.Errorf("%s: an acknowledged approval is lost", x.u.name)
	}
	return err
}

// crashWait is how long claims wait.
const crashWait = "1s"

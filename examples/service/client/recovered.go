package client

import (
	"context"
	"errors"
	"slices"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
)

// ErrNotRecovered means that the session was not opened to recover the account.
var ErrNotRecovered = errors.New("this session may not set a password without the old one")

// recovered makes a session the device's that can read, and set a password. It
// opens the keyring.
func (c *Client) recovered(ctx context.Context, who Who, in api.Opened, way api.Way, opener recovery.Opener) error {
	if err := c.takeRecovered(ctx, who, in, way); err != nil {
		return err
	}
	return c.openRecovered(ctx, opener)
}

func (c *Client) takeRecovered(ctx context.Context, who Who, in api.Opened, way api.Way) error {
	c.drop()
	return c.takeSession(ctx, who, in, func(next *accountState) {
		if before := c.account; before.Token != "" && before.Way == api.WayDevice && !before.Recovered {
			next.Joined = &heldSession{before.Token, before.Session}
		}
		next.Way, next.Recovered = way, true
	})
}

// openRecovered opens the keyring. A new device trusts the server for what the
// keyring is.
func (c *Client) openRecovered(ctx context.Context, opener recovery.Opener) error {
	var e Entered
	open := func() error { return c.keys.Open(ctx, opener) }
	err := c.openedAfter(open(), &e, open)
	if errors.Is(err, recovery.ErrNoCheckpoint) {
		err = c.openTrusted(ctx, opener)
	}
	if err == nil {
		c.open = true
	}
	return err
}

func (c *Client) openTrusted(ctx context.Context, opener recovery.Opener) error {
	h, err := c.header(ctx)
	if err != nil {
		return err
	}
	next := c.account
	next.Trusted = true
	if err := c.save(ctx, next); err != nil {
		return err
	}
	return c.keys.OpenFirst(ctx, h.Account(), opener)
}

// header fetches the header, before the keyring is open.
func (c *Client) header(ctx context.Context) (*recovery.Header, error) {
	b, err := c.remote.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	return recovery.ParseHeader(b)
}

// SetPassword sets new passwords in a session that recovers the account, and
// logs in with them. The slot of the old password is removed, and all other
// slots stay, whether the user has seen them or not. It can remove the second
// factor. After ErrCodeRequired, call Code.
//
// After recovery.ErrOvertaken or recovery.ErrUnseen, show the slots in Entered
// to the user, call MarkSeen, and then SetPassword again. After other errors,
// either the old or the new password logs in, and SetPassword can be called
// again, also in another session and with other passwords.
func (c *Client) SetPassword(ctx context.Context, new Passwords, resetFactors bool) (e Entered, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ready(); err != nil {
		return e, err
	}
	if !c.account.Recovered {
		return e, ErrNotRecovered
	}
	p, err := new.prepared()
	if err != nil {
		return e, err
	}
	defer p.clear()
	err = c.finishEarlier(ctx)
	if err == nil {
		err = c.replacePassword(ctx, p, resetFactors)
	}
	if errors.Is(err, recovery.ErrOvertaken) || errors.Is(err, recovery.ErrUnseen) {
		e.Overtaken, e.Unseen = true, slices.Clone(c.keys.Unseen())
	}
	if err != nil {
		return e, err
	}
	if err := c.remove(ctx, storeClaim); err != nil {
		return e, err
	}
	return c.login(ctx, c.account.who(), new)
}

// finishEarlier finishes an earlier change of the password, or drops it.
func (c *Client) finishEarlier(ctx context.Context) error {
	err := c.keys.Refresh(ctx)
	if errors.Is(err, recovery.ErrOvertaken) {
		err = c.keys.Resolve(ctx)
	}
	if errors.Is(err, recovery.ErrConflict) {
		err = c.keys.Refresh(ctx)
	}
	return err
}

// replacePassword stores a new record and its slot in one transaction.
func (c *Client) replacePassword(ctx context.Context, new Passwords, resetFactors bool) error {
	n, _, err := c.registration(ctx, new.Login, func(r api.Requests) (out api.Begun, err error) {
		err = c.call(ctx, "POST", "/v1/password/begin", r, &out)
		return out, err
	})
	if err != nil {
		return err
	}
	defer clear(n.export)
	p := part{upload: n.upload, opaque: n.export != nil, reset: resetFactors}
	slot, err := c.keys.Seal(ctx, c.newSlot(n, new))
	if err != nil {
		return err
	}
	if needsSlot(n, new) {
		id := api.ID(slot.ID())
		p.slot = &id
	}
	return c.changeWith(ctx, slot.ID(), p, func(e *recovery.Edit) error {
		e.Keep(c.keys.Unseen()...)
		// All slots of passwords: the server is not asked which belongs to the
		// record. It could lie, and an old password would still open the keyring.
		return replaceAll(e, slot, "export", "password")
	})
}

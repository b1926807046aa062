package client

import (
	"context"
	"encoding/json"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/kdf/prepare"
)

// accountState is what the device remembers of the account. It contains the
// tokens of the session and the device, but no keys.
type accountState struct {
	Server       string  `json:"server"`
	Name         string  `json:"name"`
	Former       int     `json:"former,omitempty"`
	OPAQUE       bool    `json:"opaque"` // the account has used OPAQUE
	TwoPasswords bool    `json:"two_passwords"`
	Token        string  `json:"token,omitempty"`
	Session      api.ID  `json:"session"`
	Device       string  `json:"device,omitempty"`
	AccountID    api.ID  `json:"account"`
	Slot         *api.ID `json:"slot,omitempty"`
	// Way is how the session was opened, and Recovered means that it can read,
	// and set a password.
	Way       api.Way `json:"way,omitempty"`
	Recovered bool    `json:"recovered,omitempty"`
	// Trusted means that such a session has trusted the server for what the
	// keyring is, and that the user was not told yet.
	Trusted bool `json:"trusted,omitempty"`
	// Joined is the session of an approved device while it recovers the account.
	Joined *heldSession `json:"joined,omitempty"`
}

type heldSession struct {
	Token   string `json:"token"`
	Session api.ID `json:"session"`
}

// mayChange reports whether the session may change the keyring.
func (a *accountState) mayChange() bool { return !a.Recovered && a.Way != api.WayDevice }

// Who names an account. Former is 0 for the account of the name. Otherwise it is
// n for the nth account before it, the newest first: an account that an operator
// has replaced after a review.
type Who struct {
	Name   string
	Former int
}

func (w Who) prepared() (Who, error) {
	name, err := prepare.Username(w.Name)
	return Who{name, w.Former}, err
}

// Server returns the server that the device of a store has logged in to, or that
// it has a claim at, or "".
func Server(ctx context.Context, s Store) (string, error) {
	for _, key := range []string{storeAccount, storeClaim} {
		var state struct{ Server string }
		b, err := s.Load(ctx, key)
		if err == nil && b != nil {
			err = json.Unmarshal(b, &state)
		}
		if err != nil || state.Server != "" {
			return state.Server, err
		}
	}
	return "", nil
}

// Name returns the name that the device has logged in with, or "".
func (c *Client) Name() string { return c.Who().Name }

// Who returns the account that the device has logged in to.
func (c *Client) Who() Who {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.account.who()
}

func (a *accountState) who() Who { return Who{a.Name, a.Former} }

// Way returns how the session was opened. If it recovers the account, it can
// read, and set a password with [Client.SetPassword]. A device without a session
// returns "".
func (c *Client) Way() (way api.Way, recovered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.account.Token == "":
		return "", false
	case c.account.Way == "":
		return api.WayPassword, false
	}
	return c.account.Way, c.account.Recovered
}

// TwoPasswords reports whether the keyring had a password of its own at the last
// login.
func (c *Client) TwoPasswords() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.account.TwoPasswords
}

// save stores what the device remembers.
func (c *Client) save(ctx context.Context, next accountState) error {
	b, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := c.cfg.Store.Swap(ctx, storeAccount, c.stored, b); err != nil {
		return err
	}
	c.account, c.stored = next, b
	return nil
}

// takeSession makes a session the device's, with other changes. The session
// before ends, unless the changes hold it.
func (c *Client) takeSession(ctx context.Context, who Who, in api.Opened, change func(next *accountState)) error {
	before := c.account
	if before.Name != "" && before.AccountID != in.Account {
		// Without a keyring, only the server has said which account it was.
		keyring, err := c.cfg.Store.Load(ctx, storeKeyring)
		if err != nil {
			return err
		}
		if keyring != nil {
			c.endSession(ctx, in.Token, in.Session)
			return ErrOtherAccount
		}
	}
	next := before
	next.Server, next.Name, next.Former = c.cfg.Server, who.Name, who.Former
	next.Token, next.Session, next.AccountID, next.Slot = in.Token, in.Session, in.Account, in.Slot
	change(&next)
	if err := c.save(ctx, next); err != nil {
		return err
	}
	held := func(token string) bool { return next.Joined != nil && next.Joined.Token == token }
	if before.Token != "" && !held(before.Token) {
		c.endSession(ctx, before.Token, before.Session)
	}
	if j := before.Joined; j != nil && !held(j.Token) {
		c.endSession(ctx, j.Token, j.Session)
	}
	return nil
}

// endSession ends a session with its own token, if it can. It would end by
// itself.
func (c *Client) endSession(ctx context.Context, token string, id api.ID) {
	c.callWith(ctx, "DELETE", path("/v1/sessions/", id), token, "", nil, nil)
}

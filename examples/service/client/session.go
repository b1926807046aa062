package client

import (
	"context"
	"errors"
	"net/url"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/wrap"
)

// Session is a session of the account.
type Session struct {
	api.Session
	Name string // as its device has called itself, or ""
}

func nameBinding(id api.ID) wrap.Binding {
	return wrap.Binding{Purpose: "service.nescio/session-name/v1", Item: id[:]}
}

// Sessions lists the sessions of the account.
func (c *Client) Sessions(ctx context.Context) ([]Session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out api.Sessions
	if err := c.call(ctx, "GET", "/v1/sessions", nil, &out); err != nil {
		return nil, err
	}
	all := make([]Session, 0, len(out.Sessions))
	for _, s := range out.Sessions {
		one := Session{Session: s}
		if c.open && len(s.Name) > 0 {
			if name, err := c.keys.UnwrapOld(s.Name, nameBinding(s.ID)); err == nil {
				one.Name = string(name)
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// NameSession names this session for the user's other devices. The server
// cannot read it.
func (c *Client) NameSession(ctx context.Context, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ready(); err != nil {
		return err
	}
	sealed, err := c.keys.Wrap([]byte(name), nameBinding(c.account.Session))
	if err != nil {
		return err
	}
	return c.call(ctx, "PUT", "/v1/session/name", api.Label{Name: sealed}, nil)
}

// EndSession ends a session.
func (c *Client) EndSession(ctx context.Context, id api.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.call(ctx, "DELETE", path("/v1/sessions/", id), nil, nil)
}

// EndOtherSessions ends all sessions except this one.
func (c *Client) EndOtherSessions(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.call(ctx, "DELETE", "/v1/sessions", nil, nil)
}

// LogOut ends this session. The device keeps what it has fetched. An approved
// device that was about to set a password goes back to its own session.
func (c *Client) LogOut(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.account.Token == "" {
		return ErrLoggedOut
	}
	err := c.call(ctx, "DELETE", path("/v1/sessions/", c.account.Session), nil, nil)
	if err != nil && !hasCode(err, api.Unauthenticated) {
		return err
	}
	next := c.account
	next.Token, next.Session, next.Way, next.Recovered = "", api.ID{}, "", false
	if j := next.Joined; j != nil {
		next.Token, next.Session, next.Way, next.Joined = j.Token, j.Session, api.WayDevice, nil
	}
	return c.save(ctx, next)
}

// Account returns what the server knows of the account.
func (c *Client) Account(ctx context.Context) (out api.Account, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	err = c.call(ctx, "GET", "/v1/account", nil, &out)
	return out, err
}

// Events returns what happened to the account last, the newest first.
func (c *Client) Events(ctx context.Context) ([]api.Event, error) {
	out, err := c.EventsBefore(ctx, "")
	return out.Events, err
}

// EventsBefore returns a page of events. The cursor of the newest page is "",
// and each page has the cursor of the next.
func (c *Client) EventsBefore(ctx context.Context, cursor string) (out api.Events, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	where := "/v1/events"
	if cursor != "" {
		where += "?before=" + url.QueryEscape(cursor)
	}
	err = c.call(ctx, "GET", where, nil, &out)
	return out, err
}

// Delete deletes the account, and what this device has of it.
func (c *Client) Delete(ctx context.Context, password []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.withPassword(password, func(p []byte) error {
		return c.confirmed(ctx, p, api.OpDelete, "/v1/account/delete", api.Empty{}, nil)
	}); err != nil {
		return err
	}
	return c.forget(ctx)
}

// Forget deletes what this device has of the account.
func (c *Client) Forget(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forget(ctx)
}

func (c *Client) forget(ctx context.Context) error {
	return errors.Join(c.remove(ctx, storeClaim), c.forgetAccount(ctx))
}

// forgetAccount keeps the claim.
func (c *Client) forgetAccount(ctx context.Context) error {
	c.keys.Close()
	c.open = false
	var errs []error
	for _, key := range []string{storeAccount, storeVault, storeItems, storeKeyring} {
		errs = append(errs, c.remove(ctx, key))
	}
	c.account, c.stored, c.items = accountState{}, nil, newCache()
	return errors.Join(errs...)
}

func (c *Client) withPassword(password []byte, f func(prepared []byte) error) error {
	if c.account.Token == "" {
		return ErrLoggedOut
	}
	prepared, err := prepare.Password(password)
	if err != nil {
		return err
	}
	defer clear(prepared)
	return f(prepared)
}

// remove deletes a value of the device.
func (c *Client) remove(ctx context.Context, key string) error {
	b, err := c.cfg.Store.Load(ctx, key)
	if err == nil && b != nil {
		err = c.cfg.Store.Swap(ctx, key, b, nil)
	}
	return err
}

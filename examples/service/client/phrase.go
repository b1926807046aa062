package client

import (
	"context"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
)

// SetPhrase makes the account's recovery phrase, in place of a former one. First
// show the words to the user, and ask for them. SetPhrase returns
// recovery.ErrUnseen if there is a former phrase, and there are slots that the
// user has not been shown. After recovery.ErrUnconfirmed either phrase may be
// the account's: set one again.
func (c *Client) SetPhrase(ctx context.Context, password []byte, p *recovery.Phrase) error {
	secret, err := p.AuthSecret()
	if err != nil {
		return err
	}
	defer clear(secret)
	return c.refreshed(ctx, password, func() error {
		if err := c.mayReplace(ctx, "phrase"); err != nil {
			return err
		}
		upload, err := c.registerPhrase(ctx, secret)
		if err != nil {
			return err
		}
		slot, err := c.keys.Seal(ctx, p)
		if err != nil {
			return err
		}
		return c.changeWith(ctx, slot.ID(), part{phrase: upload}, func(e *recovery.Edit) error {
			return replaceAll(e, slot, "phrase")
		})
	})
}

// registerPhrase registers the secret of a phrase, which is a login of its own.
func (c *Client) registerPhrase(ctx context.Context, secret []byte) ([]byte, error) {
	o, request, err := c.opaque.Register(nil, secret)
	if err != nil {
		return nil, err
	}
	defer o.Discard()
	var begun api.Begun
	if err := c.call(ctx, "POST", "/v1/phrase/begin", api.FirstMessage{OPAQUE: request}, &begun); err != nil {
		return nil, err
	}
	c.cfg.Progress("Stretching the secret of the phrase")
	n, err := finishOPAQUE(ctx, o, begun.Response)
	clear(n.export) // the slot is under the phrase itself
	return n.upload, err
}

// mayReplace returns recovery.ErrUnseen if slots of a type could not be removed,
// before more work is done.
func (c *Client) mayReplace(ctx context.Context, kind string) error {
	if err := c.keys.Refresh(ctx); err != nil {
		return err
	}
	for _, s := range c.keys.Slots() {
		if s.Type == kind && len(c.keys.Unseen()) > 0 {
			return recovery.ErrUnseen
		}
	}
	return nil
}

// LoginPhrase logs in with the recovery phrase, and opens the keyring. The
// session can read, and set a password with SetPassword. It asks for no second
// factor. A wrong phrase returns ErrAuthentication.
func (c *Client) LoginPhrase(ctx context.Context, who Who, p *recovery.Phrase) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	who, err := who.prepared()
	if err != nil {
		return err
	}
	secret, err := p.AuthSecret()
	if err != nil {
		return err
	}
	defer clear(secret)
	h, err := c.begin(secret)
	if err != nil {
		return err
	}
	defer h.discard()
	var begun api.Begun
	in := api.BeginLogin{Name: who.Name, Former: who.Former, Phrase: true, Requests: h.Requests, Device: c.account.Device}
	if err := c.callWith(ctx, "POST", "/v1/login/begin", "", "", in, &begun); err != nil {
		return err
	}
	c.cfg.Progress("Stretching the secret of the phrase")
	final, err := h.respond(ctx, begun.Response, true)
	if err != nil {
		return authentication(err)
	}
	var out api.LoggedIn
	if err := c.callWith(ctx, "POST", "/v1/login/finish", "", "", api.FinishLogin{Token: begun.Token, Final: final}, &out); err != nil {
		return authentication(err)
	}
	s, err := h.finish(out.Reply)
	if err != nil {
		return ErrServer
	}
	s.clear()
	return c.recovered(ctx, who, api.Opened{Token: out.Token, Session: out.Session, Account: out.Account, Slot: out.Slot}, api.WayPhrase, p)
}

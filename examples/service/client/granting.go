package client

import (
	"context"
	"errors"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

var (
	// ErrPasswordRequired means that the QR code may be of a new device, which
	// only the password lets in.
	ErrPasswordRequired = errors.New("a new device is let in with the password: enter it too")
	// ErrNoShare means that this account keeps no share that the question is
	// about.
	ErrNoShare = errors.New("this account keeps no share for that")
)

// GrantQR grants the question that a QR code belongs to. It was scanned from the
// other screen and never came in a link or message. If the question is a new
// device's, the password is needed, and without one GrantQR returns
// ErrPasswordRequired. After ErrOffline, the other side may have the grant.
func (c *Client) GrantQR(ctx context.Context, password []byte, qr string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fetch(ctx); err != nil {
		return err
	}
	asks, err := c.asks(ctx)
	if err != nil {
		return err
	}
	var devices []Ask
	for _, ask := range asks {
		if ask.Way == api.WayDevice {
			devices = append(devices, ask)
			continue
		}
		if ask.share == nil {
			continue
		}
		grant, err := ask.share.ApproveQR(qr, ask.Ask.Ask)
		if err == nil {
			return c.sendGrant(ctx, ask.ID, grant, ask.share.Slot())
		}
		if !belongsElsewhere(err) {
			return err
		}
	}
	switch {
	case len(devices) == 0:
		return ErrNoAsk
	case len(password) == 0:
		return ErrPasswordRequired
	}
	return c.grantDeviceQR(ctx, password, qr, devices)
}

func (c *Client) grantDeviceQR(ctx context.Context, password []byte, qr string, asks []Ask) error {
	if err := c.confirmPassword(ctx, password); err != nil {
		return err
	}
	for _, ask := range asks {
		grant, slot, err := c.keys.ApproveQR(ctx, qr, ask.Ask.Ask)
		if err == nil {
			return c.sendDevice(ctx, password, ask.ID, grant, slot)
		}
		if !belongsElsewhere(err) {
			return err
		}
	}
	return ErrNoAsk
}

// belongsElsewhere reports whether a QR code and a question do not belong
// together.
func belongsElsewhere(err error) bool {
	return errors.Is(err, recovery.ErrUntrusted) || errors.Is(err, recovery.ErrMalformed) || errors.Is(err, contacts.ErrMalformed)
}

// confirmPassword logs in inside the session, and follows the keyring. Its
// errors are then not confused with those of codes.
func (c *Client) confirmPassword(ctx context.Context, password []byte) error {
	return c.withPassword(password, func(p []byte) error {
		s, err := c.refresh(ctx, p)
		if err != nil {
			return err
		}
		s.clear()
		return c.keys.Refresh(ctx)
	})
}

func (c *Client) sendGrant(ctx context.Context, ask api.ID, grant []byte, slot recovery.SlotID) error {
	return c.call(ctx, "POST", "/v1/asks/grant", api.AskGrant{Ask: ask, Grant: grant, Slot: api.ID(slot)}, nil)
}

// sendDevice lets a device in. The password confirms which.
func (c *Client) sendDevice(ctx context.Context, password []byte, ask api.ID, grant []byte, slot recovery.SlotID) error {
	return c.withPassword(password, func(p []byte) error {
		return c.confirmed(ctx, p, api.OpApprove, "/v1/asks/grant", api.AskGrant{Ask: ask, Grant: grant, Slot: api.ID(slot)}, nil)
	})
}

// Granting grants a question with codes that both sides type.
type Granting struct {
	c   *Client
	ask Ask

	approval approval
	device   *recovery.Approval // one of the two
	contact  *contacts.Approval

	code  string
	grant []byte // to send
	slot  recovery.SlotID
}

// approval is a recovery.Approval or a contacts.Approval.
type approval interface {
	Answer() []byte
	Code(reveal []byte) (string, error)
	Discard()
}

// Grant answers a question. Next, show the Code to the other side. A question
// takes one answer: if that is lost, the other side asks again.
func (c *Client) Grant(ctx context.Context, ask api.ID) (*Granting, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fetch(ctx); err != nil {
		return nil, err
	}
	found, err := c.findAsk(ctx, ask)
	if err != nil {
		return nil, err
	}
	g := &Granting{c: c, ask: found}
	if found.Way == api.WayDevice {
		if g.device, err = c.keys.Approve(found.Ask.Ask); err != nil {
			return nil, err
		}
		g.approval = g.device
	} else {
		_, share, err := c.keptShare(ctx, found.Number)
		if err != nil {
			return nil, err
		}
		if g.contact, err = share.Approve(found.Ask.Ask); err != nil {
			return nil, err
		}
		g.approval, g.slot = g.contact, share.Slot()
	}
	if err := c.call(ctx, "POST", "/v1/asks/answer", api.AskAnswer{Ask: ask, Answer: g.approval.Answer()}, nil); err != nil {
		g.Discard()
		return nil, err
	}
	return g, nil
}

// Ask returns the question.
func (g *Granting) Ask() Ask { return g.ask }

// Discard ends the exchange on this side.
func (g *Granting) Discard() { g.approval.Discard() }

// Code returns the code to show, once the other side has answered. Until then it
// returns ErrNotYet.
func (g *Granting) Code(ctx context.Context) (string, error) {
	g.c.mu.Lock()
	defer g.c.mu.Unlock()
	if g.code != "" {
		return g.code, nil
	}
	now, err := g.c.findAsk(ctx, g.ask.ID)
	if err != nil {
		return "", err
	}
	if now.Reveal == nil {
		return "", ErrNotYet
	}
	g.code, err = g.approval.Code(now.Reveal)
	return g.code, compared(err)
}

// Finish grants the question with the code on the other screen. A new device
// needs the password too. A wrong code returns ErrCodes. After an error of the
// server, Finish can be called again.
func (g *Granting) Finish(ctx context.Context, password []byte, typed string) error {
	c := g.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := checkCode(typed); err != nil {
		return err
	}
	if g.grant == nil {
		if err := g.make(ctx, password, typed); err != nil {
			return err
		}
	}
	if g.device != nil {
		return c.sendDevice(ctx, password, g.ask.ID, g.grant, g.slot)
	}
	return c.sendGrant(ctx, g.ask.ID, g.grant, g.slot)
}

func (g *Granting) make(ctx context.Context, password []byte, typed string) (err error) {
	if g.contact != nil {
		g.grant, err = g.contact.Grant(typed)
		return compared(err)
	}
	if err := g.c.confirmPassword(ctx, password); err != nil {
		return err
	}
	g.grant, g.slot, err = g.device.Grant(ctx, typed)
	return compared(err)
}

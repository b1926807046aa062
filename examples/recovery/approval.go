package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

// poll is how often one side looks whether the other has answered.
var poll = 200 * time.Millisecond

// await waits for the message that get returns.
func (c *client) await(ctx context.Context, owner, id string, get func(request) []byte) ([]byte, error) {
	for {
		r, err := c.srv.request(owner, id)
		if err != nil {
			return nil, err
		}
		if m := get(r); len(m) > 0 {
			return m, nil
		}
		if c.srv.now().Sub(r.Since) > requestLife {
			return nil, errors.New("nobody answered: run the command again when both are there")
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(poll):
		}
	}
}

// request asks for an approval, and returns the grant. The keys of the request are in
// memory alone, so that the program waits for the other side.
func (c *client) request(ctx context.Context, q *recovery.Request, r request, use func(grant []byte) error) error {
	defer q.Discard()
	r.Ask = q.Ask()
	id, err := c.srv.post(c.name, r)
	if err != nil {
		return err
	}
	defer c.srv.end(c.name, id)
	if r.Contact == "" {
		c.say("Request %s waits. On a device that is in, run: approve %s -id %s", id, c.name, id)
	} else {
		c.say("Request %s waits. %s runs: release %s -as %s -id %s", id, r.Contact, c.name, r.Contact, id)
	}
	if r.Code {
		answer, err := c.await(ctx, c.name, id, func(r request) []byte { return r.Answer })
		if err != nil {
			return err
		}
		reveal, code, err := q.Reveal(answer)
		if err != nil {
			return err
		}
		if err := c.srv.reveal(c.name, id, reveal); err != nil {
			return err
		}
		c.say("The code is %s.", code)
		if err := c.agree("Does the other side show the same code?"); err != nil {
			return err
		}
	} else {
		c.say("Text of the QR code, for the other side's eyes alone:\n%s", q.QR())
	}
	grant, err := c.await(ctx, c.name, id, func(r request) []byte { return r.Grant })
	if err != nil {
		return err
	}
	return use(grant)
}

// approver is who can approve a request: a keyring a device, a share its owner.
type approver interface {
	ApproveQR(qr string, ask []byte) (grant []byte, slot recovery.SlotID, err error)
	Approve(ask []byte) (*recovery.Approval, error)
}

type byShare struct{ *contacts.Share }

func (s byShare) ApproveQR(qr string, ask []byte) (grant []byte, none recovery.SlotID, err error) {
	grant, err = s.Share.ApproveQR(qr, ask)
	return grant, none, err
}

// approve goes through an approval up to the grant, which the caller passes on. Of a
// device it returns its new slot too.
func (c *client) approve(ctx context.Context, owner string, r request, by approver) (grant []byte, slot recovery.SlotID, err error) {
	if !r.Code {
		qr, err := c.ask("Text of the QR code of request " + r.ID)
		if err != nil {
			return nil, slot, err
		}
		grant, slot, err = by.ApproveQR(qr, r.Ask)
		if errors.Is(err, recovery.ErrMalformed) {
			err = errors.New("this is not the whole text that the other device shows")
		}
		return grant, slot, err
	}
	// Whoever sits between has a try of 2^30 for each pair of requests that users begin
	// here and there: so both take a user's action, and a service lets them begin few in
	// a row.
	if err := c.agree("Compare a short code with request " + r.ID + " now?"); err != nil {
		return nil, slot, err
	}
	a, err := by.Approve(r.Ask)
	if err != nil {
		return nil, slot, err
	}
	defer a.Discard()
	if err := c.srv.answer(c.on, owner, r.ID, a.Answer()); err != nil {
		return nil, slot, err
	}
	reveal, err := c.await(ctx, owner, r.ID, func(r request) []byte { return r.Reveal })
	if err != nil {
		return nil, slot, err
	}
	code, err := a.Compare(reveal)
	if err != nil {
		return nil, slot, err
	}
	c.say("The code is %s.", code)
	if err := c.agree("Does the other side show the same code?"); err != nil {
		c.srv.end(owner, r.ID)
		return nil, slot, err
	}
	grant, err = a.Grant()
	return grant, a.Slot(), err
}

// pick returns the request of an id, or the only one there is.
func (c *client) pick(owner, contact, id string) (r request, err error) {
	open, err := c.srv.requests(c.on, owner)
	if err != nil {
		return r, err
	}
	count := 0
	for _, o := range open {
		if o.Contact == contact && len(o.Grant) == 0 && (id == "" || id == o.ID) {
			r, count = o, count+1
		}
	}
	switch count {
	case 0:
		return r, errors.New("there is no such request: the other side begins, and waits")
	case 1:
		return r, nil
	}
	return r, fmt.Errorf("there are %d requests: add -id, with what the right device shows", count)
}

// becomeDevice asks for approval of this device, and keeps what it is granted.
func (c *client) becomeDevice(ctx context.Context, byCode bool) error {
	number, err := c.srv.number(c.name)
	if err != nil {
		return err
	}
	q, err := recovery.NewRequest(recovery.ForDevice, number)
	if err != nil {
		return err
	}
	token := random(32)
	hash := sha256.Sum256(token)
	return c.request(ctx, q, request{Code: byCode, Token: hash[:]}, func(grant []byte) error {
		device, pin, err := q.OpenDevice(grant)
		if err != nil {
			return err
		}
		encoded, err := pin.MarshalBinary()
		if err != nil {
			return err
		}
		// What the grant brings is of somebody who is in: more than an old pin is.
		if err := c.keep(func(s *state) { *s = state{Pins: [][]byte{encoded}, Device: device.Secret(), Token: token} }); err != nil {
			return err
		}
		if _, err := c.enter(ctx); err != nil {
			return err
		}
		c.say("This device is approved, as %s.", device.ID())
		return nil
	})
}

// approveDevice approves the request of another device of the account. The header
// goes up before the grant goes out.
func (c *client) approveDevice(ctx context.Context, k *recovery.Keyring, r request) error {
	if err := checkRoom(k); err != nil {
		return err
	}
	if !r.Code { // by code approve asks
		if err := c.agree("Do you have the device before you that shows request " + r.ID + ", and is it yours? It will see all that you see."); err != nil {
			return err
		}
	}
	grant, slot, err := c.approve(ctx, c.name, r, k)
	if err != nil {
		return err
	}
	if err := c.upload(k, c.put); err != nil {
		return err
	}
	c.say("Approved, as device %s.", slot)
	return c.srv.grant(c.on, c.name, r.ID, slot, grant)
}

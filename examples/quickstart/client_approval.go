package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"github.com/nescio-go/nescio/recovery"
)

var errWaiting = errors.New("nobody has answered yet")

// asking is a request for approval of this device's, which waits at the server. Its
// keys are in memory alone: both sides are there while it lasts.
type asking struct {
	*recovery.Request
	c      *client
	handle string
}

// state asks how far the request has come.
func (a *asking) state(ctx context.Context) (now requestState, err error) {
	err = a.c.call(ctx, "POST", "/request", requestHandle{a.handle}, &now)
	return now, err
}

// grant returns what the other side has granted.
func (a *asking) grant(ctx context.Context) ([]byte, error) {
	now, err := a.state(ctx)
	if err == nil && len(now.Grant) == 0 {
		err = errWaiting
	}
	return now.Grant, err
}

// code goes on with an approval by short code, once the other side has answered, and
// returns the code for this side's screen.
func (a *asking) code(ctx context.Context) (string, error) {
	now, err := a.state(ctx)
	if err != nil {
		return "", err
	}
	if len(now.Answer) == 0 {
		return "", errWaiting
	}
	reveal, code, err := a.Reveal(now.Answer)
	if err != nil {
		return "", err
	}
	return code, a.c.call(ctx, "PUT", "/request/reveal", approvalMessage{a.handle, reveal}, nil)
}

// askToJoin asks another device of the account to approve this one.
func (c *client) askToJoin(ctx context.Context, name string) (*asking, error) {
	var of numberResponse
	if err := c.call(ctx, "POST", "/device/number", numberRequest{name}, &of); err != nil {
		return nil, err
	}
	q, err := recovery.NewRequest(recovery.ForDevice, of.Number)
	if err != nil {
		return nil, err
	}
	token := make([]byte, 32)
	rand.Read(token)
	sum := sha256.Sum256(token)
	var made requestHandle
	if err := c.call(ctx, "POST", "/device/request", deviceRequest{name, q.Ask(), sum[:]}, &made); err != nil {
		return nil, err
	}
	c.device = deviceLogin{Username: name, Token: token}
	return &asking{q, c, made.Request}, nil
}

// approveDevice lets in the device whose QR code the user has scanned, out of all that
// ask, since everybody can. The header goes up before the grant goes out. If another
// device changes the keyring in between, the approval is made again, on what that one
// made; a grant of before is never sent, since a request serves one.
func (c *client) approveDevice(ctx context.Context, k *recovery.Keyring, qr string) (*recovery.Keyring, error) {
	var waiting []requestState
	if err := c.call(ctx, "GET", "/device/requests", struct{}{}, &waiting); err != nil {
		return nil, err
	}
	var granted deviceGrant
	k, err := c.changeKeyring(ctx, k, func(k *recovery.Keyring) error {
		for _, w := range waiting {
			grant, slot, err := k.ApproveQR(qr, w.Ask)
			if isOther(err) {
				continue
			}
			granted = deviceGrant{w.Request, slot[:], grant}
			return err
		}
		return recovery.ErrApproval
	})
	if err != nil {
		return nil, err
	}
	return k, c.call(ctx, "PUT", "/device/grant", granted, nil)
}

// isOther reports whether an approval failed since the code is not of that request.
func isOther(err error) bool {
	return errors.Is(err, recovery.ErrApproval) || errors.Is(err, recovery.ErrMalformed)
}

// join takes the grant: a way in, and a pin. The pin comes from one who is in, so that
// there is nothing to ask the user.
func (c *client) join(ctx context.Context, a *asking) (*recovery.Keyring, error) {
	grant, err := a.grant(ctx)
	if err != nil {
		return nil, err
	}
	device, pin, err := a.OpenDevice(grant)
	if err != nil {
		return nil, err
	}
	encoded, err := pin.MarshalBinary()
	if err != nil {
		return nil, err
	}
	id := device.ID()
	c.pins, c.way, c.device.Slot = [][]byte{encoded}, device, id[:]
	if err := c.enterAsDevice(ctx); err != nil {
		return nil, err
	}
	return c.openKeyring(ctx)
}

// enterAsDevice begins a session of an approved device.
func (c *client) enterAsDevice(ctx context.Context) error {
	var in deviceResponse
	if err := c.call(ctx, "POST", "/device/session", c.device, &in); err != nil {
		return err
	}
	c.user, c.token = canonical(c.device.Username), in.AccessToken
	return nil
}

package client

import (
	"context"
	"errors"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/recovery"
)

// deviceAsking is the question of a device that wants to join an account.
type deviceAsking struct {
	who     Who
	request *recovery.Request
	joined  *recovery.Device // once the grant was opened
	vault   bool             // the secret is kept
}

// Join asks the user's other devices to let this one in. Show one of them the QR
// code, or compare codes with it. The question is open for some minutes. Unlike
// a login on a new device, this trusts the server with nothing.
func (c *Client) Join(ctx context.Context, who Who) (*Asking, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	claimed, who, err := c.beginClaim(ctx, who, api.BeginClaim{Way: api.WayDevice})
	if err != nil {
		return nil, err
	}
	request, err := recovery.NewRequest(recovery.AccountID(claimed.Number))
	if err != nil {
		return nil, err
	}
	a, err := c.ask(ctx, &claimState{Token: claimed.Token}, request)
	if err == nil {
		a.device = &deviceAsking{who: who, request: request}
	}
	return a, err
}

// Joined takes the grant of the other device, with the code on its screen, or ""
// after a QR code. It returns ErrNotYet, or ErrCodes. The password opens this
// device later, as in Unlock, and nothing else. The session can read and write
// items. After another error, Joined can be called again.
func (a *Asking) Joined(ctx context.Context, typed string, password []byte) error {
	c := a.c
	c.mu.Lock()
	defer c.mu.Unlock()
	d := a.device
	if d == nil {
		return ErrNoAsk
	}
	prepared, err := prepare.Password(password) // before the request is used up
	if err != nil {
		return err
	}
	clear(prepared)
	if d.joined == nil {
		grant, err := a.grant(ctx, typed)
		if err != nil {
			return err
		}
		d.joined, err = c.keys.Join(ctx, d.request, grant, typed)
		if errors.Is(err, recovery.ErrOtherAccount) {
			return ErrOtherAccount
		}
		if err != nil {
			return compared(err)
		}
		c.open = false // the client follows the new slot from now on
	}
	if !d.vault {
		_, cost, err := c.device(ctx)
		if err != nil {
			return err
		}
		if err := c.storeVault(ctx, d.joined, cost, password); err != nil {
			return err
		}
		d.vault = true
	}
	return c.enterDevice(ctx, a.claim.Token, d)
}

// enterDevice opens the session of an approved device, and the keyring.
func (c *Client) enterDevice(ctx context.Context, token string, d *deviceAsking) error {
	var in api.Opened
	if err := c.callWith(ctx, "POST", "/v1/claims/open", "", "", api.ClaimToken{Token: token}, &in); err != nil {
		return err
	}
	c.drop()
	err := c.takeSession(ctx, d.who, in, func(next *accountState) {
		next.Way, next.Recovered, next.Joined, next.TwoPasswords = api.WayDevice, false, nil, false
	})
	if err != nil {
		return err
	}
	if err := c.keys.Open(ctx, d.joined); err != nil {
		return err
	}
	c.open = true
	return c.wrapVault(ctx, d.joined)
}

package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
)

var (
	// ErrNoClaim means that this device has no claim.
	ErrNoClaim = errors.New("this device has no claim")
	// ErrHasClaim means that this device has a claim already. See DropClaim.
	ErrHasClaim = errors.New("this device has a claim already")
	// ErrNotReady means that a claim waits.
	ErrNotReady = errors.New("the claim is not ready yet")
	// ErrClaimOver means that a claim was cancelled, was refused, is too old, or
	// opens nothing.
	ErrClaimOver = errors.New("the claim is over")
	// ErrNewAccountOnly means that the operator allows a new account only.
	ErrNewAccountOnly = errors.New("the operator allows a new account under the old names only")
	// ErrNoNewAccount means that a claim opens the account, and makes no other.
	ErrNoNewAccount = errors.New("the claim opens the account: the operator has not allowed a new one")
)

// claimState is the claim of this device. It contains shares, any k of which
// open the keyring once the claim is ready.
type claimState struct {
	Server string   `json:"server"`
	Name   string   `json:"name"`
	Former int      `json:"former,omitempty"`
	Way    api.Way  `json:"way"`
	Token  string   `json:"token"`
	Number api.ID   `json:"number"`
	Shares [][]byte `json:"shares,omitempty"`

	stored []byte
}

func (s *claimState) who() Who { return Who{s.Name, s.Former} }

// loadClaim returns the claim of this device, or ErrNoClaim.
func (c *Client) loadClaim(ctx context.Context) (*claimState, error) {
	b, err := c.cfg.Store.Load(ctx, storeClaim)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, ErrNoClaim
	}
	s := &claimState{stored: b}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("the claim of this device is damaged: %w", err)
	}
	if s.Server != c.cfg.Server {
		return nil, ErrOtherServer
	}
	return s, nil
}

func (c *Client) saveClaim(ctx context.Context, s *claimState) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := c.cfg.Store.Swap(ctx, storeClaim, s.stored, b); err != nil {
		return err
	}
	s.stored = b
	return nil
}

// noClaim returns ErrHasClaim if this device has a claim.
func (c *Client) noClaim(ctx context.Context) error {
	b, err := c.cfg.Store.Load(ctx, storeClaim)
	if err == nil && b != nil {
		err = ErrHasClaim
	}
	return err
}

// ClaimFile claims an account with its recovery file. After a wait, OpenClaim
// opens the keyring, unless the account's owner cancels the claim. The server
// gives the same answer for every name and file.
func (c *Client) ClaimFile(ctx context.Context, who Who, f *recovery.File) error {
	slot := api.ID(f.ID())
	if slot == (api.ID{}) {
		return recovery.ErrMalformed
	}
	proof, err := fileProof(f)
	if err != nil {
		return err
	}
	return c.claim(ctx, who, api.BeginClaim{Way: api.WayFile, Slot: &slot, Proof: proof})
}

// ClaimContacts claims an account with the shares of its contacts: see
// AskContact. The wait begins when enough of them have answered.
func (c *Client) ClaimContacts(ctx context.Context, who Who) error {
	return c.claim(ctx, who, api.BeginClaim{Way: api.WayContacts})
}

// ClaimReview asks the operator for a new account under the names of an old one.
// The text says who asks. A device that has an account needs its name here.
func (c *Client) ClaimReview(ctx context.Context, name, text string) error {
	who, err := Who{Name: name}.prepared()
	if err != nil {
		return err
	}
	if mine := c.Name(); mine != "" && mine != who.Name {
		return ErrOtherAccount // NewAccount would forget it
	}
	return c.claim(ctx, Who{Name: name}, api.BeginClaim{Way: api.WayReview, Text: text})
}

func (c *Client) claim(ctx context.Context, who Who, in api.BeginClaim) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.noClaim(ctx); err != nil {
		return err
	}
	claimed, who, err := c.beginClaim(ctx, who, in)
	if err != nil {
		return err
	}
	return c.saveClaim(ctx, &claimState{
		Server: c.cfg.Server, Name: who.Name, Former: who.Former, Way: in.Way, Token: claimed.Token, Number: claimed.Number,
	})
}

func (c *Client) beginClaim(ctx context.Context, who Who, in api.BeginClaim) (out api.Claimed, prepared Who, err error) {
	if who, err = who.prepared(); err != nil {
		return out, who, err
	}
	in.Name, in.Former = who.Name, who.Former
	err = c.callWith(ctx, "POST", "/v1/claims/begin", "", "", in, &out)
	return out, who, err
}

// ClaimPassword claims a password for the account on an approved device, which
// has none. After a wait, call Unlock, OpenClaim and SetPassword.
func (c *Client) ClaimPassword(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.account.Token == "" {
		return ErrLoggedOut
	}
	if err := c.noClaim(ctx); err != nil {
		return err
	}
	var out api.Claimed
	if err := c.call(ctx, "POST", "/v1/claims/password", api.Empty{}, &out); err != nil {
		return err
	}
	return c.saveClaim(ctx, &claimState{
		Server: c.cfg.Server, Name: c.account.Name, Former: c.account.Former, Way: api.WayDevice, Token: out.Token, Number: out.Number,
	})
}

// Claim returns the state of this device's claim, or ErrNoClaim.
func (c *Client) Claim(ctx context.Context) (api.Claim, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.loadClaim(ctx)
	if err != nil {
		return api.Claim{}, err
	}
	return c.claimStatus(ctx, s.Token)
}

// ClaimOf returns the account that this device claims, or ErrNoClaim.
func (c *Client) ClaimOf(ctx context.Context) (Who, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.loadClaim(ctx)
	if err != nil {
		return Who{}, err
	}
	return s.who(), nil
}

func (c *Client) claimStatus(ctx context.Context, token string) (out api.Claim, err error) {
	err = c.callWith(ctx, "POST", "/v1/claims/status", "", "", api.ClaimToken{Token: token}, &out)
	return out, err
}

// DropClaim forgets the claim of this device and the shares of contacts. The
// server is not told.
func (c *Client) DropClaim(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.remove(ctx, storeClaim)
}

package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

// OpenClaim opens the keyring with a claim that is ready. The file is for claims
// with a file, and nil otherwise. On an approved device, call Unlock first.
// The session can read, and set a password with SetPassword. Until then
// OpenClaim can be repeated.
func (c *Client) OpenClaim(ctx context.Context, f *recovery.File) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.loadClaim(ctx)
	if err != nil {
		return err
	}
	switch {
	case s.Way == api.WayFile && f == nil:
		return recovery.ErrMalformed
	case s.Way == api.WayDevice && !c.open:
		return ErrLocked
	}
	now, err := c.claimStatus(ctx, s.Token)
	if err != nil {
		return err
	}
	if err := ready(now); err != nil {
		return err
	}
	if now.Account || s.Way == api.WayReview {
		return ErrNewAccountOnly
	}
	var in api.Opened
	if err := c.callWith(ctx, "POST", "/v1/claims/open", "", "", api.ClaimToken{Token: s.Token}, &in); err != nil {
		return err
	}
	if err := c.takeRecovered(ctx, s.who(), in, s.Way); err != nil {
		return err
	}
	switch s.Way {
	case api.WayFile:
		complete, err := f.WithServerSecret(in.Half)
		if err != nil {
			return err
		}
		return c.openRecovered(ctx, complete)
	case api.WayContacts:
		return c.openShares(ctx, s.Shares)
	}
	return c.keys.Refresh(ctx)
}

// ready reports whether a claim can be opened.
func ready(now api.Claim) error {
	switch now.State {
	case api.ClaimReady:
		return nil
	case api.ClaimAsked, api.ClaimWaiting, api.ClaimReview:
		return ErrNotReady
	}
	if now.Reason != "" {
		return fmt.Errorf("%w: %s", ErrClaimOver, now.Reason)
	}
	return ErrClaimOver
}

// openShares opens the keyring with the shares that contacts have granted. Those
// of another slot do not fit, such as shares from before the contacts were
// replaced.
func (c *Client) openShares(ctx context.Context, kept [][]byte) error {
	h, err := c.header(ctx)
	if err != nil {
		return err
	}
	var errs []error
	bySlot := make(map[recovery.SlotID][]*contacts.Share)
	for _, b := range kept {
		share, err := contacts.ParseShare(b)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		bySlot[share.Slot()] = append(bySlot[share.Slot()], share)
	}
	for slot, shares := range bySlot {
		collection, err := contacts.NewCollection(h, slot)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, share := range shares {
			errs = append(errs, collection.Add(share))
		}
		if collection.Missing() == 0 {
			return c.openRecovered(ctx, collection)
		}
	}
	return errors.Join(append(errs, contacts.ErrFew)...)
}

// NewAccount makes a new account under the names of the old one, after the
// operator has approved a review, and logs in. This device forgets the old
// account, which former logins and claims can still open. After an error,
// NewAccount can be called again with the same passwords.
func (c *Client) NewAccount(ctx context.Context, new Passwords) (e Entered, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.loadClaim(ctx)
	if err != nil {
		return e, err
	}
	if c.account.Name != "" && c.account.Name != s.Name {
		return e, ErrOtherAccount
	}
	now, err := c.claimStatus(ctx, s.Token)
	if err != nil {
		return e, err
	}
	if now.State == api.ClaimDone { // the answer was lost, unless the old account was recovered
		e, err = c.login(ctx, Who{Name: s.Name}, new)
	} else {
		err = c.replaceAccount(ctx, s.Token, now, new)
	}
	if err == nil && now.State != api.ClaimDone || errors.Is(err, ErrOtherAccount) {
		if err := c.forgetAccount(ctx); err != nil {
			return e, err
		}
		e, err = c.login(ctx, Who{Name: s.Name}, new)
	}
	if err != nil {
		return e, err
	}
	return e, c.remove(ctx, storeClaim)
}

// replaceAccount makes the new account.
func (c *Client) replaceAccount(ctx context.Context, token string, now api.Claim, new Passwords) error {
	if err := ready(now); err != nil {
		return err
	}
	if !now.Account {
		return ErrNoNewAccount
	}
	p, err := new.prepared()
	if err != nil {
		return err
	}
	defer p.clear()
	n, begun, err := c.registration(ctx, p.Login, func(r api.Requests) (out api.Begun, err error) {
		err = c.callWith(ctx, "POST", "/v1/register/begin", "", "", r, &out)
		return out, err
	})
	if err != nil {
		return err
	}
	clear(n.export)
	in := api.NewAccount{Token: token, Registration: begun.Token, Upload: n.upload}
	return c.callWith(ctx, "POST", "/v1/claims/account", "", "", in, nil)
}

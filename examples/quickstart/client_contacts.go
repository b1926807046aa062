package main

import (
	"context"
	"errors"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

// What the owner of an account has to do with contacts.

var (
	errKey  = errors.New("the server's key is not the one that the contact reads out")
	errCode = errors.New("the codes differ")
)

// appointment is a contact, and the fingerprint of their key as they read it out, by
// voice or in person.
type appointment struct {
	contact, fingerprint string
}

// appoint gives contacts a share each, of whom so many have to agree, and dismisses
// those of before. Keep lets the new ones compare the fingerprint and keep their
// shares, before the old ones go.
func (c *client) appoint(ctx context.Context, k *recovery.Keyring, threshold int, people []appointment, keep func(fingerprint string) error) (*recovery.Keyring, error) {
	var keys [][]byte
	for _, p := range people {
		var has contactResponse
		if err := c.call(ctx, "POST", "/contact/key", contactRequest{p.contact}, &has); err != nil {
			return nil, err
		}
		if contacts.Fingerprint(has.PublicKey) != p.fingerprint {
			return nil, errKey // with keys of its own the server would get in
		}
		keys = append(keys, has.PublicKey)
	}
	var split *contacts.Split
	var id recovery.SlotID
	k, err := c.changeKeyring(ctx, k, func(k *recovery.Keyring) (err error) {
		if split, err = contacts.NewSplit(threshold, keys...); err != nil { // for one slot, as a file is
			return err
		}
		id, err = k.Add(ctx, split)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, m := range split.Messages() {
		if err := c.call(ctx, "PUT", "/contact/message", contactMessage{people[i].contact, m}, nil); err != nil {
			return nil, err
		}
	}
	if err := keep(split.Fingerprint()); err != nil {
		return nil, err
	}
	return c.changeKeyring(ctx, k, func(k *recovery.Keyring) error {
		return k.Revoke(ctx, slots(k, func(s recovery.Slot) bool { return s.Type == recovery.SlotContacts && s.ID != id })...)
	})
}

// collection is for the shares of the account's contacts.
func (c *client) collection(ctx context.Context) (*contacts.Collection, error) {
	h, err := c.fetchKeyring(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range h.Slots() {
		if s.Type == recovery.SlotContacts {
			return contacts.NewCollection(h, s.ID)
		}
	}
	return nil, recovery.ErrNotMine
}

// askForShare asks a contact for their share.
func (c *client) askForShare(ctx context.Context, contact string) (*asking, error) {
	h, err := c.fetchKeyring(ctx)
	if err != nil {
		return nil, err
	}
	number := h.Account()
	q, err := recovery.NewRequest(recovery.ForShare, number[:])
	if err != nil {
		return nil, err
	}
	var made requestHandle
	if err := c.call(ctx, "POST", "/share/request", shareRequest{contact, q.Ask()}, &made); err != nil {
		return nil, err
	}
	return &asking{q, c, made.Request}, nil
}

// share takes the grant of a contact.
func (a *asking) share(ctx context.Context) (*contacts.Share, error) {
	grant, err := a.grant(ctx)
	if err != nil {
		return nil, err
	}
	return contacts.OpenGrant(a.Request, grant)
}

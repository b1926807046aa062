package client

import (
	"context"
	"errors"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

// ErrNoMessage means that an owner has not delivered a share yet.
var ErrNoMessage = errors.New("there is no share to receive yet")

// ContactOf returns the people whose contact the user is.
func (c *Client) ContactOf(ctx context.Context) ([]Contact, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of, err := c.accepted(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := c.contactKeys(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Contact, 0, len(of))
	for _, in := range of {
		one := Contact{Invitation: in.ID, State: ContactAccepted, Received: in.Received}
		if len(keys) > 0 {
			one.Fingerprint = contacts.Fingerprint(keys[0].PublicKey())
		}
		item, share, err := c.keptOf(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		one.Label = item.Title
		if in.Slot != nil {
			one.Slot, one.State = recovery.SlotID(*in.Slot), ContactDelivered
		}
		if share != nil && share.Slot() == one.Slot {
			one.Split = share.Fingerprint()
			if in.Received {
				one.State = ContactReceived
			}
		}
		all = append(all, one)
	}
	return all, nil
}

func (c *Client) accepted(ctx context.Context) ([]api.ContactOf, error) {
	if err := c.fetch(ctx); err != nil {
		return nil, err
	}
	var out api.Contacts
	err := c.call(ctx, "GET", "/v1/contacts", nil, &out)
	return out.Of, err
}

// contactOf returns an invitation that the user has accepted.
func (c *Client) contactOf(ctx context.Context, id api.ID) (api.ContactOf, error) {
	of, err := c.accepted(ctx)
	if err != nil {
		return api.ContactOf{}, err
	}
	for _, one := range of {
		if one.ID == id {
			return one, nil
		}
	}
	return api.ContactOf{}, ErrNoInvitation
}

// Receive fetches the share of an invitation that the user has accepted, and
// keeps it in place of a former one. It returns the fingerprint of the split.
// Compare it with the owner, by voice: otherwise the server may have made the
// share. It can be called again.
func (c *Client) Receive(ctx context.Context, id api.ID) (fingerprint string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	in, err := c.contactOf(ctx, id)
	if err != nil {
		return "", err
	}
	if in.Slot == nil {
		return "", ErrNoMessage
	}
	item, share, err := c.keptOf(ctx, id)
	if err != nil {
		return "", err
	}
	if share == nil || share.Slot() != recovery.SlotID(*in.Slot) {
		if share, err = c.openMessage(ctx, in, share); err != nil {
			return "", err
		}
		if err := c.keepShare(ctx, id, item, share); err != nil {
			return "", err
		}
	}
	if err := c.sync(ctx); err != nil { // the server forgets the message next
		return "", err
	}
	if !in.Received {
		err = c.call(ctx, "POST", "/v1/contacts/received", api.Receipt{Invitation: id, Slot: api.ID(share.Slot())}, nil)
	}
	return share.Fingerprint(), err
}

// openMessage opens the message of an owner, with former the share before.
func (c *Client) openMessage(ctx context.Context, in api.ContactOf, former *contacts.Share) (*contacts.Share, error) {
	if in.Message == nil {
		return nil, ErrNoMessage
	}
	keys, err := c.contactKeys(ctx)
	if err != nil {
		return nil, err
	}
	refused := error(contacts.ErrOpen)
	for _, key := range keys {
		share, err := key.Open(in.Message)
		if err != nil {
			refused = err
			continue
		}
		if share.Slot() != recovery.SlotID(*in.Slot) || former != nil && share.Account() != former.Account() {
			return nil, contacts.ErrForeign
		}
		return share, nil
	}
	return nil, refused
}

func (c *Client) keepShare(ctx context.Context, id api.ID, item Item, share *contacts.Share) error {
	if item.Fields == nil {
		item = Item{Kind: kindContactOf, Fields: map[string]string{fieldInvitation: id.String()}}
	}
	secret := share.Secret()
	defer clear(secret)
	item.Fields[fieldShare] = encodeSecret(secret)
	_, err := c.put(ctx, item)
	return err
}

// keptOf returns the item of an invitation, and the share in it or nil. It
// prefers an item with a share.
func (c *Client) keptOf(ctx context.Context, id api.ID) (item Item, share *contacts.Share, err error) {
	items, err := c.hiddenItems(ctx, kindContactOf)
	if err != nil {
		return item, nil, err
	}
	for _, one := range ofInvitation(items, id) {
		if kept, err := contacts.ParseShare(one.secret(fieldShare)); err == nil {
			return one, kept, nil
		}
		if item.Fields == nil {
			item = one
		}
	}
	return item, nil, nil
}

// keptShare returns the newest share of an account's keyring, or ErrNoShare.
func (c *Client) keptShare(ctx context.Context, number api.ID) (Item, *contacts.Share, error) {
	items, err := c.hiddenItems(ctx, kindContactOf)
	if err != nil {
		return Item{}, nil, err
	}
	for _, one := range items {
		if kept, err := contacts.ParseShare(one.secret(fieldShare)); err == nil && kept.Account() == recovery.AccountID(number) {
			return one, kept, nil
		}
	}
	return Item{}, nil, ErrNoShare
}

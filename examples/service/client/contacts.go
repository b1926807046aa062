package client

import (
	"context"
	"errors"
	"slices"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

// ContactState is how far an invitation is.
type ContactState string

// The states.
const (
	ContactInvited   ContactState = "invited"   // the contact has not accepted yet
	ContactAccepted  ContactState = "accepted"  // and has no share of the keyring
	ContactForged    ContactState = "forged"    // see ErrForged
	ContactDelivered ContactState = "delivered" // the contact can fetch the share
	ContactReceived  ContactState = "received"  // the contact keeps the share
)

// Contact is an invitation that the user has sent or accepted.
type Contact struct {
	Invitation api.ID
	Label      string
	State      ContactState
	// Link is for the contact, who has not accepted yet.
	Link string
	// Fingerprint is of the contact's key. The owner and the contact compare it
	// by voice before the owner appoints the contact.
	Fingerprint string
	// Split is the fingerprint of the split that the share is of. The owner and
	// the contact compare it by voice after Receive.
	Split string
	// Slot is the slot of the keyring that the share belongs to, or zero.
	Slot     recovery.SlotID
	Received bool
	Created  int64 // in Unix seconds, and 0 for accepted invitations
}

// Contacts returns the people whom the user has invited.
func (c *Client) Contacts(ctx context.Context) ([]Contact, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	invited, err := c.invited(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Contact, 0, len(invited))
	for _, i := range invited {
		all = append(all, i.Contact)
	}
	return all, nil
}

// invited is an invitation with the contact's public key, which is nil until the
// contact has accepted.
type invited struct {
	Contact
	item      Item
	publicKey []byte
}

func (c *Client) invited(ctx context.Context) ([]invited, error) {
	if err := c.fetch(ctx); err != nil {
		return nil, err
	}
	var out api.Contacts
	if err := c.call(ctx, "GET", "/v1/contacts", nil, &out); err != nil {
		return nil, err
	}
	items, err := c.hiddenItems(ctx, kindContact)
	if err != nil {
		return nil, err
	}
	before := c.items
	all := make([]invited, 0, len(out.Invited))
	for _, in := range out.Invited {
		one := invited{Contact: Contact{Invitation: in.ID, State: ContactInvited, Received: in.Received, Created: in.Created}}
		if of := ofInvitation(items, in.ID); len(of) > 0 {
			one.item, one.Label = of[0], of[0].Title
			if err := c.look(ctx, &one, in); err != nil {
				return nil, err
			}
		}
		all = append(all, one)
	}
	if c.items != before { // new keys were noted
		return all, c.push(ctx)
	}
	return all, nil
}

// look opens the contact's answer and notes the key that it has seen first. The
// server may have the link, and could answer later with another key.
func (c *Client) look(ctx context.Context, one *invited, in api.Invitation) error {
	i := invitation{in.ID, one.item.secret(fieldSecret)}
	if in.Answer == nil {
		if len(i.secret) == 32 {
			one.Link = i.link(c.cfg.Server)
		}
		return nil
	}
	publicKey, err := i.open(ctx, in.Answer)
	known := one.item.Fields[fieldFingerprint]
	if err != nil || known != "" && known != contacts.Fingerprint(publicKey) {
		one.State, one.Fingerprint = ContactForged, known
		return nil
	}
	one.State, one.publicKey, one.Fingerprint = ContactAccepted, publicKey, contacts.Fingerprint(publicKey)
	if known == "" && !c.account.Recovered {
		one.item.Fields[fieldFingerprint] = one.Fingerprint
		if one.item, err = c.put(ctx, one.item); err != nil {
			return err
		}
	}
	if in.Slot == nil || !slices.ContainsFunc(c.keys.Slots(), func(s recovery.Slot) bool { return s.ID == recovery.SlotID(*in.Slot) }) {
		return nil // the contacts were replaced, or removed
	}
	one.Slot, one.State = recovery.SlotID(*in.Slot), ContactDelivered
	if one.item.Fields[fieldSlot] == one.Slot.String() {
		one.Split = one.item.Fields[fieldSplit]
	}
	if in.Received {
		one.State = ContactReceived
	}
	return nil
}

// ErrNotAccepted means that a contact has not accepted the invitation yet.
var ErrNotAccepted = errors.New("a contact has not accepted the invitation yet")

// Appoint lets any k of the contacts and the server open the keyring together,
// in place of the contacts before. Pass only invitations whose Fingerprint the
// user has compared with the contact, by voice. It returns the fingerprint of
// the split, which each contact compares after Receive.
//
// It returns recovery.ErrUnseen if there are contacts before, and slots that the
// user has not been shown. After another error, contacts may have no share:
// call Appoint again, which makes new shares for all.
func (c *Client) Appoint(ctx context.Context, password []byte, k int, invitations ...api.ID) (fingerprint string, err error) {
	err = c.refreshed(ctx, password, func() error {
		if err := c.mayReplace(ctx, "contacts"); err != nil {
			return err
		}
		appointed, err := c.chosen(ctx, invitations)
		if err != nil {
			return err
		}
		publicKeys := make([][]byte, 0, len(appointed))
		for _, one := range appointed {
			publicKeys = append(publicKeys, one.publicKey)
		}
		split, err := contacts.NewSplit(k, publicKeys...)
		if err != nil {
			return err
		}
		slot, err := c.keys.Seal(ctx, split)
		if err != nil {
			return err
		}
		if err := c.keys.Change(ctx, func(e *recovery.Edit) error { return replaceAll(e, slot, "contacts") }); err != nil {
			return err
		}
		fingerprint = split.Fingerprint()
		return c.deliver(ctx, appointed, split, slot.ID())
	})
	return fingerprint, err
}

func (c *Client) chosen(ctx context.Context, invitations []api.ID) ([]invited, error) {
	all, err := c.invited(ctx)
	if err != nil {
		return nil, err
	}
	var chosen []invited
	for _, id := range invitations {
		i := slices.IndexFunc(all, func(one invited) bool { return one.Invitation == id })
		switch {
		case i < 0:
			return nil, ErrNoInvitation
		case all[i].State == ContactForged:
			return nil, ErrForged
		case all[i].publicKey == nil:
			return nil, ErrNotAccepted
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// deliver gives each contact's share to the server, once the header is stored.
func (c *Client) deliver(ctx context.Context, appointed []invited, split *contacts.Split, slot recovery.SlotID) error {
	messages := split.Messages()
	for i, one := range appointed {
		one.item.Fields[fieldSlot], one.item.Fields[fieldSplit] = slot.String(), split.Fingerprint()
		if _, err := c.put(ctx, one.item); err != nil {
			return err
		}
		in := api.Delivery{Invitation: one.Invitation, Slot: api.ID(slot), Message: messages[i]}
		if err := c.call(ctx, "POST", "/v1/contacts/deliver", in, nil); err != nil {
			return err
		}
	}
	return c.sync(ctx)
}

// Disinvite ends an invitation that the user has sent or accepted. A contact's
// share still opens the keyring with others until the owner appoints again, or
// removes the slot.
func (c *Client) Disinvite(ctx context.Context, password []byte, id api.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ready(); err != nil {
		return err
	}
	err := c.withPassword(password, func(p []byte) error {
		return c.confirmed(ctx, p, api.OpContact, "/v1/contacts/remove", api.InvitationID{Invitation: id}, nil)
	})
	if err != nil && !hasCode(err, api.NotFound) {
		return err
	}
	for _, kind := range []string{kindContact, kindContactOf} {
		items, err := c.hiddenItems(ctx, kind)
		if err != nil {
			return err
		}
		for _, item := range ofInvitation(items, id) {
			if err := c.removeItem(ctx, item.ID); err != nil {
				return err
			}
		}
	}
	return c.sync(ctx)
}

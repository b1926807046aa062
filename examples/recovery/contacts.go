package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

// appoint gives contacts a share each. The old contacts serve until all the new ones
// have kept theirs.
func (c *client) appoint(ctx context.Context, k *recovery.Keyring, threshold int, names []string) error {
	var keys [][]byte
	for _, name := range names {
		key, err := c.srv.contactKey(c.on, name)
		if err != nil {
			return err
		}
		// Without this the server could pass keys of its own, and get in.
		if err := c.agree(fmt.Sprintf("The key of %s is %s. Does %s say the same, by voice or in person?", name, contacts.Fingerprint(key), name)); err != nil {
			return err
		}
		keys = append(keys, key)
	}
	split, err := contacts.NewSplit(threshold, keys...)
	if err != nil {
		return err
	}
	id, err := c.add(ctx, k, split)
	if err != nil {
		return err
	}
	messages := split.Messages()
	for i, message := range messages {
		if err := c.srv.deliver(c.on, names[i], message); err != nil {
			return err
		}
	}
	c.say("The fingerprint of their shares is %s.", split.Fingerprint())
	for waiting := names; len(waiting) > 0; {
		if err := c.agree("Have they all compared it with you, and run keep? Until then contacts of before count."); err != nil {
			return err
		}
		waiting = nil
		for i, message := range messages {
			waits, err := c.srv.waits(c.on, names[i], message)
			if err != nil {
				return err
			}
			if waits {
				waiting = append(waiting, names[i])
			}
		}
		if len(waiting) > 0 {
			c.say("These have not run keep yet: %s.", strings.Join(waiting, ", "))
		}
	}
	if err := c.srv.putContacts(c.on, id, names); err != nil {
		return err
	}
	return c.revoke(ctx, k, recovery.SlotContacts, id)
}

// ownKey is the key pair to which others seal shares for this account.
func (c *client) ownKey(ctx context.Context, k *recovery.Keyring, a account) (*contacts.Key, error) {
	secret, err := unseal(ctx, k, contactKey, a.ContactSecret)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return contacts.ParseKey(secret)
}

// accept keeps a share of an owner's, under the contact's own keyring. Anybody could
// have sealed it, the server as well, so the two compare its fingerprint.
func (c *client) accept(ctx context.Context, k *recovery.Keyring, owner string) error {
	a, err := c.srv.mine(c.on)
	if err != nil {
		return err
	}
	key, err := c.ownKey(ctx, k, a)
	if err != nil {
		return err
	}
	refused := false
	for _, m := range a.Shares {
		share, err := key.Open(m.Sealed)
		if m.Owner != owner || err != nil {
			continue
		}
		c.say("A share of the key of %s, %d of %d, of which %d have to agree: %s", owner, share.Index(), share.Contacts(), share.Threshold(), share.Fingerprint())
		if answer, err := c.ask("Does " + owner + " say the same, by voice or in person? (yes/no)"); err != nil {
			return err
		} else if answer != "yes" {
			refused = true // and perhaps there is the right one too
			continue
		}
		secret := share.Secret()
		defer clear(secret)
		kept, err := seal(ctx, k, shareKey, secret)
		if err != nil {
			return err
		}
		return c.srv.keep(c.on, m, kept)
	}
	if refused {
		return fmt.Errorf("you said no, so the share is not kept: if %s reads out another fingerprint, somebody else made it", owner)
	}
	number, err := c.srv.number(owner)
	if err != nil {
		return err
	}
	if c.kept(ctx, k, a, func(s *contacts.Share) bool { n := s.Account(); return bytes.Equal(n[:], number) }) != nil {
		return fmt.Errorf("a share of %s is kept already, and there is no other", owner)
	}
	return fmt.Errorf("there is no share of %s to keep", owner)
}

// kept finds a share among those that were compared, or returns nil.
func (c *client) kept(ctx context.Context, k *recovery.Keyring, a account, is func(*contacts.Share) bool) *contacts.Share {
	for _, m := range a.Kept {
		secret, err := unseal(ctx, k, shareKey, m)
		if err != nil {
			continue // the server has spoilt it
		}
		share, err := contacts.ParseShare(secret)
		clear(secret)
		if err == nil && is(share) {
			return share
		}
	}
	return nil
}

// share finds the share that a request of an owner is about.
func (c *client) share(ctx context.Context, k *recovery.Keyring, owner string, r request) (*contacts.Share, error) {
	a, err := c.srv.mine(c.on)
	if err != nil {
		return nil, err
	}
	if share := c.kept(ctx, k, a, func(s *contacts.Share) bool { return s.Slot() == r.Slot }); share != nil {
		return share, nil
	}
	return nil, fmt.Errorf("there is no share of %s here that this request is about: keep puts one here", owner)
}

// handOut lets the owner have the contact's share, by the approval of their device.
func (c *client) handOut(ctx context.Context, k *recovery.Keyring, owner string, r request) error {
	if err := c.srv.release(owner); err != nil { // before the contact is asked
		return err
	}
	share, err := c.share(ctx, k, owner, r)
	if err != nil {
		return err
	}
	if err := c.agree("Have you recognised " + owner + " by face or voice, and do they ask for it themselves?"); err != nil {
		return err
	}
	grant, _, err := c.approve(ctx, owner, r, byShare{share})
	if err != nil {
		return err
	}
	if err := c.srv.grant(c.on, owner, r.ID, recovery.SlotID{}, grant); err != nil {
		return err
	}
	c.say("The share has gone to the device of %s.", owner)
	return nil
}

// collect asks contacts for their shares until there are enough. What came is kept,
// so that it can take days.
func (c *client) collect(ctx context.Context, byCode bool) (*contacts.Collection, error) {
	h, err := c.srv.header(c.on)
	if err != nil {
		return nil, err
	}
	slot, names, err := c.srv.contacts(c.on)
	if err != nil {
		return nil, err
	}
	all, err := contacts.NewCollection(h, slot)
	if err != nil {
		return nil, fmt.Errorf("%s has no contacts: use another way", c.name)
	}
	left := slices.Clone(names) // to be asked
	add := func(share *contacts.Share) error {
		if err := all.Add(share); err != nil {
			return err
		}
		if i := share.Index() - 1; i < len(names) { // the names are the server's word
			left = slices.DeleteFunc(left, func(name string) bool { return name == names[i] })
		}
		return nil
	}
	for _, secret := range c.state.Shares {
		if share, err := contacts.ParseShare(secret); err == nil {
			add(share) // or it is of contacts of before
		}
	}
	number := h.Account()
	for all.Missing() > 0 {
		c.say("%d of %d shares are here. Contacts to ask: %s", all.Threshold()-all.Missing(), all.Threshold(), strings.Join(left, ", "))
		contact, err := c.ask("Whom do you ask now")
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, contact) {
			c.say("%q is none of them.", contact)
			continue
		}
		if !slices.Contains(left, contact) {
			c.say("%s's share is here already.", contact)
			continue
		}
		q, err := recovery.NewRequest(recovery.ForShare, number[:])
		if err != nil {
			return nil, err
		}
		r := request{Contact: contact, Slot: slot, Code: byCode}
		if err := c.request(ctx, q, r, func(grant []byte) error { return c.take(add, q, grant) }); err != nil {
			if ctx.Err() != nil || errors.Is(err, errHeld) {
				return nil, err
			}
			c.say("That brought nothing: %v", explain(err)) // a contact may err, or lie: ask another
		}
	}
	return all, nil
}

func (c *client) take(add func(*contacts.Share) error, q *recovery.Request, grant []byte) error {
	share, err := contacts.OpenGrant(q, grant)
	if err != nil {
		return err
	}
	if err := add(share); err != nil {
		return err
	}
	return c.keep(func(s *state) { s.Shares = append(s.Shares, share.Secret()) })
}

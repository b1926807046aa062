package client

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/nescio-go/nescio/wrap"
)

var (
	// ErrNotALink means a text that is not the link of an invitation.
	ErrNotALink = errors.New("that is not the link of an invitation")
	// ErrNoInvitation means that there is no such invitation.
	ErrNoInvitation = errors.New("there is no such invitation")
	// ErrForged means that an answer to an invitation is not from anyone who has
	// the link, or that the contact's key has changed.
	ErrForged = errors.New("the answer to the invitation is forged: invite the contact again")
)

const invitationPurpose = "service.nescio/invitation/v1"

func invitationBinding(id api.ID) wrap.Binding {
	return wrap.Binding{Purpose: invitationPurpose, Item: id[:]}
}

// invitation is what a link contains. Browsers do not send the part after the #.
type invitation struct {
	id     api.ID
	secret []byte // 32 bytes
}

const linkPath = "/contact#"

// link returns the invitation's link to a server.
func (i invitation) link(server string) string {
	return strings.TrimSuffix(server, "/") + linkPath + i.id.String() + "." + base64.RawURLEncoding.EncodeToString(i.secret)
}

// parseLink reverses link. Any server is accepted, because a service may have
// several addresses.
func parseLink(text string) (i invitation, err error) {
	server, fragment, ok := strings.Cut(strings.TrimSpace(text), linkPath)
	id, secret, dot := strings.Cut(fragment, ".")
	if !ok || !dot || server == "" || i.id.UnmarshalText([]byte(id)) != nil || strings.ContainsAny(secret, "\r\n") {
		return i, ErrNotALink
	}
	i.secret, err = base64.RawURLEncoding.Strict().DecodeString(secret)
	if err != nil || len(i.secret) != 32 {
		return invitation{}, ErrNotALink
	}
	return i, nil
}

// seal encrypts the contact's public key for the owner.
func (i invitation) seal(ctx context.Context, publicKey []byte) ([]byte, error) {
	key, err := wrap.DeriveKey(i.secret, nil, invitationPurpose)
	if err != nil {
		return nil, err
	}
	defer key.Destroy()
	return key.Wrap(ctx, publicKey, invitationBinding(i.id))
}

// open reverses seal.
func (i invitation) open(ctx context.Context, answer []byte) ([]byte, error) {
	key, err := wrap.DeriveKey(i.secret, nil, invitationPurpose)
	if err != nil {
		return nil, err
	}
	defer key.Destroy()
	publicKey, err := key.Unwrap(ctx, answer, invitationBinding(i.id))
	if err != nil {
		return nil, ErrForged
	}
	return publicKey, nil
}

// Invite invites a contact, whom the label names for the user alone. Give the
// contact the link in private, or show it as a QR code. Anyone who has it can
// answer in the contact's place, until both compare fingerprints.
func (c *Client) Invite(ctx context.Context, label string) (link string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ready(); err != nil {
		return "", err
	}
	var out api.InvitationID
	if err := c.call(ctx, "POST", "/v1/contacts/invite", api.Empty{}, &out); err != nil {
		return "", err
	}
	i := invitation{id: out.Invitation, secret: make([]byte, 32)}
	rand.Read(i.secret)
	item := Item{Kind: kindContact, Title: label, Fields: map[string]string{
		fieldInvitation: i.id.String(), fieldSecret: encodeSecret(i.secret),
	}}
	if _, err := c.put(ctx, item); err != nil {
		return "", err
	}
	return i.link(c.cfg.Server), c.sync(ctx)
}

// AcceptInvitation accepts to be somebody's contact, whom the label names for
// the user alone. It returns the fingerprint of the user's own key. Read it to
// the owner, by voice.
func (c *Client) AcceptInvitation(ctx context.Context, link, label string) (fingerprint string, err error) {
	i, err := parseLink(link)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.sync(ctx); err != nil { // another device may have the key
		return "", err
	}
	key, err := c.contactKey(ctx)
	if err != nil {
		return "", err
	}
	kept, err := c.hiddenItems(ctx, kindContactOf)
	if err != nil {
		return "", err
	}
	if len(ofInvitation(kept, i.id)) == 0 {
		item := Item{Kind: kindContactOf, Title: label, Fields: map[string]string{fieldInvitation: i.id.String()}}
		if _, err := c.put(ctx, item); err != nil {
			return "", err
		}
	}
	if err := c.sync(ctx); err != nil { // nobody else has the key
		return "", err
	}
	answer, err := i.seal(ctx, key.PublicKey())
	if err != nil {
		return "", err
	}
	err = c.call(ctx, "POST", "/v1/contacts/accept", api.Acceptance{Invitation: i.id, Answer: answer}, nil)
	if hasCode(err, api.Conflict) {
		if _, found := c.contactOf(ctx, i.id); found == nil {
			err = nil // the answer was lost
		}
	}
	if hasCode(err, api.NotFound) {
		err = ErrNoInvitation
	}
	if err != nil {
		return "", err
	}
	return contacts.Fingerprint(key.PublicKey()), nil
}

// contactKey returns the user's key as a contact, and makes it once.
func (c *Client) contactKey(ctx context.Context) (*contacts.Key, error) {
	keys, err := c.contactKeys(ctx)
	if err != nil {
		return nil, err
	}
	if len(keys) > 0 {
		return keys[0], nil
	}
	key, err := contacts.NewKey()
	if err != nil {
		return nil, err
	}
	secret := key.Secret()
	defer clear(secret)
	_, err = c.put(ctx, Item{Kind: kindContactKey, Fields: map[string]string{fieldSecret: encodeSecret(secret)}})
	return key, err
}

// contactKeys returns several keys if two devices have made one.
func (c *Client) contactKeys(ctx context.Context) (keys []*contacts.Key, err error) {
	items, err := c.hiddenItems(ctx, kindContactKey)
	for _, item := range items {
		key, err := contacts.ParseKey(item.secret(fieldSecret))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, err
}

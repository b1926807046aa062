package main

import (
	"context"
	"errors"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

// contact is the program of somebody whom Alice trusts, on a device of theirs.
type contact struct {
	client // for its calls: it has the token of a mailbox
	name   string
	key    *contacts.Key     // in the platform's key store
	shares []*contacts.Share // there too; none that was not compared with its owner
}

// newContact makes a key pair, and opens a mailbox.
func newContact(ctx context.Context, base, name string) (*contact, error) {
	key, err := contacts.NewKey()
	if err != nil {
		return nil, err
	}
	p := &contact{client: client{base: base}, name: name, key: key}
	var in mailboxResponse
	err = p.call(ctx, "POST", "/contacts", mailboxRequest{name, key.PublicKey()}, &in)
	p.token = in.AccessToken
	return p, err
}

// says is what the contact tells the owner by voice.
func (p *contact) says() appointment {
	return appointment{p.name, contacts.Fingerprint(p.key.PublicKey())}
}

// errShare means that somebody else has sealed something to the contact's key, which
// the server knows.
var errShare = errors.New("the share is not what the owner reads out")

// receive opens what an owner has sent, and keeps the share if its fingerprint is the
// one that the owner reads out.
func (p *contact) receive(ctx context.Context, owner, fingerprint string) error {
	var all messages
	if err := p.call(ctx, "GET", "/contact/messages", struct{}{}, &all); err != nil {
		return err
	}
	share, err := p.key.Open(all[owner])
	if err != nil {
		return err
	}
	if share.Fingerprint() != fingerprint {
		return errShare
	}
	p.shares = append(p.shares, share)
	return nil
}

// latest is the share that counts, as far as this contact knows.
func (p *contact) latest() *contacts.Share { return p.shares[len(p.shares)-1] }

// handOut lets the device have a share whose QR code the contact has scanned.
func (p *contact) handOut(ctx context.Context, share *contacts.Share, qr string) error {
	var waiting []requestState
	if err := p.call(ctx, "GET", "/share/requests", struct{}{}, &waiting); err != nil {
		return err
	}
	for _, w := range waiting {
		grant, err := share.ApproveQR(qr, w.Ask)
		if isOther(err) {
			continue
		}
		if err != nil {
			return err
		}
		return p.call(ctx, "PUT", "/share/grant", approvalMessage{w.Request, grant}, nil)
	}
	return recovery.ErrApproval
}

// answering is an approval by short code, of the contact's.
type answering struct {
	*recovery.Approval
	p      *contact
	handle string
}

var errWhich = errors.New("not one new request from there")

// answer begins to hand a share out by short code: when the owner is on the telephone
// and says that they have just asked, never for a message that came in.
func (p *contact) answer(ctx context.Context, share *contacts.Share, owner string) (*answering, error) {
	var waiting, fresh []requestState
	if err := p.call(ctx, "GET", "/share/requests", struct{}{}, &waiting); err != nil {
		return nil, err
	}
	for _, w := range waiting {
		if w.Owner == owner && len(w.Answer) == 0 && len(w.Grant) == 0 {
			fresh = append(fresh, w)
		}
	}
	if len(fresh) != 1 {
		return nil, errWhich
	}
	a, err := share.Approve(fresh[0].Ask)
	if err != nil {
		return nil, err
	}
	request := approvalMessage{fresh[0].Request, a.Answer()}
	return &answering{a, p, request.Request}, p.call(ctx, "PUT", "/share/answer", request, nil)
}

// code returns the code for this side's screen.
func (a *answering) code(ctx context.Context) (string, error) {
	var now requestState
	if err := a.p.call(ctx, "POST", "/request", requestHandle{a.handle}, &now); err != nil {
		return "", err
	}
	if len(now.Reveal) == 0 {
		return "", errWaiting
	}
	return a.Compare(now.Reveal)
}

// grant hands the share out, once both users have said yes.
func (a *answering) grant(ctx context.Context) error {
	grant, err := a.Grant()
	if err != nil {
		return err
	}
	return a.p.call(ctx, "PUT", "/share/grant", approvalMessage{a.handle, grant}, nil)
}

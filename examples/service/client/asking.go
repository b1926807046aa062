package client

import (
	"context"
	"errors"
	"slices"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

var (
	// ErrNotYet means that the other side has not answered yet.
	ErrNotYet = errors.New("the other side has not answered yet")
	// ErrNoAsk means that there is no such question, or that it is too old.
	ErrNoAsk = errors.New("there is no such question, or it is too old")
)

// Asking is a question to another device of the user, or to a contact. It lives
// in memory. There are two ways to answer it. Either the other side scans the QR
// code, or both sides type the code on the other one's screen, which they tell
// each other by voice and never in a message. After QR there is no code.
type Asking struct {
	c       *Client
	claim   *claimState
	id      api.ID
	request asker

	device *deviceAsking // one of the two
	share  *contacts.Request

	reveal []byte // to send
	code   string // to show, once it was sent
	sent   bool
	kept   *contacts.Share // until it is stored
}

// asker is a recovery.Request or a contacts.Request.
type asker interface {
	QR() string
	Ask() []byte
	Reveal(answer []byte) (reveal []byte, code string, err error)
	Discard()
}

var _, _ asker = (*recovery.Request)(nil), (*contacts.Request)(nil)

// ask sends a question.
func (c *Client) ask(ctx context.Context, claim *claimState, request asker) (*Asking, error) {
	var out api.AskID
	if err := c.callWith(ctx, "POST", "/v1/claims/ask", "", "", api.NewAsk{Token: claim.Token, Ask: request.Ask()}, &out); err != nil {
		request.Discard()
		return nil, err
	}
	return &Asking{c: c, claim: claim, id: out.ID, request: request}, nil
}

// AskContact asks a contact for a share, in a claim with contacts. Show the
// contact the QR code, or tell the contact the number of the question.
func (c *Client) AskContact(ctx context.Context) (*Asking, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	claim, err := c.loadClaim(ctx)
	if err != nil {
		return nil, err
	}
	if claim.Way != api.WayContacts {
		return nil, ErrNoClaim
	}
	request, err := contacts.NewRequest(recovery.AccountID(claim.Number))
	if err != nil {
		return nil, err
	}
	a, err := c.ask(ctx, claim, request)
	if err == nil {
		a.share = request
	}
	return a, err
}

// Number returns four digits, by which the other side finds the question.
func (a *Asking) Number() string { return AskNumber(a.id) }

// AskNumber returns the four digits of a question.
func AskNumber(ask api.ID) string { return ask.String()[:4] }

// QR returns the content of the QR code, for this screen alone.
func (a *Asking) QR() string { return a.request.QR() }

// Discard ends the question on this side.
func (a *Asking) Discard() { a.request.Discard() }

// Code returns the code to show, once the other side has answered. Until then it
// returns ErrNotYet.
func (a *Asking) Code(ctx context.Context) (string, error) {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if a.sent {
		return a.code, nil
	}
	if a.reveal == nil {
		asked, err := a.poll(ctx)
		if err != nil {
			return "", err
		}
		if asked.Answer == nil {
			return "", ErrNotYet
		}
		if a.reveal, a.code, err = a.request.Reveal(asked.Answer); err != nil {
			return "", err
		}
	}
	in := api.Reveal{Token: a.claim.Token, Ask: a.id, Reveal: a.reveal}
	if err := a.c.callWith(ctx, "POST", "/v1/claims/reveal", "", "", in, nil); err != nil {
		return "", err
	}
	a.sent = true
	return a.code, nil
}

// poll asks the server once what was answered.
func (a *Asking) poll(ctx context.Context) (api.Asked, error) {
	now, err := a.c.claimStatus(ctx, a.claim.Token)
	if err != nil {
		return api.Asked{}, err
	}
	i := slices.IndexFunc(now.Asks, func(one api.Asked) bool { return one.ID == a.id })
	switch {
	case now.State == api.ClaimFailed || now.State == api.ClaimCancelled || now.State == api.ClaimRefused:
		return api.Asked{}, ErrClaimOver
	case i < 0:
		return api.Asked{}, ErrNoAsk
	}
	return now.Asks[i], nil
}

// grant returns the grant of the other side, or ErrNotYet.
func (a *Asking) grant(ctx context.Context, typed string) ([]byte, error) {
	if err := checkCode(typed); err != nil {
		return nil, err
	}
	asked, err := a.poll(ctx)
	if err == nil && asked.Grant == nil {
		err = ErrNotYet
	}
	return asked.Grant, err
}

// Share takes the contact's share, with the code on the contact's screen, or ""
// after a QR code. It returns the number of shares that are still missing, or
// ErrNotYet, or ErrCodes. The claim keeps the share.
func (a *Asking) Share(ctx context.Context, typed string) (missing int, err error) {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if a.share == nil {
		return 0, ErrNoAsk
	}
	if a.kept == nil {
		grant, err := a.grant(ctx, typed)
		if err != nil {
			return 0, err
		}
		if a.kept, err = a.share.Open(grant, typed); err != nil {
			return 0, compared(err)
		}
	}
	claim, err := a.c.loadClaim(ctx)
	if err != nil {
		return 0, err
	}
	if claim.Token != a.claim.Token {
		return 0, ErrNoClaim
	}
	missing = claim.keep(a.kept)
	return missing, a.c.saveClaim(ctx, claim)
}

// keep adds a share, and returns how many its slot still needs.
func (s *claimState) keep(share *contacts.Share) (missing int) {
	s.Shares = slices.DeleteFunc(s.Shares, func(b []byte) bool {
		old, err := contacts.ParseShare(b)
		return err != nil || old.Slot() == share.Slot() && old.Index() == share.Index()
	})
	s.Shares = append(s.Shares, share.Secret())
	missing = share.Threshold()
	for _, b := range s.Shares {
		if old, err := contacts.ParseShare(b); err == nil && old.Slot() == share.Slot() {
			missing--
		}
	}
	return max(0, missing)
}

package client

import (
	"context"
	"net/url"
	"slices"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery/contacts"
)

// Ask is a question that this device may grant. Label is the name that the user
// has given to the owner who asks for a share.
type Ask struct {
	api.Ask
	Label string

	share *contacts.Share // that is asked for, or nil
}

// Asks returns the open questions of new devices, and of people whose contact
// the user is. Grant nothing before you recognize the person who asks, by face
// or voice.
func (c *Client) Asks(ctx context.Context) ([]Ask, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fetch(ctx); err != nil { // another device may have received a share
		return nil, err
	}
	return c.asks(ctx)
}

// maxAskPages bounds the questions that strangers can make a device read.
const maxAskPages = 100

// asks returns all pages of questions. Strangers can ask too, and must not hide
// the right question.
func (c *Client) asks(ctx context.Context) (all []Ask, err error) {
	kept := make(map[api.ID]Ask) // by the number of the keyring
	path := "/v1/asks"
	for range maxAskPages {
		var page api.Asks
		if err := c.call(ctx, "GET", path, nil, &page); err != nil {
			return nil, err
		}
		for _, one := range page.Asks {
			ask, ok := kept[one.Number]
			if !ok && one.Way == api.WayContacts {
				if item, share, err := c.keptShare(ctx, one.Number); err == nil {
					ask.Label, ask.share = item.Title, share
				}
				kept[one.Number] = ask
			}
			ask.Ask = one
			all = append(all, ask)
		}
		if page.Before == "" {
			break
		}
		path = "/v1/asks?before=" + url.QueryEscape(page.Before)
	}
	return all, nil
}

// AskOfQR returns the question that a QR code belongs to, so that the user can
// compare its Label with the person before GrantQR. Questions of new devices
// have no label.
func (c *Client) AskOfQR(ctx context.Context, qr string) (Ask, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fetch(ctx); err != nil {
		return Ask{}, err
	}
	asks, err := c.asks(ctx)
	if err != nil {
		return Ask{}, err
	}
	for _, ask := range asks {
		if ask.share == nil {
			continue
		}
		if _, err := ask.share.ApproveQR(qr, ask.Ask.Ask); err == nil {
			return ask, nil
		}
	}
	i := slices.IndexFunc(asks, func(a Ask) bool { return a.Way == api.WayDevice })
	if i < 0 {
		return Ask{}, ErrNoAsk
	}
	return asks[i], nil
}

// findAsk returns an open question, or ErrNoAsk.
func (c *Client) findAsk(ctx context.Context, id api.ID) (Ask, error) {
	asks, err := c.asks(ctx)
	if err != nil {
		return Ask{}, err
	}
	i := slices.IndexFunc(asks, func(a Ask) bool { return a.ID == id })
	if i < 0 {
		return Ask{}, ErrNoAsk
	}
	return asks[i], nil
}

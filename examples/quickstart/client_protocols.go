package main

import (
	"context"
	"errors"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
)

// loginClient is what the two protocols have in common on the client's side.
type loginClient interface {
	Respond(ctx context.Context, response []byte) (final []byte, err error)
	Finish(reply []byte) (key []byte, err error)
	Discard()
}

var (
	_ loginClient = (*srp.Login)(nil)
	_ loginClient = (*opaque.Login)(nil)
)

var (
	errPushedBack = errors.New("refused: this account has OPAQUE, and the server asks for SRP")
	errProtocol   = errors.New("the server chose a protocol that was not on offer")
)

// signedIn is what a login ends with.
type signedIn struct {
	protocol protocol
	key      []byte // of the session, the same as the server's
	export   []byte // by OPAQUE: what the master key can be wrapped under
}

// signIn logs in by the protocol that the server chooses.
func (c *client) signIn(ctx context.Context, name string, password []byte) (signedIn, error) {
	login, begun, err := c.begin(ctx, name, password)
	if err != nil {
		return signedIn{}, err
	}
	defer login.Discard()
	final, err := login.Respond(ctx, begun.Response) // from here on the password is used
	if err != nil {
		return signedIn{}, err
	}
	var finished finishResponse
	if err := c.call(ctx, "POST", "/login/finish", finishRequest{name, begun.Session, final}, &finished); err != nil {
		return signedIn{}, err
	}
	key, err := login.Finish(finished.Reply)
	if err != nil {
		return signedIn{}, err
	}
	in := signedIn{protocol: begun.Protocol, key: key}
	c.user, c.token = canonical(name), finished.AccessToken
	if login, ok := login.(*opaque.Login); ok {
		c.seen[c.user] = true // written down before anything else
		in.export, err = login.ExportKey()
	}
	return in, err
}

// begin sends the first messages of both protocols and returns the login that the
// server chose. Whoever has been seen on OPAQUE does not go back, and their
// password is not touched: a server that asks for SRP is not the one that deleted
// the verifier. On a device that has seen nothing there is only TLS to tell.
func (c *client) begin(ctx context.Context, name string, password []byte) (chosen loginClient, begun beginResponse, err error) {
	old, hello, err := c.srp.Login(nil, password)
	if err != nil {
		return nil, beginResponse{}, err
	}
	defer func() { discardUnless(chosen, old) }()
	recent, request, err := c.opaque.Login(nil, password)
	if err != nil {
		return nil, beginResponse{}, err
	}
	defer func() { discardUnless(chosen, recent) }()
	requests := map[protocol][]byte{bySRP: hello, byOPAQUE: request} // the hello is two bytes
	if err := c.call(ctx, "POST", "/login/begin", beginRequest{name, requests}, &begun); err != nil {
		return nil, beginResponse{}, err
	}
	switch {
	case begun.Protocol == byOPAQUE:
		return recent, begun, nil
	case begun.Protocol != bySRP:
		return nil, beginResponse{}, errProtocol
	case c.seen[canonical(name)]:
		return nil, beginResponse{}, errPushedBack
	}
	return old, begun, nil
}

func discardUnless(chosen, login loginClient) {
	if login != chosen {
		login.Discard()
	}
}

package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
)

// handshake is a login with both protocols, until the server has chosen one.
type handshake struct {
	opaque *opaque.Login
	srp    []*srp.Login // the first that allows the server's profile is used
	chosen interface{ Finish([]byte) ([]byte, error) }
	api.Requests
}

// secrets are what a finished login has. The export key and the record are nil
// after a login with SRP.
type secrets struct {
	export, record []byte
	key            []byte // of the session
}

func (s *secrets) clear() {
	clear(s.export)
	clear(s.key)
}

// begin makes the first messages of a login.
func (c *Client) begin(password []byte) (*handshake, error) {
	return newHandshake(password, c.opaque, c.srp)
}

// beginIn makes the first messages of a step-up, in a context. The profiles of
// Proton have no contexts.
func (c *Client) beginIn(password, context []byte) (*handshake, error) {
	o, err := c.opaque.WithContext(context)
	if err != nil {
		return nil, err
	}
	s, err := c.nescio.WithContext(context)
	if err != nil {
		return nil, err
	}
	return newHandshake(password, o, s, c.proton)
}

func newHandshake(password []byte, o *opaque.Client, clients ...*srp.Client) (h *handshake, err error) {
	h = new(handshake)
	if h.opaque, h.OPAQUE, err = o.Login(nil, password); err != nil {
		return nil, err
	}
	for _, client := range clients {
		login, request, err := client.Login(nil, password)
		if err != nil {
			h.discard()
			return nil, err
		}
		h.srp, h.SRP = append(h.srp, login), request
	}
	return h, nil
}

func (h *handshake) discard() {
	h.opaque.Discard()
	for _, login := range h.srp {
		login.Discard()
	}
}

// authentication maps the errors of both sides for a wrong password to one.
// With OPAQUE the client notices it first.
func authentication(err error) error {
	if errors.Is(err, opaque.ErrAuthentication) || hasCode(err, api.LoginFailed) {
		return ErrAuthentication
	}
	return err
}

// respond answers with the protocol that the server has chosen. An account that
// has used OPAQUE never goes back to SRP.
func (h *handshake) respond(ctx context.Context, response []byte, mustBeOPAQUE bool) (final []byte, err error) {
	if len(response) > 0 && response[0] == 'O' {
		h.chosen = h.opaque
		return h.opaque.Respond(ctx, response)
	}
	if mustBeOPAQUE {
		return nil, ErrProtocol
	}
	for _, login := range h.srp {
		h.chosen = login
		// ErrPolicy comes before the password is used.
		if final, err = login.Respond(ctx, response); !errors.Is(err, srp.ErrPolicy) {
			return final, err
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrModuli, err)
}

func (h *handshake) finish(reply []byte) (s secrets, err error) {
	if s.key, err = h.chosen.Finish(reply); err != nil || h.chosen != h.opaque {
		return s, err
	}
	if s.export, err = h.opaque.ExportKey(); err != nil {
		return s, err
	}
	s.record, err = h.opaque.Record()
	return s, err
}

// newRecord is a registration, until the upload.
type newRecord struct {
	upload         []byte
	export, record []byte // nil for SRP
}

// registration registers a password with the protocol that the server offers.
// send makes the request of the first messages.
func (c *Client) registration(ctx context.Context, password []byte, send func(api.Requests) (api.Begun, error)) (n newRecord, begun api.Begun, err error) {
	o, request, err := c.opaque.Register(nil, password)
	if err != nil {
		return n, begun, err
	}
	defer o.Discard()
	s, other, err := c.register.Register(nil, password)
	if err != nil {
		return n, begun, err
	}
	defer s.Discard()
	if begun, err = send(api.Requests{OPAQUE: request, SRP: other}); err != nil {
		return n, begun, err
	}
	c.cfg.Progress("Stretching the new password")
	if len(begun.Response) > 0 && begun.Response[0] == 'O' {
		n, err = finishOPAQUE(ctx, o, begun.Response)
		return n, begun, err
	}
	if c.account.OPAQUE {
		return n, begun, ErrProtocol
	}
	if c.cfg.Moduli == nil {
		return n, begun, ErrModuli
	}
	n.upload, err = s.Finish(ctx, begun.Response)
	return n, begun, err
}

func finishOPAQUE(ctx context.Context, o *opaque.Registration, response []byte) (n newRecord, err error) {
	if n.upload, err = o.Finish(ctx, response); err != nil {
		return n, err
	}
	if n.export, err = o.ExportKey(); err != nil {
		return n, err
	}
	n.record, err = o.Record()
	return n, err
}

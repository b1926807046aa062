package client

import (
	"context"
	"crypto/sha256"
	"encoding/json"

	"github.com/nescio-go/nescio/examples/service/api"
)

// stepUp logs in again inside the session. The proof covers the operation and
// the body of the request that it confirms.
func (c *Client) stepUp(ctx context.Context, password []byte, operation string, body []byte) (token string, s secrets, err error) {
	digest := sha256.Sum256(body)
	h, err := c.beginIn(password, api.StepUpContext(c.account.Session, operation, digest))
	if err != nil {
		return "", s, err
	}
	defer h.discard()
	var begun api.Begun
	in := api.BeginStepUp{Operation: operation, Digest: digest[:], Requests: h.Requests}
	if err := c.call(ctx, "POST", "/v1/step-up/begin", in, &begun); err != nil {
		return "", s, err
	}
	c.cfg.Progress("Stretching the password")
	final, err := h.respond(ctx, begun.Response, c.account.OPAQUE)
	if err != nil {
		return "", s, authentication(err)
	}
	var out api.StepUp
	if err := c.call(ctx, "POST", "/v1/step-up/finish", api.FinishStepUp{Token: begun.Token, Final: final}, &out); err != nil {
		return "", s, err
	}
	if s, err = h.finish(out.Reply); err != nil {
		return "", s, ErrServer
	}
	return out.Token, s, nil
}

// refresh logs in inside the session, so that it may change the keyring.
func (c *Client) refresh(ctx context.Context, password []byte) (secrets, error) {
	_, s, err := c.stepUp(ctx, password, api.OpRefresh, nil)
	return s, err
}

// confirmed makes a request that the password confirms.
func (c *Client) confirmed(ctx context.Context, password []byte, operation, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	token, s, err := c.stepUp(ctx, password, operation, body)
	if err != nil {
		return err
	}
	s.clear()
	return c.callWith(ctx, "POST", path, c.account.Token, token, body, out)
}

package client

import (
	"context"

	"github.com/nescio-go/nescio/examples/service/api"
)

// OwnClaims returns the claims that somebody has made to this account, the
// newest first.
func (c *Client) OwnClaims(ctx context.Context) ([]api.OwnClaim, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out api.OwnClaims
	err := c.call(ctx, "GET", "/v1/claims", nil, &out)
	return out.Claims, err
}

// DelayClaim doubles the wait of a claim, once. It needs no password.
func (c *Client) DelayClaim(ctx context.Context, id api.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.call(ctx, "POST", "/v1/claims/delay", api.ClaimID{Claim: id}, nil)
}

// CancelClaim ends a claim. It needs the password.
func (c *Client) CancelClaim(ctx context.Context, password []byte, id api.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.withPassword(password, func(p []byte) error {
		return c.confirmed(ctx, p, api.OpCancel, "/v1/claims/cancel", api.ClaimID{Claim: id}, nil)
	})
}

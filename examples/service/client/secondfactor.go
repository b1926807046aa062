package client

import (
	"context"

	"github.com/nescio-go/nescio/examples/service/api"
)

// SendCode sends a code in a session. The server asks for it before sensitive
// changes, if the last one was ten minutes ago.
func (c *Client) SendCode(ctx context.Context, code string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := checkCode(code); err != nil {
		return err
	}
	return c.call(ctx, "POST", "/v1/session/code", api.SecondFactor{Code: code}, nil)
}

// NewTOTP begins to set up a second factor.
func (c *Client) NewTOTP(ctx context.Context, password []byte) (out api.NewTOTP, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	err = c.withPassword(password, func(p []byte) error {
		return c.confirmed(ctx, p, api.OpTOTP, "/v1/totp/begin", api.Empty{}, &out)
	})
	return out, err
}

// ConfirmTOTP turns the second factor on with its first code. It returns the
// backup codes, which the server does not show again.
func (c *Client) ConfirmTOTP(ctx context.Context, code string) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := checkCode(code); err != nil {
		return nil, err
	}
	var out api.BackupCodes
	err := c.call(ctx, "POST", "/v1/totp/confirm", api.SecondFactor{Code: code}, &out)
	return out.Codes, err
}

// RemoveTOTP turns the second factor off.
func (c *Client) RemoveTOTP(ctx context.Context, password []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.withPassword(password, func(p []byte) error {
		return c.confirmed(ctx, p, api.OpTOTPOff, "/v1/totp/remove", api.Empty{}, nil)
	})
}

// NewBackupCodes replaces the backup codes.
func (c *Client) NewBackupCodes(ctx context.Context, password []byte) (codes []string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out api.BackupCodes
	err = c.withPassword(password, func(p []byte) error {
		return c.confirmed(ctx, p, api.OpCodes, "/v1/totp/codes", api.Empty{}, &out)
	})
	return out.Codes, err
}

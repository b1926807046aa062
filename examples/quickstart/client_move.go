package main

import (
	"context"
	"errors"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/wrap"
)

// enter logs in and opens the vault. On the way it moves the account from SRP to
// OPAQUE, a step at each login, and asks the user for nothing. If only that fails,
// the vault is returned beside the error, and the next login goes on from there.
func (c *client) enter(ctx context.Context, name string, password []byte) (*vault, protocol, error) {
	in, err := c.signIn(ctx, name, password)
	if err != nil {
		return nil, "", err
	}
	defer clear(in.export)
	var keys userKeys
	if err := c.call(ctx, "GET", "/keys", struct{}{}, &keys); err != nil {
		return nil, in.protocol, err
	}
	if in.protocol == byOPAQUE {
		v, err := c.settle(ctx, keys, in.export, password)
		return v, in.protocol, err
	}
	v, err := unlock(ctx, name, keys, password)
	if err != nil {
		return nil, in.protocol, err
	}
	return v, in.protocol, c.move(ctx, v, keys, in.key, password)
}

// move registers the account with OPAQUE inside a session that SRP began. The keys
// go first, under both the password and the export key, then the record: whatever
// the next login is, it finds a key that it can open.
func (c *client) move(ctx context.Context, v *vault, keys userKeys, key, password []byte) error {
	return c.registerInside(ctx, key, password, func(_, export []byte) (err error) {
		if keys.MasterKeyExport, err = v.lockExport(ctx, export); err != nil {
			return err
		}
		return c.call(ctx, "PUT", "/keys", keys, nil)
	})
}

// registerInside registers with OPAQUE inside a session. The session's key seals the
// messages, so that nobody in between can register a password of their own. The keys
// are stored by store, before the record is.
func (c *client) registerInside(ctx context.Context, key, password []byte, store func(record, export []byte) error) error {
	m, err := opaque.NewMigration(key, []byte(c.user))
	if err != nil {
		return err
	}
	registration, request, err := c.opaque.Register(nil, password)
	if err != nil {
		return err
	}
	defer registration.Discard()
	var answer sealed
	request = m.Seal(opaque.MigrateRequest, request)
	if err := c.call(ctx, "POST", "/settings/opaque", sealed{request}, &answer); err != nil {
		return err
	}
	response, err := m.Open(opaque.MigrateResponse, answer.Message)
	if err != nil {
		return err
	}
	upload, export, err := registration.Finish(ctx, response)
	if err != nil {
		return err
	}
	defer clear(export)

	if err := store(upload, export); err != nil {
		return err
	}
	upload = m.Seal(opaque.MigrateUpload, upload)
	return c.call(ctx, "PUT", "/settings/opaque", sealed{upload}, nil)
}

// settle opens the vault by the export key, and removes the old wrap, which a
// thief could try passwords on; one who has it already still can.
func (c *client) settle(ctx context.Context, keys userKeys, export, password []byte) (*vault, error) {
	v, err := unlockExport(ctx, c.user, keys, export)
	if errors.Is(err, wrap.ErrOpen) && len(keys.MasterKey) > 0 {
		// While the account moved, another device stored keys of its own.
		v, err = unlock(ctx, c.user, keys, password)
	}
	if err != nil || len(keys.MasterKey) == 0 {
		return v, err
	}
	wrapped, err := v.lockExport(ctx, export)
	if err != nil {
		return v, err
	}
	return v, c.call(ctx, "PUT", "/keys", userKeys{MasterKeyExport: wrapped}, nil)
}

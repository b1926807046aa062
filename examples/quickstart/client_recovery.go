package main

import (
	"context"
	"slices"

	"github.com/nescio-go/nescio/recovery"
)

// signUpWithKeyring registers an account, with a keyring behind its password, a
// phrase and a file.
func (c *client) signUpWithKeyring(ctx context.Context, name string, password []byte, keep func(*recovery.Phrase, *recovery.File) error) (*recovery.Keyring, error) {
	if err := c.signUp(ctx, name, password); err != nil {
		return nil, err
	}
	if _, err := c.signIn(ctx, name, password); err != nil {
		return nil, err
	}
	k, err := c.createKeyring(ctx, password)
	if err != nil {
		return nil, err
	}
	return c.newWays(ctx, k, keep)
}

// newWays gives the account a new phrase and a new file, and shuts the old ones out.
// Keep lets the user have them, before the old ones go: at every moment either the
// old or the new ones work, and so does the password.
func (c *client) newWays(ctx context.Context, k *recovery.Keyring, keep func(*recovery.Phrase, *recovery.File) error) (*recovery.Keyring, error) {
	phrase, err := recovery.NewPhrase(12)
	if err != nil {
		return nil, err
	}
	var file *recovery.File
	var old []recovery.SlotID
	k, err = c.changeKeyring(ctx, k, func(k *recovery.Keyring) error {
		old = slots(k, func(s recovery.Slot) bool { return s.Type == recovery.SlotPhrase || s.Type == recovery.SlotFile })
		file = recovery.NewFile() // for one slot: another try needs another file
		if _, err := k.Add(ctx, file); err != nil {
			return err
		}
		_, err := k.Add(ctx, phrase)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := keep(phrase, file); err != nil {
		return nil, err
	}
	if err := c.registerWays(ctx, k, phrase, file); err != nil {
		return nil, err
	}
	return c.changeKeyring(ctx, k, func(k *recovery.Keyring) error {
		return k.Revoke(ctx, slots(k, func(s recovery.Slot) bool { return slices.Contains(old, s.ID) })...)
	})
}

// registerWays gives the server what it needs: the half of the file, and what the
// phrase logs in by. The password of that login is as random as the phrase, and does
// not lead to it; SRP serves, since nobody can guess it.
func (c *client) registerWays(ctx context.Context, k *recovery.Keyring, phrase *recovery.Phrase, file *recovery.File) error {
	secret, err := phrase.AuthSecret()
	if err != nil {
		return err
	}
	defer clear(secret)
	auth, err := c.register(ctx, "/auth/modulus", secret)
	if err != nil {
		return err
	}
	id, digest := file.ID(), k.Header().Digest()
	request := recoveryRequest{Phrase: auth, File: id[:], Secret: file.ServerSecret(), Keyring: digest[:]}
	return c.call(ctx, "PUT", "/recovery", request, nil)
}

// recoverByPhrase logs in to the account that guards the header, and opens that.
func (c *client) recoverByPhrase(ctx context.Context, name, words string) (*recovery.Keyring, error) {
	phrase, err := recovery.ParsePhrase(words)
	if err != nil {
		return nil, err
	}
	secret, err := phrase.AuthSecret()
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	if _, err := c.signIn(ctx, canonical(name)+phraseSuffix, secret); err != nil {
		return nil, err
	}
	c.way = phrase
	return c.openKeyring(ctx)
}

// claim asks for a recovery by who cannot log in.
func (c *client) claim(ctx context.Context, name string) (ticket string, err error) {
	var made claimResponse
	err = c.call(ctx, "POST", "/recovery/claim", claimRequest{name}, &made)
	return made.Ticket, err
}

// redeem begins the session of a claim that has been reviewed.
func (c *client) redeem(ctx context.Context, name, ticket string) error {
	var redeemed redeemResponse
	if err := c.call(ctx, "POST", "/recovery/session", redeemRequest{ticket}, &redeemed); err != nil {
		return err
	}
	c.user, c.token = canonical(name), redeemed.AccessToken
	return nil
}

// recoverByFile fetches the server's half of a file, and opens the header by both.
func (c *client) recoverByFile(ctx context.Context, text string) (*recovery.Keyring, error) {
	file, err := recovery.ParseFile(text)
	if err != nil {
		return nil, err
	}
	id := file.ID()
	var half fileResponse
	if err := c.call(ctx, "POST", "/recovery/file", fileRequest{id[:]}, &half); err != nil {
		return nil, err
	}
	if file, err = file.WithServerSecret(half.Secret); err != nil {
		return nil, err
	}
	c.way = file
	return c.openKeyring(ctx)
}

// setPassword replaces the password, whatever the keyring was opened by. As in a
// move the header with both slots goes first, then the record; the old slot goes at
// the first login. If another device changes the keyring in between, the server
// refuses the record, and all of it begins again.
func (c *client) setPassword(ctx context.Context, k *recovery.Keyring, password []byte) error {
	r, request, err := c.opaque.Register(nil, password)
	if err != nil {
		return err
	}
	defer r.Discard()
	var response registration
	if err := c.call(ctx, "POST", "/password", registration{request}, &response); err != nil {
		return err
	}
	record, export, err := r.Finish(ctx, response.Message)
	if err != nil {
		return err
	}
	defer clear(export)
	if k, err = c.addExport(ctx, k, record, export); err != nil {
		return err
	}
	digest := k.Header().Digest()
	return c.call(ctx, "PUT", "/password", admitRequest{record, digest[:]}, nil)
}

package main

import (
	"context"
	"errors"
	"strings"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
)

// loginPassword asks for the password of the login, in a session.
func (d *device) loginPassword(ctx context.Context) ([]byte, error) {
	return d.secret(ctx, d.loginPrompt())
}

func (d *device) loginPrompt() string {
	if d.TwoPasswords() {
		return "Login password"
	}
	return "Password"
}

// open asks for the passwords of the login and of the keyring, which may be
// the same, and opens the keyring in a session.
func (d *device) open(ctx context.Context) (p client.Passwords, err error) {
	if p.Login, err = d.secret(ctx, d.loginPrompt()); err != nil {
		return p, err
	}
	if !d.TwoPasswords() {
		_, err := d.Unlock(ctx, p.Login)
		return p, err
	}
	if p.Keyring, err = d.secret(ctx, "Keyring password"); err != nil {
		return p, err
	}
	_, err = d.Unlock(ctx, p.Keyring)
	return p, err
}

func wipe(p client.Passwords) {
	clear(p.Login)
	clear(p.Keyring)
}

// confirmed runs a change that the password confirms. If the server asks for a
// code, it asks the user, and runs the change again.
func (d *device) confirmed(ctx context.Context, change func() error) error {
	err := change()
	if answered(err, api.CodeRequired) {
		if err := d.code(ctx, codePrompt, func(code string) error { return d.SendCode(ctx, code) }); err != nil {
			return err
		}
		err = change()
	}
	if errors.Is(err, client.ErrAuthentication) {
		return errPassword
	}
	return err
}

const codePrompt = "Code of the authenticator, or a backup code"

// code asks for a code until it is right, and at most three times.
func (d *device) code(ctx context.Context, prompt string, send func(code string) error) error {
	var wrong error
	for range tries {
		code, err := d.line(ctx, prompt)
		if wrong != nil && ended(err) {
			break
		}
		if err != nil {
			return err
		}
		if err = send(strings.ReplaceAll(code, " ", "")); !answered(err, api.WrongCode) {
			return err
		}
		d.say("the code is wrong, or was used before")
		wrong = err
	}
	return wrong
}

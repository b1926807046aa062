package main

import (
	"context"
	"errors"
	"strings"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
)

// mayChange returns an error for a session that may not change the account,
// before anybody types in vain.
func (d *device) mayChange() error {
	switch way, recovered := d.Way(); {
	case way == "":
		return client.ErrLoggedOut
	case recovered:
		return errors.New("this device recovers the account: finish with recover, or use login")
	case way == api.WayDevice:
		return errors.New("this device was let in by another one, and can only read and write items: use the other device, or login with the account's password")
	}
	return nil
}

// loginPassword asks for the password of the login, in a session.
func (d *device) loginPassword(ctx context.Context) ([]byte, error) {
	if err := d.mayChange(); err != nil {
		return nil, err
	}
	return d.secret(ctx, d.loginPrompt())
}

// withLogin asks for the password of the login, and makes a change with it. If
// a person has mistyped it, withLogin asks again.
func (d *device) withLogin(ctx context.Context, change func(password []byte) error) error {
	for try := 1; ; try++ {
		password, err := d.loginPassword(ctx)
		if err != nil {
			return err
		}
		err = change(password)
		clear(password)
		if try == d.tries() || !errors.Is(err, errPassword) {
			return err
		}
		d.say("%v", errPassword)
	}
}

func (d *device) loginPrompt() string {
	if d.TwoPasswords() {
		return "Login password"
	}
	return "Password"
}

// open asks for the passwords of the login and of the keyring, which may be
// the same, and opens the keyring in a session that may change it.
func (d *device) open(ctx context.Context) (p client.Passwords, err error) {
	if err := d.mayChange(); err != nil {
		return p, err
	}
	return d.openWith(ctx)
}

// openWith is open for any session. If a person has mistyped the password, it
// asks again.
func (d *device) openWith(ctx context.Context) (p client.Passwords, err error) {
	for try := 1; ; try++ {
		p, err = d.openOnce(ctx)
		if try == d.tries() || !errors.Is(err, client.ErrWrongPassword) {
			return p, err
		}
		wipe(p)
		d.say("the password does not open this device")
	}
}

func (d *device) openOnce(ctx context.Context) (p client.Passwords, err error) {
	if p.Login, err = d.secret(ctx, d.loginPrompt()); err != nil {
		return p, err
	}
	opener := p.Login
	if d.TwoPasswords() {
		if p.Keyring, err = d.secret(ctx, "Keyring password"); err != nil {
			return p, err
		}
		opener = p.Keyring
	}
	if _, err := d.Unlock(ctx, opener); err != nil {
		return p, err
	}
	d.warn(ctx)
	return p, nil
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
		err = send(strings.ReplaceAll(code, " ", ""))
		switch {
		case answered(err, api.WrongCode):
			d.say("the code is wrong, or was used before")
		case errors.Is(err, client.ErrNotACode):
			d.say("%s", notACode)
		default:
			return err
		}
		wrong = err
	}
	return wrong
}

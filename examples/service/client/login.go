package client

import (
	"context"
	"errors"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/recovery"
)

// Passwords are what a user types. In one-password mode Keyring is empty: the
// login's password opens the keyring.
type Passwords struct {
	Login   []byte
	Keyring []byte
}

// prepared returns the passwords in the form that every device has.
func (p Passwords) prepared() (q Passwords, err error) {
	if q.Login, err = prepare.Password(p.Login); err == nil && len(p.Keyring) > 0 {
		q.Keyring, err = prepare.Password(p.Keyring)
	}
	return q, err
}

// keyring returns the password that opens the keyring.
func (p Passwords) keyring() []byte {
	if len(p.Keyring) > 0 {
		return p.Keyring
	}
	return p.Login
}

func (p Passwords) clear() {
	clear(p.Login)
	clear(p.Keyring)
}

// Entered says how a login opened the keyring.
type Entered struct {
	// Created means that the account had no keyring before.
	Created bool
	// NewDevice means that this device has trusted the server for what the
	// keyring is. Compare the slots with another device.
	NewDevice bool
	// NoDevice means that the keyring has no room for a slot of this device,
	// which then opens nothing offline. Remove another device's slot.
	NoDevice bool
	// Moved means that the account has moved to OPAQUE.
	Moved bool
	// Overtaken means that another change came before a removal of this device.
	// See Resolve.
	Overtaken bool
	// Unseen are slots that the user has not been shown. See MarkSeen.
	Unseen []recovery.SlotChange
}

// opened is a login that has finished, before the keyring is open.
type opened struct {
	api.LoggedIn
	who Who
	secrets
	passwords Passwords
}

// SignUp makes an account with names, and logs in.
func (c *Client) SignUp(ctx context.Context, names []string, passwords Passwords) (Entered, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(names) == 0 || c.account.Name != "" {
		return Entered{}, ErrOtherAccount
	}
	p, err := passwords.prepared()
	if err != nil {
		return Entered{}, err
	}
	defer p.clear()
	n, begun, err := c.registration(ctx, p.Login, func(r api.Requests) (out api.Begun, err error) {
		err = c.call(ctx, "POST", "/v1/register/begin", r, &out)
		return out, err
	})
	if err != nil {
		return Entered{}, err
	}
	clear(n.export)
	if err := c.call(ctx, "POST", "/v1/register/finish", api.FinishRegistration{Token: begun.Token, Names: names, Upload: n.upload}, nil); err != nil {
		return Entered{}, err
	}
	return c.login(ctx, Who{Name: names[0]}, passwords)
}

// Login logs in and opens the keyring. After ErrCodeRequired, call Code. After
// ErrSecondPassword, call KeyringPassword. The device's session before ends.
func (c *Client) Login(ctx context.Context, name string, passwords Passwords) (Entered, error) {
	return c.LoginFormer(ctx, 0, name, passwords)
}

// LoginFormer is Login for the nth account that had the name before.
func (c *Client) LoginFormer(ctx context.Context, n int, name string, passwords Passwords) (Entered, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.login(ctx, Who{name, n}, passwords)
}

func (c *Client) login(ctx context.Context, who Who, passwords Passwords) (e Entered, err error) {
	if who, err = who.prepared(); err != nil {
		return e, err
	}
	if c.account.Server != "" && c.account.Server != c.cfg.Server {
		return e, ErrOtherServer
	}
	p, err := passwords.prepared()
	if err != nil {
		return e, err
	}
	c.drop()
	h, err := c.begin(p.Login)
	if err != nil {
		return e, err
	}
	defer h.discard()
	var begun api.Begun
	if err := c.callWith(ctx, "POST", "/v1/login/begin", "", "", api.BeginLogin{Name: who.Name, Former: who.Former, Requests: h.Requests, Device: c.account.Device}, &begun); err != nil {
		return e, err
	}
	c.cfg.Progress("Stretching the password")
	final, err := h.respond(ctx, begun.Response, c.account.OPAQUE)
	if err != nil {
		return e, authentication(err)
	}
	o := &opened{who: who, passwords: p}
	if err := c.callWith(ctx, "POST", "/v1/login/finish", "", "", api.FinishLogin{Token: begun.Token, Final: final}, &o.LoggedIn); err != nil {
		return e, authentication(err)
	}
	if o.secrets, err = h.finish(o.Reply); err != nil {
		return e, ErrServer
	}
	c.opened = o
	if o.Code {
		return e, ErrCodeRequired
	}
	return c.enter(ctx)
}

// Code sends the code of a second factor after a login, and opens the keyring.
func (c *Client) Code(ctx context.Context, code string) (Entered, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened == nil || !c.opened.Code {
		return Entered{}, ErrLoggedOut
	}
	if err := checkCode(code); err != nil {
		return Entered{}, err
	}
	var in api.LoggedIn
	if err := c.callWith(ctx, "POST", "/v1/login/code", c.opened.Token, "", api.SecondFactor{Code: code}, &in); err != nil {
		return Entered{}, err
	}
	c.opened.LoggedIn = in
	return c.enter(ctx)
}

// drop forgets a login that was not completed.
func (c *Client) drop() {
	if c.opened != nil {
		c.opened.clear()
		c.opened.passwords.clear()
		c.opened = nil
	}
}

// KeyringPassword goes on after ErrSecondPassword or ErrKeyringPassword.
func (c *Client) KeyringPassword(ctx context.Context, password []byte) (Entered, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened == nil || c.opened.Code {
		return Entered{}, ErrLoggedOut
	}
	prepared, err := prepare.Password(password)
	if err != nil {
		return Entered{}, err
	}
	c.opened.passwords.Keyring = prepared
	return c.openAll(ctx)
}

// enter takes the session of a login for the device's. The session before ends.
func (c *Client) enter(ctx context.Context) (Entered, error) {
	o := c.opened
	in := api.Opened{Token: o.Token, Session: o.Session, Account: o.Account, Slot: o.Slot}
	err := c.takeSession(ctx, o.who, in, func(next *accountState) {
		next.OPAQUE, next.Way, next.Recovered, next.Joined = o.export != nil, api.WayPassword, false, nil
		if o.Device != "" {
			next.Device = o.Device
		}
	})
	if err == ErrOtherAccount {
		c.drop()
	}
	if err != nil {
		return Entered{}, err
	}
	return c.openAll(ctx)
}

// openAll opens the keyring after a login, moves the account if the server asks
// for it, and makes the device's slot.
func (c *Client) openAll(ctx context.Context) (e Entered, err error) {
	defer func() {
		if !errors.Is(err, ErrSecondPassword) && !errors.Is(err, ErrKeyringPassword) {
			c.drop()
		}
	}()
	o := c.opened
	if err := c.openKeyring(ctx, o, &e); err != nil {
		return e, err
	}
	c.open = true
	next := c.account
	e.NewDevice = e.NewDevice || next.Trusted
	next.TwoPasswords, next.Trusted = len(o.passwords.Keyring) > 0, false
	if next != c.account {
		if err := c.save(ctx, next); err != nil {
			return e, err
		}
	}
	if o.Move {
		if err := c.move(ctx, o); err != nil {
			return e, err
		}
		e.Moved = true
	}
	err = c.keepDevice(ctx, o.passwords.keyring())
	if errors.Is(err, recovery.ErrPolicy) {
		e.NoDevice, err = true, nil
	}
	if err != nil {
		return e, err
	}
	e.Unseen = c.keys.Unseen()
	return e, nil
}

func (c *Client) openKeyring(ctx context.Context, o *opened, e *Entered) error {
	opener := c.opener(o)
	err := c.openedAfter(c.keys.OpenAfterLogin(ctx, opener), e, func() error { return c.keys.OpenAfterLogin(ctx, opener) })
	if errors.Is(err, recovery.ErrNoCheckpoint) {
		header, err := c.remote.Fetch(ctx)
		if err != nil {
			return err
		}
		if header == nil {
			e.Created = true
			return c.keys.Create(ctx, c.sealer(o))
		}
		h, err := recovery.ParseHeader(header)
		if err != nil {
			return err
		}
		e.NewDevice = true
		return second(o, c.keys.OpenFirst(ctx, h.Account(), opener))
	}
	if errors.Is(err, recovery.ErrUnseen) {
		return nil // the keyring is open, and the old slot stays until the user has looked
	}
	return second(o, err)
}

// openedAfter looks at the outcome of an earlier change, which comes with the
// opening of the keyring. A change that was lost is dropped. A removal that
// another change overtook waits for Resolve, and the keyring is open.
func (c *Client) openedAfter(err error, e *Entered, again func() error) error {
	if errors.Is(err, recovery.ErrConflict) {
		err = again()
	}
	if errors.Is(err, recovery.ErrOvertaken) && c.keys.Account() != (recovery.AccountID{}) {
		e.Overtaken, err = true, nil
	}
	return err
}

// second asks for the keyring's password if the login's does not open it.
func second(o *opened, err error) error {
	switch {
	case !errors.Is(err, recovery.ErrWrongSecret) || o.Slot == nil:
		return err
	case len(o.passwords.Keyring) == 0:
		return ErrSecondPassword
	}
	return ErrKeyringPassword
}

func (c *Client) opener(o *opened) recovery.Opener {
	if o.Slot == nil && o.export != nil {
		return recovery.NewExportKey(o.export, nil)
	}
	c.cfg.Progress("Opening the keyring")
	p := recovery.NewPassword(o.passwords.keyring(), nil)
	p.Policy = c.cfg.KDFPolicy
	if o.Slot != nil {
		p.Slot = recovery.SlotID(*o.Slot)
	}
	return p
}

// sealer makes the first slot of a keyring.
func (c *Client) sealer(o *opened) recovery.Sealer {
	if o.export != nil {
		return recovery.NewExportKey(o.export, o.record)
	}
	return c.passwordSlot(o.passwords.keyring())
}

func (c *Client) passwordSlot(password []byte) recovery.Password {
	c.cfg.Progress("Making a slot of the keyring")
	p := recovery.NewPassword(password, nil)
	p.KDF, p.Policy = c.cfg.SlotCost, c.cfg.KDFPolicy
	return p
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
)

// client is one account on one device.
type client struct {
	*terminal
	srv    *server
	opaque *opaque.Client
	name   string
	path   string // of the state
	state  state
	on     session
	way    recovery.Opener
}

// state is what a device keeps of an account. Token, Device, Ticket and Shares are
// secret: a platform's key store is the place for them.
type state struct {
	Pins   [][]byte // of the keyring, the newest first: two during an upload
	Device []byte   // the device's own way in, if it was approved
	Token  []byte   // and its login
	Ticket []byte   // of a recovery that waits for a review
	Shares [][]byte // collected from contacts so far
}

// policy is the safe default. Tests take less.
var policy kdf.Policy

func newClient(t *terminal, srv *server, dir, name string) (*client, error) {
	o, err := opaque.NewClient(opaque.ClientConfig{ServerIdentity: []byte(serverName), KSF: policy})
	if err != nil {
		return nil, err
	}
	c := &client{terminal: t, srv: srv, opaque: o, name: name, path: filepath.Join(dir, name+".json")}
	_, err = load(c.path, &c.state)
	return c, err
}

// keep changes the state: as it is on the disk now, since another command may have
// changed it while this one waited for somebody. The folder is made here, so that who
// only looks makes none.
func (c *client) keep(f func(*state)) error {
	if err := os.MkdirAll(filepath.Dir(c.path), 0o700); err != nil {
		return err
	}
	unlock, err := lock(filepath.Dir(c.path))
	if err != nil {
		return err
	}
	defer unlock()
	var s state
	if _, err := load(c.path, &s); err != nil {
		return err
	}
	f(&s)
	if err := save(c.path, s); err != nil {
		return err
	}
	c.state = s
	return nil
}

// register makes a record for a login, and what it logs in to opens the slot by.
func (c *client) register(ctx context.Context, by loginKind, password []byte) (record, export []byte, way recovery.Export, err error) {
	r, request, err := c.opaque.Register(nil, password)
	if err != nil {
		return nil, nil, way, err
	}
	defer r.Discard()
	response, err := c.srv.register(ctx, c.on, c.name, by, request)
	if err != nil {
		return nil, nil, way, err
	}
	record, export, err = r.Finish(ctx, response)
	if err != nil {
		return nil, nil, way, err
	}
	parsed, err := opaque.ParseRecord(record)
	if err != nil {
		return nil, nil, way, err
	}
	return record, export, recovery.NewExport(export, parsed.Raw()), nil
}

// login logs in by OPAQUE, and returns the export key.
func (c *client) login(ctx context.Context, by loginKind, password []byte) ([]byte, error) {
	l, request, err := c.opaque.Login(nil, password)
	if err != nil {
		return nil, err
	}
	defer l.Discard()
	response, half, err := c.srv.begin(ctx, c.name, by, request)
	if err != nil {
		return nil, err
	}
	final, err := l.Respond(ctx, response)
	if errors.Is(err, opaque.ErrAuthentication) {
		return nil, errLogin
	}
	if err != nil {
		return nil, err
	}
	reply, on, err := c.srv.finish(ctx, half, final)
	if err != nil {
		return nil, err
	}
	if _, err := l.Finish(reply); err != nil {
		return nil, err
	}
	c.on = on
	return l.ExportKey()
}

// enter opens the keyring: by the device's own way in, if it has one, or else by the
// password.
func (c *client) enter(ctx context.Context) (*recovery.Keyring, error) {
	if len(c.state.Device) == 0 {
		return c.enterByPassword(ctx)
	}
	device, err := recovery.ParseDevice(c.state.Device)
	if err != nil {
		return nil, err
	}
	if c.on, err = c.srv.byDevice(c.name, device.ID(), c.state.Token); err != nil {
		return nil, err
	}
	c.way = device
	k, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	return k, c.rewrap(ctx, k)
}

// enterByPassword asks for the password, which a device's token does not replace where
// a login or its phrase changes.
func (c *client) enterByPassword(ctx context.Context) (*recovery.Keyring, error) {
	password, err := c.secret("Password of " + c.name)
	if err != nil {
		return nil, err
	}
	defer clear(password)
	return c.byPassword(ctx, password)
}

// byPassword logs in and opens the keyring. That the login worked proves that its
// record is the one that counts, and the server takes a header only while it is: slots
// of other records are of the past, left by a change of the password, and go. So the
// change has an end whenever it was cut off.
func (c *client) byPassword(ctx context.Context, password []byte) (*recovery.Keyring, error) {
	export, err := c.login(ctx, byPassword, password)
	if err != nil {
		return nil, err
	}
	c.way = recovery.NewExport(export, nil)
	k, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.revoke(ctx, k, recovery.SlotExport, k.OpenedBy()); err != nil {
		return nil, err
	}
	return k, c.rewrap(ctx, k)
}

// rewrap brings what the account has sealed under the newest master key: after
// recovery.MaxHistory rotations an old one is out of reach.
func (c *client) rewrap(ctx context.Context, k *recovery.Keyring) error {
	a, err := c.srv.mine(c.on)
	if err != nil {
		return err
	}
	for purpose, all := range map[string][]sealed{noteKey: {a.Note}, contactKey: {a.ContactSecret}, shareKey: a.Kept} {
		for _, old := range all {
			if old.Key == nil || old.Epoch == k.Epoch() {
				continue
			}
			now, err := rewrap(ctx, k, purpose, old)
			if err != nil {
				continue // who reads it is told
			}
			if err := c.srv.putKey(c.on, old, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// open opens what the server has, if it follows from what this device saw last.
// There are two pins if it stopped in the middle of an upload: then either will do.
func (c *client) open(ctx context.Context) (*recovery.Keyring, error) {
	h, err := c.srv.header(c.on)
	if err != nil {
		return nil, err
	}
	number := h.Account()
	pins := []recovery.Pin{recovery.FirstUse(number[:])}
	if len(c.state.Pins) > 0 {
		pins = make([]recovery.Pin, len(c.state.Pins))
	}
	for i, b := range c.state.Pins {
		if err := pins[i].UnmarshalBinary(b); err != nil {
			return nil, err
		}
	}
	var k *recovery.Keyring
	for _, pin := range pins {
		if k, err = recovery.Open(ctx, h, c.way, pin); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if len(c.state.Pins) == 0 {
		if err := c.agree("This device has never seen the keyring of " + c.name + ", and takes the server's word that it is the newest. Go on?"); err != nil {
			return nil, err
		}
	}
	return k, c.pin(k)
}

// pin keeps the pin of the keyring alone.
func (c *client) pin(k *recovery.Keyring) error {
	pin, err := encodedPin(k)
	if err != nil || len(c.state.Pins) == 1 && bytes.Equal(c.state.Pins[0], pin) {
		return err
	}
	return c.keep(func(s *state) { s.Pins = [][]byte{pin} })
}

func encodedPin(k *recovery.Keyring) ([]byte, error) {
	pin, err := k.Pin()
	if err != nil {
		return nil, err
	}
	return pin.MarshalBinary()
}

// upload stores a keyring that has changed: first the new pin beside the old one,
// then the upload by compare-and-swap, then the new pin alone. Wherever it stops, the
// device accepts what the server has.
func (c *client) upload(k *recovery.Keyring, put func(header []byte) error) error {
	pin, err := encodedPin(k)
	if err != nil {
		return err
	}
	before := c.state.Pins
	if err := c.keep(func(s *state) { s.Pins = append([][]byte{pin}, before...) }); err != nil {
		return err
	}
	if err := put(k.Bytes()); err != nil {
		if errors.Is(err, errConflict) || errors.Is(err, errSession) || errors.Is(err, errTaken) { // it is certain that the server did not take it
			err = errors.Join(err, c.keep(func(s *state) { s.Pins = before }))
		}
		return err
	}
	return c.pin(k)
}

func (c *client) put(header []byte) error { return c.srv.putHeader(c.on, header) }

// room is for slots of new passwords, without which nobody regains an account.
const room = 3

func checkRoom(k *recovery.Keyring) error {
	if len(k.Slots()) >= recovery.MaxSlots-room {
		return errors.New("there are too many ways in already: revoke some first, login lists them")
	}
	return nil
}

// add adds a way in, and uploads.
func (c *client) add(ctx context.Context, k *recovery.Keyring, s recovery.Sealer) (recovery.SlotID, error) {
	if s.Type() != recovery.SlotExport {
		if err := checkRoom(k); err != nil {
			return recovery.SlotID{}, err
		}
	}
	id, err := k.Add(ctx, s)
	if err != nil {
		return id, err
	}
	return id, c.upload(k, c.put)
}

// revoke removes all ways in of a kind but one, if there are others, and makes a new
// master key, that their holders do not get to know.
func (c *client) revoke(ctx context.Context, k *recovery.Keyring, t recovery.SlotType, but recovery.SlotID) error {
	var old []recovery.SlotID
	for _, s := range k.Slots() {
		if s.Type == t && s.ID != but {
			old = append(old, s.ID)
		}
	}
	if len(old) == 0 {
		return nil
	}
	if err := k.Revoke(ctx, old...); err != nil {
		return err
	}
	return c.upload(k, c.put)
}

// setPassword replaces the password, whatever the keyring was opened by: the header
// with both slots, then the record, then at a login by it the old slot goes. At each
// step either the old password does all, or the new one.
func (c *client) setPassword(ctx context.Context, k *recovery.Keyring, password []byte) error {
	record, export, way, err := c.register(ctx, byPassword, password)
	if err != nil {
		return err
	}
	defer clear(export)
	if _, err := c.add(ctx, k, way); err != nil {
		return err
	}
	if err := c.srv.putRecord(c.on, byPassword, record, k.Header().Digest()); err != nil {
		return err
	}
	_, err = c.byPassword(ctx, password)
	return err
}

// explain says what the user can do about an error of the keyring.
func explain(err error) error {
	for _, e := range []struct {
		is   error
		text string
	}{
		{recovery.ErrNotMine, "this opens nothing: it is wrong, or was replaced or revoked"},
		{recovery.ErrRollback, "the server shows an old keyring: stop, and ask the operator"},
		{recovery.ErrFork, "the server shows a keyring that does not follow from the one this device saw: stop, and ask the operator"},
		{recovery.ErrUntrusted, "the server shows a forged keyring: stop, and ask the operator"},
		{recovery.ErrPin, "this device was away for too long to tell whether the keyring is the account's: begin with an empty folder, as on a new device"},
		{recovery.ErrReset, "the server shows another account: if you have not reset it, stop, and ask the operator"},
		{recovery.ErrApproval, "this approval does not belong to the request: the text was mistyped, or somebody sits in between"},
	} {
		if errors.Is(err, e.is) {
			return fmt.Errorf("%s (%w)", e.text, err)
		}
	}
	return err
}

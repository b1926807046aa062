package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
)

var (
	errFirstUse = errors.New("this device has never seen the keyring: ask the user")
	errBusy     = errors.New("other devices change the keyring all the time")
)

// slotKDF is the least that the default policy allows, since the story tries
// passwords on the slot, and is not to take long. Without it a slot gets
// kdf.Default, which costs a guess five times as much.
func slotKDF() (kdf.Params, error) { return kdf.NewArgon2id(19<<10, 2, 1) }

// createKeyring gives an account that has logged in its keyring, behind the password
// for now. The account's number is random; the server never gets to choose one.
func (c *client) createKeyring(ctx context.Context, password []byte) (*recovery.Keyring, error) {
	params, err := slotKDF()
	if err != nil {
		return nil, err
	}
	number := make([]byte, 16)
	rand.Read(number)
	way := recovery.NewPassword(password, nil)
	way.KDF = params
	k, err := recovery.Create(ctx, number, way)
	if err != nil {
		return nil, err
	}
	c.way = way
	return k, c.uploadKeyring(ctx, k)
}

// fetchKeyring downloads the header, which proves nothing yet.
func (c *client) fetchKeyring(ctx context.Context) (*recovery.Header, error) {
	var stored keyringMessage
	if err := c.call(ctx, "GET", "/keyring", struct{}{}, &stored); err != nil {
		return nil, err
	}
	return recovery.ParseHeader(stored.Header)
}

// openKeyring opens what the server has now, if it follows from what this device saw
// last. There are two pins if it lost power, or the network, in the middle of an
// upload: then either will do.
func (c *client) openKeyring(ctx context.Context) (*recovery.Keyring, error) {
	h, err := c.fetchKeyring(ctx)
	if err != nil {
		return nil, err
	}
	pins, err := c.knownPins(h)
	if err != nil {
		return nil, err
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
	pin, err := encodePin(k)
	if err != nil {
		return nil, err
	}
	c.pins = [][]byte{pin}
	return k, nil
}

// knownPins are this device's. The first time it has none, and the account's number
// is the server's word too.
func (c *client) knownPins(h *recovery.Header) ([]recovery.Pin, error) {
	if len(c.pins) == 0 && !c.firstUse {
		return nil, errFirstUse
	}
	if len(c.pins) == 0 {
		number := h.Account()
		return []recovery.Pin{recovery.FirstUse(number[:])}, nil
	}
	pins := make([]recovery.Pin, len(c.pins))
	for i, b := range c.pins {
		if err := pins[i].UnmarshalBinary(b); err != nil {
			return nil, err
		}
	}
	return pins, nil
}

func encodePin(k *recovery.Keyring) ([]byte, error) {
	pin, err := k.Pin()
	if err != nil {
		return nil, err
	}
	return pin.MarshalBinary()
}

// uploadKeyring stores a keyring that has changed. The new pin is on the disk before
// the upload, beside the old one, and alone there after it.
func (c *client) uploadKeyring(ctx context.Context, k *recovery.Keyring) error {
	pin, err := encodePin(k)
	if err != nil {
		return err
	}
	before := c.pins
	c.pins = append([][]byte{pin}, before...)
	err = c.call(ctx, "PUT", "/keyring", keyringMessage{k.Bytes()}, nil)
	switch {
	case err == nil:
		c.pins = [][]byte{pin}
	case isConflict(err):
		c.pins = before // it is certain that the server did not take it
	}
	return err
}

func isConflict(err error) bool {
	var status statusError
	return errors.As(err, &status) && status.status == http.StatusConflict
}

// changeKeyring changes an open keyring and uploads it. If another device was
// quicker, it opens what that one made and makes the change again. It returns the
// keyring as the server has it.
func (c *client) changeKeyring(ctx context.Context, k *recovery.Keyring, change func(*recovery.Keyring) error) (*recovery.Keyring, error) {
	for range 5 {
		before := k.Bytes()
		if err := change(k); err != nil {
			return nil, err
		}
		if bytes.Equal(k.Bytes(), before) {
			return k, nil // there was nothing to do
		}
		err := c.uploadKeyring(ctx, k)
		if err == nil {
			return k, nil
		}
		if !isConflict(err) {
			return nil, err
		}
		if k, err = c.openKeyring(ctx); err != nil {
			return nil, err
		}
	}
	return nil, errBusy
}

// enterKeyring is enter for an account with a keyring: it logs in, opens it, and
// moves the account to OPAQUE, a step at each login. A keyring whose upload failed is
// dropped, since nobody else would have what is written under it.
func (c *client) enterKeyring(ctx context.Context, name string, password []byte) (*recovery.Keyring, protocol, error) {
	in, err := c.signIn(ctx, name, password)
	if err != nil {
		return nil, "", err
	}
	if in.protocol == byOPAQUE {
		k, err := c.settleKeyring(ctx, in.export)
		return k, in.protocol, err
	}
	c.way = recovery.NewPassword(password, nil)
	k, err := c.openKeyring(ctx)
	if err != nil {
		return nil, in.protocol, err
	}
	k, err = c.moveKeyring(ctx, k, in.key, password)
	return k, in.protocol, err
}

// moveKeyring is move for a keyring: first the header with both slots, then the
// record. It adds a slot even if there is one of OPAQUE already. That may be what a
// crash left behind, or of another device that is moving at this moment.
func (c *client) moveKeyring(ctx context.Context, k *recovery.Keyring, key, password []byte) (*recovery.Keyring, error) {
	err := c.registerInside(ctx, key, password, func(record, export []byte) (err error) {
		k, err = c.addExport(ctx, k, record, export)
		return err
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// addExport adds the slot of a registration with OPAQUE, whose record the server
// does not have yet.
func (c *client) addExport(ctx context.Context, k *recovery.Keyring, record, export []byte) (*recovery.Keyring, error) {
	r, err := opaque.ParseRecord(record)
	if err != nil {
		return nil, err
	}
	return c.changeKeyring(ctx, k, func(k *recovery.Keyring) error {
		_, err := k.Add(ctx, recovery.NewExport(export, r.Raw()))
		return err
	})
}

// settleKeyring opens the keyring by the export key of a login. That the login
// worked proves that its record is the one that counts, and a new one would have ended
// the session: every password slot, and every slot of another record, is of the past.
func (c *client) settleKeyring(ctx context.Context, export []byte) (*recovery.Keyring, error) {
	c.way = recovery.NewExport(export, nil)
	k, err := c.openKeyring(ctx)
	if err != nil {
		return nil, err
	}
	return c.changeKeyring(ctx, k, func(k *recovery.Keyring) error {
		return k.Revoke(ctx, slots(k, func(s recovery.Slot) bool {
			return s.Type == recovery.SlotPassword || s.Type == recovery.SlotExport && s.ID != k.OpenedBy()
		})...)
	})
}

// slots returns the ids of some slots.
func slots(k *recovery.Keyring, which func(recovery.Slot) bool) (ids []recovery.SlotID) {
	for _, s := range k.Slots() {
		if which(s) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

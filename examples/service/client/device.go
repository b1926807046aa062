package client

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

// vault is the secret of the device's slot, under the password. It never leaves
// the device, and neither does its cost.
type vault struct {
	KDF  kdf.Params `json:"kdf"`
	Slot api.ID     `json:"slot"`
	Blob []byte     `json:"blob"`
	// Keyring is the secret wrapped by the keyring, for a change of the
	// password on another device.
	Keyring []byte `json:"keyring"`
}

var vaultBinding = wrap.Binding{Purpose: "service.nescio/device/v1"}

// ErrNoDevice means that the device has not logged in yet.
var ErrNoDevice = errors.New("this device has not logged in yet")

// Unlocked says how Unlock opened the keyring.
type Unlocked struct {
	// Offline is why the keyring could not be fetched, or nil. The device then
	// has what was fetched before.
	Offline error
	// Overtaken is as in Entered.
	Overtaken bool
}

// Unlock opens the keyring with what this device has. It goes on without the
// server, but not with a header that the device must not accept.
func (c *Client) Unlock(ctx context.Context, password []byte) (u Unlocked, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	device, err := c.openVault(ctx, password)
	if err != nil {
		return u, err
	}
	var e Entered
	open := func() error { return c.keys.Open(ctx, device) }
	err = c.openedAfter(open(), &e, open)
	if u.Overtaken = e.Overtaken; err == nil {
		c.open = true
		return u, nil
	}
	for _, refused := range []error{
		recovery.ErrWrongSecret, recovery.ErrUntrusted, recovery.ErrRollback, recovery.ErrFork, recovery.ErrOtherAccount,
		recovery.ErrMalformed, recovery.ErrNoCheckpoint, ErrOtherServer,
	} {
		if errors.Is(err, refused) {
			return u, err
		}
	}
	u.Offline = err
	if err := c.keys.OpenOffline(ctx, device); err != nil {
		return u, err
	}
	c.open = true
	return u, nil
}

// DeviceSlot returns the slot of this device, or zero.
func (c *Client) DeviceSlot(ctx context.Context) (recovery.SlotID, error) {
	v, _, err := c.loadVault(ctx)
	return recovery.SlotID(v.Slot), err
}

func (c *Client) loadVault(ctx context.Context) (v vault, stored []byte, err error) {
	if stored, err = c.cfg.Store.Load(ctx, storeVault); err != nil || stored == nil {
		return v, stored, err
	}
	return v, stored, json.Unmarshal(stored, &v)
}

func (c *Client) openVault(ctx context.Context, password []byte) (*recovery.Device, error) {
	v, stored, err := c.loadVault(ctx)
	if err != nil {
		return nil, err
	}
	if stored == nil {
		return nil, ErrNoDevice
	}
	key, err := c.vaultKey(ctx, v.KDF, password)
	if err != nil {
		return nil, err
	}
	defer key.Destroy()
	secret, err := key.Unwrap(ctx, v.Blob, vaultBinding)
	if err != nil {
		return nil, ErrWrongPassword
	}
	defer clear(secret)
	return recovery.ParseDevice(secret)
}

// vaultKey stretches the password at the device's own cost.
func (c *Client) vaultKey(ctx context.Context, params kdf.Params, password []byte) (*wrap.Key, error) {
	prepared, err := prepare.Password(password)
	if err != nil {
		return nil, err
	}
	defer clear(prepared)
	function, err := kdf.New(params, kdf.FixedPolicy(params)) // nobody else chose it
	if err != nil {
		return nil, err
	}
	c.cfg.Progress("Stretching the password for this device")
	stretched, err := function.Derive(ctx, prepared, 32)
	if err != nil {
		return nil, err
	}
	defer clear(stretched)
	return wrap.ImportKey([32]byte(stretched)), nil
}

// keepDevice keeps the secret of this device's slot under the password. It makes
// the slot, unless there is one. From then on the keyring is open with it, and
// stays open when another device changes the password.
func (c *Client) keepDevice(ctx context.Context, password []byte) error {
	device, cost, err := c.device(ctx)
	if err != nil {
		return err
	}
	if device == nil {
		// The secret first: the slot may be stored although the answer is lost.
		var slot *recovery.SealedSlot
		if device, slot, err = c.keys.SealDevice(); err != nil {
			return err
		}
		if err := c.storeVault(ctx, device, cost, password); err != nil {
			return err
		}
		err := c.keys.Change(ctx, func(e *recovery.Edit) error { return e.Add(slot) })
		if errors.Is(err, recovery.ErrPolicy) { // the keyring is full
			err = errors.Join(err, c.remove(ctx, storeVault))
		}
		if err != nil {
			return err
		}
	} else if _, err := c.openVault(ctx, password); err != nil {
		if err := c.storeVault(ctx, device, cost, password); err != nil {
			return err
		}
	}
	if err := c.keys.Open(ctx, device); err != nil {
		return err
	}
	// The session ends when the slot is removed.
	return c.call(ctx, "PUT", "/v1/session/slot", api.SessionSlot{Slot: api.ID(device.ID())}, nil)
}

// device returns the device's slot, opened with the keyring, and the cost of
// the password as the user has chosen it. It returns nil if there is no slot.
func (c *Client) device(ctx context.Context) (*recovery.Device, kdf.Params, error) {
	v, stored, err := c.loadVault(ctx)
	if err != nil || stored == nil {
		return nil, c.cfg.DeviceCost, err
	}
	secret, err := c.keys.UnwrapOld(v.Keyring, vaultBinding)
	if err != nil {
		return nil, v.KDF, nil // of another keyring, or its epoch is closed
	}
	defer clear(secret)
	device, err := recovery.ParseDevice(secret)
	if err != nil || !slices.ContainsFunc(c.keys.Slots(), func(s recovery.Slot) bool { return s.ID == device.ID() }) {
		return nil, v.KDF, nil // it was removed
	}
	return device, v.KDF, nil
}

// storeVault keeps a device's secret under the password. A device that joins
// opens the keyring later: see wrapVault.
func (c *Client) storeVault(ctx context.Context, device *recovery.Device, cost kdf.Params, password []byte) error {
	if cost == (kdf.Params{}) {
		c.cfg.Progress("Measuring this device")
		report, err := kdf.Calibrate(ctx, kdf.PBKDF2SHA512, time.Second, kdf.Policy{})
		if err != nil {
			return err
		}
		cost = report.Params
	}
	v := vault{KDF: cost.WithNewSalt(), Slot: api.ID(device.ID())}
	key, err := c.vaultKey(ctx, v.KDF, password)
	if err != nil {
		return err
	}
	defer key.Destroy()
	secret := device.Secret()
	defer clear(secret)
	if v.Blob, err = key.Wrap(ctx, secret, vaultBinding); err != nil {
		return err
	}
	if c.keys.Account() != (recovery.AccountID{}) {
		if v.Keyring, err = c.keys.Wrap(secret, vaultBinding); err != nil {
			return err
		}
	}
	previous, err := c.cfg.Store.Load(ctx, storeVault)
	if err != nil {
		return err
	}
	return c.swapVault(ctx, previous, v)
}

// wrapVault adds the secret under the keyring, once it is open.
func (c *Client) wrapVault(ctx context.Context, device *recovery.Device) error {
	v, stored, err := c.loadVault(ctx)
	if err != nil {
		return err
	}
	secret := device.Secret()
	defer clear(secret)
	if v.Keyring, err = c.keys.Wrap(secret, vaultBinding); err != nil {
		return err
	}
	return c.swapVault(ctx, stored, v)
}

func (c *Client) swapVault(ctx context.Context, previous []byte, v vault) error {
	next, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.cfg.Store.Swap(ctx, storeVault, previous, next)
}

// DeviceIterations returns the number of iterations with which this device
// stretches the password. Nobody else knows it.
func (c *Client) DeviceIterations(ctx context.Context) (int, error) {
	v, stored, err := c.loadVault(ctx)
	if err != nil {
		return 0, err
	}
	if stored == nil {
		return 0, ErrNoDevice
	}
	_, n, err := v.KDF.WithoutIterations()
	return n, err
}

// SetDeviceIterations changes the number, for example to another device's.
func (c *Client) SetDeviceIterations(ctx context.Context, password []byte, n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cost, err := kdf.NewPBKDF2SHA512(n)
	if err != nil {
		return err
	}
	device, err := c.openVault(ctx, password)
	if err != nil {
		return err
	}
	if !c.open {
		return ErrLocked
	}
	return c.storeVault(ctx, device, cost, password)
}

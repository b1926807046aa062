package e2e

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
)

// work does random things until ctx ends.
func (d *crashDevice) work(ctx context.Context) {
	for ctx.Err() == nil && !d.u.c.Failed() {
		time.Sleep(time.Duration(d.random.IntN(100)) * time.Millisecond)
		switch n := d.random.IntN(100); {
		case n < 50:
			d.write(ctx)
		case n < 80:
			d.sync(ctx)
		case n < 88:
			d.remove(ctx)
		case n < 92 && d.changes:
			d.changePassword(ctx)
		case n < 94:
			d.done("logout", d.LogOut(ctx))
			d.enter(ctx)
		case n < 96:
			d.enter(ctx)
		}
	}
}

// write adds a line to a note, or begins a new one. A note has the lines of all
// versions before it, so that a lost version shows.
func (d *crashDevice) write(ctx context.Context) {
	items, err := d.Items(ctx)
	if !d.done("read", err) {
		return
	}
	item := client.Item{Kind: client.KindNote, Title: "Note"}
	if shared := slices.DeleteFunc(items, func(i client.Item) bool { return strings.HasPrefix(i.Title, "Mine") }); len(shared) > 4 {
		item = shared[d.random.IntN(len(shared))]
	}
	d.n++
	line := fmt.Sprintf("%s.%d;", d.address, d.n)
	item.Text += line
	if _, err = d.Put(ctx, item); d.done("write", err) {
		d.pending = append(d.pending, line)
	}
}

// count changes one note as fast as it can. The note has the number of the
// change.
func (d *crashDevice) count(ctx context.Context) {
	item := client.Item{Kind: client.KindNote, Title: "Counter"}
	for ctx.Err() == nil && !d.u.c.Failed() {
		d.u.counting++
		item.Text = fmt.Sprint(d.u.counting)
		var err error
		if item, err = d.Put(ctx, item); !d.done("count", err) {
			continue
		}
		if err := d.Sync(ctx); d.done("sync", err) {
			d.u.counted = d.u.counting
		} else {
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// sync notes that what the server has taken is acknowledged.
func (d *crashDevice) sync(ctx context.Context) bool {
	if err := d.Sync(ctx); !d.done("sync", err) {
		if hasCode(err, api.Unauthenticated) || errors.Is(err, client.ErrLoggedOut) {
			d.enter(ctx)
		}
		return false
	}
	items, err := d.Items(ctx)
	if !d.done("read", err) {
		return false
	}
	all := new(strings.Builder)
	unsent := slices.DeleteFunc(slices.Clone(items), func(i client.Item) bool { return !i.Unsent })
	for _, i := range items {
		all.WriteString(i.Text)
	}
	d.u.mu.Lock()
	defer d.u.mu.Unlock()
	d.pending = slices.DeleteFunc(d.pending, func(line string) bool {
		if !strings.Contains(all.String(), line) {
			d.u.c.Errorf("%s: a change of this device is lost: %s", d.u.name, line)
		}
		if slices.ContainsFunc(unsent, func(i client.Item) bool { return strings.Contains(i.Text, line) }) {
			return false
		}
		d.u.written[line] = true
		return true
	})
	return true
}

// remove makes an item that only this device changes, and deletes it.
func (d *crashDevice) remove(ctx context.Context) {
	item, err := d.Put(ctx, client.Item{Kind: client.KindNote, Title: "Mine " + d.address})
	if !d.done("write", err) || !d.sync(ctx) {
		return
	}
	if err := d.Remove(ctx, item.ID); !d.done("remove", err) || !d.sync(ctx) {
		return
	}
	d.u.mu.Lock()
	defer d.u.mu.Unlock()
	d.u.removed = append(d.u.removed, item.ID)
}

// known returns the passwords that may count, the likeliest first, and the number
// of changes.
func (u *crashUser) known() (passwords []string, changes int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.passwords), u.changes
}

// changePassword changes the password. Without an answer, either may count.
func (d *crashDevice) changePassword(ctx context.Context) {
	u := d.u
	if passwords, _ := u.known(); len(passwords) > 1 {
		if d.enter(ctx) != nil {
			return
		}
	}
	passwords, _ := u.known()
	if len(passwords) > 1 {
		return
	}
	d.look()
	d.n++
	next := fmt.Sprintf("password %d of %s", d.n, u.name)
	u.mu.Lock()
	u.passwords, u.changes = append(u.passwords, next), u.changes+1
	u.mu.Unlock()
	err := d.ChangePassword(ctx, one(passwords[0]), one(next))
	u.mu.Lock()
	u.changes++
	if err == nil {
		u.passwords = []string{next}
		u.changed++
	} else {
		u.perhaps++
	}
	u.mu.Unlock()
	d.done("password", err)
	d.look()
}

var errLockedOut = errors.New("none of the passwords counts")

// enter logs in with a password that may count.
func (d *crashDevice) enter(ctx context.Context) error {
	passwords, before := d.u.known()
	for _, p := range passwords {
		_, err := d.Login(ctx, d.u.name, one(p))
		if errors.Is(err, client.ErrCodeRequired) {
			err = d.sendCode(ctx, p)
		}
		if errors.Is(err, client.ErrAuthentication) {
			d.u.learn(before, func(other string) bool { return other == p })
			continue
		}
		if !d.done("login", err) {
			if hasCode(err, api.RateLimited) {
				time.Sleep(time.Second) // tries that crashed have cost something
			}
			return err
		}
		d.look()
		d.u.learn(before, func(other string) bool { return other != p })
		return nil
	}
	if left, _ := d.u.known(); len(left) == 0 {
		d.u.c.Errorf("%s: %v", d.u.name, errLockedOut)
	}
	return errLockedOut // unless the password has just changed
}

// learn drops passwords that do not count, unless the password was changing
// meanwhile.
func (u *crashUser) learn(before int, wrong func(password string) bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.changes == before && before%2 == 0 {
		u.passwords = slices.DeleteFunc(u.passwords, wrong)
	}
}

// sendCode sends a backup code. If their answer was lost, it sends a code of the
// authenticator and makes new ones.
func (d *crashDevice) sendCode(ctx context.Context, password string) (err error) {
	u := d.u
	if len(u.codes) > 0 {
		_, err = d.Code(ctx, u.codes[0])
		u.codes = u.codes[1:]
		return err
	}
	late := (&authenticator{secret: u.secret}).at(time.Now().Add(30 * time.Second))
	if _, err = d.Code(ctx, late); err == nil { // the server accepts it, and has accepted none as late
		u.codes, err = d.NewBackupCodes(ctx, []byte(password))
	}
	return err
}

// turnOnAndOff turns the second factor on and off. Without an answer, it is on
// with all backup codes, or off with none.
func (d *crashDevice) turnOnAndOff(ctx context.Context, duration time.Duration) {
	u := d.u
	for range 8 { // codes are limited
		select {
		case <-ctx.Done():
			return
		case <-time.After(duration / 20):
		}
		account, err := d.Account(ctx)
		if !d.done("account", err) {
			continue
		}
		if account.Codes != map[bool]int{true: 10}[account.TOTP] {
			u.c.Errorf("a second factor is half on: %v, and %d codes", account.TOTP, account.Codes)
		}
		if account.TOTP {
			d.done("second factor off", d.RemoveTOTP(ctx, []byte(u.passwords[0])))
			continue
		}
		n, err := d.NewTOTP(ctx, []byte(u.passwords[0]))
		if !d.done("second factor begun", err) {
			continue
		}
		if u.secret, err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(n.Secret); err != nil {
			u.c.Error(err)
		}
		u.codes, err = d.ConfirmTOTP(ctx, (&authenticator{secret: u.secret}).at(time.Now()))
		d.done("second factor on", err)
	}
}

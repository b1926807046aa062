package e2e

import (
	"database/sql"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// checkWays checks all lives, when nothing crashes any more.
func (c *crash) checkWays(db *sql.DB) {
	var group sync.WaitGroup
	for _, x := range c.lives {
		group.Go(func() {
			if err := x.check(); err != nil {
				c.Errorf("%s: %v", x.u.name, err)
			}
		})
	}
	group.Wait()
	c.checkSlots(db)
	for _, x := range c.lives {
		var n int
		require.NoError(c, db.QueryRowContext(c.Context(), `SELECT count(*) FROM events WHERE account = $1 AND kind LIKE 'password set: %'`, x.u.id[:]).Scan(&n))
		require.GreaterOrEqual(c, n, x.set, "acknowledged recoveries")
		require.LessOrEqual(c, n, x.set+x.perhaps)
	}
}

// calm repeats an operation that is limited, because tries that crashed have cost
// something.
func calm(f func() error) error {
	err := f()
	for begun := time.Now(); (hasCode(err, api.RateLimited) || errors.Is(err, client.ErrNotReady)) && time.Since(begun) < 100*time.Second; {
		time.Sleep(100 * time.Millisecond)
		err = f()
	}
	return err
}

var errLost = errors.New("the acknowledged note is lost")

// check: one of the passwords opens everything, and one of the phrases does. The
// file, the contact and the approved device do too.
func (x *crashWays) check() error {
	ctx := x.c.Context()
	who := x.who()
	if x.renewal != "" {
		_, err := x.fresh().Login(ctx, x.u.name, one(x.renewal))
		switch {
		case err == nil:
			who.Former, x.cancels = 1, 0 // the former account has no trouble any more
		case x.renewed || !errors.Is(err, client.ErrAuthentication):
			return errors.Join(errors.New("the new account"), err)
		}
	}
	opened := 0
	for _, p := range x.u.passwords {
		d := x.fresh()
		err := calm(func() error { _, err := d.LoginFormer(ctx, who.Former, who.Name, one(p)); return err })
		if err == nil {
			opened++
			err = x.reads(d)
			if account, err := d.Account(ctx); err == nil {
				x.u.id = account.ID
			}
		}
		if err != nil && !errors.Is(err, client.ErrAuthentication) {
			return err
		}
	}
	if opened != 1 {
		return errors.New("not one password counts")
	}
	opened = 0
	for _, p := range x.phrases {
		if p == nil {
			continue
		}
		d := x.fresh()
		err := calm(func() error { return d.LoginPhrase(ctx, who, p) })
		if err == nil {
			opened++
			err = x.reads(d)
		}
		if err != nil && !errors.Is(err, client.ErrAuthentication) {
			return err
		}
	}
	if opened != 1 && (x.phrases[0] != nil || opened > 1) {
		return errors.New("not one phrase counts")
	}
	var errs []error
	if x.file != nil {
		d := x.fresh()
		errs = append(errs, calm(func() error { return d.ClaimFile(ctx, who, x.file) }), x.opens(d, x.file))
	}
	if x.shares {
		errs = append(errs, x.contact(who))
	}
	if x.phone != nil && who.Former == 0 {
		errs = append(errs, x.reads(x.phone))
	}
	return errors.Join(errs...)
}

func (x *crashWays) fresh() *crashDevice { return x.c.device(x.u, true) }

// reads reports whether a device reads the note.
func (x *crashWays) reads(d *crashDevice) error {
	ctx := x.c.Context()
	if err := d.Sync(ctx); err != nil {
		return err
	}
	items, err := d.Items(ctx)
	if err == nil && x.noted && !slices.ContainsFunc(items, func(i client.Item) bool { return i.Text == secret }) {
		err = errLost
	}
	return err
}

// contact recovers the account with the friend.
func (x *crashWays) contact(who client.Who) error {
	ctx := x.c.Context()
	if err := calm(func() error { return x.friend.enter(ctx) }); err != nil {
		return err
	}
	d := x.fresh()
	if err := calm(func() error { return d.ClaimContacts(ctx, who) }); err != nil {
		return err
	}
	a, err := d.AskContact(ctx)
	if err == nil {
		err = x.friend.GrantQR(ctx, nil, a.QR())
	}
	if err == nil {
		_, err = a.Share(ctx, "")
	}
	if err != nil {
		return err
	}
	return x.opens(d, nil)
}

// opens opens the claim of a device. After a cancelled claim the operator has to
// look at it.
func (x *crashWays) opens(d *crashDevice, f *recovery.File) error {
	ctx := x.c.Context()
	now, err := d.Claim(ctx)
	switch {
	case err != nil:
		return err
	case now.State == api.ClaimReview && x.cancels > 0:
		return nil
	case x.cancels == 2:
		return errors.New("a claim after a cancelled one is " + string(now.State))
	}
	if err := calm(func() error { return d.OpenClaim(ctx, f) }); err != nil {
		return err
	}
	return x.reads(d)
}

// checkSlots checks what is true of slots after every transaction: each phrase
// has its record, and each file its half. What belongs to a slot that is gone is
// gone too. The record of each account belongs to its keyring.
func (c *crash) checkSlots(db *sql.DB) {
	headers := make(map[string]*recovery.Header)
	each := func(statement string, row func(account string, value []byte)) {
		rows, err := db.QueryContext(c.Context(), statement)
		require.NoError(c, err)
		defer rows.Close()
		for rows.Next() {
			var account, value []byte
			require.NoError(c, rows.Scan(&account, &value))
			row(string(account), value)
		}
		require.NoError(c, rows.Err())
	}
	each(`SELECT account, header FROM headers`, func(account string, value []byte) {
		h, err := recovery.ParseHeader(value)
		require.NoError(c, err)
		headers[account] = h
	})
	each(`SELECT id, record FROM accounts WHERE slot IS NULL AND id IN (SELECT account FROM headers)`, func(account string, value []byte) {
		r, err := opaque.ParseRecord(value)
		require.NoError(c, err)
		require.True(c, headers[account].HasRecord(r.Raw()), "a record without its slot")
	})
	has := func(account string, id []byte, kinds ...string) bool {
		return slices.ContainsFunc(headers[account].Slots(), func(s recovery.Slot) bool {
			return string(s.ID[:]) == string(id) && slices.Contains(kinds, s.Type)
		})
	}
	parts := make(map[string]bool)
	for statement, kinds := range map[string][]string{
		`SELECT account, slot FROM phrases`:                            {"phrase"},
		`SELECT account, slot FROM files`:                              {"file"},
		`SELECT account, slot FROM sessions WHERE slot IS NOT NULL`:    {"phrase", "file", "contacts", "device"},
		`SELECT account, slot FROM invitations WHERE slot IS NOT NULL`: {"contacts"},
		`SELECT account, slot FROM asks WHERE slot IS NOT NULL`:        {"contacts", "device"},
		`SELECT account, slot FROM claims WHERE state IN ('waiting', 'review') AND slot IS NOT NULL AND ends > begun AND account IN (SELECT id FROM accounts)`: {"file", "contacts", "device"},
	} {
		each(statement, func(account string, slot []byte) {
			require.True(c, has(account, slot, kinds...), "of a slot that is gone: %s", statement)
			parts[account+string(slot)] = true
		})
	}
	for account, h := range headers {
		for _, s := range h.Slots() {
			if s.Type == "phrase" || s.Type == "file" {
				require.True(c, parts[account+string(s.ID[:])], "a %s without its part", s.Type)
			}
		}
	}
}

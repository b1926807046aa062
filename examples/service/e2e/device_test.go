package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestOneServer: a device sends its tokens to the server that it logged in to,
// and to no other.
func TestOneServer(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		d := w.signUp()
		sent := 0
		other := w.deviceWith(d.store, func(c *client.Config) {
			c.Server = "https://another.example.org"
			c.Transport = counting{c.Transport, &sent}
		})
		_, err := other.Login(ctx, "alice", one(password))
		require.ErrorIs(w, err, client.ErrOtherServer)
		_, err = other.Unlock(ctx, []byte(password))
		require.ErrorIs(w, err, client.ErrOtherServer)
		require.ErrorIs(w, other.LogOut(ctx), client.ErrOtherServer)
		require.Zero(w, sent)
	})
}

// TestSecondName: an account logs in with each of its names on the same device,
// and the device's session before ends. Another account does not.
func TestSecondName(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		d := w.signUp()
		_, err := d.Login(ctx, "alice@example.org", one(password))
		require.NoError(w, err)
		require.Equal(w, 1, w.rows("sessions")["sessions"])
		own, err := d.DeviceSlot(ctx)
		require.NoError(w, err)
		require.NotZero(w, own)
		require.Len(w, d.Slots(), 2)
		w.account(0)
		before := w.rows("sessions")["sessions"]
		_, err = d.Login(ctx, "alice0", one(password))
		require.ErrorIs(w, err, client.ErrOtherAccount)
		require.Equal(w, before, w.rows("sessions")["sessions"])
		require.NoError(w, d.Sync(ctx))
	})
}

// TestTwoPrograms: two programs on one device change the items at once, and no
// change is lost.
func TestTwoPrograms(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		first := w.signUp()
		second := first.restart()
		_, err := second.Unlock(ctx, []byte(password))
		require.NoError(w, err)
		var group sync.WaitGroup
		for i, d := range []*device{first, second} {
			group.Go(func() {
				for n := range 5 {
					_, err := d.Put(ctx, client.Item{Kind: client.KindNote, Title: fmt.Sprint(i, n)})
					require.NoError(w, err)
				}
			})
		}
		group.Wait()
		require.Equal(w, 10, first.restart().Unsent())
		require.NoError(w, second.Sync(ctx))
		require.Zero(w, second.Unsent())
		third := w.device()
		_, err = third.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		require.NoError(w, third.Sync(ctx))
		require.Len(w, third.notes(), 10)
	})
}

// TestSwappedItems: the server cannot pass off an item as another one, or an old
// version as a new one.
func TestSwappedItems(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		d := w.signUp()
		var items []client.Item
		for i := range 2 {
			item, err := d.Put(ctx, client.Item{Kind: client.KindNote, Title: fmt.Sprint("Note ", i), Text: secret})
			require.NoError(w, err)
			items = append(items, item)
		}
		require.NoError(w, d.Sync(ctx))
		old := w.itemOf(items[0].ID)
		items[0].Text = "changed"
		_, err := d.Put(ctx, items[0])
		require.NoError(w, err)
		require.NoError(w, d.Sync(ctx))
		another := w.itemOf(items[1].ID)
		for what, body := range map[string]api.Item{"another item": another, "an old version": old} {
			w.setItem(items[0].ID, body)
			fresh := w.device()
			_, err := fresh.Login(ctx, "alice", one(password))
			require.NoError(w, err)
			require.ErrorIs(w, fresh.Sync(ctx), client.ErrUnreadable, what)
			read, err := fresh.Items(ctx)
			require.NoError(w, err, what)
			require.Len(w, read, 1, what)
			require.Equal(w, items[1].ID, read[0].ID)
		}
		w.setVersion(items[0].ID, 1)
		require.ErrorIs(w, d.Sync(ctx), recovery.ErrRollback)
	})
}

type counting struct {
	client.Transport
	sent *int
}

func (c counting) Do(ctx context.Context, r client.Request) (client.Response, error) {
	*c.sent++
	return c.Transport.Do(ctx, r)
}

// itemOf returns an item as it is stored.
func (w *world) itemOf(id api.ID) (i api.Item) {
	db := w.open()
	defer db.Close()
	require.NoError(w, db.QueryRow("SELECT version, key, body FROM items WHERE id = $1", id[:]).Scan(&i.Version, &i.Key, &i.Body))
	return i
}

// setItem changes the content of an item, as a malicious server would.
func (w *world) setItem(id api.ID, i api.Item) {
	db := w.open()
	defer db.Close()
	_, err := db.Exec("UPDATE items SET key = $1, body = $2 WHERE id = $3", i.Key, i.Body, id[:])
	require.NoError(w, err)
}

// setVersion makes an item the newest one, with a version.
func (w *world) setVersion(id api.ID, version int) {
	db := w.open()
	defer db.Close()
	_, err := db.Exec("UPDATE items SET version = $1, revision = (SELECT max(revision) + 1 FROM items) WHERE id = $2", version, id[:])
	require.NoError(w, err)
	_, err = db.Exec("UPDATE accounts SET revision = revision + 1")
	require.NoError(w, err)
}

// TestPutBesideASync: an item that another device stores in the middle of a sync
// is no sign of a server that has lost items.
func TestPutBesideASync(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop, phone := w.signUp(), w.device()
		_, err := phone.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		for i := range 4 { // the first item, and later ones
			before := []string{"SELECT revision, items, bytes FROM accounts", "FROM items WHERE account = $1 AND revision > $2"}[i%2]
			var done atomic.Bool
			for _, db := range w.dbs {
				db.Trace(func(statement string) {
					if !strings.Contains(statement, before) || done.Swap(true) {
						return
					}
					_, err := laptop.Put(ctx, client.Item{Kind: client.KindNote, Title: "Key", Text: secret})
					if err = errors.Join(err, laptop.Sync(ctx)); err != nil {
						w.Error(err)
					}
				})
			}
			require.NoError(w, phone.Sync(ctx))
			require.NoError(w, phone.Sync(ctx))
			require.NoError(w, laptop.Sync(ctx))
			require.Equal(w, laptop.notes(), phone.notes())
			require.NotEmpty(w, phone.notes())
		}
	})
}

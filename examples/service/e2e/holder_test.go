package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// serveItems makes the server answer with other items.
func (f *faults) serveItems(items *api.Items) {
	f.change = func(r client.Request, out *client.Response) {
		if strings.HasPrefix(r.Path, "/v1/items?") {
			out.Body, _ = json.Marshal(items)
		}
	}
	if items == nil {
		f.change = nil
	}
}

// TestPlantedItem: a removed holder and the server cannot replace an item on a
// device that has seen the removal, and the honest server is heard afterwards.
func TestPlantedItem(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		export, session, _ := w.logIn("alice0", password)
		h, err := recovery.ParseHeader(w.header(session.Token))
		require.NoError(w, err)
		holder, err := recovery.Open(ctx, h, recovery.NewExportKey(export, nil), recovery.TrustOnFirstUse(h.Account()))
		require.NoError(w, err)
		require.NoError(w, laptop.ChangePassword(ctx, one(password), one("another password")))
		require.NoError(w, laptop.Sync(ctx))
		items, err := laptop.Items(ctx)
		require.NoError(w, err)
		id := items[0].ID
		key, blob, err := holder.Generate(wrap.Binding{Purpose: "service.nescio/item-key/v1", Item: id[:]})
		require.NoError(w, err)
		text := []byte(marshal(w, client.Item{Kind: client.KindNote, Title: "Key", Text: "planted"}))
		body, err := key.Wrap(ctx, text, wrap.Binding{Purpose: "service.nescio/item/v1", Item: id[:], Epoch: 2})
		require.NoError(w, err)
		planted := api.Item{ID: id, Version: 2, Revision: 1000, Key: blob, Body: body}

		d, f := laptop.faulty()
		_, err = d.Unlock(ctx, []byte("another password"))
		require.NoError(w, err)
		f.serveItems(&api.Items{Revision: 1000, Items: []api.Item{planted}})
		require.ErrorIs(w, d.Sync(ctx), client.ErrUnreadable)
		require.Equal(w, []string{"Key: " + secret}, d.notes())
		f.serveItems(nil)
		require.NoError(w, d.Sync(ctx))
		require.Equal(w, []string{"Key: " + secret}, d.notes())
	})
}

// TestNothingUnderAnOldKey: what a device has written offline is not sent under
// a key from before a removal that it has seen.
func TestNothingUnderAnOldKey(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop, phone := w.account(0), w.device()
		e, err := phone.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		require.NoError(w, phone.MarkSeen(ctx, e.Unseen))
		_, err = laptop.Put(ctx, client.Item{Kind: client.KindNote, Title: "Offline", Text: secret})
		require.NoError(w, err)
		lost := phone.Slots()[0].ID
		for _, s := range phone.Slots() {
			own, err := laptop.DeviceSlot(ctx)
			require.NoError(w, err)
			mine, err := phone.DeviceSlot(ctx)
			require.NoError(w, err)
			if s.Type == "device" && s.ID != own && s.ID != mine {
				lost = s.ID
			}
		}
		if lost == phone.Slots()[0].ID { // no third device: a rotation does as well
			require.NoError(w, phone.ChangePassword(ctx, one(password), one("another password")))
			_, err = laptop.Login(ctx, "alice0", one("another password"))
			require.NoError(w, err)
		}
		sent := []uint32{}
		d, f := laptop.faulty()
		_, err = d.Unlock(ctx, []byte("another password"))
		require.NoError(w, err)
		f.change = func(r client.Request, _ *client.Response) {
			var in api.PutItem
			if r.Method == "PUT" && json.Unmarshal(r.Body, &in) == nil && in.Key != nil {
				epoch, err := recovery.BlobEpoch(in.Key)
				require.NoError(w, err)
				sent = append(sent, epoch)
			}
		}
		require.NoError(w, d.Sync(ctx))
		require.NotEmpty(w, sent)
		for _, epoch := range sent {
			require.Greater(w, epoch, uint32(1))
		}
	})
}

// TestStolenSession: a session token alone does not destroy what devices have.
func TestStolenSession(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		_, session, _ := w.logIn("alice0", password)
		_, answer := w.request("GET", "/v1/items?after=0", session.Token, "")
		var items api.Items
		unmarshal(w, answer, &items)
		require.Len(w, items.Items, 1)
		i := items.Items[0]
		put := func(body string) {
			status, answer := w.request("PUT", "/v1/items/"+i.ID.String(), session.Token, body)
			require.Equal(w, 200, status, answer)
			i.Version++
		}
		for range 2 {
			put(fmt.Sprintf(`{"previous":%d,"deleted":true,"key":%q,"body":%q}`, i.Version, b64(i.Key), b64(i.Body)))
			require.ErrorIs(w, laptop.Sync(ctx), client.ErrUnreadable)
			put(fmt.Sprintf(`{"previous":%d,"key":%q,"body":"AAAA"}`, i.Version, b64(i.Key)))
			require.ErrorIs(w, laptop.Sync(ctx), client.ErrUnreadable)
			require.Equal(w, []string{"Key: " + secret}, laptop.notes())
		}
		// The user's next change replaces the garbage.
		own, err := laptop.Items(ctx)
		require.NoError(w, err)
		_, err = laptop.Put(ctx, own[0])
		require.NoError(w, err)
		require.ErrorIs(w, laptop.Sync(ctx), client.ErrUnreadable)
		require.NoError(w, laptop.Sync(ctx))
		fresh := w.device()
		_, err = fresh.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		require.NoError(w, fresh.Sync(ctx))
		require.Equal(w, []string{"Key: " + secret}, fresh.notes())
	})
}

// TestEndlessAnswers: pages without progress end the sync, and revisions that
// the server has made up do no lasting harm.
func TestEndlessAnswers(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		laptop := w.account(0)
		d, f := laptop.faulty()
		_, err := d.Unlock(w.Context(), []byte(password))
		require.NoError(w, err)
		ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
		defer cancel()
		f.serveItems(&api.Items{Revision: 1, More: true})
		require.ErrorIs(w, d.Sync(ctx), recovery.ErrRollback)
		f.serveItems(&api.Items{Revision: 1 << 62})
		require.NoError(w, d.Sync(ctx))
		f.serveItems(nil)
		require.NoError(w, d.Sync(ctx))
		require.Equal(w, []string{"Key: " + secret}, d.notes())
		_, err = d.Put(ctx, client.Item{Kind: client.KindNote, Title: "Second", Text: secret})
		require.NoError(w, err)
		require.NoError(w, d.Sync(ctx))
		require.False(w, bytes.Contains(d.store.values["items"], []byte("4611686018427387904")))
	})
}

// TestManyDevices: when the keyring has no room for another device, a login
// still opens it, and says so.
func TestManyDevices(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		w.account(0)
		for i := range 20 {
			d := w.device()
			e, err := d.Login(ctx, "alice0", one(password))
			require.NoError(w, err)
			require.Equal(w, i > 17, e.NoDevice, "device %d", i)
			require.NoError(w, d.Sync(ctx))
			require.Equal(w, []string{"Key: " + secret}, d.notes())
			if e.NoDevice {
				_, err = d.restart().Unlock(ctx, []byte(password))
				require.ErrorIs(w, err, client.ErrNoDevice)
				require.NoError(w, d.MarkSeen(ctx, d.Unseen()))
				require.NoError(w, d.ChangePassword(ctx, one(password), one(password)))
			}
		}
	})
}

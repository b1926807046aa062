package e2e

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/stretchr/testify/require"
)

const exportPassword = "a password of its own"

// export exports the account and reads the file.
func (d *device) export() *client.Exported {
	b := new(bytes.Buffer)
	require.NoError(d.w, d.Export(d.w.Context(), b, []byte(exportPassword)))
	require.NotContains(d.w, b.String(), secret)
	e, err := client.ReadExport(d.w.Context(), b, []byte(exportPassword), d.w.policy)
	require.NoError(d.w, err)
	return e
}

func (d *device) imports(e *client.Exported) int {
	n, err := d.Import(d.w.Context(), e)
	require.NoError(d.w, err)
	return n
}

// TestExport: an export has everything of the account, and can be read without
// it.
func TestExport(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		require.NoError(w, laptop.NameSession(ctx, "Alice's laptop"))
		phone := w.device()
		_, err := phone.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		_, err = phone.Put(ctx, client.Item{Kind: client.KindLogin, Title: "Bank", Fields: map[string]string{"user": "alice"}})
		require.NoError(w, err)
		_, err = phone.Put(ctx, client.Item{Kind: client.KindSet, Title: "Settings", Text: "dark"})
		require.NoError(w, err)
		_, err = phone.Put(ctx, client.Item{Kind: "a later kind", Title: "Other"})
		require.NoError(w, err)
		phone.sync()
		gone, unsent := laptop.put("Gone", ""), laptop.put("Unsent", "")
		laptop.sync()
		require.NoError(w, laptop.Remove(ctx, gone.ID))
		unsent.Text = "changed"
		_, err = laptop.Put(ctx, unsent)
		require.NoError(w, err)
		for range 110 { // events of more than a page
			_, session, _ := w.logIn("alice0", password)
			status, _ := w.request("DELETE", "/v1/sessions/"+session.Session.String(), session.Token, "")
			require.Equal(w, 200, status)
		}

		e := laptop.export()
		account, err := laptop.Account(ctx)
		require.NoError(w, err)
		require.Equal(w, account, *e.Account)
		require.Equal(w, account.ID, e.AccountID)
		require.Len(w, e.Sessions, 2)
		require.Contains(w, fmt.Sprint(e.Sessions), "Alice's laptop")
		require.Greater(w, len(e.Events), 110)
		require.NotNil(w, e.Contacts)
		require.Len(w, e.Slots, 3)
		items := make(map[string]client.ExportedItem)
		for _, i := range e.Items {
			items[i.Item.Title] = i
		}
		require.Len(w, items, 5)
		require.Equal(w, secret, items["Key"].Item.Text)
		require.Equal(w, "alice", items["Bank"].Item.Fields["user"])
		require.Equal(w, "changed", items["Unsent"].Item.Text)
		require.True(w, items["Unsent"].Unsent)
		require.EqualValues(w, 2, items["Unsent"].Version)
		require.NotEmpty(w, items["Settings"].Item.Text)
		require.NotEmpty(w, items["Other"])

		_, err = laptop.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		require.ErrorIs(w, laptop.restart().Export(ctx, new(bytes.Buffer), []byte(exportPassword)), client.ErrLocked)
		require.NoError(w, laptop.LogOut(ctx))
		require.Error(w, laptop.Export(ctx, new(bytes.Buffer), []byte(exportPassword)))
	})
}

// TestImport: importing twice makes no duplicates, and nothing that was changed
// is lost.
func TestImport(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		edited, gone := laptop.put("Edited", "before"), laptop.put("Gone", "")
		_, err := laptop.Put(ctx, client.Item{Kind: client.KindSet, Title: "Settings", Text: "dark"})
		require.NoError(w, err)
		laptop.sync()
		e := laptop.export()
		require.Zero(w, laptop.imports(e), "everything is there")

		edited.Text = "after"
		_, err = laptop.Put(ctx, edited)
		require.NoError(w, err)
		require.NoError(w, laptop.Remove(ctx, gone.ID))
		laptop.sync()
		require.Equal(w, 2, laptop.imports(e))
		require.Zero(w, laptop.imports(e))
		laptop.sync()
		want := []string{"Edited: after", "Edited: before", "Gone: ", "Key: " + secret}
		require.ElementsMatch(w, append(want, "Settings: dark"), laptop.notes())

		// Another account, from two devices at once.
		others := []*device{w.device(), w.device()}
		_, err = others[0].SignUp(ctx, []string{"alice9"}, one(password))
		require.NoError(w, err)
		_, err = others[1].Login(ctx, "alice9", one(password))
		require.NoError(w, err)
		for _, d := range others {
			require.Equal(w, 3, d.imports(e))
		}
		for range 2 {
			for _, d := range others {
				d.sync()
			}
		}
		for _, d := range others {
			require.ElementsMatch(w, []string{"Edited: before", "Gone: ", "Key: " + secret}, d.notes())
			require.Zero(w, d.imports(e))
		}
	})
}

// TestExportOffline: what a device has moves to a new account if the old one is
// gone, for example after the restore of a backup.
func TestExportOffline(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		restore := w.backup()
		d := w.account(0)
		b := new(bytes.Buffer)
		restore(0)
		_, err := d.Login(ctx, "alice0", one(password))
		require.ErrorIs(w, err, client.ErrAuthentication)
		d = d.restart()
		require.ErrorIs(w, d.ExportOffline(ctx, b, []byte(exportPassword)), client.ErrLocked)
		u, err := d.Unlock(ctx, []byte(password))
		require.NoError(w, err)
		require.ErrorIs(w, u.Offline, is(api.Unauthenticated))
		require.NoError(w, d.ExportOffline(ctx, b, []byte(exportPassword)))
		e, err := client.ReadExport(ctx, b, []byte(exportPassword), w.policy)
		require.NoError(w, err)
		require.Nil(w, e.Account)
		require.NoError(w, d.Forget(ctx))
		_, err = d.SignUp(ctx, []string{"alice0"}, one(password))
		require.NoError(w, err)
		require.Equal(w, 1, d.imports(e))
		d.sync()
		require.Equal(w, []string{"Key: " + secret}, d.notes())
	})
}

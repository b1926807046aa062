package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// TestExport: an export can be read without the server and imported into another
// account.
func TestExport(t *testing.T) {
	w := newWorld(t, server.Config{})
	a, b := w.device(), w.device()
	path := filepath.Join(t.TempDir(), "alice.export")
	a.must(pass, "signup", "alice")
	a.must(pass+"milk\nbread\n", "add", "-title", "Shopping")
	a.must(pass+"hunter22\n", "add", "-kind", "login", "-title", "Bank", "-user", "alice")
	require.Contains(t, a.must(pass+"file horse\n", "export", "-o", path), " has everything, with ")
	a.fails("is not overwritten", pass+"file horse\n", "export", "-o", path)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())

	w.down.Store("/")
	b.fails("the export does not open", "another horse\n", "export", "-read", path)
	b.fails("the export does not open", "file horse\n", "export", "-read", os.Args[0])
	out := b.must("file horse\n", "export", "-read", path)
	require.Contains(t, out, "name:    alice\n")
	require.Regexp(t, `(?m)^[0-9a-f]{8}  login  [-\d: ]{16}  Bank\n  password: hunter22\n  user: alice\n`, out)
	require.Contains(t, out, "  Shopping\nmilk\nbread\n")
	require.Contains(t, out, "2 slots, 1 session, ")
	var e client.Exported
	text, _, err := b.run("file horse\n", "export", "-read", path, "-json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(text), &e))
	require.Equal(t, []string{"alice"}, e.Account.Names)
	a.fails("With -offline, what this device has is saved", pass, "export", "-o", path+".2")
	a.must(pass+"file horse\n", "export", "-offline", "-o", path+".2")
	require.Contains(t, b.must("file horse\n", "export", "-read", path+".2"), "Shopping")
	w.down.Store("")

	b.must(pass, "signup", "bob")
	b.fails("the export does not open", pass+"another horse\n", "import", path)
	b.fails("no such file", pass, "import", path+".none")
	require.Contains(t, b.must(pass+"file horse\n", "import", path), "2 items imported\n")
	require.Contains(t, b.must(pass+"file horse\n", "import", path), "0 items imported\n")
	c := w.device()
	c.must(pass, "login", "bob")
	out = c.must(pass, "list")
	require.Contains(t, out, "Shopping")
	require.Contains(t, c.must(pass, "show", find(t, `([0-9a-f]{8})  login  `, out)), "hunter22")
}

// TestRestore: the operator restores a backup from before a change of the
// password, and devices give back what was lost.
func TestRestore(t *testing.T) {
	w := newWorld(t, server.Config{})
	a, b := w.device(), w.device()
	a.must(pass, "signup", "alice")
	b.must(pass+"yes\n", "login", "alice")
	a.must(pass, "slots", "-seen")
	a.must(pass, "add", "-title", "Old", "-text", "")
	copied := filepath.Join(t.TempDir(), "backup")
	require.NoError(t, w.config.DB.Backup(t.Context(), copied))
	a.must(pass+"another horse\n", "password")
	a.must("another horse\n", "add", "-title", "New", "-text", "")
	a.withPhrase("another horse\n", "phrase")
	a.must("another horse\n", "list")

	db, err := store.Open(t.Context(), copied)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	w.config.DB = db
	allow := func(wait time.Duration) {
		require.NoError(t, server.Restored(t.Context(), db, w.config.Keys, w.now(), wait))
		w.start()
	}
	allow(0)
	a.fails("the name or the password is wrong", "another horse\n", "login")
	a.fails("It was restored from a backup, or it is an attack", pass, "login")
	a.fails("it may be an attack: ask the operator", "no\n", "restore")
	a.fails("the server does not take the newer keyring of this device", "yes\nanother horse\n"+pass, "restore")
	allow(time.Hour)
	a.fails("the password does not open this device", "yes\n"+pass, "restore")
	out := a.must("yes\nanother horse\n"+pass, "restore")
	require.Contains(t, out, "the server does not know this password")
	require.Contains(t, out, "the server has everything that this device has: 1 item sent\n")
	require.Contains(t, out, "Make them again:\n  "+find(t, `([0-9a-f]{8}  a recovery phrase)\n`, a.must("another horse\n", "slots"))+"\n")
	require.Contains(t, a.must("another horse\n", "list"), "New")
	require.Contains(t, a.must("yes\nanother horse\n", "restore"), ": 0 items sent\n")
	a.withPhrase("another horse\n", "phrase")
	b.must("another horse\nyes\n", "login")
	require.Contains(t, b.must("another horse\n", "list"), "New")
}

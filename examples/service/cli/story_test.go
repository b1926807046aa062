package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

const pass = "correct horse\n"

// TestItems: what one device adds, another one lists. Without the server,
// changes stay on the device. If both changed an item, both versions are kept.
func TestItems(t *testing.T) {
	w := newWorld(t, server.Config{})
	a, b := w.device(), w.device()
	require.Contains(t, a.must(pass, "signup", "alice", "alice@example.org"), "logged in as alice\nthe keyring was created\n")
	require.Contains(t, a.must(pass, "list"), "there are no items")
	a.must(pass+"milk\nbread\n", "add", "-title", "Shopping")
	id := find(t, "added ([0-9a-f]{8})  Bank", a.must(pass+"hunter22\n", "add", "-kind", "login", "-title", "Bank", "-user", "alice", "-text", "branch 7"))

	out := b.must(pass+"yes\n", "login", "Alice@example.org")
	require.Contains(t, out, "This device is new")
	require.Contains(t, out, "a device")
	require.Regexp(t, `(?m)^[0-9a-f]{8}  note   \d{4}-\d\d-\d\d \d\d:\d\d  Shopping$`, b.must(pass, "list"))
	out = b.must(pass, "show", id[:4])
	require.Contains(t, out, "\ntitle:    Bank\n")
	require.Contains(t, out, "\npassword: hunter22\nuser:     alice\n\nbranch 7\n")

	w.down.Store("/")
	out = a.must(pass, "edit", "-text", "branch 8", id)
	require.Contains(t, out, "offline: the change stays on this device until the next sync")
	out = a.must(pass, "list")
	require.Contains(t, out, "offline: showing what was fetched")
	require.Regexp(t, `Bank \(not sent\)\n`, out)
	require.Contains(t, a.must(pass, "show", id), "\nsent:     no\n")
	a.fails("offline: nothing was done", pass, "sync")
	a.fails("the server was not reached", "", "account")
	w.down.Store("/v1/items") // only after the keyring was fetched
	require.Contains(t, a.must(pass, "list"), "offline: showing what was fetched")
	require.Contains(t, a.must(pass, "add", "-title", "More", "-text", ""), "offline: the change stays on this device")
	a.fails("the server was not reached", pass, "sync")
	w.down.Store("")
	require.Contains(t, b.must(pass+"hunter33\n", "edit", "-password", id), "changed "+id)
	require.Contains(t, a.must(pass, "sync"), "in sync with the server")

	for _, p := range []person{a, b} {
		out = p.must(pass, "list")
		require.Regexp(t, id+`  login  [-\d: ]{16}  Bank\n`, out)
		require.NotContains(t, out, "not sent")
		require.Contains(t, p.must(pass, "show", id), "password: hunter33")
		copied := find(t, `([0-9a-f]{8})  login  [-\d: ]{16}  Bank \(conflict\)\n`, out)
		out = p.must(pass, "show", copied)
		require.Contains(t, out, "branch 8")
		require.Contains(t, out, "hunter22")
	}
	a.fails("there is no item whose id begins with", pass, "show", "none")
	a.fails("there is no item", pass, "show", "")
	require.Contains(t, b.must(pass+"new text", "edit", id), "changed")
	require.Contains(t, b.must(pass, "edit", "-title", "Bank 2", "-user", "", id), "changed "+id+"  Bank 2")
	out = a.must(pass, "show", id)
	require.Contains(t, out, "new text")
	require.NotContains(t, out, "user:")
	a.must(pass, "remove", id)
	require.NotContains(t, b.must(pass, "list"), id)
}

// TestAccount: sessions, the password, and the end of an account.
func TestAccount(t *testing.T) {
	w := newWorld(t, server.Config{})
	a, b := w.device(), w.device()
	a.fails("a new password has at least 8 characters", "short\n", "signup", "alice")
	a.fails("the input ends", "", "signup", "alice")
	a.fails("this device has no account yet", "", "list")
	a.must(pass, "signup", "alice", "alice@example.org")
	a.fails("this device has another account", pass, "signup", "bob")
	b.fails("the name is taken", pass, "signup", "alice")
	b.fails("the name or the password is wrong", "wrong\n", "login", "alice")
	b.fails("the name or the password is wrong", pass, "login", "nobody")
	b.must(pass+"yes\n", "login", "alice")
	a.must(pass, "add", "-title", "Note", "-text", "kept")

	out := a.must("", "account")
	require.Contains(t, out, "name:           alice@example.org\n")
	require.Contains(t, out, "login:          OPAQUE\n")
	require.Contains(t, out, "second factor:  off\n")
	require.Contains(t, a.must("", "events"), "  login  ")

	require.Contains(t, b.must(pass, "sessions", "-name", "laptop"), "this session is called laptop")
	require.NotContains(t, a.must("", "sessions"), "laptop")
	out = a.must(pass, "sessions")
	require.Regexp(t, `(?m)^[0-9a-f]{8}  \S+ \S+  \S+ \S+  password  \(this device\)$`, out)
	other := find(t, "(?m)^([0-9a-f]{8}) .*  laptop$", out)
	this := find(t, `(?m)^([0-9a-f]{8}) .*  \(this device\)$`, out)
	a.fails("use logout", "", "sessions", "-end", this)
	require.Contains(t, a.must("", "sessions", "-end", other), "ended the session "+other)
	require.Contains(t, b.must(pass, "list"), "logged out: showing what was fetched")
	b.fails("there is no session, or it has ended: log in", "", "account")
	b.fails("logged out: nothing was done", pass, "sync")
	b.must(pass, "login")
	require.Contains(t, a.must("", "sessions", "-end-others"), "ended all other sessions")
	b.must(pass, "login")

	// Another device has to be confirmed first, because the old slot is removed.
	a.fails("nothing was changed", pass+"no\n", "password")
	a.fails("the password does not open this device", "wrong password\n", "password")
	require.Contains(t, a.must(pass+"yes\nanother horse\n", "password"), "the password is changed")
	require.Contains(t, a.must("another horse\n", "list"), "Note")
	require.Contains(t, b.must(pass, "list"), "logged out: showing what was fetched")
	b.fails("the name or the password is wrong", pass, "login")
	b.must("another horse\nyes\n", "login")
	b.fails("the password does not open this device", pass, "list")

	require.Contains(t, a.must("", "logout"), "logged out")
	a.fails("this device is logged out", "", "logout")
	out = a.must("another horse\n", "add", "-title", "Later", "-text", "")
	require.Contains(t, out, "logged out: the change stays on this device")
	a.must("another horse\n", "login")
	require.Regexp(t, `(?m)  Later$`, a.must("another horse\n", "list"))
}

// TestSlots: a removed device cannot open what the server has.
func TestSlots(t *testing.T) {
	w := newWorld(t, server.Config{})
	a, b := w.device(), w.device()
	a.must(pass, "signup", "alice")
	require.NotContains(t, a.must(pass, "slots"), "(new)")
	require.Contains(t, b.must(pass, "login", "alice"), "nothing is confirmed")
	mine := find(t, `(?m)^([0-9a-f]{8})  a device \(new\)$`, b.must(pass, "slots"))
	out := b.must(pass, "slots", "-seen")
	require.Contains(t, out, "1 change marked as seen")
	require.NotContains(t, b.must(pass, "slots"), "(new)")
	theirs := find(t, `(?m)^([0-9a-f]{8})  a device \(new\)$`, a.must(pass, "slots"))
	require.NotEqual(t, mine, theirs)

	a.fails("there is no slot whose id begins with", pass, "slots", "-remove", "none")
	c := w.device()
	c.must(pass+"yes\n", "login", "alice")
	a.fails("nothing was changed", pass, "slots", "-remove", theirs)
	require.Contains(t, a.must(pass+"yes\n", "slots", "-remove", theirs), "removed "+theirs)
	c.must(pass, "list")
	require.Contains(t, b.must(pass, "list"), "logged out: showing what was fetched", "its session has ended too")
	out = b.must(pass, "login")
	require.Contains(t, out, theirs+"  a slot was removed")
	require.Contains(t, b.must(pass, "list"), "there are no items")
	require.Contains(t, a.must(pass+"yes\n", "slots", "-resolve"), "no removal is waiting")
}

func TestTwoPasswords(t *testing.T) {
	w := newWorld(t, server.Config{})
	a, b := w.device(), w.device()
	a.must(pass, "signup", "alice")
	a.fails("must differ", pass+"login horse\nlogin horse\n", "password", "-two")
	a.must(pass+"login horse\nkeyring horse\n", "password", "-two")
	require.Contains(t, a.must("", "account"), "the keyring has a password of its own")
	a.fails("use -two to change both, or -one", "login horse\nkeyring horse\n", "password")
	a.fails("If the keyring has a password of its own, enter that one", "login horse\n", "list")
	a.must("keyring horse\n", "add", "-title", "Note", "-text", "kept")

	b.must("login horse\nkeyring horse\n", "login", "alice")
	require.Equal(t, 3, strings.Count(a.must("", "sessions"), "\n"), "a line of each device")
	require.Contains(t, b.must("keyring horse\n", "list"), "Note")
	b.must("login horse\nkeyring horse\n", "login", "-two")
	b.must("keyring horse\n", "slots", "-seen")
	require.Contains(t, b.must("login horse\nkeyring horse\n"+pass, "password", "-one"), "the password is changed")
	require.NotContains(t, b.must("", "account"), "of its own")
	a.must(pass+"yes\n", "login")
	require.Contains(t, a.must(pass, "list"), "Note")
}

func TestSecondFactor(t *testing.T) {
	w := newWorld(t, server.Config{})
	a, b := w.device(), w.device()
	a.must(pass, "signup", "alice")
	a.fails("the password is wrong", "wrong\n", "totp", "on")
	a.fails("wrong", pass+"1\n2\n3\n", "totp", "on")
	require.Contains(t, a.must("", "account"), "second factor:  off")

	// The first code depends on the secret, which the program prints before.
	out := w.totpOn(a)
	require.Regexp(t, `(?m)^otpauth://totp/\S+$`, out)
	backup := find(t, `(?m)^  ([0-9A-Z]{5}-[0-9A-Z]{5})$`, out)
	secret := find(t, `secret=([A-Z2-7]{32})`, out)
	require.Contains(t, a.must("", "account"), "on, with 10 unused backup codes")
	a.fails("remove it first", pass, "totp", "on")

	w.step()
	out = b.must(pass+"000000\n"+w.code(secret)+"\nyes\n", "login", "alice")
	require.Contains(t, out, "the code is wrong, or was used before")
	require.Contains(t, out, "logged in as alice")
	b.fails("the code is wrong", pass+"1\n2\n3\n"+w.code(secret)+"\n", "login")
	b.must(pass+backup+"\n", "login")
	require.Contains(t, a.must("", "account"), "9 unused backup codes")
	require.Contains(t, a.must("", "events"), "right password, wrong code")

	// Ten minutes after the last code, the server asks for another one.
	w.seconds.Add(700)
	a.fails("the input ends", pass, "totp", "codes")
	out = a.must(pass+w.code(secret)+"\n", "totp", "codes")
	require.Len(t, backups.FindAllString(out, -1), 10)
	a.must(pass+"yes\nanother horse\n", "password")
	require.Contains(t, a.must("another horse\n", "totp", "off"), "the second factor is off")
	b.must("another horse\n", "login")
}

// TestSRP: an account with Proton's protocol moves to OPAQUE at a login.
func TestSRP(t *testing.T) {
	text, err := os.ReadFile("../e2e/testdata/pool.moduli")
	require.NoError(t, err)
	pool, err := moduli.ParsePool(string(text))
	require.NoError(t, err)
	w := newWorld(t, server.Config{Offer: server.OfferProton, Pool: pool})
	a := w.device()
	a.fails("give -moduli FILE", pass, "signup", "alice")
	keys := func(args ...string) []string { return slices.Insert(args, 1, "-moduli", "../e2e/testdata/pool.pub") }
	a.must(pass, keys("signup", "alice")...)
	require.Contains(t, a.must("", "account"), "login:          SRP, profile proton-4\n")
	a.must(pass, keys("add", "-title", "Note", "-text", "kept")...)
	a.must(pass+"login horse\nkeyring horse\n", keys("password", "-two")...)
	a.must("login horse\nkeyring horse\n"+pass, keys("password", "-one")...)

	w.config.Offer = server.OfferOPAQUE
	w.start()
	require.Contains(t, a.must(pass, keys("login")...), "the account has moved to OPAQUE")
	require.Contains(t, a.must("", "account"), "login:          OPAQUE\n")
	require.Contains(t, a.must(pass, "list"), "Note")
}

// TestEnd: an account ends with its data on this device.
func TestEnd(t *testing.T) {
	w := newWorld(t, server.Config{})
	a, b := w.device(), w.device()
	a.must(pass, "signup", "alice")
	b.must(pass+"yes\n", "login", "alice")
	b.must(pass, "add", "-title", "Note", "-text", "")
	b.fails("nothing was removed", "no\n", "forget")
	require.Contains(t, b.must("yes\n", "forget"), "this device has forgotten the account")
	files, err := os.ReadDir(b.folder)
	require.NoError(t, err)
	require.Empty(t, files)
	b.fails("this device has no account yet", "", "forget")

	a.fails("the account has another name", "bob\n"+pass, "delete")
	a.fails("the password is wrong", "alice\nwrong\n", "delete")
	require.Contains(t, a.must("Alice\n"+pass, "delete"), "the account is deleted")
	a.fails("this device has no account yet", "", "account")
	a.fails("the name or the password is wrong", pass, "login", "alice")
	a.fails("Names of deleted accounts stay taken", pass, "signup", "alice")
}

func TestSettings(t *testing.T) {
	w := newWorld(t, server.Config{})
	a := w.device()
	a.must(pass, "signup", "alice")
	require.Contains(t, a.must("", "settings"), "iterations: 1000\n")
	a.fails("the password does not open this device", "wrong\n", "settings", "-iterations", "210001")
	w.down.Store("/")
	require.Contains(t, a.must(pass, "settings", "-iterations", "210001"), "iterations: 210001\n")
	a.must(pass, "list")
}

func TestLimits(t *testing.T) {
	w := newWorld(t, server.Config{Limits: server.Limits{Account: store.Budget{Burst: 1, Every: 90 * time.Second}}})
	a := w.device()
	a.fails("the name or the password is wrong", pass, "login", "alice")
	_, _, err := a.run(pass, "login", "alice")
	require.Regexp(t, `^too many tries: wait (90|8\d) seconds, and try again$`, err)
}

// TestEvents: events come in pages.
func TestEvents(t *testing.T) {
	w := newWorld(t, server.Config{})
	a := w.device()
	a.must(pass, "signup", "alice")
	require.NotContains(t, a.must("", "events"), "older events")
	var id api.ID
	require.NoError(t, id.UnmarshalText([]byte(find(t, `id: +([0-9a-f]{32})`, a.must("", "account")))))
	require.NoError(t, w.config.DB.Tx(t.Context(), func(tx *store.Tx) error {
		for i := range 230 {
			e := store.Event{Time: w.now().Add(time.Duration(i) * time.Second), Kind: fmt.Sprintf("thing %d", i), Expires: w.now().Add(time.Hour)}
			if err := tx.AddEvent(t.Context(), store.ID(id), e); err != nil {
				return err
			}
		}
		return nil
	}))
	out := a.must("", "events")
	require.Contains(t, out, "there are older events: use events -all\n")
	require.Equal(t, 100, strings.Count(out, "  thing "))
	out = a.must("", "events", "-all")
	require.Equal(t, 230, strings.Count(out, "  thing "))
	require.Contains(t, out, "  thing 0\n")
}

// TestEventTexts: kinds of the server are words for people, in 80 columns.
func TestEventTexts(t *testing.T) {
	for kind, want := range map[string]string{
		"login":                "login",
		"slot added: export":   "slot added: the password of the login",
		"slot removed: phrase": "slot removed: a recovery phrase", "slot removed: \x1b": "slot removed: ?",
		"password set: device":              "password set: on an approved device",
		"password set: phrase":              "password set: with the recovery phrase",
		"claim begun: password":             "claim begun: on an approved device",
		"claim opened: nothing":             "claim opened: nothing",
		"thing: file":                       "thing: file",
		"former account, claim begun: file": "former account, claim begun: with a recovery file",
	} {
		require.Equal(t, want, eventText(kind))
	}
	var out strings.Builder
	for _, what := range []string{"begun", "for review", "opened", "delayed", "cancelled", "approved by the operator", "refused by the operator"} {
		for _, way := range []api.Way{api.WayFile, api.WayContacts, api.WayPassword, api.WayReview} {
			kind := fmt.Sprintf("claim %s: %s", what, way)
			require.NotEqual(t, kind, eventText(kind))
			printEvent(&out, api.Event{Kind: "former account, " + kind, Address: "2001:db8:1234:5678::/64"})
		}
	}
	fits(t, out.String())
	require.Contains(t, out.String(), "  2001:db8:1234:567…\n                  ")
	require.NotRegexp(t, `(?m) $`, out.String())
}

// TestPasswordChanged: a former slot without a kind and the slot of a new
// password together are a change of the password.
func TestPasswordChanged(t *testing.T) {
	gone, added := recovery.SlotChange{Gone: true}, recovery.SlotChange{Type: "export"}
	require.True(t, passwordChanged([]recovery.SlotChange{added, gone}))
	require.False(t, passwordChanged([]recovery.SlotChange{added}))
	require.False(t, passwordChanged([]recovery.SlotChange{gone, {Type: "device"}}))
	require.Equal(t, "00000000  a slot was removed", changeText(gone))
}

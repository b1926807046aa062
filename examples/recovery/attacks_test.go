package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// loggedIn is a client on a device of its own.
func loggedIn(t *testing.T, name, password string) *client {
	t.Helper()
	srv, err := openServer("nescio-server")
	require.NoError(t, err)
	c, err := newClient(&terminal{in: bufio.NewReader(strings.NewReader("yes\n")), out: io.Discard}, srv, t.TempDir(), name)
	require.NoError(t, err)
	_, err = c.login(t.Context(), byPassword, []byte(password))
	require.NoError(t, err)
	return c
}

// TestLoginBesideAPasswordChange: a login by the old password that was under way when
// another device set a new one. It opens the header by the old slot, and must not take
// the new one away as if that were of the past.
func TestLoginBesideAPasswordChange(t *testing.T) {
	for _, finished := range []bool{false, true} {
		in(t)
		must(t, "sign-up alice", pw1, pw1)
		must(t, "note alice third_pot", pw1)
		late := loggedIn(t, "alice", pw1)
		l, request, err := late.opaque.Login(nil, []byte(pw1))
		require.NoError(t, err)
		response, half, err := late.srv.begin(t.Context(), "alice", byPassword, request)
		require.NoError(t, err)
		final, err := l.Respond(t.Context(), response)
		require.NoError(t, err)

		if finished { // after which the change goes on
			reply, on, err := late.srv.finish(t.Context(), half, final)
			require.NoError(t, err)
			_, err = l.Finish(reply)
			require.NoError(t, err)
			export, err := l.ExportKey()
			require.NoError(t, err)
			late.on, late.way = on, recovery.NewExport(export, nil)
			k, err := late.open(t.Context())
			require.NoError(t, err)
			must(t, "password alice", pw1, pw2, pw2)
			require.NoError(t, k.Rotate(t.Context()))
			require.ErrorIs(t, late.upload(k, late.put), errSession)
			require.Len(t, late.state.Pins, 1, "it is certain that the server did not take it")
		} else {
			must(t, "password alice", pw1, pw2, pw2)
			_, _, err = late.srv.finish(t.Context(), half, final)
			require.ErrorIs(t, err, errSession)
		}
		readsNote(t, "new", pw2)
	}
}

// TestPasswordChangeBesideAnother: wherever one of them stops the other, one password
// is left, and it opens the keyring.
func TestPasswordChangeBesideAnother(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	must(t, "note alice third_pot", pw1)
	must(t, "login alice -device other", pw1, "yes")
	base, err := os.Getwd()
	require.NoError(t, err)
	for step := 1; ; step++ {
		work := filepath.Join(t.TempDir(), "work")
		require.NoError(t, copyFolder(work, base))
		t.Chdir(work)
		at, reached := 0, false
		atStep = func() error {
			if at++; at == step {
				reached = true
				return errStopped
			}
			return nil
		}
		_, err := call(t, "password alice", pw1, pw2, pw2)
		atStep = func() error { return nil }
		if !reached {
			require.NoError(t, err)
			return
		}
		wake(t, work)
		call(t, "password alice -device other", pw1, pw3, pw3)
		either(t, fmt.Sprint("step ", step), opens(t, pw3, pw2)...)
	}
}

var errStopped = fmt.Errorf("stopped")

// TestStrangersDoNotRegister: what a registration answers is a try at the password
// that is there.
func TestStrangersDoNotRegister(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	must(t, "sign-up mallory -device m", pw2, pw2)
	mallory := loggedIn(t, "mallory", pw2)
	c, err := opaque.NewClient(opaque.ClientConfig{ServerIdentity: []byte(serverName)})
	require.NoError(t, err)
	_, request, err := c.Register(nil, []byte("guess"))
	require.NoError(t, err)
	for _, on := range []session{{}, mallory.on, {name: "alice", by: byDevice}} {
		_, err := mallory.srv.register(t.Context(), on, "alice", byPassword, request)
		require.Error(t, err)
	}
	_, err = mallory.srv.register(t.Context(), loggedIn(t, "alice", pw1).on, "alice", byPassword, request)
	require.NoError(t, err)
}

// TestGrantsAreOfWhoWasAsked: nobody else's token gets into an account, and nobody
// else's share into a recovery.
func TestGrantsAreOfWhoWasAsked(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	must(t, "sign-up mallory -device m", pw2, pw2)
	alice, mallory := loggedIn(t, "alice", pw1), loggedIn(t, "mallory", pw2)
	srv := alice.srv
	hash := sha256.Sum256([]byte("token"))
	h, err := srv.header(alice.on)
	require.NoError(t, err)
	slot := h.Slots()[0].ID
	id, err := srv.post("alice", request{Token: hash[:], Ask: []byte("ask")})
	require.NoError(t, err)
	share, err := srv.post("alice", request{Contact: "sister", Ask: []byte("ask")})
	require.NoError(t, err)

	for _, on := range []session{mallory.on, {name: "alice", by: byClaim}, {name: "alice", by: byPassword}, {}} {
		require.Error(t, srv.grant(on, "alice", id, slot, []byte("grant")))
		require.Error(t, srv.grant(on, "alice", share, slot, []byte("grant")))
		require.Error(t, srv.answer(on, "alice", share, []byte("answer")))
	}
	require.Error(t, srv.answer(mallory.on, "alice", id, []byte("answer")))
	open, err := srv.requests(mallory.on, "alice")
	require.NoError(t, err)
	require.Empty(t, open)
	require.ErrorIs(t, srv.grant(alice.on, "alice", id, recovery.SlotID{1}, nil), errSession, "of no slot")
	require.Error(t, srv.grant(alice.on, "alice", "abcdefgh", slot, nil), "of no request")
	_, err = srv.byDevice("alice", slot, []byte("token"))
	require.Error(t, err)

	require.NoError(t, srv.grant(alice.on, "alice", id, slot, []byte("grant")))
	require.ErrorIs(t, srv.grant(alice.on, "alice", id, slot, []byte("grant")), errNotAsked, "a second one")
	on, err := srv.byDevice("alice", slot, []byte("token"))
	require.NoError(t, err)
	require.ErrorIs(t, srv.putRecord(on, byPassword, nil, [32]byte{}), errToken)
}

// TestRecoverySessions set a password, and no more.
func TestRecoverySessions(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	srv := loggedIn(t, "alice", pw1).srv
	a, _, err := srv.view("alice")
	require.NoError(t, err)
	for _, on := range []session{{name: "alice", by: byClaim}, {name: "alice", by: byPhrase, record: a.Phrase}} {
		_, err := srv.mine(on)
		require.ErrorIs(t, err, errRecovering)
		for _, err := range []error{
			srv.putNote(on, sealed{}), srv.putContacts(on, recovery.SlotID{}, nil), srv.putFile(on, recovery.SlotID{}, nil),
			srv.putKey(on, sealed{}, sealed{}), srv.keep(on, message{}, sealed{}), srv.deliver(on, "alice", nil),
		} {
			require.ErrorIs(t, err, errRecovering)
		}
		_, err = srv.waits(on, "alice", nil)
		require.ErrorIs(t, err, errRecovering)
		_, err = srv.header(on)
		require.NoError(t, err)
	}
}

// TestLargeMessages: what is larger than any message is refused, and stops nothing.
func TestLargeMessages(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	must(t, "sign-up mallory -device m", pw2, pw2)
	c := loggedIn(t, "mallory", pw2)
	large := make([]byte, maxMessage+1)
	_, err := c.srv.post("alice", request{Ask: large})
	require.ErrorIs(t, err, errMessage)
	_, err = c.srv.post("alice", request{Token: large})
	require.ErrorIs(t, err, errMessage)
	_, err = c.srv.post("alice", request{Contact: "../../x"})
	require.ErrorIs(t, err, errMessage)
	require.ErrorIs(t, c.srv.deliver(c.on, "alice", large), errMessage)
	id, err := c.srv.post("alice", request{})
	require.NoError(t, err)
	require.ErrorIs(t, c.srv.reveal("alice", id, large), errMessage)
	require.Error(t, save("large", string(make([]byte, maxFile))))

	// One sender fills no mailbox.
	for i := range 3 * maxOfOne {
		require.NoError(t, c.srv.deliver(c.on, "alice", []byte{byte(i)}))
	}
	a, _, err := c.srv.view("alice")
	require.NoError(t, err)
	require.Len(t, a.Shares, maxOfOne)
	require.Equal(t, []byte{3*maxOfOne - 1}, a.Shares[0].Sealed, "the newest is in front")
	must(t, "login alice", pw1)
}

// TestNoSlotIsLeftBehind: a file that cannot be written makes none, and new passwords
// always find room.
func TestNoSlotIsLeftBehind(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	must(t, "note alice third_pot", pw1)
	for range 2 {
		_, err := call(t, "file alice -o nowhere/alice.recovery", pw1)
		require.Error(t, err)
	}
	require.Equal(t, 1, strings.Count(must(t, "login alice", pw1), "password  "))
	require.NotContains(t, must(t, "login alice", pw1), "file      ")

	phrase := phraseOf(t, must(t, "phrase alice", pw1, "yes"))
	c := loggedIn(t, "alice", pw1)
	k, err := c.byPassword(t.Context(), []byte(pw1))
	require.NoError(t, err)
	for len(k.Slots()) < recovery.MaxSlots-room {
		_, err := c.add(t.Context(), k, recovery.NewFile())
		require.NoError(t, err)
	}
	refused(t, "too many ways in", "file alice -o alice.recovery", pw1)
	_, err = os.Lstat("alice.recovery")
	require.ErrorIs(t, err, os.ErrNotExist)
	must(t, "recover alice -by phrase -device new", phrase, "yes", pw2, pw2)
	readsNote(t, "newer", pw2)
}

// TestManyRotations: what is sealed follows the master key, of which the keyring keeps
// so many.
func TestManyRotations(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	must(t, "note alice third_pot", pw1)
	c := loggedIn(t, "alice", pw1)
	k, err := c.byPassword(t.Context(), []byte(pw1))
	require.NoError(t, err)
	for i := range recovery.MaxHistory + 2 {
		require.NoError(t, k.Rotate(t.Context()))
		if i == 100 {
			require.NoError(t, c.upload(k, c.put))
			must(t, "login alice", pw1)
		}
	}
	require.NoError(t, c.upload(k, c.put))
	require.Contains(t, must(t, "login alice", pw1), "master key 258")
	require.Contains(t, must(t, "login alice", pw1), "as a contact is")
	readsNote(t, "new", pw1)
}

// TestCommandsOfOneDevice: one that waited for its user does not undo what another one
// stored.
func TestCommandsOfOneDevice(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	must(t, "login alice -device phone", pw1, "yes")
	waiting := start(t, "note alice hello -device phone")
	waiting.see("Password")
	phone := start(t, "ask alice -device phone")
	must(t, "approve alice", pw1, "yes", phone.see(`alone:\n(\S+)\n`))
	require.NoError(t, phone.end())
	must(t, "password alice", pw1, pw2, pw2)
	waiting.say(pw2)
	waiting.see("Written")
	require.NoError(t, waiting.end())
	require.Contains(t, must(t, "note alice -device phone"), "hello") // by the device itself
}

// TestSignUpBesideAnother: whoever comes second keeps what the device knows.
func TestSignUpBesideAnother(t *testing.T) {
	in(t)
	second := start(t, "sign-up alice")
	second.see("New password")
	must(t, "sign-up alice", pw1, pw1)
	second.say(pw2)
	second.say(pw2)
	require.ErrorIs(t, second.end(), errTaken)
	must(t, "login alice", pw1)
}

// TestClaimsExpire.
func TestClaimsExpire(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	refused(t, "waits for a review", "recover alice -by contacts -device thief")
	srv := loggedIn(t, "alice", pw1).srv
	refused(t, "waits for a review", "recover alice -by contacts -device thief")
	require.NoError(t, srv.watched("alice", func(w *watch) error {
		require.Len(t, w.Claims, 1)
		for _, c := range w.Claims {
			c.Since = c.Since.Add(-claimLife - time.Second)
		}
		return nil
	}))
	require.Contains(t, must(t, "review alice"), "Nothing is counted")
}

// TestOddFolders: the server's may have any name, and what a crash left goes with the
// next write.
func TestOddFolders(t *testing.T) {
	in(t)
	must(t, "sign-up alice -server a[b]*", pw1, pw1)
	require.Contains(t, must(t, "inspect -server a[b]*"), "alice\n")
	left := filepath.Join("a[b]*", "accounts", ".alice.json.1.tmp")
	require.NoError(t, os.WriteFile(left, []byte("left"), 0o600))
	must(t, "note alice text -server a[b]*", pw1)
	_, err := os.Lstat(left)
	require.ErrorIs(t, err, os.ErrNotExist)
	srv, err := openServer("a[b]*")
	require.NoError(t, err)
	for range maxRequests {
		_, err := srv.post("alice", request{})
		require.NoError(t, err)
	}
	_, err = srv.post("alice", request{})
	require.Error(t, err)
}

package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/srp"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

func TestStory(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, story(t.Context(), &out))
	text := out.String()
	require.Contains(t, text, "2048 bits, e9cc08b5…")
	require.NotContains(t, text, "battery staple", "the password is nowhere")
	require.NotContains(t, text, "llama paperclip")
	require.Equal(t, 8, strings.Count(text, "401 Incorrect login credentials"))
	require.Equal(t, 6, strings.Count(text, "bread, milk, a good lock"), "six times it was opened")
	require.Equal(t, 1, strings.Count(text, errPushedBack.Error()))
	require.Equal(t, 1, strings.Count(text, "wrap: cannot open"))
	require.NotContains(t, text, string(workPassword))
	require.NotContains(t, text, string(finalPassword))
	require.NotContains(t, text, string(lastPassword))
	require.Equal(t, 10, strings.Count(text, planText), "once by Mallory")
	require.Equal(t, 3, strings.Count(text, "monkey7"), "it opened the header, then nothing, and with the setup the record")
	require.Equal(t, 2, strings.Count(text, recovery.ErrRollback.Error()))
	require.Equal(t, 1, strings.Count(text, notReviewed.Error()))
	require.Contains(t, text, "OPAQUE, file, passkey, phrase; master key 6")
	files := regexp.MustCompile(`\S+nescio-recovery-\S+\.txt, (\S+),`).FindAllStringSubmatch(text, -1)
	require.Len(t, files, 3)
	for _, f := range files {
		require.Equal(t, "-rw-------", f[1])
		path, _, _ := strings.Cut(f[0], ",")
		require.NoFileExists(t, path, "the story takes its files away")
	}
	requireChapter5(t, text)
	keys := make(map[string]int)
	for _, field := range strings.Fields(strings.ReplaceAll(text, "SHA-256 ", "SHA-256:")) {
		if strings.HasPrefix(field, "SHA-256:") {
			keys[field]++
		}
	}
	require.Len(t, keys, 1, "one session key, shown twice")
	for _, n := range keys {
		require.Equal(t, 2, n)
	}
}

// newWorld is a server and a client, and an account that has logged in.
func newWorld(t *testing.T) (*server, *client) {
	s, err := newServer()
	require.NoError(t, err)
	base, err := s.listen(t.Context())
	require.NoError(t, err)
	c, err := newClient(base)
	require.NoError(t, err)
	require.NoError(t, c.signUp(t.Context(), "alice", password))
	_, err = c.login(t.Context(), "alice", password)
	require.NoError(t, err)
	return s, c
}

// TestServerThatCheats hands out what it has in the wrong places, and what it
// has made weaker: the client opens none of it.
func TestServerThatCheats(t *testing.T) {
	_, c := newWorld(t)
	ctx := t.Context()
	v := newVault("alice")
	require.NoError(t, c.upload(ctx, v, password))
	shopping, err := v.write(ctx, "shopping", "milk")
	require.NoError(t, err)
	diary, err := v.write(ctx, "diary", "a day")
	require.NoError(t, err)
	require.NoError(t, c.call(ctx, "PUT", "/notes", notes{"shopping": diary, "diary": shopping}, nil))
	copied, err := c.download(ctx)
	require.NoError(t, err)
	opened, err := unlock(ctx, "alice", copied.Keys, password)
	require.NoError(t, err)
	for name, n := range copied.Notes {
		_, err := opened.read(ctx, name, n)
		require.ErrorIs(t, err, wrap.ErrOpen)
	}
	_, err = opened.read(ctx, "shopping", note{Key: shopping.Key, Text: diary.Text})
	require.Error(t, err)
	text, err := opened.read(ctx, "diary", diary)
	require.NoError(t, err)
	require.Equal(t, "a day", text)

	_, err = unlock(ctx, "bob", copied.Keys, password)
	require.ErrorIs(t, err, wrap.ErrOpen, "another user's, though with the same password")
	for name, tt := range map[string]struct {
		change func(k *userKeys)
		want   error
	}{
		"weak":    {func(k *userKeys) { k.KDF = strings.Replace(k.KDF, "m=65536,t=3", "m=1024,t=1", 1) }, kdf.ErrWeak},
		"ruinous": {func(k *userKeys) { k.KDF = strings.Replace(k.KDF, "m=65536", "m=2147483647", 1) }, kdf.ErrExcessive},
		"no KDF":  {func(k *userKeys) { k.KDF = "" }, kdf.ErrMalformed},
		"no key":  {func(k *userKeys) { k.MasterKey = nil }, wrap.ErrOpen},
	} {
		keys := copied.Keys
		tt.change(&keys)
		_, err := unlock(ctx, "alice", keys, password)
		require.ErrorIs(t, err, tt.want, name)
	}
}

// TestSessions: nothing without one, and a password change ends them all and
// needs a fresh one.
// TestAnswersAreBounded: a server that never stops gets no more of the client's
// memory than an honest one.
func TestAnswersAreBounded(t *testing.T) {
	sent := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		part := bytes.Repeat([]byte{'A'}, 64<<10)
		for _, err := io.WriteString(w, `{"KDF":"`); err == nil && sent < 64<<20; _, err = w.Write(part) {
			sent += len(part)
		}
	}))
	c := &client{base: server.URL}
	require.ErrorIs(t, c.call(t.Context(), "GET", "/keys", nil, new(userKeys)), io.ErrUnexpectedEOF)
	server.Close()
	require.Less(t, sent, 64<<20, "what buffers hold, and no more")
}

func TestSessions(t *testing.T) {
	s, c := newWorld(t)
	ctx := t.Context()
	other := &client{base: c.base, origins: c.origins, srp: c.srp, fresh: c.fresh}
	require.Equal(t, statusError{401, "Log in first"}, other.upload(ctx, newVault("alice"), password))
	other.token = "guessed"
	_, err := other.download(ctx)
	require.Equal(t, statusError{401, "Log in first"}, err)

	v := newVault("alice")
	require.NoError(t, c.upload(ctx, v, password))
	locked, err := v.lock(ctx, []byte("new password"))
	require.NoError(t, err)
	token := c.token
	s.mu.Lock()
	s.sessions[token] = session{id: "alice", born: time.Now().Add(-2 * time.Minute), protocol: bySRP}
	s.mu.Unlock()
	require.Equal(t, statusError{401, "Log in first"}, c.changePassword(ctx, []byte("new password"), locked))
	_, err = c.download(ctx)
	require.NoError(t, err, "an old session may still read")

	_, err = c.login(ctx, "alice", password)
	require.NoError(t, err)
	require.Equal(t, statusError{400, "Malformed request"}, c.call(ctx, "PUT", "/settings/password", passwordRequest{}, nil))
	require.NoError(t, c.changePassword(ctx, []byte("new password"), locked))
	for _, old := range []string{token, c.token} {
		c.token = old
		_, err = c.download(ctx)
		require.Equal(t, statusError{401, "Log in first"}, err)
	}
	_, err = c.login(ctx, "alice", []byte("new password"))
	require.NoError(t, err)
	copied, err := c.download(ctx)
	require.NoError(t, err)
	opened, err := unlock(ctx, "alice", copied.Keys, []byte("new password"))
	require.NoError(t, err)
	require.Equal(t, v.master, opened.master)
}

// TestLoginAcrossAPasswordChange: who knew the old password, and began to log in
// with it, is out as well.
func TestLoginAcrossAPasswordChange(t *testing.T) {
	_, c := newWorld(t)
	ctx := t.Context()
	mallory := &client{base: c.base, origins: c.origins, srp: c.srp, fresh: c.fresh}
	var info infoResponse
	require.NoError(t, mallory.call(ctx, "POST", "/auth/info", infoRequest{"alice"}, &info))
	group, err := mallory.origins.group(info.Modulus)
	require.NoError(t, err)
	login, _, err := mallory.srp.Login(nil, password)
	require.NoError(t, err)
	proof, err := login.Answer(ctx, srp.Challenge{Profile: srp.Proton(4), Group: group, Salt: info.Salt, B: info.ServerEphemeral})
	require.NoError(t, err)

	locked, err := newVault("alice").lock(ctx, []byte("new password"))
	require.NoError(t, err)
	require.NoError(t, c.changePassword(ctx, []byte("new password"), locked))
	require.Equal(t, statusError{401, "Incorrect login credentials"},
		mallory.call(ctx, "POST", "/auth", authRequest{"alice", proof.A, proof.M1, info.SRPSession}, nil))
}

// TestRetiredModuliAreNotHandedOut for new passwords, and serve those who have
// them.
func TestRetiredModuliAreNotHandedOut(t *testing.T) {
	lines := strings.SplitAfter(strings.TrimSuffix(pool, "\n"), "\n")
	require.Len(t, lines, 3)
	c, err := newCatalogue("retired " + lines[0] + lines[1] + "retired " + lines[2] + "\n")
	require.NoError(t, err)
	require.Len(t, c.groups, 4)
	left := c.pool.Records()[1].Modulus()
	for range 10 {
		g, err := c.next(c.first.Ref().N)
		require.NoError(t, err)
		require.Equal(t, left.N, g.Ref().N)
	}
	_, err = c.next(left.N)
	require.ErrorIs(t, err, moduli.ErrEmpty, "there is no other")
}

// TestOnlyWhatWasOfferedIsAdmitted: a client does not choose its modulus.
func TestOnlyWhatWasOfferedIsAdmitted(t *testing.T) {
	s, c := newWorld(t)
	ctx := t.Context()
	auth, err := c.register(ctx, "/auth/modulus", []byte("new password")) // that of new accounts
	require.NoError(t, err)
	locked, err := newVault("alice").lock(ctx, []byte("new password"))
	require.NoError(t, err)
	require.Equal(t, statusError{400, "Malformed request"}, c.call(ctx, "PUT", "/settings/password", passwordRequest{auth, locked}, nil))
	require.NoError(t, c.changePassword(ctx, []byte("new password"), locked))
	require.Nil(t, s.stored("alice").next)
}

// TestServerRefuses: what no client of ours sends gets an answer, and the
// server goes on.
func TestServerRefuses(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := newServer()
	require.NoError(t, err)
	base, err := s.listen(ctx)
	require.NoError(t, err)
	c, err := newClient(base)
	require.NoError(t, err)
	require.NoError(t, c.signUp(ctx, "alice", []byte("password")))
	require.Equal(t, statusError{400, "Malformed request"},
		c.call(ctx, "POST", "/users", signUpRequest{"bob", signUpAuth{Version: 4, ModulusID: modulusID(s.moduli.first)}}, nil))
	require.Equal(t, statusError{400, "Malformed request"},
		c.call(ctx, "POST", "/users", signUpRequest{"bob", signUpAuth{
			Version: 3, ModulusID: modulusID(s.moduli.first), Salt: make([]byte, 10), Verifier: bytes.Repeat([]byte{3}, 256)}}, nil))
	require.Equal(t, statusError{409, "Username already taken"}, c.signUp(ctx, "Alice", []byte("mine now")))
	require.Equal(t, statusError{400, "Malformed request"}, c.signUp(ctx, " ", []byte("password")))
	require.Equal(t, statusError{400, "Malformed request"}, c.call(ctx, "POST", "/auth/info", infoRequest{""}, nil))
	require.Equal(t, statusError{401, "Incorrect login credentials"},
		c.call(ctx, "POST", "/auth", authRequest{Username: "alice", SRPSession: "guessed"}, nil))

	for _, body := range []string{"", "{", "[]", `{"Username": 5}`, strings.Repeat(" ", 1<<20)} {
		response, err := http.Post(base+"/auth/info", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusBadRequest, response.StatusCode)
	}
	// A login of Alice's cannot be finished under another name.
	var info infoResponse
	require.NoError(t, c.call(ctx, "POST", "/auth/info", infoRequest{"alice"}, &info))
	require.Equal(t, statusError{401, "Incorrect login credentials"},
		c.call(ctx, "POST", "/auth", authRequest{Username: "bob", SRPSession: info.SRPSession}, nil))
	_, err = c.login(ctx, " ALICE ", []byte("password"))
	require.NoError(t, err)
}

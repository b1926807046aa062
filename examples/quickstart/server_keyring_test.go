package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

var (
	notReviewed = statusError{403, "Nobody has reviewed this yet"}
	noFile      = statusError{404, "No such file"}
)

// TestReleaseOfAFile: the server's half is for who has logged in, or whose claim has
// been reviewed, and only that of their own account.
func TestReleaseOfAFile(t *testing.T) {
	ctx := t.Context()
	r, s, laptop := newRingWorld(t, afterMove)
	base := laptop.base
	file, err := recovery.ParseFile(r.file)
	require.NoError(t, err)
	id := file.ID()
	half := s.stored(workName).files[id]
	release := func(c *client) ([]byte, error) {
		var out fileResponse
		err := c.call(ctx, "POST", "/recovery/file", fileRequest{id[:]}, &out)
		return out.Secret, err
	}

	c := newRingDevice(t, base)
	_, err = release(c)
	require.Equal(t, loginFirst, err)
	for _, name := range []string{workName, "nobody"} {
		ticket, err := c.claim(ctx, name)
		require.NoError(t, err)
		require.Len(t, ticket, 26)
		require.Equal(t, notReviewed, c.redeem(ctx, name, ticket))
		require.Equal(t, notReviewed, c.redeem(ctx, name, "guessed"))
		_, err = release(c)
		require.Equal(t, loginFirst, err)
		if name == "nobody" {
			require.Equal(t, errReview, s.approve(ticket))
			continue
		}
		require.NoError(t, s.approve(ticket))
		require.NoError(t, c.redeem(ctx, name, ticket))
		require.Equal(t, notReviewed, newRingDevice(t, base).redeem(ctx, name, ticket), "a ticket is for one session")
		got, err := release(c)
		require.NoError(t, err)
		require.Equal(t, half, got)
		k, err := c.recoverByFile(ctx, r.file)
		require.NoError(t, err)
		requirePlan(t, s, k)
		requireRecoveryOnly(t, c)

		s.mu.Lock()
		on := s.sessions[c.token]
		on.born = time.Now().Add(-2 * time.Minute)
		s.sessions[c.token] = on
		s.mu.Unlock()
		_, err = release(c)
		require.Equal(t, loginFirst, err)
	}
	requireEnter(t, s, laptop, weakPassword)
	got, err := release(laptop)
	require.NoError(t, err)
	require.Equal(t, half, got)
	require.Equal(t, malformed, laptop.call(ctx, "POST", "/recovery/file", fileRequest{id[:15]}, nil))

	addAccount(t, s, "mallory")
	mallory := newRingDevice(t, base)
	_, err = mallory.signIn(ctx, "mallory", password)
	require.NoError(t, err)
	_, err = release(mallory)
	require.Equal(t, noFile, err)
}

// requireRecoveryOnly checks that a session may do no more than a recovery needs.
func requireRecoveryOnly(t *testing.T, c *client) {
	t.Helper()
	for _, request := range []string{
		"GET /keys", "PUT /keys", "GET /notes", "PUT /notes", "GET /settings/modulus", "PUT /settings/password",
		"POST /settings/opaque", "PUT /settings/opaque", "PUT /recovery",
		"GET /device/requests", "PUT /device/grant", "POST /contact/key", "PUT /contact/message",
	} {
		method, path, _ := strings.Cut(request, " ")
		require.Equal(t, loginFirst, c.call(t.Context(), method, path, struct{}{}, nil), request)
	}
}

// TestPhraseAccount: it guards the header of its own name, and does no more.
func TestPhraseAccount(t *testing.T) {
	ctx := t.Context()
	r, s, laptop := newRingWorld(t, afterMove)
	base := laptop.base
	requireRecoveryOnly(t, requirePhrase(t, s, base, r.words))

	// On the path of chapter 1 too.
	phrase, err := recovery.ParsePhrase(r.words)
	require.NoError(t, err)
	secret, err := phrase.AuthSecret()
	require.NoError(t, err)
	c := newRingDevice(t, base)
	_, err = c.login(ctx, workName+phraseSuffix, secret)
	require.NoError(t, err)
	requireRecoveryOnly(t, c)

	// Mallory has an account and a phrase. They are good for his own header.
	addAccount(t, s, "mallory")
	mallory := newRingDevice(t, base)
	_, err = mallory.signIn(ctx, "mallory", password)
	require.NoError(t, err)
	k, err := mallory.createKeyring(ctx, password)
	require.NoError(t, err)
	his := &ringState{}
	_, err = mallory.newWays(ctx, k, his.keep)
	require.NoError(t, err)
	mallory = newRingDevice(t, base)
	k, err = mallory.recoverByPhrase(ctx, "mallory", his.words)
	require.NoError(t, err)
	require.Equal(t, s.stored("mallory").keyring, k.Bytes())
	require.NotEqual(t, s.stored(workName).keyring, k.Bytes())
	before := s.stored(workName)
	require.Equal(t, stale, mallory.call(ctx, "PUT", "/keyring", keyringMessage{before.keyring}, nil))
	require.Equal(t, before, s.stored(workName))

	_, err = newRingDevice(t, base).recoverByPhrase(ctx, workName, his.words)
	require.Equal(t, refused, err)
	// Nor can he sign up as somebody's phrase.
	auth, err := mallory.register(ctx, "/auth/modulus", []byte("password"))
	require.NoError(t, err)
	for _, name := range []string{"alice" + phraseSuffix, "alice/x", "/phrase", workName + "/PHRASE "} {
		require.Equal(t, malformed, mallory.call(ctx, "POST", "/users", signUpRequest{name, auth}, nil), name)
	}
}

// TestKeyringOnTheServer: what is not made from the stored header, or is none, is not
// stored, and no record without the header that has its slot.
func TestKeyringOnTheServer(t *testing.T) {
	ctx := t.Context()
	r, s, laptop := newRingWorld(t, afterMove)
	k := requireEnter(t, s, laptop, weakPassword)
	before := s.stored(workName)
	put := func(header []byte) error { return laptop.call(ctx, "PUT", "/keyring", keyringMessage{header}, nil) }
	require.Equal(t, malformed, put(nil))
	require.Equal(t, malformed, put(before.keyring[1:]))
	require.Equal(t, stale, put(before.keyring))
	first, err := recovery.Create(ctx, bytes.Repeat([]byte{1}, 16), recovery.NewPassword(weakPassword, nil))
	require.NoError(t, err)
	require.Equal(t, stale, put(first.Bytes()), "a first header is for an account without one")
	require.Equal(t, loginFirst, newDevice(t, laptop.base).call(ctx, "PUT", "/keyring", keyringMessage{before.keyring}, nil))

	digest := k.Header().Digest()
	auth, err := laptop.register(ctx, "/auth/modulus", []byte("any"))
	require.NoError(t, err)
	good := recoveryRequest{Phrase: auth, File: make([]byte, 16), Secret: make([]byte, 32), Keyring: digest[:]}
	for name, tt := range map[string]struct {
		change func(*recoveryRequest)
		want   error
	}{
		"header": {func(q *recoveryRequest) { q.Keyring = make([]byte, 32) }, stale},
		"none":   {func(q *recoveryRequest) { q.Keyring = nil }, stale},
		"file":   {func(q *recoveryRequest) { q.File = nil }, malformed},
		"secret": {func(q *recoveryRequest) { q.Secret = make([]byte, 31) }, malformed},
		"phrase": {func(q *recoveryRequest) { q.Phrase = signUpAuth{} }, malformed},
	} {
		q := good
		tt.change(&q)
		require.Equal(t, tt.want, laptop.call(ctx, "PUT", "/recovery", q, nil), name)
	}
	record := before.records[byOPAQUE]
	for _, q := range []admitRequest{{record, nil}, {record, make([]byte, 32)}} {
		require.Equal(t, stale, laptop.call(ctx, "PUT", "/password", q, nil))
	}
	require.Equal(t, malformed, laptop.call(ctx, "PUT", "/password", admitRequest{nil, digest[:]}, nil))
	require.Equal(t, before, s.stored(workName))
	requirePhrase(t, s, laptop.base, r.words)

	_, s, laptop = newRingWorld(t, beforeMove)
	laptop.token = "token"
	s.mu.Lock()
	s.sessions[laptop.token] = newSession(workName, bySRP)
	s.mu.Unlock()
	require.Equal(t, stale, laptop.call(ctx, "PUT", "/settings/password", passwordRequest{}, nil))
}

// TestNewPasswordAcrossAnotherLogin: while the phone sets a password, the laptop logs
// in with the old one and takes the phone's slot, which it does not know, away. The
// record must not come after that.
func TestNewPasswordAcrossAnotherLogin(t *testing.T) {
	ctx := t.Context()
	r, s, laptop := newRingWorld(t, afterMove)
	phone := requirePhrase(t, s, laptop.base, r.words)
	k, err := phone.openKeyring(ctx)
	require.NoError(t, err)
	base := phone.base
	phone.base = between(t, base, func(w http.ResponseWriter, q *http.Request, pass http.Handler) {
		if q.Method == "PUT" && q.URL.Path == "/password" {
			requireEnter(t, s, laptop, weakPassword)
		}
		pass.ServeHTTP(w, q)
	})
	require.Equal(t, stale, phone.setPassword(ctx, k, workPassword))
	requireEnter(t, s, laptop, weakPassword)

	phone.base = base
	k, err = phone.openKeyring(ctx)
	require.NoError(t, err)
	token := laptop.token
	require.NoError(t, phone.setPassword(ctx, k, workPassword))
	for _, c := range []*client{laptop, phone} {
		_, err = c.fetchKeyring(ctx)
		require.Equal(t, loginFirst, err, "all sessions are over")
	}
	requireEnter(t, s, laptop, workPassword)
	require.NotEqual(t, token, laptop.token)
}

// recorder keeps everything that clients send.
type recorder struct {
	mu   sync.Mutex
	sent bytes.Buffer
}

func (r *recorder) between(t *testing.T, base string) string {
	return between(t, base, func(w http.ResponseWriter, q *http.Request, pass http.Handler) {
		body, _ := io.ReadAll(q.Body)
		q.Body = io.NopCloser(bytes.NewReader(body))
		r.mu.Lock()
		r.sent.WriteString(q.URL.Path)
		r.sent.Write(body)
		r.decode(body)
		r.mu.Unlock()
		pass.ServeHTTP(w, q)
	})
}

// decode adds what is in base64.
func (r *recorder) decode(body []byte) {
	for _, field := range strings.Split(string(body), `"`) {
		if b, err := base64.StdEncoding.DecodeString(field); err == nil {
			r.sent.Write(b)
		}
	}
}

// TestServerLearnsNothing goes through all of Alice's ways in, and looks for her
// secrets in everything that she sent, and that the server has stored.
func TestServerLearnsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("bcrypt is slow under the race detector")
	}
	ctx := t.Context()
	var r recorder
	secrets := make(map[string][]byte)
	state := &ringState{}
	s, laptop, err := state.world(ctx)
	require.NoError(t, err)
	proxy := r.between(t, laptop.base)
	laptop.base = proxy
	k, err := laptop.signUpWithKeyring(ctx, workName, weakPassword, state.keep)
	require.NoError(t, err)
	// From here on everything that opens a slot tells what it found there.
	reveal := func(name string, c *client) {
		t.Helper()
		c.way = spy{c.way, func(secret []byte) { secrets[name+": seed"], secrets["lineage key"] = secret[:32], secret[32:] }}
		_, err := c.openKeyring(ctx)
		require.NoError(t, err)
	}
	reveal("password", laptop)
	written, err := ringVault{k}.write(ctx, planName, planText)
	require.NoError(t, err)
	require.NoError(t, laptop.call(ctx, "PUT", "/notes", notes{planName: written}, nil))
	for range 2 {
		requireEnter(t, s, laptop, weakPassword)
	}
	in, err := laptop.signIn(ctx, workName, weakPassword)
	require.NoError(t, err)
	secrets["export key"] = in.export
	reveal("export", laptop)

	chip, salt := newAuthenticator(), recovery.NewPasskeySalt()
	k, err = laptop.openKeyring(ctx)
	require.NoError(t, err)
	_, err = laptop.changeKeyring(ctx, k, func(k *recovery.Keyring) error {
		_, err := k.Add(ctx, chip.passkey(salt))
		return err
	})
	require.NoError(t, err)
	secrets["PRF"] = chip.prf(salt)
	laptop.way = chip
	reveal("passkey", laptop)

	phone := requirePhrase(t, s, proxy, state.words)
	reveal("phrase", phone)
	_, err = phone.recoverByFile(ctx, state.file)
	require.NoError(t, err)
	reveal("file", phone)
	phone.way = chip
	k, err = phone.openKeyring(ctx)
	require.NoError(t, err)
	require.NoError(t, phone.setPassword(ctx, k, workPassword))
	k = requireEnter(t, s, phone, workPassword)

	phrase, err := recovery.ParsePhrase(state.words)
	require.NoError(t, err)
	secrets["entropy"] = phrase.Entropy()
	secrets["login of the phrase"], err = phrase.AuthSecret()
	require.NoError(t, err)
	lines := strings.Split(state.file, "\n")
	armored, err := base64.StdEncoding.DecodeString(strings.Join(lines[1:len(lines)-2], ""))
	require.NoError(t, err)
	require.Len(t, armored, 53)
	secrets["F"] = armored[17:49]
	secrets["text of the file"] = []byte(lines[1])
	secrets["weak password"], secrets["password"] = weakPassword, workPassword
	secrets["words"] = []byte(strings.Join(strings.Fields(state.words)[:3], " "))
	secrets["note"] = []byte(planText)
	secrets["chip"] = chip.key

	a, p := s.stored(workName), s.stored(workName+phraseSuffix)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, stored := range []any{a.records, p.records, a.keyring, slices.Collect(maps.Values(a.files)), a.notes} {
		encoded, err := json.Marshal(stored)
		require.NoError(t, err)
		r.decode(encoded)
	}
	all := r.sent.Bytes()
	for name, secret := range secrets {
		require.GreaterOrEqual(t, len(secret), 7, name)
		require.False(t, bytes.Contains(all, secret), name)
	}
	require.Equal(t, 17, len(secrets))

	// The search finds what is there.
	require.True(t, bytes.Contains(all, a.keyring))
	require.Len(t, a.files, 1)
	for _, half := range a.files {
		require.True(t, bytes.Contains(all, half))
	}
	// Master keys do not come out of a keyring; so every place is tried.
	require.EqualValues(t, 3, k.Epoch())
	for epoch := uint32(1); epoch <= k.Epoch(); epoch++ {
		master, err := k.Key(epoch)
		require.NoError(t, err)
		for i := range len(all) - wrap.KeySize {
			require.False(t, master.Equal(wrap.ImportKey([wrap.KeySize]byte(all[i:]))))
		}
	}
}

// spy tells what a way in finds in its slot.
type spy struct {
	recovery.Opener
	tell func(secret []byte)
}

func (s spy) Open(ctx context.Context, b wrap.Binding, slot recovery.Slot) ([]byte, error) {
	secret, err := s.Opener.Open(ctx, b, slot)
	if err == nil {
		s.tell(bytes.Clone(secret))
	}
	return secret, err
}

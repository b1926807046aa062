package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// oldClient logs in on the new path, in SRP alone.
func oldClient(ctx context.Context, c *client, name string) error {
	login, hello, err := c.srp.Login(nil, password)
	if err != nil {
		return err
	}
	var begun beginResponse
	if err := c.call(ctx, "POST", "/login/begin", beginRequest{name, map[protocol][]byte{bySRP: hello}}, &begun); err != nil {
		return err
	}
	final, err := login.Respond(ctx, begun.Response)
	if err != nil {
		return err
	}
	var finished finishResponse
	if err := c.call(ctx, "POST", "/login/finish", finishRequest{name, begun.Session, final}, &finished); err != nil {
		return err
	}
	_, err = login.Finish(finished.Reply)
	return err
}

// TestOldClient speaks SRP only: it serves until the first login by OPAQUE.
func TestOldClient(t *testing.T) {
	_, c := newVaultWorld(t)
	ctx := t.Context()
	old := newDevice(t, c.base)
	works := func() {
		t.Helper()
		require.NoError(t, oldClient(ctx, old, "alice"))
		_, err := old.login(ctx, "alice", password)
		require.NoError(t, err)
		copied, err := old.download(ctx)
		require.NoError(t, err)
		_, err = unlock(ctx, "alice", copied.Keys, password)
		require.NoError(t, err)
	}
	requireNote(t, c, bySRP)
	works()

	// Two logins that begin before, and end after.
	login, _, err := old.srp.Login(nil, password)
	require.NoError(t, err)
	var begun beginResponse
	require.NoError(t, old.call(ctx, "POST", "/login/begin", beginRequest{"alice", map[protocol][]byte{bySRP: []byte("S\x01")}}, &begun))
	final, err := login.Respond(ctx, begun.Response)
	require.NoError(t, err)
	requireNote(t, c, byOPAQUE)
	require.Equal(t, refused, old.call(ctx, "POST", "/login/finish", finishRequest{"alice", begun.Session, final}, nil))

	for _, name := range []string{"alice", "nobody"} {
		require.Equal(t, refused, oldClient(ctx, old, name))
		_, err := old.login(ctx, name, password)
		require.Equal(t, refused, err)
	}
}

// TestStrangers: an account on SRP, one on OPAQUE and names that nobody has
// answer in the same two shapes.
func TestStrangers(t *testing.T) {
	s, c := newVaultWorld(t)
	addAccount(t, s, "alice2")
	addAccount(t, s, "alice3")
	move(t, s, c, "alice")

	_, hello, err := c.srp.Login(nil, password)
	require.NoError(t, err)
	_, request, err := c.opaque.Login(nil, password)
	require.NoError(t, err)
	both := map[protocol][]byte{bySRP: hello, byOPAQUE: request}

	// What is fixed in an answer: all but the last fields, whose sizes are fixed.
	const random = 10 + 2 + 256 // salt, no KDF, B
	const ke2 = 320
	type answer struct {
		protocol protocol
		size     int
		kind     string
	}
	finals := map[protocol][]byte{bySRP: append([]byte("S\x01"), bytes.Repeat([]byte{1}, 512)...), byOPAQUE: append([]byte("O\x01"), make([]byte, 64)...)}
	ask := func(name string, requests map[protocol][]byte) answer {
		t.Helper()
		status, body := post(t, c.base+"/login/begin", beginRequest{name, requests})
		require.Equal(t, 200, status)
		var fields map[string]any
		require.NoError(t, json.Unmarshal(body, &fields))
		require.Len(t, fields, 3)
		var b beginResponse
		require.NoError(t, json.Unmarshal(body, &b))
		require.Len(t, b.Session, 26)
		variable := random
		if b.Protocol == byOPAQUE {
			variable = ke2
		}
		a := answer{b.Protocol, len(b.Response), string(b.Response[:len(b.Response)-variable])}

		status, body = post(t, c.base+"/login/finish", finishRequest{name, b.Session, finals[b.Protocol]})
		require.Equal(t, 401, status)
		require.Equal(t, `{"Error":"Incorrect login credentials"}`, strings.TrimSpace(string(body)))
		return a
	}
	known := map[protocol]answer{bySRP: ask("alice2", both), byOPAQUE: ask("alice", both)}
	for p, a := range known {
		require.Equal(t, p, a.protocol)
	}

	// Names until each answer of a known one has been seen, and each third of the
	// draws that matter below.
	var names []string
	seen := make(map[any]int)
	for i := 0; seen[known[bySRP]] == 0 || seen[known[byOPAQUE]] == 0 || seen["stays"] < 3 || seen["goes"] < 3 || seen["gone"] < 3; i++ {
		require.Less(t, i, 500)
		name := fmt.Sprintf("nobody-%d", i)
		names = append(names, name)
		seen[ask(name, both)]++
		switch draw := s.secrets.Draw([]byte(name)); {
		case draw < 1.0/2:
			seen["stays"]++
		case draw < 2.0/3:
			seen["goes"]++
		default:
			seen["gone"]++
		}
	}
	require.LessOrEqual(t, len(seen), 3+1+len(s.moduli.groups), "no other answers")
	requireShare := func(share float64) {
		t.Helper()
		require.InDelta(t, share, s.share, 1e-9)
		for _, name := range names {
			require.Equal(t, s.secrets.Draw([]byte(name)) < share, ask(strings.ToUpper(name)+" ", both).protocol == bySRP)
		}
	}
	requireShare(2.0 / 3)

	// New accounts begin on SRP, and no name goes back there; then one moves.
	addAccount(t, s, "alice4")
	s.mu.Lock()
	s.lowerShare()
	s.mu.Unlock()
	requireShare(2.0 / 3)
	move(t, s, c, "alice2")
	requireShare(1.0 / 2)

	// Without a message of OPAQUE all are on SRP.
	for _, name := range append(names[:3], "alice", "alice2", "alice3") {
		require.Equal(t, bySRP, ask(name, map[protocol][]byte{bySRP: hello}).protocol)
	}
}

// post is a request without a client.
func post(t *testing.T, address string, in any) (status int, body []byte) {
	t.Helper()
	encoded, err := json.Marshal(in)
	require.NoError(t, err)
	response, err := http.Post(address, "application/json", bytes.NewReader(encoded))
	require.NoError(t, err)
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, body
}

// TestLoginErrors: both protocols' errors become the same statuses.
func TestLoginErrors(t *testing.T) {
	s, c := newVaultWorld(t)
	ctx := t.Context()
	addAccount(t, s, "alice2")
	move(t, s, c, "alice")
	for p, name := range map[protocol]string{byOPAQUE: "alice", bySRP: "alice2"} {
		_, hello, err := c.srp.Login(nil, password)
		require.NoError(t, err)
		_, request, err := c.opaque.Login(nil, password)
		require.NoError(t, err)
		begin := func() string {
			var begun beginResponse
			require.NoError(t, c.call(ctx, "POST", "/login/begin", beginRequest{name, map[protocol][]byte{bySRP: hello, byOPAQUE: request}}, &begun))
			require.Equal(t, p, begun.Protocol)
			return begun.Session
		}
		finish := func(want error, name, session string, final []byte) {
			t.Helper()
			require.Equal(t, want, c.call(ctx, "POST", "/login/finish", finishRequest{name, session, final}, nil))
		}
		finish(malformed, name, begin(), []byte("neither"))
		finish(refused, name, "guessed", nil)
		finish(refused, name, "", nil)
		finish(refused, "somebody else", begin(), nil)
		spent := begin()
		finish(malformed, name, spent, nil)
		finish(refused, name, spent, nil)
		bad := map[protocol][]byte{bySRP: []byte("S"), byOPAQUE: []byte("O")}
		for _, id := range []string{name, "nobody", ""} {
			require.Equal(t, malformed, c.call(ctx, "POST", "/login/begin", beginRequest{id, bad}, nil))
			require.Equal(t, malformed, c.call(ctx, "POST", "/login/begin", beginRequest{id, nil}, nil))
		}
	}
	// A session of one protocol is none of the other's.
	var begun beginResponse
	_, request, err := c.opaque.Login(nil, password)
	require.NoError(t, err)
	require.NoError(t, c.call(ctx, "POST", "/login/begin", beginRequest{"alice", map[protocol][]byte{byOPAQUE: request}}, &begun))
	require.Equal(t, refused, c.call(ctx, "POST", "/auth", authRequest{Username: "alice", SRPSession: begun.Session}, nil))
}

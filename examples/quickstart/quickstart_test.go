package main

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStory(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, story(t.Context(), &out))
	text := out.String()
	require.Contains(t, text, "2048 bits, e9cc08b5…")
	require.NotContains(t, text, "battery staple", "the password is nowhere")
	require.Equal(t, 2, strings.Count(text, "401 Incorrect login credentials"))
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
		c.call(ctx, "POST", "/users", signUpRequest{"bob", signUpAuth{Version: 4, ModulusID: modulusID}}, nil))
	require.Equal(t, statusError{400, "Malformed request"},
		c.call(ctx, "POST", "/users", signUpRequest{"bob", signUpAuth{
			Version: 3, ModulusID: modulusID, Salt: make([]byte, 10), Verifier: bytes.Repeat([]byte{3}, 256)}}, nil))
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

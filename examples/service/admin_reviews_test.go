package main

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// TestReviewsCommand: the operator lists, reads, notes and decides. What a
// claimant has written cannot control the terminal.
func TestReviewsCommand(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "secrets.key")
	_, err := makeSecrets(file)
	require.NoError(t, err)
	keys, err := keyfile.Load(t.Context(), file, nil)
	require.NoError(t, err)
	db, err := store.Open(t.Context(), filepath.Join(folder, "nescio.db"))
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, server.Init(t.Context(), db, keys))

	run := func(args ...string) (string, error) {
		var out, errOut strings.Builder
		err := program.Run(t.Context(), append([]string{"reviews", "-folder", folder}, args...), &out, &errOut)
		return out.String(), err
	}
	out, err := run()
	require.NoError(t, err)
	require.Equal(t, "no claim waits for a decision\n", out)
	_, err = run("-show", "ab")
	require.ErrorIs(t, err, server.ErrNoReview)
	for _, line := range []string{"-approve ab", "-note ab", "-show ab -text x", "-text x", "-show a -note b -text x", "-refuse ab -text x -claim-wait 0", "x"} {
		_, err := run(strings.Fields(line)...)
		var usage cli.UsageError
		require.ErrorAs(t, err, &usage, line)
	}

	c, err := server.New(t.Context(), server.Config{DB: db, Keys: keys})
	require.NoError(t, err)
	claim(t, c, "nobody", "I am \x1b[2Jthe owner. See page 2.")
	out, err = run()
	require.NoError(t, err)
	require.Contains(t, out, "no account has this name")
	id := strings.Fields(strings.Split(out, "\n")[1])[0]
	_, err = run("-note", id, "-text", "Called back, nobody answered.")
	require.NoError(t, err)
	out, err = run("-show", id)
	require.NoError(t, err)
	require.NotContains(t, out, "\x1b")
	require.Contains(t, out, "I am [2Jthe owner. See page 2.")
	require.Contains(t, out, "Called back, nobody answered.")
	for line := range strings.Lines(out) {
		require.LessOrEqual(t, len(line), 81)
	}
	_, err = run("-approve", id, "-text", "Why not.")
	require.ErrorIs(t, err, server.ErrUnknown)
	out, err = run("-refuse", strings.ToUpper(id[:4]), "-text", "There is no such account.")
	require.NoError(t, err)
	require.Equal(t, "refused the claim "+id+"\n", out)
	out, err = run()
	require.NoError(t, err)
	require.Equal(t, "no claim waits for a decision\n", out)
}

// claim begins a claim by review.
func claim(t *testing.T, s *server.Server, name, text string) {
	body, err := json.Marshal(api.BeginClaim{Name: name, Way: api.WayReview, Text: text})
	require.NoError(t, err)
	r := httptest.NewRequest("POST", "/v1/claims/begin", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	s.Handler().ServeHTTP(answer, r)
	require.Equal(t, 200, answer.Code, answer.Body)
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// TestStory: the program says what it should, in at most 80 columns.
func TestStory(t *testing.T) {
	var out bytes.Buffer
	story(t.Context(), &out)
	for _, pattern := range []string{
		`she reads: ` + note + `\n`,
		`   alice\.srp  401 Unauthorized\n   alice      nescio: authentication failed\n(   nobody\d +(401 Unauthorized|nescio: authentication failed)\n){3}`,
		`a record of \d+ bytes`,
		`Is the password in it\? false\. Is the note\? false\.`,
	} {
		require.Regexp(t, regexp.MustCompile(pattern), out.String())
	}
	for line := range strings.Lines(out.String()) {
		require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 80, line)
	}
}

// TestOneCanReadIt in ten minutes.
func TestOneCanReadIt(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	lines := 0
	for _, f := range files {
		if !strings.HasSuffix(f, "_test.go") {
			b, err := os.ReadFile(f)
			require.NoError(t, err)
			lines += bytes.Count(b, []byte("\n"))
		}
	}
	require.LessOrEqual(t, lines, 400)
}

// service is a server over HTTP with an account in each protocol, and its client.
func service(t *testing.T) (*server, *client, *httptest.Server) {
	s := newServer()
	h := httptest.NewServer(s.handler())
	t.Cleanup(h.Close)
	c := newClient(h.URL)
	r, request, err := c.opaque.Register(nil, []byte(password))
	require.NoError(t, err)
	_, err = c.register(t.Context(), "alice", request, r.Finish)
	require.NoError(t, err)
	p, request, err := c.srp.Register(nil, []byte(password))
	require.NoError(t, err)
	_, err = c.register(t.Context(), "alice.srp", request, p.Finish)
	require.NoError(t, err)
	return s, c, h
}

// TestStrangersLearnNothing: with a made-up proof, an unknown name answers as a
// known one of the same protocol does, in status, headers and length.
func TestStrangersLearnNothing(t *testing.T) {
	s, c, h := service(t)
	_, request, err := c.opaque.Login(nil, []byte("a stranger's"))
	require.NoError(t, err)
	answer := func(path string, in message) (out message, seen string) {
		body, err := json.Marshal(in)
		require.NoError(t, err)
		r, err := http.Post(h.URL+path, "application/json", bytes.NewReader(body))
		require.NoError(t, err)
		defer r.Body.Close()
		raw, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		r.Header.Del("Date")
		seen = fmt.Sprint(r.StatusCode, r.Header, len(raw))
		if r.StatusCode == http.StatusOK {
			require.NoError(t, json.Unmarshal(raw, &out))
		} else {
			seen += string(raw)
		}
		return out, seen
	}
	try := func(name string) string {
		begun, first := answer("/login/begin", message{Name: name, Message: request, Other: []byte("S\x01")})
		proof := make([]byte, map[byte]int{'S': 512, 'O': 64}[begun.Message[0]])
		proof[0] = 1
		_, second := answer("/login/finish", message{Name: name, Token: begun.Token, Message: append(begun.Message[:2:2], proof...)})
		return string(begun.Message[:1]) + first + second
	}
	seen := map[bool]string{true: try("alice.srp"), false: try("alice")}
	require.NotEqual(t, seen[true], seen[false])
	for i := range 20 {
		name := fmt.Sprint("nobody", i)
		require.Equal(t, seen[s.srp.AnswersAsSRP([]byte(name))], try(name))
	}
}

// TestChangedRecord: a login that began before the password changed gets no
// session.
func TestChangedRecord(t *testing.T) {
	s, c, _ := service(t)
	for _, name := range []string{"alice", "alice.srp"} {
		old := s.records[name]
		o, request, err := c.opaque.Login(nil, []byte(password))
		require.NoError(t, err)
		p, other, err := c.srp.Login(nil, []byte(password))
		require.NoError(t, err)
		begun, err := c.post("/login/begin", message{Name: name, Message: request, Other: other})
		require.NoError(t, err)
		respond := o.Respond
		if name == "alice.srp" {
			respond = p.Respond
		}
		final, err := respond(t.Context(), begun.Message)
		require.NoError(t, err)
		s.records[name] = append(bytes.Clone(old), 0)
		_, err = c.post("/login/finish", message{Name: name, Token: begun.Token, Message: final})
		require.EqualError(t, err, "401 Unauthorized")
		require.Empty(t, s.sessions)
		s.records[name] = old
	}
}

// TestWhatTheServerHas contains neither password nor note nor the key of it.
func TestWhatTheServerHas(t *testing.T) {
	s, c, _ := service(t)
	o, request, err := c.opaque.Login(nil, []byte(password))
	require.NoError(t, err)
	begun, err := c.post("/login/begin", message{Name: "alice", Message: request})
	require.NoError(t, err)
	final, err := o.Respond(t.Context(), begun.Message)
	require.NoError(t, err)
	done, err := c.post("/login/finish", message{Name: "alice", Token: begun.Token, Message: final})
	require.NoError(t, err)
	_, err = o.Finish(done.Message)
	require.NoError(t, err)
	exportKey, err := o.ExportKey()
	require.NoError(t, err)
	all := fmt.Sprintf("%x %x %x", s.records["alice"], s.records["alice.srp"], s.notes["alice"])
	for _, secret := range [][]byte{[]byte(password), []byte(note), exportKey} {
		require.NotContains(t, all, fmt.Sprintf("%x", secret))
	}
}

// TestRefused: what no client sends gets a 4xx, and nothing is stored.
func TestRefused(t *testing.T) {
	s, c, h := service(t)
	for path, in := range map[string]message{
		"/register/begin":  {Name: "alice", Message: []byte("S\x01")}, // taken
		"/register/finish": {Name: "new", Message: []byte("O\x01")},
		"/login/begin":     {Name: "alice", Message: []byte("S\x01")},
		"/login/finish":    {Name: "alice", Token: "made up"},
		"/note":            {Name: "alice", Token: ""},
	} {
		_, err := c.post(path, in)
		require.Error(t, err)
		require.Regexp(t, "^4", err.Error(), path)
	}
	require.Len(t, s.records, 2)
	require.Empty(t, s.notes)
	r, err := http.Post(h.URL+"/note", "application/json", strings.NewReader(`{"Note":"`+strings.Repeat("A", maxBody)+`"}`))
	require.NoError(t, err)
	r.Body.Close()
	require.Equal(t, http.StatusBadRequest, r.StatusCode)
}

// TestBackToSRP: a client that has used OPAQUE with a name does not go back.
func TestBackToSRP(t *testing.T) {
	s, c, _ := service(t)
	_, err := c.login(t.Context(), "alice", password)
	require.NoError(t, err)
	s.records["alice"] = s.records["alice.srp"] // what a false server would answer with
	_, err = c.login(context.Background(), "alice", password)
	require.ErrorIs(t, err, opaque.ErrMalformed)
}

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestStory checks the output, which has at most 80 columns.
func TestStory(t *testing.T) {
	var out bytes.Buffer
	story(t.Context(), &out)
	for _, pattern := range []string{
		`3(.|\n)*she reads: ` + note + `\n4(.|\n)*She reads: ` + note + `\n`,
		`Her new note on the phone: .*too old`, `After a refresh: ` + regexp.QuoteMeta(recovery.ErrWrongSecret.Error()),
		`(   (alice\.srp|alice|nobody\d) +nescio: authentication failed\n){5}`,
		`Is the password in it\? false\. Is the note\? false\.`,
	} {
		require.Regexp(t, regexp.MustCompile(pattern), out.String())
	}
	for line := range strings.Lines(out.String()) {
		require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 80, line)
	}
}

// TestOneCanReadIt: the program can be read in ten minutes.
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

// service is a server with an account in each protocol, and its client.
func service(t *testing.T) (*server, *client) {
	s := newServer()
	c := newClient(s)
	r, request, err := c.opaque.Register(nil, []byte(password))
	require.NoError(t, err)
	require.NoError(t, c.register(t.Context(), "alice", request, r.Finish))
	p, request, err := c.srp.Register(nil, []byte(password))
	require.NoError(t, err)
	require.NoError(t, c.register(t.Context(), "alice.srp", request, p.Finish))
	return s, c
}

// TestStrangersLearnNothing: with a made-up proof, the answer for an unknown
// name has the same error and lengths as for a known name of the same protocol.
func TestStrangersLearnNothing(t *testing.T) {
	s, c := service(t)
	_, request, err := c.opaque.Login(nil, []byte("a stranger's"))
	require.NoError(t, err)
	answer := func(path string, in message) (out message, seen string) {
		out, err := s.call(t.Context(), path, in)
		return out, fmt.Sprint(len(out.Message), len(out.Token), len(out.Header), err)
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

// begin does the first half of a login by hand.
func begin(t *testing.T, c *client, name string) (finish message, o *opaque.Login) {
	o, request, err := c.opaque.Login(nil, []byte(password))
	require.NoError(t, err)
	p, other, err := c.srp.Login(nil, []byte(password))
	require.NoError(t, err)
	begun, err := c.server.call(t.Context(), "/login/begin", message{Name: name, Message: request, Other: other})
	require.NoError(t, err)
	respond := o.Respond
	if name == "alice.srp" {
		respond = p.Respond
	}
	final, err := respond(t.Context(), begun.Message)
	require.NoError(t, err)
	return message{Name: name, Token: begun.Token, Message: final}, o
}

// TestChangedRecord: a login that began before the password changed gets no
// session.
func TestChangedRecord(t *testing.T) {
	s, c := service(t)
	for _, name := range []string{"alice", "alice.srp"} {
		old := s.records[name]
		finish, _ := begin(t, c, name)
		s.records[name] = append(bytes.Clone(old), 0)
		_, err := s.call(t.Context(), "/login/finish", finish)
		require.Error(t, err)
		require.Empty(t, s.sessions)
		s.records[name] = old
	}
}

// TestWhatTheServerHas: the server stores neither the password nor a key.
func TestWhatTheServerHas(t *testing.T) {
	s, c := service(t)
	session, err := c.login(t.Context(), "alice", password)
	require.NoError(t, err)
	phrase := must(recovery.NewPhrase(12))
	k := c.keyring("alice", session)
	require.NoError(t, k.Create(t.Context(), recovery.NewExportKey(session.exportKey, session.record), phrase))
	all := fmt.Sprintf("%x %x %x", s.records["alice"], s.records["alice.srp"], s.headers["alice"].Bytes())
	for _, secret := range [][]byte{[]byte(password), session.exportKey, phrase.Entropy()} {
		require.NotContains(t, all, fmt.Sprintf("%x", secret))
	}
}

// TestHeaders: the server stores a header only if it follows the stored one,
// has the slot of the login, and comes from a session of the account.
func TestHeaders(t *testing.T) {
	s, c := service(t)
	ctx := t.Context()
	session := must(c.login(ctx, "alice", password))
	k, phrase := c.keyring("alice", session), must(recovery.NewPhrase(12))
	require.ErrorIs(t, k.Create(ctx, phrase), recovery.ErrConflict, "no slot for the login")
	require.Empty(t, s.headers)
	export := recovery.NewExportKey(session.exportKey, session.record)
	require.NoError(t, k.Create(ctx, export, phrase))
	require.ErrorIs(t, k.Revoke(ctx, k.OpenedBy()), recovery.ErrConflict, "it would have none")
	require.ErrorIs(t, c.keyring("alice", session).Create(ctx, export), recovery.ErrConflict)
	for _, in := range []message{
		{Name: "alice"}, {Name: "alice", Token: "made up"}, {Name: "alice.srp", Token: session.token},
		{Name: "nobody", Token: session.token}, {Name: "alice", Token: session.token, Header: []byte("x")},
	} {
		_, err := s.call(ctx, "/header", in)
		require.Error(t, err)
	}
	again := c.keyring("alice", must(c.login(ctx, "alice", password)))
	require.NoError(t, again.OpenFirst(ctx, k.Account(), export))
}

// TestRefused: malformed messages are refused, and nothing is stored.
func TestRefused(t *testing.T) {
	s, _ := service(t)
	for path, in := range map[string]message{
		"/register/begin":  {Name: "new", Message: []byte("S")},
		"/register/finish": {Name: "new", Message: []byte("O\x01")},
		"/login/begin":     {Name: "alice", Message: []byte("S\x01")},
		"/login/finish":    {Name: "alice", Token: "made up"},
		"/header":          {Name: "alice", Token: ""},
		"/":                {Name: "alice"},
	} {
		_, err := s.call(t.Context(), path, in)
		require.Error(t, err, path)
	}
	_, err := s.call(t.Context(), "/login/begin", message{Name: "a\x00b"})
	require.ErrorIs(t, err, opaque.ErrMalformed)
	require.Len(t, s.records, 2)
	require.Empty(t, s.headers)
}

// TestTaken: nobody registers a name twice.
func TestTaken(t *testing.T) {
	s, c := service(t)
	before := s.records["alice"]
	r, request, err := c.opaque.Register(nil, []byte("another password"))
	require.NoError(t, err)
	require.ErrorIs(t, c.register(t.Context(), "alice", request, r.Finish), recovery.ErrConflict)
	require.Equal(t, before, s.records["alice"])
}

// TestBackToSRP: a client that has used OPAQUE with a name does not return to
// SRP.
func TestBackToSRP(t *testing.T) {
	s, c := service(t)
	_, err := c.login(t.Context(), "alice", password)
	require.NoError(t, err)
	s.records["alice"] = s.records["alice.srp"] // a malicious server
	_, err = c.login(t.Context(), "alice", password)
	require.ErrorIs(t, err, opaque.ErrMalformed)
}

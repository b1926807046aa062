package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/internal/clitest"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

var call, _, _ = clitest.Of(func() *cli.Program { return program })

// world is a server that can be down, with a clock.
type world struct {
	*testing.T
	config  server.Config
	handler http.Handler
	down    atomic.Value // the beginning of paths that are not reached, or ""
	seconds atomic.Int64 // that the server is ahead
}

func newWorld(t *testing.T, config server.Config) *world {
	w := &world{T: t, config: config}
	w.down.Store("")
	cheap, err := kdf.NewArgon2id(8, 1, 1)
	require.NoError(t, err)
	device, err := kdf.NewPBKDF2SHA512(1000)
	require.NoError(t, err)
	testConfig = func(c *client.Config) {
		c.KDFPolicy, c.SlotCost, c.DeviceCost = kdf.FixedPolicy(cheap), cheap, device
	}
	t.Cleanup(func() { testConfig = nil })

	setup, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	keys := keyfile.NewDecoyKey()
	require.NoError(t, keys.Add(keyfile.NewDatabaseKey()))
	require.NoError(t, keys.Add(&keyfile.Keys{Setups: map[uint16]*opaque.Setup{1: setup}}))
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "db"))
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	require.NoError(t, server.Init(t.Context(), db, keys))
	w.config.DB, w.config.Keys, w.config.KSF, w.config.Now = db, keys, cheap, w.now
	w.start()
	listener := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if down := w.down.Load().(string); down != "" && strings.HasPrefix(r.URL.Path, down) {
			panic(http.ErrAbortHandler)
		}
		w.handler.ServeHTTP(rw, r)
	}))
	t.Cleanup(listener.Close)
	t.Setenv("NESCIO_SERVER", listener.URL)
	return w
}

// start starts the server, with the data of an earlier one.
func (w *world) start() {
	s, err := server.New(w.Context(), w.config)
	require.NoError(w, err)
	w.handler = s.Handler()
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.seconds.Load()) * time.Second) }

// person uses the client in a folder.
type person struct {
	*world
	folder string
}

func (w *world) device() person { return person{w, w.TempDir()} }

// fits checks that what was printed fits in 80 columns, except a word such as an
// address or the text of a QR code.
func fits(t testing.TB, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.Contains(strings.TrimSpace(line), " ") {
			require.LessOrEqual(t, utf8.RuneCountInString(line), 80+1, line)
		}
	}
}

// run runs a command line with lines of input.
func (p person) run(lines string, args ...string) (out, errOut string, err error) {
	p.Helper()
	p.Setenv("NESCIO_FOLDER", p.folder)
	input = strings.NewReader(lines)
	out, errOut, err = call(p, args...)
	fits(p, out+errOut)
	return out, errOut, err
}

// must runs a command line that succeeds, and returns all that it printed.
func (p person) must(lines string, args ...string) string {
	p.Helper()
	out, errOut, err := p.run(lines, args...)
	require.NoError(p, err, "%q: %s", args, errOut)
	return out + errOut
}

// fails runs a command line that fails for a reason.
func (p person) fails(why, lines string, args ...string) {
	p.Helper()
	_, _, err := p.run(lines, args...)
	require.ErrorContains(p, err, why, "%q", args)
}

// find returns the first submatch.
func find(t testing.TB, pattern, text string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	require.NotNil(t, m, "%s in %s", pattern, text)
	return m[1]
}

func TestUsage(t *testing.T) {
	t.Setenv("NESCIO_FOLDER", t.TempDir())
	out, _, err := call(t, "help")
	require.NoError(t, err)
	for _, c := range program.Commands {
		require.Contains(t, out, "\n  "+c.Name+" ")
		help, errOut, err := call(t, c.Name, "-h")
		require.ErrorIs(t, err, flag.ErrHelp)
		require.Equal(t, 0, program.Status(err, nil))
		require.Empty(t, errOut)
		require.True(t, strings.HasPrefix(help, "usage: nescio "+c.Name+" "), help)
		out += help
	}
	fits(t, out)
	for _, line := range []string{
		"", "nonsense", "signup", "signup a b c d e", "login a b", "login", "logout x", "list x", "show", "add", "add -title",
		"add -title t -kind settings", "add -title t -user u", "add title", "edit", "remove", "remove a b", "sync x", "account x",
		"events x", "sessions -end a -end-others", "sessions -name n -end-others", "slots -seen -remove a", "password -one -two",
		"totp", "totp maybe", "totp on off", "settings -iterations 1000", "settings -iterations 9999999999", "forget x", "delete x",
		"phrase x", "file", "file x", "file -o f x", "recover alice", "recover -phrase a b", "recover -phrase -contacts a",
		"recover -phrase", "recover -phrase \u2665", "recover -phrase -code a", "recover -phrase -former -1 a", "recover -former 1",
		"recover -review -former 1 a", "recover -drop a", "recover -password a", "claims x", "claims -delay a -cancel b", "join",
		"join a b", "join \u2665", "approve x", "contacts x", "contacts -invite=", "contacts -invite a -receive", "contacts -accept l",
		"contacts -label l", "contacts -appoint 0", "contacts -receive -qr", "login -former -1 a", "export", "export -o f -read f",
		"export -json -o f", "export -offline -read f", "export -o f x", "import", "import a b", "restore x", "events -all x", "version x",
		"list -server http://example.org", "list -server nonsense", "list -folder=", "signup \u2665",
	} {
		_, _, err := call(t, strings.Fields(line)...)
		var usage cli.UsageError
		require.ErrorAs(t, err, &usage, line)
		require.Equal(t, 2, program.Status(err, new(strings.Builder)), line)
	}
}

// code is RFC 6238 with SHA-1, 6 digits and steps of 30 seconds.
func (w *world) code(secret string) string {
	key, err := base32.StdEncoding.DecodeString(secret)
	require.NoError(w, err)
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(w.now().Unix()/30)))
	sum := mac.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

var backups = regexp.MustCompile(`(?m)^  [0-9A-Z]{5}-[0-9A-Z]{5}$`)

// asking is an input that answers when it is read.
type asking func() string

func (a asking) Read(b []byte) (int, error) { return copy(b, a()), nil }

// totpOn turns the second factor on, and returns what was printed. The code is
// computed from the secret that the program has printed by then.
func (w *world) totpOn(p person) string {
	p.Setenv("NESCIO_FOLDER", p.folder)
	var out, errOut strings.Builder
	rest := ""
	input = io.MultiReader(strings.NewReader(pass), asking(func() string {
		if rest == "" {
			rest = w.code(strings.ReplaceAll(find(p, `(?m)^  ([A-Z2-7 ]{39})$`, out.String()), " ", "")) + "\n"
		}
		next := rest[:1]
		rest = rest[1:]
		return next
	}))
	require.NoError(p, program.Run(p.Context(), []string{"totp", "on"}, &out, &errOut), errOut.String())
	return out.String()
}

// step waits until the next code is valid.
func (w *world) step() { w.seconds.Add(30) }

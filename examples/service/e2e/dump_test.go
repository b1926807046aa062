package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// TestServerLearnsNothing: after a life with everything in it, no password,
// code, token, key or note is in the database, in the logs or in the metrics.
func TestServerLearnsNothing(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		secrets := make(map[string][]byte)
		add := func(what string, values ...[]byte) {
			for i, value := range values {
				require.GreaterOrEqual(w, len(value), 10, what)
				secrets[fmt.Sprintf("%s %d of %d", what, i, len(secrets))] = value
			}
		}
		w.seen = w.tokens(add)
		laptop := w.signUp()
		const other, keyring = "another password of Alice", "a password for the keyring"
		add("password", []byte(password), []byte(other), []byte(keyring))
		for i := range 3 {
			_, err := laptop.Put(ctx, client.Item{
				Kind: client.KindNote, Title: fmt.Sprintf("The title of note %d", i), Text: fmt.Sprintf("%s Note %d.", secret, i),
			})
			require.NoError(w, err)
			add("note", []byte(fmt.Sprintf("The title of note %d", i)), []byte(fmt.Sprintf("%s Note %d.", secret, i)))
		}
		require.NoError(w, laptop.Sync(ctx))
		require.NoError(w, laptop.NameSession(ctx, "the laptop of Alice"))
		add("session name", []byte("the laptop of Alice"))
		a, codes := laptop.withTOTP()
		add("second factor", a.secret)
		for _, code := range codes {
			add("backup code", []byte(code), []byte(strings.ReplaceAll(code, "-", "")))
		}
		phone := w.device()
		_, err := phone.Login(ctx, "alice", one(password))
		require.ErrorIs(w, err, client.ErrCodeRequired)
		e, err := phone.Code(ctx, codes[0])
		require.NoError(w, err)
		require.NoError(w, phone.MarkSeen(ctx, e.Unseen))
		holder := w.holder(laptop, password)
		require.NoError(w, phone.ChangePassword(ctx, one(password), two(other, keyring)))
		require.NoError(w, phone.RemoveTOTP(ctx, []byte(other)))
		require.NoError(w, phone.ChangePassword(ctx, two(other, keyring), one(password)))
		last := w.holder(phone, password)
		for _, h := range []*recoverytest.Holder{holder, last} {
			add("seed and lineage key", h.Seed, h.Lineage)
			for _, master := range h.Masters {
				add("master key", master)
			}
		}
		require.Greater(w, len(last.Masters), 1)
		_, err = w.device().Login(ctx, "nobody@example.org", one("a guess at a password"))
		require.ErrorIs(w, err, client.ErrAuthentication)
		add("guess", []byte("a guess at a password"))
		w.seen = nil
		add("database key", w.keys.Database[:])
		add("decoy key", w.keys.Decoy[:])

		dump := w.dump()
		require.Greater(w, len(dump), 10_000)
		require.Empty(w, found(dump, secrets))
		require.Empty(w, found(w.log.copy(), map[string][]byte{"name": []byte("nobody@example.org"), "own name": []byte("alice@example.org")}))
		planted := secrets["note 1 of 4"]
		for what, value := range secrets {
			if strings.HasPrefix(what, "note 1") {
				planted = value
			}
		}
		for _, form := range append(forms(planted), planted) {
			require.NotEmpty(w, found(append(bytes.Clone(dump), form...), secrets), "a planted note")
		}
	})
}

// tokens returns a hook that adds the tokens of every exchange to the secrets, and
// what else the server must keep sealed.
func (w *world) tokens(add func(what string, values ...[]byte)) func(*http.Request, *httptest.ResponseRecorder) {
	return func(r *http.Request, answer *httptest.ResponseRecorder) {
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			add("session token", []byte(token))
		}
		if token := r.Header.Get(api.StepUpHeader); token != "" {
			add("step-up token", []byte(token))
		}
		sent, err := io.ReadAll(r.Body)
		require.NoError(w, err)
		for _, message := range [][]byte{sent, answer.Body.Bytes()} {
			var out struct {
				Token, Device, Secret, Registration string
				Half, Proof                         []byte
			}
			if json.Unmarshal(message, &out) != nil {
				continue
			}
			for _, token := range []string{out.Token, out.Device, out.Secret, out.Registration} {
				if token != "" {
					add("token", []byte(token))
				}
			}
			if out.Half != nil {
				add("server's half", out.Half)
			}
			if out.Proof != nil {
				add("proof of a file", out.Proof)
			}
		}
	}
}

// holder opens the stored keyring past the client, to learn its keys.
func (w *world) holder(d *device, password string) *recoverytest.Holder {
	var record, header []byte
	w.query("SELECT a.record, h.header FROM accounts a JOIN headers h ON h.account = a.id", func(scan func(...any) error) error {
		return scan(&record, &header)
	})
	r, err := opaque.ParseRecord(record)
	require.NoError(w, err)
	export := w.exportKey(password)
	h := recoverytest.NewHolder(recovery.NewExportKey(export, r.Raw()))
	parsed, err := recovery.ParseHeader(header)
	require.NoError(w, err)
	_, err = recovery.Open(w.Context(), parsed, h, recovery.TrustOnFirstUse(parsed.Account()))
	require.NoError(w, err)
	require.NoError(w, h.Learn(header))
	return h
}

// exportKey logs in by hand.
func (w *world) exportKey(password string) []byte {
	export, _, _ := w.logIn("alice", password)
	return export
}

// forms are how a value may occur: in hexadecimal, and in base64 at three
// alignments, without the characters that depend on what is around it.
func forms(value []byte) (all [][]byte) {
	all = append(all, []byte(hex.EncodeToString(value)), []byte(strings.ToUpper(hex.EncodeToString(value))))
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			text := encoding.EncodeToString(append(make([]byte, shift), value...))
			skip := []int{0, 2, 3}[shift]
			end := (shift + len(value)) / 3 * 4
			all = append(all, []byte(text[skip:end]))
		}
	}
	return all
}

// found names the secrets that are in a dump.
func found(dump []byte, secrets map[string][]byte) (names []string) {
	for what, value := range secrets {
		for _, form := range append(forms(value), value) {
			if bytes.Contains(dump, form) {
				names = append(names, what)
				break
			}
		}
	}
	return names
}

// dump returns all that the servers have stored, logged and counted.
func (w *world) dump() []byte {
	b := new(bytes.Buffer)
	list := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if strings.HasPrefix(w.database, "postgres") {
		list = `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`
	}
	var tables []string
	w.query(list, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		tables = append(tables, name)
		return err
	})
	require.Greater(w, len(tables), 15)
	for _, table := range tables {
		b.Write(w.table(table))
	}
	if files, err := filepath.Glob(w.database + "*"); err == nil { // SQLite, with its log
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(w, err)
			b.Write(content)
		}
	} else {
		log, err := cluster.Log()
		require.NoError(w, err)
		b.Write(log)
	}
	b.Write(w.log.copy())
	for _, s := range w.servers {
		answer := httptest.NewRecorder()
		s.Metrics().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
		require.Equal(w, 200, answer.Code)
		b.Write(answer.Body.Bytes())
	}
	return b.Bytes()
}

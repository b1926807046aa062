package interop_test

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/wrap/sjcl"
	"github.com/stretchr/testify/require"
)

// encrypted is what SJCL is asked to encrypt, decrypt or derive, and its answer.
type encrypted struct {
	Op        string      `json:"op,omitempty"`
	Password  string      `json:"password,omitempty"`
	Key       testvec.Hex `json:"key,omitempty"`
	Plaintext testvec.Hex `json:"plaintext,omitempty"`
	IV        testvec.Hex `json:"iv,omitempty"`
	AData     testvec.Hex `json:"adata,omitempty"`
	TS        int         `json:"ts,omitempty"`
	KS        int         `json:"ks,omitempty"`
	Text      string      `json:"text,omitempty"`

	P          string      `json:"P,omitempty"`
	Salt       testvec.Hex `json:"salt,omitempty"`
	Iterations int         `json:"iterations,omitempty"`
	K          testvec.Hex `json:"K,omitempty"`
}

// sjclJSON is SJCL's JSON, field by field in its order.
type sjclJSON struct {
	IV     testvec.Base64 `json:"iv"`
	V      int            `json:"v"`
	Iter   int            `json:"iter"`
	KS     int            `json:"ks"`
	TS     int            `json:"ts"`
	Mode   string         `json:"mode"`
	AData  testvec.Base64 `json:"adata"`
	Cipher string         `json:"cipher"`
	Salt   testvec.Base64 `json:"salt,omitempty"`
	CT     testvec.Base64 `json:"ct"`
}

func decodeSJCL(t testing.TB, text string) (m sjclJSON) {
	require.NoError(t, json.Unmarshal([]byte(text), &m))
	require.Equal(t, text, encodeSJCL(t, m), "there is no more in it")
	return m
}

func encodeSJCL(t testing.TB, m sjclJSON) string {
	text, err := json.Marshal(m)
	require.NoError(t, err)
	return string(text)
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func openSJCL(text string, key []byte) (*sjcl.Message, []byte, error) {
	m, err := sjcl.Parse([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	plaintext, err := m.OpenShortTag(key)
	return m, plaintext, err
}

// TestSJCLMessages opens what SJCL encrypts, under keys and tags of all lengths,
// with the IV of 16 bytes that it draws and with one of 12, with and without
// adata, and refuses what it refuses.
func TestSJCLMessages(t *testing.T) {
	t.Parallel()
	p := startNode(t)
	messages := 300 // plaintexts of all lengths from 0 to 200
	if testing.Short() {
		messages = 60
	}
	altered := 0
	for n := range messages {
		request := encrypted{
			Op:        "sjcl-encrypt",
			Key:       randomBytes(16 + 8*(n%3)),
			TS:        64 + 32*(n/3%3),
			Plaintext: randomBytes(n * 5 % 201),
		}
		if n/9%2 == 1 {
			request.IV = randomBytes(12)
		}
		if n/18%2 == 1 {
			request.AData = randomBytes(1 + n%40)
		}
		theirs, err := exchange(p, request)
		require.NoError(t, err, "message %d", n)

		m, plaintext, err := openSJCL(theirs.Text, request.Key)
		require.NoError(t, err, theirs.Text)
		require.EqualValues(t, request.Plaintext, plaintext)
		require.Equal(t, request.TS, m.TagBits())
		require.Equal(t, string(request.AData), string(m.AData()))
		plaintext, err = m.Open(request.Key)
		if request.TS == 128 {
			require.NoError(t, err)
			require.EqualValues(t, request.Plaintext, plaintext)
		} else {
			require.Equal(t, sjcl.ErrShortTag, err)
		}

		for name, alter := range alterations {
			if name == "adata" && len(request.AData) == 0 {
				continue
			}
			changed, key := decodeSJCL(t, theirs.Text), bytes.Clone(request.Key)
			alter(&changed, key)
			text, want := encodeSJCL(t, changed), sjcl.ErrOpen
			if len(changed.CT) < request.TS/8 {
				want = sjcl.ErrMalformed
			}
			_, _, err := openSJCL(text, key)
			require.ErrorIs(t, err, want, "%s: %s", name, text)
			_, err = exchange(p, encrypted{Op: "sjcl-decrypt", Key: key, Text: text})
			require.ErrorContains(t, err, "CORRUPT", "%s: %s", name, text)
			altered++
		}
		again, err := exchange(p, encrypted{Op: "sjcl-decrypt", Key: request.Key, Text: theirs.Text})
		require.NoError(t, err, "SJCL reads what it wrote")
		require.EqualValues(t, request.Plaintext, again.Plaintext)
	}
	t.Logf("%d messages opened, %d altered ones refused by both", messages, altered)
}

// alterations of a message or its key, which both sides must notice.
var alterations = map[string]func(m *sjclJSON, key []byte){
	"ct":         func(m *sjclJSON, _ []byte) { flipBit(m.CT) },
	"shorter ct": func(m *sjclJSON, _ []byte) { m.CT = m.CT[:len(m.CT)-1] },
	"longer ct":  func(m *sjclJSON, _ []byte) { m.CT = append(m.CT, 0) },
	"iv":         func(m *sjclJSON, _ []byte) { flipBit(m.IV) },
	"adata":      func(m *sjclJSON, _ []byte) { flipBit(m.AData) },
	"more adata": func(m *sjclJSON, _ []byte) { m.AData = append(m.AData, 0) },
	"key":        func(_ *sjclJSON, key []byte) { flipBit(key) },
}

func flipBit(b []byte) {
	r := randomBytes(2)
	b[int(r[0])%len(b)] ^= 1 << (r[1] % 8)
}

// TestSJCLPasswordMessages: with a password there is a salt in the JSON, and
// the message opens under the key that SJCL derived.
func TestSJCLPasswordMessages(t *testing.T) {
	t.Parallel()
	p := startNode(t)
	for _, ks := range []int{128, 192, 256} {
		theirs, err := exchange(p, encrypted{Op: "sjcl-encrypt", Password: "pässwörd", Plaintext: []byte("plaintext"), TS: 64, KS: ks})
		require.NoError(t, err)
		m := decodeSJCL(t, theirs.Text)
		require.NotEmpty(t, m.Salt)
		require.Equal(t, ks, m.KS)
		key, err := pbkdf2.Key(sha256.New, "pässwörd", m.Salt, m.Iter, ks/8)
		require.NoError(t, err)
		_, plaintext, err := openSJCL(theirs.Text, key)
		require.NoError(t, err)
		require.Equal(t, "plaintext", string(plaintext))
	}
}

// TestSJCLAutonomail takes Autonomail's way in both libraries: PBKDF2-SHA512
// with a number of iterations that is withheld, 32 bytes of it, AES-256-GCM.
func TestSJCLAutonomail(t *testing.T) {
	t.Parallel()
	p := startNode(t)
	for n := range 20 {
		password := []string{"password", "pässwörd", strings.Repeat("long ", 40)}[n%3]
		params, err := kdf.NewPBKDF2SHA512(1 + n*97)
		require.NoError(t, err)
		stored, iterations, err := params.WithNewSalt().WithoutIterations()
		require.NoError(t, err)
		theirs, err := exchange(p, encrypted{Op: "sjcl-pbkdf2", P: password, Salt: stored.Salt(), Iterations: iterations})
		require.NoError(t, err)
		note, err := exchange(p, encrypted{Op: "sjcl-encrypt", Key: theirs.K[:32], Plaintext: []byte("private data"), TS: 64, KS: 256})
		require.NoError(t, err)

		params, err = stored.WithIterations(iterations)
		require.NoError(t, err)
		function, err := kdf.New(params, kdf.FixedPolicy(params))
		require.NoError(t, err)
		derived, err := function.Derive(t.Context(), []byte(password), 64)
		require.NoError(t, err)
		require.EqualValues(t, theirs.K, derived)
		_, plaintext, err := openSJCL(note.Text, derived[:32])
		require.NoError(t, err)
		require.Equal(t, "private data", string(plaintext))
	}
}

package recovery_test

import (
	"bytes"
	"context"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/srp"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// A game: everything that a server holds, and all that follows from it by hashing, is
// tried as every secret that there is in its headers. It must open nothing. That it
// would find something is shown with a server that holds a secret, and with a design of
// the kind that this game is about: a key that is the hash of a verifier.

// packageLabels are those of HKDF in this package.
var packageLabels = []string{"nescio/keyring/v1", "nescio/mk-id/v1", "nescio/phrase/auth/v1", "nescio/slot/mk/v1", "nescio/history/v1",
	"nescio/slot/phrase/v1", "nescio/slot/file/v1", "nescio/slot/password/v1", "nescio/slot/export/v1"}

type game struct {
	t       testing.TB
	headers [][]byte
	wires   []*wire
	files   [][]byte // S of every file
	seen    map[string]bool
	found   map[string]bool
}

func newGame(t testing.TB, headers, files [][]byte) *game {
	g := &game{t: t, headers: headers, files: files, seen: map[string]bool{}, found: map[string]bool{}}
	for _, h := range headers {
		g.wires = append(g.wires, takeApart(t, h))
	}
	return g
}

// public is every field of every header, whole and in its parts.
func (g *game) public() (view [][]byte) {
	for i, w := range g.wires {
		digest := sha256.Sum256(g.headers[i])
		view = append(view, g.headers[i], digest[:], g.headers[i][:len(g.headers[i])-64], g.headers[i][:len(g.headers[i])-32])
		for _, f := range w.fields() {
			view = append(view, *f.at)
		}
		for _, s := range w.slots {
			var body []byte
			for _, f := range s.fields(0)[5:] {
				body = append(body, *f.at...)
			}
			view = append(view, body, slices.Concat(s.id, s.salt), slices.Concat(s.salt, s.params))
			view = append(view, wrapParts(s.wrapped)...)
			view = append(view, s.enc[:32], s.enc[encSize-32:], s.pk[:32], s.pk[pkSize-32:]) // of X25519, the last ones
		}
		for _, e := range w.history {
			view = append(view, wrapParts(e.wrapped)...)
		}
	}
	return view
}

// wrapParts are nonce, commitment, ciphertext and tag.
func wrapParts(b []byte) [][]byte {
	if len(b) < 74 {
		return nil
	}
	return [][]byte{b[2:26], b[26:58], b[58 : len(b)-16], b[len(b)-16:], b[58:90]}
}

// close tries a value and all that follows from it: up to three SHA-256, of the bytes
// and of their texts, and HKDF by each label of the package.
func (g *game) close(view ...[]byte) {
	for _, v := range view {
		texts := [][]byte{v}
		if len(v) <= 64 && !testing.Short() {
			texts = append(texts, []byte(hex.EncodeToString(v)), []byte(base64.StdEncoding.EncodeToString(v)))
		}
		for i, x := range texts {
			for round := range 4 {
				g.try(x)
				if i == 0 && round < 2 && !testing.Short() {
					for _, label := range packageLabels {
						g.try(derived(x, label))
					}
				}
				sum := sha256.Sum256(x)
				x = sum[:]
			}
		}
	}
}

// try takes v for whatever it may be.
func (g *game) try(v []byte) {
	if g.seen[string(v)] {
		return
	}
	g.seen[string(v)] = true
	ikms := [][]byte{v}
	if len(v) >= 32 {
		ikms = append(ikms, v[:16], v[16:32])
	}
	if len(v) > 32 {
		ikms = append(ikms, v[:32])
	}
	for _, s := range g.files {
		if len(v) >= 32 {
			ikms = append(ikms, slices.Concat(v[:32], s), slices.Concat(s, v[:32]))
		}
	}
	for i, w := range g.wires {
		for _, s := range w.slots {
			if i > 0 && bytes.Equal(s.wrapped, g.wires[0].slot(g.t, recovery.SlotID(s.id)).wrapped) {
				continue // the same in both
			}
			for _, ikm := range ikms {
				if len(ikm) >= 16 && len(ikm) <= 64 && s.wrapped != nil {
					g.unwrap(s.kind().String(), slotKEK(g.t, s, ikm), s.wrapped, slotBinding(w.account, s))
				}
			}
		}
	}
	if len(v) < 32 {
		return
	}
	key := [32]byte(v[:32])
	private, err := hpke.MLKEM768X25519().NewPrivateKey(key[:])
	require.NoError(g.t, err)
	pk := private.PublicKey().Bytes()
	for i, w := range g.wires {
		for _, s := range w.slots {
			if bytes.Equal(pk, s.pk) {
				g.found["seed"] = true
			}
			if s.wrapped != nil {
				g.unwrap(s.kind().String(), wrap.ImportKey(key), s.wrapped, slotBinding(w.account, s))
			}
		}
		for _, e := range w.history {
			g.unwrap("history", wrap.ImportKey(key), e.wrapped, historyBinding(w.account, binary.BigEndian.Uint32(e.epoch)))
		}
		b := g.headers[i]
		for _, n := range []int{len(b) - 64, len(b) - 32} {
			if bytes.Equal(headerMAC(key[:], b[:n]), b[n:n+32]) {
				g.found["MAC"] = true
			}
		}
	}
}

func (g *game) unwrap(what string, k *wrap.Key, b []byte, binding wrap.Binding) {
	if _, err := k.Unwrap(context.Background(), b, binding); err == nil {
		g.found[what] = true
	}
}

// doubleHash is what a service did: SHA-256 twice of the words is the key, and where a
// server keeps SHA-256 of the words as a verifier, it has the key.
type doubleHash struct{ words string }

func (d doubleHash) Type() recovery.SlotType { return recovery.SlotPhrase }
func (d doubleHash) Flags() uint8            { return 0 }

func (d doubleHash) verifier() []byte {
	sum := sha256.Sum256([]byte(d.words))
	return sum[:]
}

func (d doubleHash) Seal(ctx context.Context, b wrap.Binding, secret []byte) ([]byte, []byte, error) {
	wrapped, err := wrap.ImportKey(sha256.Sum256(d.verifier())).Wrap(ctx, secret, b)
	return append(random(32), 16), wrapped, err
}

// rounds is a server with two headers of an account, before and after a rotation, and
// the records of its logins.
type rounds struct {
	words  *recovery.Phrase
	file   *recovery.File
	pw     recovery.Password
	export recovery.Export
	game   *game
	view   [][]byte
	know   holder
}

func newRounds(t testing.TB) *rounds {
	ctx := t.Context()
	r := &rounds{words: phrase(t), file: recovery.NewFile(), pw: password(t, "correct horse battery staple")}
	auth, err := r.words.AuthSecret()
	require.NoError(t, err)
	srpPassword, srpRecord := srpAccount(t, r.pw.Bytes()), srpAccount(t, auth)
	var exportKey, opaqueRecord []byte
	opaqueRecord, exportKey = opaqueAccount(t, r.pw.Bytes())
	opaquePhrase, _ := opaqueAccount(t, auth)
	r.export = recovery.NewExport(exportKey, opaqueRecord[len(opaqueRecord)-192:])
	k := create(t, r.words, r.file, r.pw, r.export)
	first := k.Bytes()
	require.NoError(t, k.Rotate(ctx))
	r.game = newGame(t, [][]byte{first, k.Bytes()}, [][]byte{r.file.ServerSecret()})
	r.know = learn(t, first, r.words)
	id := r.file.ID()
	r.view = append(r.game.public(), r.file.ServerSecret(), id[:])
	for _, record := range []*srp.Record{srpPassword, srpRecord} {
		r.view = append(r.view, record.Bytes(), record.Verifier(), record.Salt())
	}
	for _, record := range [][]byte{opaqueRecord, opaquePhrase} {
		r.view = append(r.view, record)
		raw := record[len(record)-192:] // public key 32, masking key 64, nonce 32, MAC 64
		r.view = append(r.view, raw, raw[:32], raw[32:96], raw[96:128], raw[128:])
	}
	// More than any server has: the password of the phrase's account itself.
	r.view = append(r.view, auth)
	return r
}

// srpAccount is a record with a small KDF in the smallest group.
func srpAccount(t testing.TB, password []byte) *srp.Record {
	params, policy := smallKDF(t)
	client, err := srp.NewClient(srp.ClientConfig{KDFPolicy: policy, ServerIdentity: []byte("example.org")})
	require.NoError(t, err)
	group, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	registration, _, err := client.Register([]byte("alice"), password)
	require.NoError(t, err)
	record, err := registration.MakeRecord(t.Context(), srp.Nescio(), group.Unverified(), params)
	require.NoError(t, err)
	return record
}

func opaqueAccount(t testing.TB, password []byte) (record, exportKey []byte) {
	ctx := t.Context()
	params, policy := smallKDF(t)
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	server, err := opaque.NewServer(opaque.ServerConfig{
		DecoyKey:  [32]byte(random(32)),
		StateKeys: []opaque.StateKey{{Key: [32]byte(random(32))}},
		Setups:    map[uint16]*opaque.Setup{1: setup},
		Offer:     opaque.Kind{Setup: 1, KSF: params},
	})
	require.NoError(t, err)
	client, err := opaque.NewClient(opaque.ClientConfig{KSFPolicy: policy})
	require.NoError(t, err)
	registration, request, err := client.Register(nil, password)
	require.NoError(t, err)
	response, err := server.BeginRegistration(ctx, []byte("alice"), request)
	require.NoError(t, err)
	upload, err := registration.Finish(ctx, response)
	require.NoError(t, err)
	record, err = server.FinishRegistration(nil, upload)
	require.NoError(t, err)
	exportKey, err = registration.ExportKey()
	require.NoError(t, err)
	return record, exportKey
}

// TestAttack_ViewClosedUnderHashing: all that the server holds opens no slot, is no
// seed, no master key and no lineage key; nor is anything that it can hash of it.
func TestAttack_ViewClosedUnderHashing(t *testing.T) {
	r := newRounds(t)
	r.game.close(r.view...)
	require.Empty(t, r.game.found)
	require.Greater(t, len(r.game.seen), 400)
}

// TestGameFinds is its proof: with one secret more, whatever it is, or with what one
// of the hashes makes of it, the server wins.
func TestGameFinds(t *testing.T) {
	r := newRounds(t)
	stretched := func() []byte {
		for _, s := range r.game.wires[0].slots {
			if s.kind() == recovery.SlotPassword {
				var p kdf.Params
				require.NoError(t, p.UnmarshalBinary(s.params[2:]))
				p, err := p.WithSalt(s.salt)
				require.NoError(t, err)
				f, err := kdf.New(p, r.pw.Policy)
				require.NoError(t, err)
				ikm, err := f.Derive(t.Context(), r.pw.Bytes(), 32)
				require.NoError(t, err)
				return ikm
			}
		}
		return nil
	}
	for what, secret := range map[string][]byte{
		"phrase": r.words.Entropy(), "file": fileHalf(t, r.file), "password": stretched(), "export": r.export.Key(),
		"seed": r.know.seed, "MAC": r.know.lineage, "history": learn(t, r.game.headers[1], r.words).master,
	} {
		g := newGame(t, r.game.headers, r.game.files)
		g.close(secret)
		require.True(t, g.found[what], what)
	}
	g := newGame(t, r.game.headers, r.game.files)
	g.close(r.know.master) // of the first header
	require.True(t, g.found["MAC"])

	// The design of the double hash.
	bad := doubleHash{r.words.Words()}
	k := create(t, bad, phrase(t))
	g = newGame(t, [][]byte{k.Bytes()}, nil)
	g.close(g.public()...)
	require.Empty(t, g.found, "the header alone")
	g.close(bad.verifier())
	require.Equal(t, map[string]bool{"phrase": true}, g.found)
	// And had the KEK's ikm been what the server keeps.
	auth, err := r.words.AuthSecret()
	require.NoError(t, err)
	k = create(t, recovery.NewExport(auth, record(1)))
	g = newGame(t, [][]byte{k.Bytes()}, nil)
	g.close(auth)
	require.True(t, g.found["export"])
}

// fileHalf is F, out of the file's text.
func fileHalf(t testing.TB, f *recovery.File) []byte {
	lines := strings.Split(strings.TrimSpace(f.Text()), "\n")
	b, err := base64.StdEncoding.DecodeString(strings.Join(lines[1:len(lines)-1], ""))
	require.NoError(t, err)
	return b[17:49]
}

// TestAuthSecretIsApart: what the phrase's account has for a password is not what opens
// the slot, and the other way round.
func TestAuthSecretIsApart(t *testing.T) {
	p := phrase(t)
	auth, err := p.AuthSecret()
	require.NoError(t, err)
	require.Len(t, auth, 32)
	require.Equal(t, derived(p.Entropy(), "nescio/phrase/auth/v1"), auth)
	k := create(t, p)
	for _, b := range [][]byte{auth, auth[:16], auth[16:]} {
		q, err := recovery.PhraseFromEntropy(b)
		require.NoError(t, err)
		require.Equal(t, recovery.ErrNotMine, openErr(t, k.Bytes(), q, pin(t, k)), fmt.Sprint(len(b)))
	}
	auth[0] ^= 1
	again, err := p.AuthSecret()
	require.NoError(t, err)
	require.NotEqual(t, auth, again, "a copy")
}

package recoverytest_test

import (
	"bytes"
	"context"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/nescio-go/nescio/srp"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// A game: everything that a server has, and everything that follows from it by
// hashing, is tried as every secret that its headers and blobs have. It must
// open nothing. TestGameFinds shows that the game would find something, with a
// server that has a secret, and with a design of the kind that this game is
// about: a key that is the hash of a verifier.

// packageLabels are those of HKDF in package recovery.
var packageLabels = []string{"nescio/keyring/v1", "nescio/keyring/data/v1", "nescio/mk-id/v1", "nescio/phrase/auth/v1", "nescio/slot/mk/v1",
	"nescio/history/v1", "nescio/slot/phrase/v1", "nescio/slot/file/v1", "nescio/slot/password/v1", "nescio/slot/export/v1"}

type game struct {
	t       testing.TB
	headers [][]byte
	parts   []*parts
	blobs   [][]byte
	files   [][]byte // S of every file
	seen    map[string]bool
	found   map[string]bool
}

func newGame(t testing.TB, headers, blobs, files [][]byte) *game {
	g := &game{t: t, headers: headers, blobs: blobs, files: files, seen: map[string]bool{}, found: map[string]bool{}}
	for _, h := range headers {
		g.parts = append(g.parts, split(t, h))
	}
	return g
}

// public is every field of every header and blob, whole and in its parts.
func (g *game) public() (view [][]byte) {
	for i, p := range g.parts {
		h := g.headers[i]
		digest := sha256.Sum256(h)
		view = append(view, h, digest[:], h[:len(h)-64], h[:len(h)-32])
		for _, f := range fieldsOf(g.t, h) {
			view = append(view, h[f.from:f.to])
		}
		digests := slotDigests(p)
		for _, s := range p.Slots {
			salt, digest := s.Params[:min(32, len(s.Params))], digests[s.ID]
			view = append(view, digest[:], slices.Concat(s.Params, s.Wrapped, s.PublicKey, s.Sealed), slices.Concat(s.ID[:], salt), s.Params)
			view = append(view, wrapParts(s.Wrapped)...)
			view = append(view, s.Sealed[:32], s.Sealed[1120-32:1120], s.PublicKey[:32], s.PublicKey[1216-32:]) // of X25519, the last ones
		}
		for _, e := range p.History {
			view = append(view, wrapParts(e)...)
		}
	}
	for _, b := range g.blobs {
		view = append(view, b, b[10:])
		view = append(view, wrapParts(b[10:])...)
	}
	return view
}

// wrapParts are nonce, commitment, ciphertext and tag.
func wrapParts(b []byte) [][]byte {
	if len(b) < 90 {
		return nil
	}
	return [][]byte{b[2:26], b[26:58], b[58 : len(b)-16], b[len(b)-16:], b[58:90]}
}

// close tries a value and what follows from it: up to three SHA-256, of the
// bytes and of their texts, and HKDF with each label of the package.
func (g *game) close(view ...[]byte) {
	for _, v := range view {
		texts := [][]byte{v}
		if len(v) <= 64 && testvec.Long {
			texts = append(texts, []byte(hex.EncodeToString(v)), []byte(base64.StdEncoding.EncodeToString(v)))
		}
		for i, x := range texts {
			for round := range 4 {
				g.try(x)
				if i == 0 && round < 2 && testvec.Long {
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
	for i, p := range g.parts {
		for _, s := range p.Slots {
			if i > 0 && g.parts[0].Slot(s.ID) != nil && bytes.Equal(s.Wrapped, g.parts[0].Slot(s.ID).Wrapped) {
				continue // the same in both
			}
			for _, ikm := range ikms {
				if len(ikm) >= 16 && len(ikm) <= 64 && len(s.Wrapped) > 0 {
					g.unwrap(slotNames[s.Type], slotKEK(g.t, &s, ikm), s.Wrapped, slotBinding(p.Account, &s))
				}
			}
		}
	}
	if len(v) >= 32 {
		g.tryKey([32]byte(v))
	}
}

// tryKey takes a key for a seed, a master key, a data key, a lineage key and a
// slot's key.
func (g *game) tryKey(key [32]byte) {
	private, err := hpke.MLKEM768X25519().NewPrivateKey(key[:])
	require.NoError(g.t, err)
	pk := private.PublicKey().Bytes()
	for i, p := range g.parts {
		for _, s := range p.Slots {
			if bytes.Equal(pk, s.PublicKey) {
				g.found["seed"] = true
			}
			if len(s.Wrapped) > 0 {
				g.unwrap(slotNames[s.Type], wrap.ImportKey(key), s.Wrapped, slotBinding(p.Account, &s))
			}
		}
		for e, entry := range p.History {
			b := wrap.Binding{Purpose: "nescio/history/v1", Account: p.Account[:], Epoch: uint64(e + 1)}
			g.unwrap("history", wrap.ImportKey(key), entry, b)
		}
		b := g.headers[i]
		for _, n := range []int{len(b) - 64, len(b) - 32} {
			if bytes.Equal(headerMAC(key[:], b[:n]), b[n:n+32]) {
				g.found["MAC"] = true
			}
		}
	}
	for _, b := range g.blobs {
		epoch := must(recovery.BlobEpoch(b))
		binding := note
		binding.Account, binding.Epoch = g.parts[0].Account[:], uint64(epoch)<<32|uint64(epoch)
		g.unwrap("blob", wrap.ImportKey(key), b[10:], binding)
		g.unwrap("blob", wrap.ImportKey([32]byte(derived(key[:], "nescio/keyring/data/v1"))), b[10:], binding)
	}
}

func (g *game) unwrap(what string, k *wrap.Key, b []byte, binding wrap.Binding) {
	if _, err := k.Unwrap(context.Background(), b, binding); err == nil {
		g.found[what] = true
	}
}

// doubleHash is what a service did: SHA-256 twice of the words is the key. A
// server that keeps SHA-256 of the words as a verifier has the key.
type doubleHash struct{ words string }

func (d doubleHash) Type() string { return "phrase" }
func (d doubleHash) Flags() uint8 { return 0 }

func (d doubleHash) verifier() []byte {
	sum := sha256.Sum256([]byte(d.words))
	return sum[:]
}

func (d doubleHash) Seal(ctx context.Context, b wrap.Binding, secret []byte) ([]byte, []byte, error) {
	wrapped, err := wrap.ImportKey(sha256.Sum256(d.verifier())).Wrap(ctx, secret, b)
	return append(random(32), 16), wrapped, err
}

// rounds is a server with two headers of an account, before and after a
// rotation, with blobs of both epochs, and with the records of its logins.
type rounds struct {
	words     *recovery.Phrase
	file      *recovery.File
	pw        recovery.Password
	exportKey []byte
	game      *game
	view      [][]byte
}

const roundsPassword = "correct horse battery staple"

func newRounds(t testing.TB) *rounds {
	r := &rounds{words: phrase(), file: recovery.NewFile(), pw: password(roundsPassword, nil)}
	auth := must(r.words.AuthSecret())
	srpPassword, srpPhrase := srpAccount(t, []byte(roundsPassword)), srpAccount(t, auth)
	var opaqueRecord []byte
	opaqueRecord, r.exportKey = opaqueAccount(t, []byte(roundsPassword))
	opaquePhrase, _ := opaqueAccount(t, auth)
	k := create(t, r.words, r.file, r.pw, recovery.NewExportKey(r.exportKey, opaqueRecord[len(opaqueRecord)-192:]))
	next := rotate(t, k)
	blobs := [][]byte{must(k.Wrap(secretOf(1), note)), must(next.Wrap(secretOf(2), note))}
	r.game = newGame(t, [][]byte{bytesOf(k), bytesOf(next)}, blobs, [][]byte{r.file.ServerSecret()})
	id := r.file.ID()
	r.view = append(r.game.public(), r.file.ServerSecret(), id[:], recovery.PhraseLoginID([]byte("alice")))
	for _, record := range []*srp.Record{srpPassword, srpPhrase} {
		r.view = append(r.view, record.Bytes(), record.Verifier(), record.Salt())
	}
	for _, record := range [][]byte{opaqueRecord, opaquePhrase} {
		r.view = append(r.view, record)
		raw := record[len(record)-192:] // public key 32, masking key 64, nonce 32, MAC 64
		r.view = append(r.view, raw, raw[:32], raw[32:96], raw[96:128], raw[128:])
	}
	// A device's checkpoints, which a server does not even have.
	r.view = append(r.view, must(k.Checkpoint().MarshalBinary()), must(next.Checkpoint().MarshalBinary())[66:82])
	// More than any server has: the password of the phrase's account itself.
	r.view = append(r.view, auth)
	return r
}

// srpAccount is a record with a small KDF in the smallest group.
func srpAccount(t testing.TB, password []byte) *srp.Record {
	params, policy := smallKDF()
	client := must(srp.NewClient(srp.ClientConfig{KDFPolicy: policy, ServerIdentity: []byte("example.org")}))
	group := must(srp.RFC5054Group(2048))
	registration, _, err := client.Register([]byte("alice"), password)
	require.NoError(t, err)
	return must(registration.MakeRecord(t.Context(), srp.Nescio(), group.Unverified(), params))
}

func opaqueAccount(t testing.TB, password []byte) (record, exportKey []byte) {
	ctx := t.Context()
	params, policy := smallKDF()
	server := must(opaque.NewServer(opaque.ServerConfig{
		DecoyKey:  [32]byte(random(32)),
		StateKeys: []opaque.StateKey{{Key: [32]byte(random(32))}},
		Setups:    map[uint16]*opaque.Setup{1: must(opaque.NewSetup(opaque.Ristretto255))},
		Offer:     opaque.Kind{Setup: 1, KSF: params},
	}))
	client := must(opaque.NewClient(opaque.ClientConfig{KSFPolicy: policy}))
	registration, request, err := client.Register(nil, password)
	require.NoError(t, err)
	response := must(server.BeginRegistration(ctx, []byte("alice"), request))
	upload := must(registration.Finish(ctx, response))
	record = must(server.FinishRegistration(nil, upload))
	return record, must(registration.ExportKey())
}

// TestAttack_ViewClosedUnderHashing: everything that the server has opens no
// slot and no blob, and is no seed, no master key and no lineage key. Nor is
// anything that it can hash of it.
func TestAttack_ViewClosedUnderHashing(t *testing.T) {
	r := newRounds(t)
	r.game.close(r.view...)
	require.Empty(t, r.game.found)
	require.Greater(t, len(r.game.seen), 400)
}

// TestGameFinds is its proof: with one secret more, whatever it is, or with
// what one of the hashes makes of it, the server wins.
func TestGameFinds(t *testing.T) {
	r := newRounds(t)
	know, later := learn(t, r.game.headers[0], r.words), learn(t, r.game.headers[1], r.words)
	for what, secret := range map[string][]byte{
		"phrase": entropyOf(t, r.words), "file": fileHalf(t, r.file), "password": r.stretched(t), "export": r.exportKey,
		"seed": know.Seed, "MAC": know.Lineage, "history": later.Masters[2], "blob": later.Masters[1],
	} {
		g := newGame(t, r.game.headers, r.game.blobs, r.game.files)
		g.close(secret)
		require.True(t, g.found[what], what)
	}
	g := newGame(t, r.game.headers, r.game.blobs, r.game.files)
	g.close(know.Masters[1])
	require.True(t, g.found["MAC"])

	// The design of the double hash.
	bad := doubleHash{r.words.Words()}
	k := create(t, bad, phrase())
	g = newGame(t, [][]byte{bytesOf(k)}, nil, nil)
	g.close(g.public()...)
	require.Empty(t, g.found, "the header alone")
	g.close(bad.verifier())
	require.Equal(t, map[string]bool{"phrase": true}, g.found)
	// And if what the server has were what the slot's key is made of.
	auth := must(r.words.AuthSecret())
	k = create(t, recovery.NewExportKey(auth, record(1)))
	g = newGame(t, [][]byte{bytesOf(k)}, nil, nil)
	g.close(auth)
	require.True(t, g.found["export"])
}

// stretched is the output of the KDF for the password's slot.
func (r *rounds) stretched(t testing.TB) []byte {
	i := slices.IndexFunc(r.game.parts[0].Slots, func(s recoverytest.SlotParts) bool { return slotNames[s.Type] == "password" })
	s := r.game.parts[0].Slots[i]
	var params kdf.Params
	require.NoError(t, params.UnmarshalBinary(s.Params[34:]))
	f := must(kdf.New(must(params.WithSalt(s.Params[:32])), r.pw.Policy))
	return must(f.Derive(t.Context(), []byte(roundsPassword), 32))
}

// fileHalf is F, out of the file's text.
func fileHalf(t testing.TB, f *recovery.File) []byte {
	lines := strings.Split(strings.TrimSpace(f.Text()), "\n")
	b, err := base64.StdEncoding.DecodeString(strings.Join(lines[1:len(lines)-1], ""))
	require.NoError(t, err)
	return b[17:49]
}

// TestAuthSecretIsApart: the password of the phrase's account does not open the
// slot, and the other way round.
func TestAuthSecretIsApart(t *testing.T) {
	p := phrase()
	auth := must(p.AuthSecret())
	require.Len(t, auth, 32)
	require.Equal(t, derived(entropyOf(t, p), "nescio/phrase/auth/v1"), auth)
	k := create(t, p)
	for _, b := range [][]byte{auth, auth[:16], auth[16:]} {
		requireIs(t, recovery.ErrWrongSecret, openErr(t, bytesOf(k), phraseOf(t, b), k.Checkpoint()), len(b))
	}
	auth[0] ^= 1
	require.NotEqual(t, auth, must(p.AuthSecret()), "a copy")
}

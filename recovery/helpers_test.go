package recovery_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// slot is what every slot of this package except Device is.
type slot interface {
	recovery.Sealer
	recovery.Opener
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func argon2id(kib, passes, lanes int) kdf.Params { return must(kdf.NewArgon2id(kib, passes, lanes)) }

// passwordWith is the slot of a password with KDF parameters and a policy.
func passwordWith(text string, key *recovery.SecretKey, params kdf.Params, policy kdf.Policy) recovery.Password {
	p := recovery.NewPassword([]byte(text), key)
	p.KDF, p.Policy = params, policy
	return p
}

// password is the slot of a password with the least that Argon2id can do. Only
// its own policy allows this.
func password(text string) recovery.Password { return passwordAndKey(text, nil) }

func passwordAndKey(text string, key *recovery.SecretKey) recovery.Password {
	params := argon2id(8, 1, 1)
	return passwordWith(text, key, params, kdf.FixedPolicy(params))
}

func phrase() *recovery.Phrase { return must(recovery.NewPhrase(12)) }

// exportKey is the slot of an export key that consists of one byte.
func exportKey(b byte) recovery.ExportKey {
	return recovery.NewExportKey(bytes.Repeat([]byte{b}, 64), record(b))
}

// record has the length of a record of ristretto255.
func record(b byte) []byte { return bytes.Repeat([]byte{b}, 192) }

func passkey(b byte) recovery.Passkey {
	p := recovery.Passkey{
		Salt: [32]byte(bytes.Repeat([]byte{0x5a}, 32)), CredentialIDHash: [32]byte{b}, RPID: "example.org", UserVerified: true,
	}
	return p.WithPRF(bytes.Repeat([]byte{b}, 32))
}

// create returns the stored keyring of a new account.
func create(t testing.TB, s ...recovery.Sealer) *recovery.Keyring {
	t.Helper()
	d, err := recovery.Create(context.Background(), s...)
	require.NoError(t, err)
	return d.Stored()
}

func seal(t testing.TB, k *recovery.Keyring, s recovery.Sealer) *recovery.SealedSlot {
	t.Helper()
	sealed, err := k.Seal(context.Background(), s)
	require.NoError(t, err)
	return sealed
}

// change returns the draft of an edit.
func change(t testing.TB, k *recovery.Keyring, f func(*recovery.Edit) error) *recovery.Draft {
	t.Helper()
	d, err := k.Edit(f)
	require.NoError(t, err)
	return d
}

// edit returns the stored keyring of an edit.
func edit(t testing.TB, k *recovery.Keyring, f func(*recovery.Edit) error) *recovery.Keyring {
	t.Helper()
	return change(t, k, f).Stored()
}

func rotate(e *recovery.Edit) error {
	e.Rotate()
	return nil
}

func rotated(t testing.TB, k *recovery.Keyring) *recovery.Keyring {
	t.Helper()
	return edit(t, k, rotate)
}

func add(t testing.TB, k *recovery.Keyring, s recovery.Sealer) (*recovery.Keyring, recovery.SlotID) {
	t.Helper()
	sealed := seal(t, k, s)
	return edit(t, k, func(e *recovery.Edit) error { return e.Add(sealed) }), sealed.ID()
}

func revoked(t testing.TB, k *recovery.Keyring, ids ...recovery.SlotID) *recovery.Keyring {
	t.Helper()
	return edit(t, k, func(e *recovery.Edit) error { return e.Revoke(ids...) })
}

// addDevice adds the slot of an approved device.
func addDevice(t testing.TB, k *recovery.Keyring) (*recovery.Keyring, *recovery.Device) {
	t.Helper()
	seed := random(32)
	sealed := must(recovery.SealDevice(k, must(recovery.SlotPublicKey(seed))))
	k = edit(t, k, func(e *recovery.Edit) error { return e.Add(sealed) })
	account, id := k.Account(), sealed.ID()
	lineage, _ := recovery.KeysOf(k)
	return k, must(recovery.ParseDevice(refDevice(account[:], id[:], append(seed, lineage...))))
}

func parse(t testing.TB, b []byte) *recovery.Header {
	t.Helper()
	h, err := recovery.ParseHeader(b)
	require.NoError(t, err)
	return h
}

// open opens a header as it comes from the server.
func open(t testing.TB, h *recovery.Header, o recovery.Opener, c recovery.Checkpoint) *recovery.Keyring {
	t.Helper()
	k, err := recovery.Open(context.Background(), parse(t, h.Bytes()), o, c)
	require.NoError(t, err)
	return k
}

func openErr(t testing.TB, h *recovery.Header, o recovery.Opener, c recovery.Checkpoint) error {
	t.Helper()
	k, err := recovery.Open(context.Background(), parse(t, h.Bytes()), o, c)
	require.Error(t, err)
	require.Nil(t, k)
	return err
}

// requireOpens checks that a slot opens the header of a keyring, with its
// checkpoint, to the same keys.
func requireOpens(t testing.TB, k *recovery.Keyring, o recovery.Opener) {
	t.Helper()
	requireSame(t, k, open(t, k.Header(), o, k.Checkpoint()))
}

// requireSame checks that two keyrings have the same header and keys.
func requireSame(t testing.TB, want, got *recovery.Keyring) {
	t.Helper()
	require.Equal(t, want.Header().Bytes(), got.Header().Bytes())
	require.Equal(t, want.Checkpoint(), got.Checkpoint())
	lineage, master := recovery.KeysOf(want)
	lineage2, master2 := recovery.KeysOf(got)
	require.Equal(t, lineage, lineage2)
	require.Equal(t, master, master2)
}

// refuseEdit checks that an edit fails.
func refuseEdit(t testing.TB, k *recovery.Keyring, want error, f func(*recovery.Edit) error) {
	t.Helper()
	d, err := k.Edit(f)
	require.ErrorIs(t, err, want)
	require.Nil(t, d)
}

// everySlot is a keyring with every type of slot except contacts, and what
// opens each.
func everySlot(t testing.TB) (*recovery.Keyring, map[string]recovery.Opener) {
	t.Helper()
	file := recovery.NewFile()
	openers := map[string]recovery.Opener{
		"password": password("correct horse"), "password with a secret key": passwordAndKey("123456", recovery.NewSecretKey()),
		"export": exportKey(0xe1), "phrase of 12": phrase(), "phrase of 24": must(recovery.NewPhrase(24)), "file": file,
		"passkey": passkey(0xa1),
	}
	var sealers []recovery.Sealer
	for _, o := range openers {
		sealers = append(sealers, o.(recovery.Sealer))
	}
	k, device := addDevice(t, create(t, sealers...))
	openers["device"] = device
	return k, openers
}

// slotIDs returns the ids of a keyring's slots of a type.
func slotIDs(k *recovery.Keyring, typ string) (ids []recovery.SlotID) {
	for _, s := range k.Slots() {
		if s.Type == typ {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// slotOf returns the slot of an id.
func slotOf(t testing.TB, k *recovery.Keyring, id recovery.SlotID) recovery.Slot {
	t.Helper()
	for _, s := range k.Slots() {
		if s.ID == id {
			return s
		}
	}
	require.FailNow(t, "no such slot")
	return recovery.Slot{}
}

// forge makes a header with the keys of a keyring, after f has changed what is
// in its header. Only somebody with access can do this.
func forge(t testing.TB, k *recovery.Keyring, f func(h *refHeader)) *recovery.Header {
	t.Helper()
	lineage, master := recovery.KeysOf(k)
	return forgeWith(t, k, lineage, master, f)
}

func forgeWith(t testing.TB, k *recovery.Keyring, lineage, master []byte, f func(h *refHeader)) *recovery.Header {
	t.Helper()
	h := refParse(k.Header().Bytes())
	f(&h)
	return parse(t, h.encode(lineage, master))
}

// next makes h the header after another one.
func (h *refHeader) next(before *recovery.Header) {
	digest := before.Digest()
	h.revision, h.prev = before.Revision()+1, digest[:]
}

// rotate gives h the next epoch with a master key, which it seals to all slots.
func (h *refHeader) rotate(old, master []byte) {
	entry := testvec.WrapSeal(master, refHistoryBinding(h.account, h.epoch), random(24), old)
	h.history, h.epoch = append(h.history[:len(h.history):len(h.history)], entry), h.epoch+1
	h.history = h.history[len(h.history)-int(h.epoch-refOldest(h.epoch)):]
	for i := range h.slots {
		s := &h.slots[i]
		s.sealed = refHPKESeal(s.pk, refMasterInfo(h.account, s.id, h.epoch), master)
	}
}

// files is the binding of the tests.
func files(item string) wrap.Binding { return wrap.Binding{Purpose: "files", Item: []byte(item)} }

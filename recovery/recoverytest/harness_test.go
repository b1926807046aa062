package recoverytest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// The attacks use package recovery and this package as anyone can, and nothing
// of their internals.

type parts = recoverytest.Parts

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

func withArgon2id(kib, passes, lanes int) kdf.Params {
	return must(kdf.NewArgon2id(kib, passes, lanes))
}
func withPBKDF2(n int) kdf.Params       { return must(kdf.NewPBKDF2SHA512(n)) }
func withScrypt(n, r, p int) kdf.Params { return must(kdf.NewScrypt(n, r, p)) }

// smallKDF is the least that Argon2id can do. Only its policy allows it.
func smallKDF() (kdf.Params, kdf.Policy) {
	p := withArgon2id(8, 1, 1)
	return p, kdf.FixedPolicy(p)
}

func password(text string, key *recovery.SecretKey) recovery.Password {
	p := recovery.NewPassword([]byte(text), key)
	p.KDF, p.Policy = smallKDF()
	return p
}

func phrase() *recovery.Phrase { return must(recovery.NewPhrase(12)) }

// record has the length of a record of ristretto255.
func record(b byte) []byte { return bytes.Repeat([]byte{b}, 192) }

func export(b byte) recovery.ExportKey {
	return recovery.NewExportKey(bytes.Repeat([]byte{b}, 64), record(b))
}

func passkey(b byte) recovery.Passkey {
	p := recovery.Passkey{Salt: [32]byte(random(32)), CredentialIDHash: sha256.Sum256([]byte{b}), RPID: "example.org", UserVerified: true}
	return p.WithPRF(bytes.Repeat([]byte{b}, 32))
}

// heldDevice keeps the secret of a device's slot as it is. It needs no
// approval.
type heldDevice struct {
	id     recovery.SlotID
	secret []byte
}

func (d *heldDevice) Type() string { return "device" }
func (d *heldDevice) Flags() uint8 { return 0 }

func (d *heldDevice) Seal(_ context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	d.id, d.secret = recovery.SlotID(b.Item), bytes.Clone(secret)
	return nil, nil, nil
}

func (d *heldDevice) Open(_ context.Context, _ wrap.Binding, s recovery.Slot) ([]byte, error) {
	if s.ID != d.id {
		return nil, recovery.ErrWrongSecret
	}
	return bytes.Clone(d.secret), nil
}

func create(t testing.TB, s ...recovery.Sealer) *recovery.Keyring {
	t.Helper()
	d, err := recovery.Create(t.Context(), s...)
	require.NoError(t, err)
	return d.Stored()
}

func edit(t testing.TB, k *recovery.Keyring, f func(e *recovery.Edit) error) *recovery.Keyring {
	t.Helper()
	d, err := k.Edit(f)
	require.NoError(t, err)
	return d.Stored()
}

func rotate(t testing.TB, k *recovery.Keyring) *recovery.Keyring {
	t.Helper()
	return edit(t, k, func(e *recovery.Edit) error { e.Rotate(); return nil })
}

func add(t testing.TB, k *recovery.Keyring, s recovery.Sealer) *recovery.Keyring {
	t.Helper()
	sealed, err := k.Seal(t.Context(), s)
	require.NoError(t, err)
	return edit(t, k, func(e *recovery.Edit) error { return e.Add(sealed) })
}

func revoke(t testing.TB, k *recovery.Keyring, ids ...recovery.SlotID) *recovery.Keyring {
	t.Helper()
	return edit(t, k, func(e *recovery.Edit) error { return e.Revoke(ids...) })
}

func bytesOf(k *recovery.Keyring) []byte { return k.Header().Bytes() }

func parse(t testing.TB, b []byte) *recovery.Header {
	t.Helper()
	h, err := recovery.ParseHeader(b)
	require.NoError(t, err)
	return h
}

func open(t testing.TB, header []byte, o recovery.Opener, c recovery.Checkpoint) *recovery.Keyring {
	t.Helper()
	k, err := recovery.Open(t.Context(), parse(t, header), o, c)
	require.NoError(t, err)
	return k
}

func openErr(t testing.TB, header []byte, o recovery.Opener, c recovery.Checkpoint) error {
	t.Helper()
	k, err := recovery.Open(t.Context(), parse(t, header), o, c)
	require.Nil(t, k)
	require.Error(t, err)
	return err
}

func firstUse(k *recovery.Keyring) recovery.Checkpoint { return recovery.TrustOnFirstUse(k.Account()) }

// learn returns all that the holder of a secret learns from a header.
func learn(t testing.TB, header []byte, o recovery.Opener) *recoverytest.Holder {
	t.Helper()
	h := recoverytest.NewHolder(o)
	open(t, header, h, recovery.TrustOnFirstUse(parse(t, header).Account()))
	require.NoError(t, h.Learn(header))
	return h
}

func master(h *recoverytest.Holder, header []byte) []byte {
	return h.Masters[must(recovery.ParseHeader(header)).Epoch()]
}

func split(t testing.TB, header []byte) *parts {
	t.Helper()
	p, err := recoverytest.Split(header)
	require.NoError(t, err)
	return p
}

// after returns the parts of a header, so many revisions after another one.
func after(t testing.TB, header, previous []byte, later uint64) *parts {
	t.Helper()
	p := split(t, header)
	require.NoError(t, p.Follow(previous))
	p.Revision += later - 1
	return p
}

// sealAll seals a master key to every slot, in the epoch that p has.
func sealAll(t testing.TB, p *parts, master []byte) {
	t.Helper()
	require.NoError(t, p.Rekey(p.Epoch, map[uint32][]byte{p.Epoch: master}))
}

// randomWrap has the form of a wrap.
func randomWrap(n int) []byte { return append([]byte{1, 1}, random(n-2)...) }

func publicKeyOf(t testing.TB, seed []byte) []byte {
	t.Helper()
	p := &parts{Epoch: 1}
	_, err := p.AddSlot(t.Context(), nil, seed, nil)
	require.NoError(t, err)
	return p.Slots[0].PublicKey
}

var slotNames = []string{"", "password", "export", "phrase", "file", "passkey", "device", "contacts"}

func slotBinding(account recovery.AccountID, s *recoverytest.SlotParts) wrap.Binding {
	return wrap.Binding{Purpose: "nescio/slot/" + slotNames[s.Type] + "/v1", Account: account[:], Item: s.ID[:], Epoch: uint64(s.Born)}
}

// slotKEK is the key of a slot by the format.
func slotKEK(t testing.TB, s *recoverytest.SlotParts, ikm []byte) *wrap.Key {
	t.Helper()
	kek, err := wrap.DeriveKey(ikm, slices.Concat(s.ID[:], s.Params[:32]),
		fmt.Sprintf("nescio/slot/%s/v1\x00%s%s", slotNames[s.Type], []byte{s.Flags}, s.Params))
	require.NoError(t, err)
	return kek
}

var sentinels = []error{recovery.ErrMalformed, recovery.ErrWrongSecret, recovery.ErrUntrusted, recovery.ErrRollback, recovery.ErrFork,
	recovery.ErrOtherAccount, recovery.ErrPolicy, recovery.ErrNoCheckpoint, recovery.ErrOldKey, recovery.ErrEpochClosed,
	recovery.ErrConflict, recovery.ErrUnconfirmed, recovery.ErrOvertaken, recovery.ErrUnseen}

// sentinel returns the one error of package recovery that err is.
func sentinel(err error) (found error) {
	for _, s := range sentinels {
		if errors.Is(err, s) {
			if found != nil {
				return fmt.Errorf("both %w and %w", found, s)
			}
			found = s
		}
	}
	return found
}

// requireIs checks that an error is one error of package recovery, and no
// other.
func requireIs(t testing.TB, want, got error, message ...any) {
	t.Helper()
	require.Equal(t, want, sentinel(got), message...)
}

// requireUnrelated checks that two random keys agree in no more bytes than
// chance allows.
func requireUnrelated(t testing.TB, a, b []byte) {
	t.Helper()
	same := 0
	for i := range a {
		if a[i] == b[i] {
			same++
		}
	}
	require.Less(t, same, 8)
}

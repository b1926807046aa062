package recovery_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

var account = bytes.Repeat([]byte{0x42}, 16)

// smallKDF is the least that Argon2id can do, so that tests are quick; only
// smallPolicy allows it.
func smallKDF(t testing.TB) (kdf.Params, kdf.Policy) {
	p, err := kdf.NewArgon2id(8, 1, 1)
	require.NoError(t, err)
	return p, kdf.FixedPolicy(p)
}

func password(t testing.TB, text string) recovery.Password {
	params, policy := smallKDF(t)
	return passwordWith(text, params, policy)
}

func passwordWith(text string, params kdf.Params, policy kdf.Policy) recovery.Password {
	p := recovery.NewPassword([]byte(text), nil)
	p.KDF, p.Policy = params, policy
	return p
}

func phrase(t testing.TB) *recovery.Phrase {
	p, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	return p
}

func export(b byte) recovery.Export {
	return recovery.NewExport(bytes.Repeat([]byte{b}, 64), record(b))
}

// record has the length of a record of ristretto255.
func record(b byte) []byte { return bytes.Repeat([]byte{b}, 192) }

func passkey(b byte) recovery.Passkey {
	p := recovery.Passkey{Salt: recovery.NewPasskeySalt(), CredentialID: []byte{b}, RPID: "example.org", UserVerified: true}
	return p.WithPRF(bytes.Repeat([]byte{b}, 32))
}

func create(t testing.TB, s ...recovery.Sealer) *recovery.Keyring {
	k, err := recovery.Create(context.Background(), account, s...)
	require.NoError(t, err)
	return k
}

func pin(t testing.TB, k *recovery.Keyring) recovery.Pin {
	p, err := k.Pin()
	require.NoError(t, err)
	return p
}

func parse(t testing.TB, b []byte) *recovery.Header {
	h, err := recovery.ParseHeader(b)
	require.NoError(t, err)
	return h
}

func open(t testing.TB, header []byte, o recovery.Opener, p recovery.Pin) *recovery.Keyring {
	k, err := recovery.Open(context.Background(), parse(t, header), o, p)
	require.NoError(t, err)
	return k
}

func openErr(t testing.TB, header []byte, o recovery.Opener, p recovery.Pin) error {
	k, err := recovery.Open(context.Background(), parse(t, header), o, p)
	require.Nil(t, k)
	require.Error(t, err)
	return err
}

// requireSame checks that two keyrings have the same master key at an epoch.
func requireSame(t testing.TB, want, got *recovery.Keyring, epoch uint32) {
	t.Helper()
	a, err := want.Key(epoch)
	require.NoError(t, err)
	b, err := got.Key(epoch)
	require.NoError(t, err)
	require.True(t, a.Equal(b))
}

// everyWay is a keyring with every way in of this package, and what opens each.
func everyWay(t testing.TB) (*recovery.Keyring, map[string]recovery.Opener) {
	file := recovery.NewFile()
	withKey := password(t, "with a key")
	withKey = withKey.WithSecretKey(recovery.NewSecretKey())
	long, err := recovery.NewPhrase(24)
	require.NoError(t, err)
	ways := map[string]recovery.Opener{
		"password": password(t, "correct horse"), "password with a secret key": withKey, "export": export(0xe1),
		"phrase of 12": phrase(t), "phrase of 24": long, "file": file, "passkey": passkey(0xa1),
	}
	k, err := recovery.Create(context.Background(), account, file)
	require.NoError(t, err)
	for name, w := range ways {
		if name != "file" {
			_, err := k.Add(context.Background(), w.(recovery.Sealer))
			require.NoError(t, err)
		}
	}
	return k, ways
}

func TestEveryWayIn(t *testing.T) {
	k, ways := everyWay(t)
	header, p := k.Bytes(), pin(t, k)
	require.EqualValues(t, 1, k.Header().Revision(), "nobody has seen an earlier one")
	for name, way := range ways {
		got := open(t, header, way, p)
		requireSame(t, k, got, 1)
		require.Equal(t, header, got.Bytes(), name)
		got = open(t, header, way, recovery.FirstUse(account))
		requireSame(t, k, got, 1)
	}
	for name, stranger := range map[string]recovery.Opener{
		"password": password(t, "battery staple"), "export": export(0xe2), "phrase": phrase(t), "passkey": passkey(0xa2),
	} {
		require.Equal(t, recovery.ErrNotMine, openErr(t, header, stranger, p), name)
	}
}

// TestLifeOfAKeyring goes through every change, and opens after each by every way
// that is left.
func TestLifeOfAKeyring(t *testing.T) {
	ctx := t.Context()
	k, ways := everyWay(t)
	header := k.Bytes()
	p := pin(t, k)
	step := func(what string, revision uint64, epoch uint32) {
		t.Helper()
		before := parse(t, header)
		header = k.Bytes()
		h := parse(t, header)
		require.Equal(t, revision, h.Revision(), what)
		require.Equal(t, epoch, h.Epoch(), what)
		require.Equal(t, before.Digest(), h.Previous(), what)
		require.LessOrEqual(t, len(header), recovery.MaxHeader)
		for name, way := range ways {
			got, err := recovery.Open(ctx, h, way, p)
			require.NoError(t, err, "%s: %s", what, name)
			requireSame(t, k, got, epoch)
		}
		k = open(t, header, ways["phrase of 12"], p) // on another device, as it were
		p = pin(t, k)
	}

	second := password(t, "a second password")
	id, err := k.Add(ctx, second)
	require.NoError(t, err)
	ways["second"] = second
	step("add", 2, 1)

	replaced := password(t, "a better one")
	id2, err := k.Replace(ctx, id, replaced)
	require.NoError(t, err)
	require.NotEqual(t, id, id2)
	ways["second"] = replaced
	step("replace", 3, 1)
	require.Equal(t, recovery.ErrNotMine, openErr(t, header, second, p))

	first, err := k.Key(1)
	require.NoError(t, err)
	require.NoError(t, k.Rotate(ctx))
	step("rotate", 4, 2)
	again, err := k.Key(1)
	require.NoError(t, err)
	require.True(t, first.Equal(again), "the old key is within reach")
	now, err := k.Key(2)
	require.NoError(t, err)
	require.False(t, first.Equal(now))
	_, err = k.Key(3)
	require.Equal(t, recovery.ErrEpoch, err)
	_, err = k.Key(0)
	require.Equal(t, recovery.ErrEpoch, err)

	require.NoError(t, k.Revoke(ctx))
	require.NoError(t, k.Revoke(ctx, id2))
	delete(ways, "second")
	step("revoke", 5, 3)
	require.Equal(t, recovery.ErrNotMine, openErr(t, header, replaced, p))

	require.NoError(t, k.Forget(1))
	step("forget", 6, 3)
	_, err = k.Key(1)
	require.Equal(t, recovery.ErrEpoch, err)
	_, err = k.Key(2)
	require.NoError(t, err)
	for _, epoch := range []uint32{0, 1, 3, 4} {
		require.Equal(t, recovery.ErrEpoch, k.Forget(epoch))
	}

	file := recovery.NewFile()
	require.NoError(t, k.Renew(ctx, ways["phrase of 12"].(recovery.Sealer), file))
	ways = map[string]recovery.Opener{"phrase of 12": ways["phrase of 12"], "file": file}
	step("renew", 7, 4)
	require.Len(t, k.Slots(), 2)

	// Several changes before anybody has seen them are one revision.
	third := password(t, "third")
	_, err = k.Add(ctx, third)
	require.NoError(t, err)
	require.NoError(t, k.Rotate(ctx))
	require.NoError(t, k.Rotate(ctx))
	ways["third"] = third
	step("three at once", 8, 6)
}

func TestDestroy(t *testing.T) {
	k := create(t, phrase(t))
	k.Destroy()
	_, err := k.Key(1)
	require.Equal(t, recovery.ErrUsed, err)
	_, err = k.Pin()
	require.Equal(t, recovery.ErrUsed, err)
	require.Equal(t, recovery.ErrUsed, k.Rotate(t.Context()))
	_, err = k.Add(t.Context(), phrase(t))
	require.Equal(t, recovery.ErrUsed, err)
	require.NotEmpty(t, k.Bytes(), "what was sealed is still good")
}

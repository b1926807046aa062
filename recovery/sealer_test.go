package recovery_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// badSealer is a Sealer that returns anything.
type badSealer struct {
	kind  string
	flags uint8
	seal  func(b wrap.Binding, secret []byte) (params, wrapped []byte, err error)
}

func (s badSealer) Type() string { return s.kind }
func (s badSealer) Flags() uint8 { return s.flags }
func (s badSealer) Seal(_ context.Context, b wrap.Binding, secret []byte) ([]byte, []byte, error) {
	return s.seal(b, secret)
}

// contactsOf is the Sealer of a slot of k of n contacts that nothing opens.
func contactsOf(k, n int) badSealer {
	return badSealer{"contacts", 0, func(wrap.Binding, []byte) (params, wrapped []byte, err error) {
		return append(append(random(32), byte(k), byte(n)), random(32*n)...), random(138), nil
	}}
}

// TestBadSealers: what a Sealer returns must be what its type has.
func TestBadSealers(t *testing.T) {
	ctx := t.Context()
	give := func(params, wrapped int) func(wrap.Binding, []byte) ([]byte, []byte, error) {
		return func(wrap.Binding, []byte) ([]byte, []byte, error) {
			return make([]byte, params), make([]byte, wrapped), nil
		}
	}
	k := create(t, phrase())
	for name, s := range map[string]badSealer{
		"no type":             {"", 0, give(32, 138)},
		"an unknown type":     {"other", 0, give(32, 138)},
		"the type's case":     {"File", 0, give(32, 138)},
		"flags without flags": {"file", 1, give(32, 138)},
		"more flags":          {"passkey", 2, func(b wrap.Binding, s []byte) ([]byte, []byte, error) { return passkey(1).Seal(ctx, b, s) }},
		"a threshold of 0":    contactsOf(0, 2),
		"a threshold above n": contactsOf(3, 2),
		"33 contacts":         contactsOf(2, 33),
		"no contacts":         contactsOf(0, 0),
		"nothing":             {"file", 0, give(0, 0)},
		"no parameters":       {"file", 0, give(0, 138)},
		"a short salt":        {"file", 0, give(31, 138)},
		"too many parameters": {"file", 0, give(33, 138)},
		"far too many":        {"contacts", 0, give(1<<20, 138)},
		"a short wrap":        {"file", 0, give(32, 137)},
		"a long wrap":         {"file", 0, give(32, 139)},
		"no digest":           {"export", 0, give(32, 138)},
		"no KDF":              {"password", 0, give(32, 138)},
		"a KDF of zeros":      {"password", 0, give(32+2+13, 138)},
		"an entropy of 0":     {"phrase", 0, give(33, 138)},
		"no relying party":    {"passkey", 0, give(32+32+32+1, 138)},
		"a wrapped device":    {"device", 0, give(0, 138)},
		"a device's params":   {"device", 0, give(32, 0)},
		"its own error":       {"file", 0, func(wrap.Binding, []byte) ([]byte, []byte, error) { return nil, nil, context.Canceled }},
		"an error and a slot": {"file", 0, func(wrap.Binding, []byte) ([]byte, []byte, error) {
			return make([]byte, 32), make([]byte, 138), context.Canceled
		}},
	} {
		want := recovery.ErrPolicy
		if _, _, err := s.seal(wrap.Binding{Purpose: "p"}, make([]byte, 64)); err == context.Canceled {
			want = err
		}
		sealed, err := k.Seal(ctx, s)
		require.ErrorIs(t, err, want, name)
		require.Nil(t, sealed)
		d, err := recovery.Create(ctx, s)
		require.ErrorIs(t, err, want, name)
		require.Nil(t, d)
		d, err = k.RotateLineage(ctx, phrase(), s)
		require.ErrorIs(t, err, want, name)
		require.Nil(t, d)
	}
	for _, good := range []badSealer{contactsOf(1, 1), contactsOf(32, 32), contactsOf(2, 3)} {
		_, err := k.Seal(ctx, good)
		require.NoError(t, err)
	}
}

// TestSealerChangesItsArguments: the slot has the seed that was drawn and the
// parameters that were returned, whatever a Sealer does with them.
func TestSealerChangesItsArguments(t *testing.T) {
	slot := exportKey(1)
	var params, wrapped []byte
	s := badSealer{"export", 0, func(b wrap.Binding, secret []byte) (p, w []byte, err error) {
		params, wrapped, err = slot.Seal(t.Context(), b, secret)
		clear(secret)
		clear(b.Account)
		clear(b.Item)
		return params, wrapped, err
	}}
	k := create(t, phrase())
	sealed := seal(t, k, s)
	clear(params)
	clear(wrapped)
	k = edit(t, k, func(e *recovery.Edit) error { return e.Add(sealed) })
	requireOpens(t, k, slot)
	requireOpens(t, create(t, s), slot)
}

// TestInputs: secrets of an invalid length are refused for sealing and opening.
func TestInputs(t *testing.T) {
	ctx := t.Context()
	k := create(t, phrase())
	refuse := func(what string, s slot) {
		t.Helper()
		sealed, err := k.Seal(ctx, s)
		require.ErrorIs(t, err, recovery.ErrPolicy, what)
		require.Nil(t, sealed)
		require.ErrorIs(t, openErr(t, k.Header(), s, k.Checkpoint()), recovery.ErrPolicy, what)
	}
	refuseSeal := func(what string, s recovery.Sealer) {
		t.Helper()
		_, err := k.Seal(ctx, s)
		require.ErrorIs(t, err, recovery.ErrPolicy, what)
	}
	passkeyWith := func(f func(p *recovery.Passkey)) slot {
		p := passkey(1)
		f(&p)
		return p
	}
	passwordWith := func(f func(p *recovery.Password)) slot {
		p := password("correct horse")
		f(&p)
		return p
	}
	of := func(text string) func(p *recovery.Password) {
		return func(p *recovery.Password) {
			own := recovery.NewPassword([]byte(text), nil)
			own.KDF, own.Policy = p.KDF, p.Policy
			*p = own
		}
	}
	for _, n := range []int{0, 16, 31, 65, 128} {
		refuse("export key", recovery.NewExportKey(bytes.Repeat([]byte{1}, n), record(1)))
	}
	refuse("export key of zeros", recovery.NewExportKey(make([]byte, 64), record(1)))
	refuseSeal("no record", recovery.NewExportKey(bytes.Repeat([]byte{1}, 64), nil))
	for _, n := range []int{0, 31, 33, 64} {
		refuse("PRF", passkeyWith(func(p *recovery.Passkey) { *p = p.WithPRF(bytes.Repeat([]byte{1}, n)) }))
	}
	refuse("PRF of zeros", passkeyWith(func(p *recovery.Passkey) { *p = p.WithPRF(make([]byte, 32)) }))
	refuse("salt of zeros", passkeyWith(func(p *recovery.Passkey) { p.Salt = [32]byte{} }))
	refuse("no credential", passkeyWith(func(p *recovery.Passkey) { p.CredentialIDHash = [32]byte{} }))
	refuse("no relying party", passkeyWith(func(p *recovery.Passkey) { p.RPID = "" }))
	refuse("long relying party", passkeyWith(func(p *recovery.Passkey) { p.RPID = string(make([]byte, 254)) }))

	refuseSeal("empty password", passwordWith(of("")))
	refuseSeal("long password", passwordWith(of(string(make([]byte, 1025)))))
	refuseSeal("a salt", passwordWith(func(p *recovery.Password) { p.KDF = p.KDF.WithNewSalt() }))
	refuseSeal("below the floor", passwordWith(func(p *recovery.Password) { p.Policy = kdf.Policy{} }))
	withheld, _, err := must(kdf.NewPBKDF2SHA512(300_000)).WithoutIterations()
	require.NoError(t, err)
	refuseSeal("no iterations", passwordWith(func(p *recovery.Password) { p.KDF, p.Policy = withheld, kdf.Policy{} }))
	refuseSeal("zero secret key", passwordAndKey("correct horse", new(recovery.SecretKey)))
	withKey := create(t, passwordAndKey("correct horse", recovery.NewSecretKey()))
	zeroKey := passwordAndKey("correct horse", new(recovery.SecretKey))
	require.ErrorIs(t, openErr(t, withKey.Header(), zeroKey, withKey.Checkpoint()), recovery.ErrPolicy)

	// The limits themselves are good.
	for _, s := range []slot{
		recovery.NewExportKey(bytes.Repeat([]byte{1}, 32), record(1)),
		recovery.NewExportKey(bytes.Repeat([]byte{1}, 64), make([]byte, 129)),
		passkeyWith(func(p *recovery.Passkey) { p.RPID = string(make([]byte, 253)) }),
		passkeyWith(func(p *recovery.Passkey) { p.CredentialIDHash, p.RPID, p.UserVerified = [32]byte{31: 1}, "a", false }),
		passwordWith(of(string(make([]byte, 1024)))),
		passwordWith(of("\x00")),
	} {
		after, _ := add(t, k, s)
		requireOpens(t, after, s)
	}
}

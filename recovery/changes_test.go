package recovery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// requireUnchanged checks that a change that fails changes nothing.
func requireUnchanged(t testing.TB, k *recovery.Keyring, change func() error, want error) {
	t.Helper()
	before, revision, epoch := k.Bytes(), k.Header().Revision(), k.Epoch()
	err := change()
	require.ErrorIs(t, err, want)
	require.Equal(t, before, k.Bytes())
	require.Equal(t, revision, k.Header().Revision())
	require.Equal(t, epoch, k.Epoch())
}

func TestAdopt(t *testing.T) {
	ctx := t.Context()
	old := [32]byte(bytes.Repeat([]byte{0x0d}, 32))
	way := phrase(t)
	k := create(t, way)
	_, err := k.Key(0)
	require.Equal(t, recovery.ErrEpoch, err)
	requireUnchanged(t, k, func() error { return k.Adopt(ctx, [32]byte{}) }, recovery.ErrPolicy)
	require.NoError(t, k.Adopt(ctx, old))
	adopted := func(k *recovery.Keyring) {
		t.Helper()
		key, err := k.Key(0)
		require.NoError(t, err)
		require.True(t, key.Equal(wrap.ImportKey(old)))
	}
	adopted(k)
	require.EqualValues(t, 1, k.Epoch())
	current, err := k.Key(1)
	require.NoError(t, err)
	require.False(t, current.Equal(wrap.ImportKey(old)), "it is not used for anything new")
	requireUnchanged(t, k, func() error { return k.Adopt(ctx, old) }, recovery.ErrPolicy)
	require.NoError(t, k.Rotate(ctx))
	require.NoError(t, k.Rotate(ctx))
	adopted(open(t, k.Bytes(), way, pin(t, k)))
	requireUnchanged(t, k, func() error { return k.Adopt(ctx, old) }, recovery.ErrPolicy)

	require.NoError(t, k.Forget(0))
	_, err = k.Key(0)
	require.Equal(t, recovery.ErrEpoch, err)
	_, err = k.Key(1)
	require.NoError(t, err)

	rotated := create(t, way)
	require.NoError(t, rotated.Rotate(ctx))
	require.NoError(t, rotated.Forget(1))
	requireUnchanged(t, rotated, func() error { return rotated.Adopt(ctx, old) }, recovery.ErrPolicy)
}

func TestForget(t *testing.T) {
	ctx := t.Context()
	way := phrase(t)
	k := create(t, way)
	for range 5 {
		require.NoError(t, k.Rotate(ctx))
	}
	early := pin(t, open(t, k.Bytes(), way, recovery.FirstUse(account)))
	for _, epoch := range []uint32{0, 6, 7, 1<<32 - 1} {
		requireUnchanged(t, k, func() error { return k.Forget(epoch) }, recovery.ErrEpoch)
	}
	size := len(k.Bytes())
	require.NoError(t, k.Forget(3))
	require.Equal(t, size-3*110, len(k.Bytes()))
	opened := open(t, k.Bytes(), way, early)
	for epoch := range uint32(8) {
		_, err := opened.Key(epoch)
		if epoch < 4 || epoch > 6 {
			require.Equal(t, recovery.ErrEpoch, err, epoch)
			continue
		}
		require.NoError(t, err)
		requireSame(t, k, opened, epoch)
	}
	require.NoError(t, opened.Forget(5))
	require.NoError(t, opened.Rotate(ctx), "and on it goes")
	requireSame(t, opened, open(t, opened.Bytes(), way, early), 6)
	require.NoError(t, opened.Forget(6))
	require.ErrorIs(t, openErr(t, opened.Bytes(), way, early), recovery.ErrPin, "the pinned epoch is forgotten")
	requireSame(t, opened, open(t, opened.Bytes(), way, recovery.FirstUse(account)), 7)
}

// TestMaxHistory: the oldest key falls out, and no other.
func TestMaxHistory(t *testing.T) {
	ctx := t.Context()
	way := phrase(t)
	k := create(t, way)
	require.NoError(t, k.Adopt(ctx, [32]byte{1}))
	first, err := k.Key(1)
	require.NoError(t, err)
	for range recovery.MaxHistory {
		require.NoError(t, k.Rotate(ctx))
	}
	require.EqualValues(t, 256, k.Epoch())
	_, err = k.Key(0)
	require.Equal(t, recovery.ErrEpoch, err)
	k = open(t, k.Bytes(), way, recovery.FirstUse(account))
	again, err := k.Key(1)
	require.NoError(t, err)
	require.True(t, first.Equal(again))
	size := len(k.Bytes())
	require.NoError(t, k.Rotate(ctx))
	require.Len(t, k.Bytes(), size)
	_, err = k.Key(1)
	require.Equal(t, recovery.ErrEpoch, err)
	opened := open(t, k.Bytes(), way, recovery.FirstUse(account))
	for _, epoch := range []uint32{2, 3, 100, 255, 256, 257} {
		requireSame(t, k, opened, epoch)
	}
}

func TestMaxSlots(t *testing.T) {
	ctx := t.Context()
	way := phrase(t)
	all := []recovery.Sealer{way}
	for i := range byte(recovery.MaxSlots - 1) {
		all = append(all, export(i+1))
	}
	k := create(t, all...)
	require.Len(t, k.Slots(), recovery.MaxSlots)
	requireSame(t, k, open(t, k.Bytes(), way, pin(t, k)), 1)
	requireUnchanged(t, k, func() error { _, err := k.Add(ctx, export(0xff)); return err }, recovery.ErrPolicy)
	_, err := k.Add(ctx, badSealer{recovery.SlotFile, 0, func(wrap.Binding, []byte) ([]byte, []byte, error) {
		require.Fail(t, "a Sealer is asked for a slot that there is no room for")
		return nil, nil, nil
	}})
	require.ErrorIs(t, err, recovery.ErrPolicy)
	_, err = k.Replace(ctx, k.Slots()[0].ID, export(0xff))
	require.NoError(t, err)
	_, err = recovery.Create(ctx, account, append(all, export(0xff))...)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	requireUnchanged(t, k, func() error { return k.Renew(ctx, append(all, export(0xff))...) }, recovery.ErrPolicy)
}

func TestMaxPasswords(t *testing.T) {
	ctx := t.Context()
	var all []recovery.Sealer
	for i := range recovery.MaxPasswords {
		all = append(all, password(t, fmt.Sprint("password ", i)))
	}
	k := create(t, all...)
	requireSame(t, k, open(t, k.Bytes(), all[3].(recovery.Opener), pin(t, k)), 1)
	fifth := password(t, "fifth")
	requireUnchanged(t, k, func() error { _, err := k.Add(ctx, fifth); return err }, recovery.ErrPolicy)
	_, err := k.Replace(ctx, k.Slots()[0].ID, fifth)
	require.NoError(t, err)
	_, err = recovery.Create(ctx, account, append(all, fifth)...)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	_, err = k.Add(ctx, export(1))
	require.NoError(t, err)
}

// TestLastSlot: nobody can shut themselves out by one call, and passkeys alone do
// not count.
func TestLastSlot(t *testing.T) {
	ctx := t.Context()
	for _, sealers := range [][]recovery.Sealer{nil, {passkey(1)}, {passkey(1), passkey(2)}} {
		k, err := recovery.Create(ctx, account, sealers...)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.Nil(t, k)
		_, err = recovery.Reset(ctx, sealers...)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		k = create(t, phrase(t))
		requireUnchanged(t, k, func() error { return k.Renew(ctx, sealers...) }, recovery.ErrPolicy)
	}
	for _, last := range []recovery.Sealer{password(t, "correct horse"), export(1), phrase(t), recovery.NewFile()} {
		k := create(t, last, passkey(1))
		var id recovery.SlotID
		for _, s := range k.Slots() {
			if s.Type == last.Type() {
				id = s.ID
			}
		}
		requireUnchanged(t, k, func() error { return k.Remove(id) }, recovery.ErrPolicy)
		requireUnchanged(t, k, func() error { return k.Revoke(ctx, id) }, recovery.ErrPolicy)
		requireUnchanged(t, k, func() error { _, err := k.Replace(ctx, id, passkey(2)); return err }, recovery.ErrPolicy)
		requireUnchanged(t, k, func() error { return k.Remove(recovery.SlotID{1}) }, recovery.ErrPolicy)
		requireUnchanged(t, k, func() error { return k.Revoke(ctx, recovery.SlotID{1}) }, recovery.ErrPolicy)
		requireUnchanged(t, k, func() error { _, err := k.Replace(ctx, recovery.SlotID{1}, phrase(t)); return err }, recovery.ErrPolicy)
		way := phrase(t)
		_, err := k.Replace(ctx, id, way)
		require.NoError(t, err)
		requireSame(t, k, open(t, k.Bytes(), way, pin(t, k)), 1)
	}
}

func TestAccountNumber(t *testing.T) {
	for _, account := range [][]byte{nil, account[:15], append(bytes.Clone(account), 1), make([]byte, 16)} {
		_, err := recovery.Create(t.Context(), account, phrase(t))
		require.ErrorIs(t, err, recovery.ErrPolicy)
	}
	way := phrase(t)
	k, err := recovery.Reset(t.Context(), way)
	require.NoError(t, err)
	again, err := recovery.Reset(t.Context(), way)
	require.NoError(t, err)
	require.NotEqual(t, k.Account(), again.Account())
	require.EqualValues(t, 1, k.Header().Revision())
	require.Equal(t, recovery.ErrReset, openErr(t, again.Bytes(), way, pin(t, k)))
}

// badSealer is a Sealer that goes wrong.
type badSealer struct {
	kind  recovery.SlotType
	flags uint8
	seal  func(b wrap.Binding, secret []byte) (params, wrapped []byte, err error)
}

func (s badSealer) Type() recovery.SlotType { return s.kind }
func (s badSealer) Flags() uint8            { return s.flags }
func (s badSealer) Seal(_ context.Context, b wrap.Binding, secret []byte) ([]byte, []byte, error) {
	return s.seal(b, secret)
}

func TestSealers(t *testing.T) {
	ctx := t.Context()
	give := func(params, wrapped int) func(wrap.Binding, []byte) ([]byte, []byte, error) {
		return func(wrap.Binding, []byte) ([]byte, []byte, error) {
			return make([]byte, params), make([]byte, wrapped), nil
		}
	}
	k := create(t, phrase(t))
	for name, s := range map[string]badSealer{
		"no type":             {0, 0, give(32, 138)},
		"a type that is none": {8, 0, give(32, 138)},
		"flags that are none": {recovery.SlotFile, 1, give(32, 138)},
		"more flags":          {recovery.SlotPasskey, 2, func(b wrap.Binding, s []byte) ([]byte, []byte, error) { return passkey(1).Seal(ctx, b, s) }},
		"a threshold of 0": {recovery.SlotContacts, 0, func(wrap.Binding, []byte) ([]byte, []byte, error) {
			return append(make([]byte, 32), append([]byte{0, 2}, make([]byte, 64)...)...), make([]byte, 138), nil
		}},
		"a threshold beyond all": {recovery.SlotContacts, 0, func(wrap.Binding, []byte) ([]byte, []byte, error) {
			return append(make([]byte, 32), append([]byte{3, 2}, make([]byte, 64)...)...), make([]byte, 138), nil
		}},
		"nothing":                 {recovery.SlotFile, 0, give(0, 0)},
		"no parameters":           {recovery.SlotFile, 0, give(0, 138)},
		"a short salt":            {recovery.SlotFile, 0, give(31, 138)},
		"too many parameters":     {recovery.SlotFile, 0, give(33, 138)},
		"far too many":            {recovery.SlotContacts, 0, give(1<<20, 138)},
		"a short wrap":            {recovery.SlotFile, 0, give(32, 137)},
		"a long wrap":             {recovery.SlotFile, 0, give(32, 139)},
		"no digest":               {recovery.SlotExport, 0, give(32, 138)},
		"no KDF":                  {recovery.SlotPassword, 0, give(32, 138)},
		"a KDF of zeros":          {recovery.SlotPassword, 0, give(32+2+13, 138)},
		"an entropy of 0":         {recovery.SlotPhrase, 0, give(33, 138)},
		"no relying party":        {recovery.SlotPasskey, 0, give(32+32+32+1, 138)},
		"no contacts":             {recovery.SlotContacts, 0, give(34, 138)},
		"a wrap for a device":     {recovery.SlotDevice, 0, give(0, 138)},
		"parameters for a device": {recovery.SlotDevice, 0, give(32, 0)},
		"its own error":           {recovery.SlotFile, 0, func(wrap.Binding, []byte) ([]byte, []byte, error) { return nil, nil, context.Canceled }},
		"an error beside the slots": {recovery.SlotFile, 0, func(wrap.Binding, []byte) ([]byte, []byte, error) {
			return make([]byte, 32), make([]byte, 138), context.Canceled
		}},
	} {
		want := recovery.ErrPolicy
		if _, _, err := s.seal(wrap.Binding{Purpose: "p"}, make([]byte, 64)); err == context.Canceled {
			want = err
		}
		requireUnchanged(t, k, func() error { _, err := k.Add(ctx, s); return err }, want)
		_, err := recovery.Create(ctx, account, s)
		require.ErrorIs(t, err, want, name)
	}

	// A device's Sealer keeps the secret itself.
	var secret []byte
	_, err := k.Add(ctx, badSealer{recovery.SlotDevice, 0, func(_ wrap.Binding, s []byte) ([]byte, []byte, error) {
		secret = bytes.Clone(s)
		return nil, nil, nil
	}})
	require.NoError(t, err)
	requireSame(t, k, open(t, k.Bytes(), device(secret), pin(t, k)), 1)
	for _, wrong := range []device{nil, secret[:63], append(bytes.Clone(secret), 0), make([]byte, 64), append(make([]byte, 32), secret[32:]...)} {
		require.Equal(t, recovery.ErrUntrusted, openErr(t, k.Bytes(), wrong, pin(t, k)))
	}
}

// device is an Opener of a device's slot.
type device []byte

func (d device) Open(_ context.Context, _ wrap.Binding, s recovery.Slot) ([]byte, error) {
	if s.Type != recovery.SlotDevice {
		return nil, recovery.ErrNotMine
	}
	return bytes.Clone(d), nil
}

// TestSealerWritesOnItsArguments: the master key is sealed to the seed that was
// drawn, and the header keeps what it was given, whatever a Sealer does to them.
func TestSealerWritesOnItsArguments(t *testing.T) {
	way := export(1)
	var params, wrapped []byte
	s := badSealer{recovery.SlotExport, 0, nil}
	s.seal = func(b wrap.Binding, secret []byte) (p, w []byte, err error) {
		params, wrapped, err = way.Seal(t.Context(), b, secret)
		clear(secret)
		clear(b.Account)
		clear(b.Item)
		return params, wrapped, err
	}
	k := create(t, phrase(t))
	_, err := k.Add(t.Context(), s)
	require.NoError(t, err)
	clear(params)
	clear(wrapped)
	requireSame(t, k, open(t, k.Bytes(), way, pin(t, k)), 1)
	require.NoError(t, k.Rotate(t.Context())) // which writes them anew
	requireSame(t, k, open(t, k.Bytes(), way, pin(t, k)), 2)
}

// TestInputs: secrets of impossible length are refused before they seal or open.
func TestInputs(t *testing.T) {
	ctx := t.Context()
	k := create(t, phrase(t))
	header, p := k.Bytes(), pin(t, k)
	type way interface {
		recovery.Sealer
		recovery.Opener
	}
	change := func(f func(p *recovery.Passkey)) way {
		p := passkey(1)
		f(&p)
		return p
	}
	refuse := func(what string, w way) {
		t.Helper()
		requireUnchanged(t, k, func() error { _, err := k.Add(ctx, w); return err }, recovery.ErrPolicy)
		require.ErrorIs(t, openErr(t, header, w, p), recovery.ErrPolicy, what)
	}
	for _, n := range []int{0, 16, 31, 65, 128} {
		refuse("export", recovery.NewExport(bytes.Repeat([]byte{1}, n), record(1)))
	}
	refuse("export of zeros", recovery.NewExport(make([]byte, 64), record(1)))
	for _, n := range []int{0, 31, 33, 64} {
		refuse("passkey", change(func(p *recovery.Passkey) { *p = p.WithPRF(bytes.Repeat([]byte{1}, n)) }))
	}
	refuse("PRF of zeros", change(func(p *recovery.Passkey) { *p = p.WithPRF(make([]byte, 32)) }))
	refuse("salt of zeros", change(func(p *recovery.Passkey) { p.Salt = [32]byte{} }))
	refuse("no credential", change(func(p *recovery.Passkey) { p.CredentialID = nil }))
	refuse("long credential", change(func(p *recovery.Passkey) { p.CredentialID = make([]byte, 1024) }))
	refuse("no relying party", change(func(p *recovery.Passkey) { p.RPID = "" }))
	refuse("long relying party", change(func(p *recovery.Passkey) { p.RPID = string(make([]byte, 254)) }))

	seal := func(s recovery.Sealer) {
		t.Helper()
		requireUnchanged(t, k, func() error { _, err := k.Add(ctx, s); return err }, recovery.ErrPolicy)
	}
	seal(recovery.NewExport(bytes.Repeat([]byte{1}, 64), nil)) // no record to name
	changed := func(f func(p *recovery.Password)) recovery.Password {
		p := password(t, "correct horse")
		f(&p)
		return p
	}
	seal(changed(func(p *recovery.Password) { *p = p.WithPassword(nil) }))
	seal(changed(func(p *recovery.Password) { *p = p.WithPassword(make([]byte, 1025)) }))
	seal(changed(func(p *recovery.Password) { p.KDF = p.KDF.WithNewSalt() }))
	seal(changed(func(p *recovery.Password) { p.Policy = kdf.Policy{} })) // below its floor
	pbkdf2, err := kdf.NewPBKDF2SHA512(300_000)
	require.NoError(t, err)
	withheld, _, err := pbkdf2.WithoutIterations()
	require.NoError(t, err)
	seal(changed(func(p *recovery.Password) { p.KDF, p.Policy = withheld, kdf.Policy{} }))

	// The limits themselves are good.
	for _, w := range []way{
		recovery.NewExport(bytes.Repeat([]byte{1}, 32), record(1)),
		recovery.NewExport(bytes.Repeat([]byte{1}, 64), make([]byte, 129)),
		change(func(p *recovery.Passkey) { p.CredentialID, p.RPID = make([]byte, 1023), string(make([]byte, 253)) }),
		change(func(p *recovery.Passkey) { p.CredentialID, p.RPID, p.UserVerified = []byte{0}, "a", false }),
		changed(func(p *recovery.Password) { *p = p.WithPassword(make([]byte, 1024)) }),
		changed(func(p *recovery.Password) { *p = p.WithPassword([]byte{0}) }),
	} {
		_, err := k.Add(ctx, w)
		require.NoError(t, err)
		requireSame(t, k, open(t, k.Bytes(), w, p), 1)
	}
}

// TestExportRecord: a slot is of one registration, which who does not know it need
// not name.
func TestExportRecord(t *testing.T) {
	k := create(t, export(1), export(2))
	header, p := k.Bytes(), pin(t, k)
	requireSame(t, k, open(t, header, recovery.NewExport(export(2).Key(), nil), p), 1)
	require.Equal(t, recovery.ErrNotMine, openErr(t, header, recovery.NewExport(export(2).Key(), export(1).Record()), p))
	require.Equal(t, recovery.ErrNotMine, openErr(t, header, recovery.NewExport(export(1).Key(), record(3)), p))
}

// TestExportRecordLength: a record of a length that no suite of RFC 9807 has, such as one
// in a frame, is refused with a reason, to seal and to open.
func TestExportRecordLength(t *testing.T) {
	k := create(t, export(1))
	for n := range 300 {
		way := recovery.NewExport(export(1).Key(), random(n))
		_, err := recovery.Create(t.Context(), account, way)
		if n == 129 || n == 192 {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.ErrorContains(t, err, "192 or 129 bytes", n)
		if n > 0 { // none tries all slots
			require.Equal(t, err, openErr(t, k.Bytes(), way, pin(t, k)))
		}
	}
}

// TestPasskeyIsExact: every field of a passkey is part of its key.
func TestPasskeyIsExact(t *testing.T) {
	right := passkey(1)
	k := create(t, phrase(t), right)
	header, p := k.Bytes(), pin(t, k)
	requireSame(t, k, open(t, header, right, p), 1)
	for name, f := range map[string]func(p *recovery.Passkey){
		"PRF":        func(p *recovery.Passkey) { *p = p.WithPRF(bytes.Repeat([]byte{2}, 32)) },
		"salt":       func(p *recovery.Passkey) { p.Salt[0] ^= 1 },
		"credential": func(p *recovery.Passkey) { p.CredentialID = []byte{9} },
		"rp id":      func(p *recovery.Passkey) { p.RPID = "example.net" },
	} {
		wrong := right
		f(&wrong)
		require.Equal(t, recovery.ErrNotMine, openErr(t, header, wrong, p), name)
	}
	for _, s := range k.Slots() {
		for flags := range 256 {
			s.Flags = uint8(flags)
			_, err := recovery.ParsePasskeySlot(s)
			require.Equal(t, s.Type == recovery.SlotPasskey && flags < 2, err == nil)
		}
	}
	for _, s := range k.Slots() {
		parsed, err := recovery.ParsePasskeySlot(s)
		if s.Type != recovery.SlotPasskey {
			require.Equal(t, recovery.ErrMalformed, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, right.Salt, parsed.Salt)
		require.Equal(t, "example.org", parsed.RPID)
		require.True(t, parsed.UserVerified)
		for wrong := range testvec.Lengths(s.Params) {
			s.Params = wrong
			_, err := recovery.ParsePasskeySlot(s)
			require.Equal(t, recovery.ErrMalformed, err)
		}
	}
	require.NotEqual(t, recovery.NewPasskeySalt(), recovery.NewPasskeySalt())
}

// TestPasskeyOpensByItsOutput: a login without user verification opens a slot that was
// made with it, and the other way round, if the output of the PRF is right. A flag that
// the server has changed opens nothing.
func TestPasskeyOpensByItsOutput(t *testing.T) {
	for _, verified := range []bool{false, true} {
		made := passkey(1)
		made.UserVerified = verified
		k := create(t, phrase(t), made)
		w := takeApart(t, k.Bytes())
		for _, s := range w.slots {
			if s.kind() == recovery.SlotPasskey {
				s.flags[0] ^= 1
			}
		}
		for _, login := range []bool{false, true} {
			way := made
			way.UserVerified = login
			requireSame(t, k, open(t, k.Bytes(), way, pin(t, k)), 1)
			require.Equal(t, recovery.ErrNotMine, openErr(t, w.bytes(), way, recovery.FirstUse(account)))
		}
	}
}

// TestSecretKeyIsNeeded: a password slot with a secret key opens with both, and a slot
// without one opens with the password alone.
func TestSecretKeyIsNeeded(t *testing.T) {
	with, without := password(t, "correct horse"), password(t, "correct horse")
	with = with.WithSecretKey(recovery.NewSecretKey())
	k := create(t, with)
	header, p := k.Bytes(), pin(t, k)
	requireSame(t, k, open(t, header, with, p), 1)
	require.Equal(t, recovery.ErrNotMine, openErr(t, header, without, p))
	other := with
	other = other.WithSecretKey(recovery.NewSecretKey())
	require.Equal(t, recovery.ErrNotMine, openErr(t, header, other, p))
	k = create(t, without)
	requireSame(t, k, open(t, k.Bytes(), without, pin(t, k)), 1)
	require.Equal(t, recovery.ErrNotMine, openErr(t, k.Bytes(), with, pin(t, k)))
}

// TestHeaderIsImmutable: what its methods return are copies.
func TestHeaderIsImmutable(t *testing.T) {
	k, ways := everyWay(t)
	require.NoError(t, k.Rotate(t.Context()))
	want := k.Bytes()
	raw := bytes.Clone(want)
	h := parse(t, raw)
	for _, b := range [][]byte{raw, h.Bytes(), k.Bytes(), k.Header().Bytes()} {
		clear(b)
	}
	for _, slots := range [][]recovery.Slot{h.Slots(), k.Slots(), k.Header().Slots()} {
		for i := range slots {
			clear(slots[i].Params)
			clear(slots[i].Wrapped)
			slots[i] = recovery.Slot{}
		}
	}
	require.Equal(t, want, h.Bytes())
	require.Equal(t, want, k.Bytes())
	require.Equal(t, k.Slots(), h.Slots())
	encoded, err := h.Encode()
	require.NoError(t, err)
	require.Equal(t, want[:len(want)-64], encoded)
	encoded, err = k.Header().Encode()
	require.NoError(t, err)
	require.Equal(t, want[:len(want)-64], encoded)
	requireSame(t, k, open(t, want, ways["file"], pin(t, k)), 2)

	// An Opener that writes on a slot does not reach the header either.
	_, err = recovery.Open(t.Context(), h, vandal{}, recovery.FirstUse(account))
	require.Equal(t, recovery.ErrNotMine, err)
	require.Equal(t, want, h.Bytes())
	_, err = recovery.Open(t.Context(), h, ways["file"], pin(t, k))
	require.NoError(t, err)
}

type vandal struct{}

func (vandal) Open(_ context.Context, b wrap.Binding, s recovery.Slot) ([]byte, error) {
	clear(s.Params)
	clear(s.Wrapped)
	clear(b.Account)
	clear(b.Item)
	return nil, recovery.ErrNotMine
}

// TestContext: whoever gives up has changed nothing, and nothing is opened.
func TestContext(t *testing.T) {
	k := create(t, phrase(t), export(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := recovery.Create(ctx, account, phrase(t))
	require.Equal(t, context.Canceled, err)
	requireUnchanged(t, k, func() error { _, err := k.Add(ctx, phrase(t)); return err }, context.Canceled)
	requireUnchanged(t, k, func() error { return k.Renew(ctx, phrase(t)) }, context.Canceled)
	_, err = recovery.Open(ctx, k.Header(), export(1), pin(t, k))
	require.Equal(t, context.Canceled, err)
}

// TestSlotNames: they are in bindings, and do not change.
func TestSlotNames(t *testing.T) {
	for i, name := range []string{"invalid", "password", "export", "phrase", "file", "passkey", "device", "contacts", "invalid"} {
		require.Equal(t, name, recovery.SlotType(i).String())
	}
	require.Equal(t, "invalid", recovery.SlotType(255).String())
	require.Equal(t, "01000000000000000000000000000000", recovery.SlotID{1}.String())
}

// TestJSON: types that hold secrets write a placeholder, or refuse if they are
// stored.
func TestJSON(t *testing.T) {
	p := password(t, "correct horse")
	p = p.WithSecretKey(recovery.NewSecretKey())
	for name, v := range map[string]any{"Password": p, "Export": export(0xe1), "Passkey": passkey(0xa1)} {
		b, err := json.Marshal([]any{v})
		require.NoError(t, err)
		require.Equal(t, `["recovery.`+name+`(redacted)"]`, string(b))
	}
	// What is stored is not replaced by a placeholder, or by nothing.
	k := create(t, phrase(t))
	r := request(t, recovery.ForDevice)
	grant, _, err := k.ApproveQR(r.QR(), r.Ask())
	require.NoError(t, err)
	d, pin, err := r.OpenDevice(grant)
	require.NoError(t, err)
	file, key := recovery.NewFile(), recovery.NewSecretKey()
	for _, v := range []any{d, *d, phrase(t), *phrase(t), key, *key, file, *file, k, k.Header()} {
		_, err := json.Marshal([]any{v})
		require.ErrorContains(t, err, "recovery: no JSON form, store the bytes or the text")
	}
	b, err := json.Marshal([]recovery.Pin{pin})
	require.NoError(t, err)
	var read []recovery.Pin
	require.NoError(t, json.Unmarshal(b, &read))
	require.Equal(t, []recovery.Pin{pin}, read)
	_, err = json.Marshal(recovery.Pin{})
	require.ErrorIs(t, err, recovery.ErrPin)
	full := create(t, password(t, "one"), password(t, "two"), password(t, "three"), password(t, "four"))
	largest, err := full.Pin()
	require.NoError(t, err)
	b, err = json.Marshal(largest)
	require.NoError(t, err)
	var again recovery.Pin
	require.NoError(t, json.Unmarshal(b, &again))
	require.Equal(t, largest, again)
	text, err := pin.MarshalText()
	require.NoError(t, err)
	for _, bad := range []string{"", string(text[1:]), string(text) + "\n", "\n" + string(text), string(text[:40]) + "\r\n" + string(text[40:]), string(text) + "====", "!" + string(text[1:]), strings.Repeat("A", 1000)} {
		kept := pin
		require.Equal(t, recovery.ErrMalformed, kept.UnmarshalText([]byte(bad)), "%q", bad)
		require.Equal(t, pin, kept)
	}
}

// TestNewFileHasItsOwnSecret: with another one beside it, two files would be one.
func TestNewFileHasItsOwnSecret(t *testing.T) {
	_, err := recovery.NewFile().WithServerSecret(bytes.Repeat([]byte{1}, 32))
	require.Equal(t, recovery.ErrUsed, err)
}

// TestZeroValuesHaveNoKey: what no constructor has made does not stand for a key of
// zero bytes.
func TestZeroValuesHaveNoKey(t *testing.T) {
	_, err := new(recovery.Keyring).Key(0)
	require.Equal(t, recovery.ErrUsed, err)
	_, err = new(recovery.Keyring).Pin()
	require.Equal(t, recovery.ErrUsed, err)
	_, err = new(recovery.Keyring).Add(t.Context(), phrase(t))
	require.Equal(t, recovery.ErrUsed, err)
	_, err = new(recovery.Phrase).AuthSecret()
	require.ErrorIs(t, err, recovery.ErrPolicy)
	k := create(t, phrase(t))
	for _, s := range []recovery.Sealer{new(recovery.Phrase), new(recovery.File), password(t, "correct horse").WithSecretKey(new(recovery.SecretKey))} {
		_, err = k.Add(t.Context(), s)
		require.Error(t, err)
	}
	require.Len(t, k.Slots(), 1)
	for _, o := range []recovery.Opener{nil, new(recovery.Phrase), new(recovery.Device)} {
		require.ErrorIs(t, openErr(t, k.Bytes(), o, pin(t, k)), recovery.ErrPolicy)
	}
	requireUnchanged(t, k, func() error { _, err := k.Add(t.Context(), nil); return err }, recovery.ErrPolicy)
	_, _, err = new(recovery.Request).OpenDevice(random(2000))
	require.Equal(t, recovery.ErrApproval, err)
	_, err = new(recovery.Approval).Grant()
	require.ErrorIs(t, err, recovery.ErrPolicy)
	new(recovery.Approval).Discard()
}

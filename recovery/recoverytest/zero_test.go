package recoverytest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// badSealer returns what it likes.
type badSealer struct {
	name            string
	flags           uint8
	params, wrapped []byte
}

func (b badSealer) Type() string { return b.name }
func (b badSealer) Flags() uint8 { return b.flags }

func (b badSealer) Seal(context.Context, wrap.Binding, []byte) ([]byte, []byte, error) {
	return b.params, b.wrapped, nil
}

// TestAttack_NothingSwitchesChecksOff: no zero value and no missing argument
// leaves a check out.
func TestAttack_NothingSwitchesChecksOff(t *testing.T) {
	k := create(t, phrase())
	for _, o := range []recovery.Opener{recovery.ExportKey{}, recovery.Passkey{}, recovery.Password{}, new(recovery.Phrase), new(recovery.File),
		new(recovery.Device), recovery.NewFile(), recovery.NewPassword([]byte("x"), new(recovery.SecretKey))} {
		for _, c := range []recovery.Checkpoint{{}, recovery.TrustOnFirstUse(recovery.AccountID{})} {
			require.ErrorIs(t, openErr(t, bytesOf(k), o, c), recovery.ErrNoCheckpoint)
			_, err := recovery.Open(t.Context(), new(recovery.Header), o, c)
			require.ErrorIs(t, err, recovery.ErrNoCheckpoint)
		}
		_, err := recovery.Open(t.Context(), new(recovery.Header), o, k.Checkpoint())
		requireIs(t, recovery.ErrOtherAccount, err)
		require.Error(t, openErr(t, bytesOf(k), o, k.Checkpoint()))
	}
	_, err := recovery.Open(t.Context(), nil, phrase(), k.Checkpoint())
	requireIs(t, recovery.ErrMalformed, err)
	_, err = recovery.Open(t.Context(), k.Header(), nil, k.Checkpoint())
	require.ErrorIs(t, err, recovery.ErrPolicy)
	_, err = k.Follow(nil, k.Checkpoint())
	requireIs(t, recovery.ErrMalformed, err)
	_, err = new(recovery.Keyring).Follow(k.Header(), k.Checkpoint())
	require.ErrorIs(t, err, recovery.ErrPolicy)
	// What a slot is made with has no value that protects nothing.
	for _, s := range []recovery.Sealer{nil, recovery.ExportKey{}, recovery.NewExportKey(random(64), nil), recovery.NewExportKey(nil, record(1)),
		recovery.NewExportKey(make([]byte, 64), record(1)), recovery.NewExportKey(random(64), []byte("x")), recovery.NewExportKey(random(64), random(193)),
		recovery.Passkey{}, recovery.Password{}, new(recovery.Phrase), new(recovery.File), recovery.NewPassword([]byte("x"), new(recovery.SecretKey)),
		badSealer{name: "phrase"}, badSealer{name: "pin"}, badSealer{}, badSealer{"phrase", 1, append(random(32), 16), randomWrap(138)},
		badSealer{"phrase", 0, append(random(32), 17), randomWrap(138)}, badSealer{"phrase", 0, append(random(32), 16), randomWrap(137)},
		badSealer{"device", 0, nil, randomWrap(138)}, badSealer{"device", 0, random(32), nil}} {
		_, err := k.Seal(t.Context(), s)
		require.ErrorIs(t, err, recovery.ErrPolicy, "%T", s)
		_, err = recovery.Create(t.Context(), phrase(), s)
		require.ErrorIs(t, err, recovery.ErrPolicy, "%T", s)
	}
	weak := password("correct horse", nil)
	weak.Policy = kdf.Policy{}
	_, err = k.Seal(t.Context(), weak)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	require.ErrorIs(t, err, kdf.ErrWeak)
}

// TestAttack_SlotOfAnotherLineage: a sealed slot of another account, of an old
// lineage, or of a branch that is of a later epoch goes into no header.
func TestAttack_SlotOfAnotherLineage(t *testing.T) {
	words := phrase()
	k := create(t, words, export(1))
	id := learn(t, bytesOf(k), export(1)).Slot
	rotated := must(k.RotateLineage(t.Context(), words)).Stored()
	for what, sealed := range map[string]*recovery.SealedSlot{
		"another account": must(create(t, words).Seal(t.Context(), export(2))),
		"a new lineage":   must(rotated.Seal(t.Context(), export(2))),
		"a later epoch":   must(rotate(t, k).Seal(t.Context(), export(2))),
		"nil":             nil,
		"zero":            new(recovery.SealedSlot),
	} {
		for _, f := range []func(e *recovery.Edit) error{
			func(e *recovery.Edit) error { return e.Add(sealed) },
			func(e *recovery.Edit) error { return e.Replace(id, sealed) },
			func(e *recovery.Edit) error { return e.Supersede(id, sealed) },
		} {
			_, err := k.Edit(f)
			require.ErrorIs(t, err, recovery.ErrPolicy, what)
		}
	}
	old := must(k.Seal(t.Context(), export(2)))
	_, err := rotated.Edit(func(e *recovery.Edit) error { return e.Add(old) })
	require.ErrorIs(t, err, recovery.ErrPolicy)
}

// TestAttack_SecretsInLogs: what has secrets redacts itself, and so do errors.
func TestAttack_SecretsInLogs(t *testing.T) {
	exportKey, prf, key := random(64), random(32), recovery.NewSecretKey()
	text := "correct horse battery"
	p, words, file := password(text, key), phraseOf(t, append([]byte{0xff, 0xff}, random(14)...)), recovery.NewFile() // "zoo", which no field is called
	d := must(recovery.Create(t.Context(), words, file))
	k := d.Stored()
	h := learn(t, bytesOf(k), words)
	saved := must(recovery.ParseFile(file.Text()))
	secrets := [][]byte{[]byte(text), exportKey, prf, []byte(words.Words()), entropyOf(t, words), file.ServerSecret(), fileHalf(t, file),
		[]byte(key.Text()), h.Seed, h.Lineage, h.Masters[1]}
	e := recovery.NewExportKey(exportKey, record(1))
	passkey := passkey(0xa1).WithPRF(prf)
	client := recovery.NewClient(new(recoverytest.Local), new(recoverytest.Remote))
	require.NoError(t, client.Create(t.Context(), words))
	for i, value := range []any{p, &p, e, &e, passkey, &passkey, words, *words, file, *file, saved, *saved, key, *key, k, d, client,
		k.Checkpoint(), must(k.Seal(t.Context(), words)), []recovery.Sealer{p, e, passkey, words, file}, []recovery.Opener{&p, &e, &passkey}} {
		if testvec.Long || i%5 == 0 {
			testvec.Redacted(t, value, secrets...)
		}
	}
	require.Equal(t, "recovery.Password(redacted)", fmt.Sprint(p))
	require.Equal(t, "recovery.Keyring(redacted)", fmt.Sprintf("%#v", k))
	errOf := func(_ any, err error) error { require.Error(t, err); return err }
	for _, err := range []error{openErr(t, bytesOf(k), phrase(), k.Checkpoint()), errOf(recovery.ParsePhrase(words.Words() + " x")),
		errOf(recovery.ParsePhrase(words.Words() + "x")), errOf(recovery.ParseFile(file.Text() + file.Text())), errOf(recovery.ParseSecretKey(key.Text() + "0"))} {
		testvec.Redacted(t, err, secrets...)
	}
}

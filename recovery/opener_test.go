package recovery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// openerFunc is an Opener of a test.
type openerFunc func(b wrap.Binding, s recovery.Slot) ([]byte, error)

func (f openerFunc) Open(_ context.Context, b wrap.Binding, s recovery.Slot) ([]byte, error) {
	return f(b, s)
}

// TestOpenersErrors: ErrWrongSecret and ErrPolicy go on to the next slot, and
// any other error ends Open.
func TestOpenersErrors(t *testing.T) {
	k := create(t, exportKey(1), exportKey(2), exportKey(3))
	tried := 0
	with := func(err error) openerFunc {
		tried = 0
		return func(wrap.Binding, recovery.Slot) ([]byte, error) { tried++; return nil, err }
	}
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), with(recovery.ErrWrongSecret), k.Checkpoint()))
	require.Equal(t, 3, tried)
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), with(fmt.Errorf("mine: %w", recovery.ErrWrongSecret)), k.Checkpoint()))
	require.Equal(t, 3, tried)
	require.ErrorIs(t, openErr(t, k.Header(), with(fmt.Errorf("mine: %w", recovery.ErrPolicy)), k.Checkpoint()), recovery.ErrPolicy)
	require.Equal(t, 3, tried)
	own := errors.New("the authenticator is gone")
	require.Equal(t, own, openErr(t, k.Header(), with(own), k.Checkpoint()))
	require.Equal(t, 1, tried)
	require.Equal(t, recovery.ErrMalformed, openErr(t, k.Header(), with(recovery.ErrMalformed), k.Checkpoint()))
	require.Equal(t, 1, tried)
	require.Equal(t, context.Canceled, openErr(t, k.Header(), with(context.Canceled), k.Checkpoint()))

	// A refusal of one slot does not matter if another opens.
	right := k.OpenedBy()
	o := openerFunc(func(b wrap.Binding, s recovery.Slot) ([]byte, error) {
		if s.ID != right {
			return nil, recovery.ErrPolicy
		}
		return exportKey(1).Open(t.Context(), b, s)
	})
	requireOpens(t, k, o)
}

// TestOpenersSecrets: the secret of a slot is 64 bytes, of its own slot.
func TestOpenersSecrets(t *testing.T) {
	k := create(t, exportKey(1), exportKey(2))
	var secrets [][]byte
	for _, o := range []recovery.Opener{exportKey(1), exportKey(2)} {
		_, err := recovery.Open(t.Context(), k.Header(), openerFunc(func(b wrap.Binding, s recovery.Slot) ([]byte, error) {
			secret, err := o.Open(t.Context(), b, s)
			if err == nil {
				secrets = append(secrets, bytes.Clone(secret))
			}
			return secret, err
		}), k.Checkpoint())
		require.NoError(t, err)
	}
	lineage, _ := recovery.KeysOf(k)
	require.Len(t, secrets, 2)
	require.Equal(t, append(recovery.SeedOf(k), lineage...), secrets[0])
	give := func(secret []byte) openerFunc {
		return func(_ wrap.Binding, s recovery.Slot) ([]byte, error) {
			if s.ID != k.OpenedBy() {
				return nil, recovery.ErrWrongSecret
			}
			return bytes.Clone(secret), nil
		}
	}
	requireOpens(t, k, give(secrets[0]))
	zero := make([]byte, 32)
	for name, wrong := range map[string][]byte{
		"nothing": nil, "short": secrets[0][:63], "long": append(bytes.Clone(secrets[0]), 0), "zero": make([]byte, 64),
		"another slot's": secrets[1], "no seed": append(bytes.Clone(zero), lineage...), "no lineage": append(recovery.SeedOf(k), zero...),
	} {
		require.ErrorIs(t, openErr(t, k.Header(), give(wrong), k.Checkpoint()), recovery.ErrUntrusted, name)
	}
}

// TestOpenersBinding: an Opener gets the binding that its Sealer got.
func TestOpenersBinding(t *testing.T) {
	var sealed wrap.Binding
	s := badSealer{"export", 0, func(b wrap.Binding, secret []byte) ([]byte, []byte, error) {
		sealed = b
		return exportKey(1).Seal(t.Context(), b, secret)
	}}
	k := create(t, phrase(), s)
	id, account := slotIDs(k, "export")[0], k.Account()
	require.Equal(t, wrap.Binding{Purpose: "nescio/slot/export/v1", Account: account[:], Item: id[:], Epoch: 1}, sealed)
	k = rotated(t, k)
	_, err := recovery.Open(t.Context(), k.Header(), openerFunc(func(b wrap.Binding, s recovery.Slot) ([]byte, error) {
		if s.Type == "export" {
			require.Equal(t, sealed, b)
			require.Equal(t, slotOf(t, k, id), s)
		}
		return nil, recovery.ErrWrongSecret
	}), k.Checkpoint())
	require.Equal(t, recovery.ErrWrongSecret, err)
}

// TestOpenStopsWithTheContext: no further slot is tried, and no KDF runs.
func TestOpenStopsWithTheContext(t *testing.T) {
	k := create(t, exportKey(1), exportKey(2), exportKey(3))
	ctx, cancel := context.WithCancel(t.Context())
	tried := 0
	_, err := recovery.Open(ctx, k.Header(), openerFunc(func(wrap.Binding, recovery.Slot) ([]byte, error) {
		tried++
		cancel()
		return nil, recovery.ErrWrongSecret
	}), k.Checkpoint())
	require.Equal(t, context.Canceled, err)
	require.Equal(t, 1, tried)
}

// TestRefusedHeaderIsNotTried: no secret is used for a header that cannot
// follow.
func TestRefusedHeaderIsNotTried(t *testing.T) {
	k := create(t, exportKey(1))
	later := rotated(t, k)
	fail := openerFunc(func(wrap.Binding, recovery.Slot) ([]byte, error) {
		require.FailNow(t, "an Opener is asked")
		return nil, nil
	})
	require.Equal(t, recovery.ErrRollback, openErr(t, k.Header(), fail, later.Checkpoint()))
	require.Equal(t, recovery.ErrFork, openErr(t, rotated(t, k).Header(), fail, later.Checkpoint()))
	require.Equal(t, recovery.ErrOtherAccount, openErr(t, create(t, phrase()).Header(), fail, later.Checkpoint()))
	require.Equal(t, recovery.ErrNoCheckpoint, openErr(t, k.Header(), fail, recovery.Checkpoint{}))
}

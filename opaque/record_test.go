package opaque_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

func TestRecord(t *testing.T) {
	for _, suite := range suites {
		r := newRig(t, suite)
		stored, _ := r.register(t, r.client, alice, []byte("Alice"), password)
		record, err := opaque.ParseRecord(stored)
		require.NoError(t, err)
		require.Equal(t, stored, record.Bytes())
		require.Equal(t, suite, record.Suite())
		require.EqualValues(t, 1, record.Setup())
		require.Equal(t, opaque.DefaultKSF(), record.KSF())
		require.Equal(t, []byte("Alice"), record.Identity())
		again, err := opaque.ImportRecord(1, r.setup, opaque.DefaultKSF(), []byte("Alice"), record.Raw())
		require.NoError(t, err)
		require.Equal(t, stored, again.Bytes())

		// A parsed record and the results of its methods are copies.
		borrowed := bytes.Clone(stored)
		record, err = opaque.ParseRecord(borrowed)
		require.NoError(t, err)
		clear(borrowed)
		clear(record.Raw())
		clear(record.Identity())
		require.Equal(t, stored, record.Bytes())

		for i := range stored {
			_, err := opaque.ParseRecord(stored[:i])
			require.Equal(t, opaque.ErrRecord, err)
			require.ErrorIs(t, errOf(r.server.FinishRegistration(nil, stored[:i])), opaque.ErrRecord)
		}
		_, err = opaque.ParseRecord(append(bytes.Clone(stored), 0))
		require.Equal(t, opaque.ErrRecord, err)

		raw := record.Raw()
		for name, f := range map[string]func() (*opaque.Record, error){
			"no setup": func() (*opaque.Record, error) { return opaque.ImportRecord(1, nil, kdf.Default(), nil, raw) },
			"empty setup": func() (*opaque.Record, error) {
				return opaque.ImportRecord(1, new(opaque.Setup), kdf.Default(), nil, raw)
			},
			"a long identity": func() (*opaque.Record, error) {
				return opaque.ImportRecord(1, r.setup, kdf.Default(), make([]byte, 1025), raw)
			},
			"a salted KSF": func() (*opaque.Record, error) {
				return opaque.ImportRecord(1, r.setup, kdf.Default().WithNewSalt(), nil, raw)
			},
			"one byte less": func() (*opaque.Record, error) { return opaque.ImportRecord(1, r.setup, kdf.Default(), nil, raw[1:]) },
			"no bytes":      func() (*opaque.Record, error) { return opaque.ImportRecord(1, r.setup, kdf.Default(), nil, nil) },
		} {
			got, err := f()
			require.Equal(t, opaque.ErrRecord, err, name)
			require.Nil(t, got)
		}
	}
}

// TestRecordKSFHasNoSalt: a salt would be another encoding of the same KSF.
func TestRecordKSFHasNoSalt(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	plain, err := opaque.DefaultKSF().MarshalBinary()
	require.NoError(t, err)
	salted, err := opaque.DefaultKSF().WithNewSalt().MarshalBinary()
	require.NoError(t, err)
	at := 5 // kind, version, suite, setup
	require.Equal(t, append([]byte{0, byte(len(plain))}, plain...), r.record[at:at+2+len(plain)])
	record := append(bytes.Clone(r.record[:at]), 0, byte(len(salted)))
	record = append(append(record, salted...), r.record[at+2+len(plain):]...)
	_, err = opaque.ParseRecord(record)
	require.Equal(t, opaque.ErrRecord, err)
}

func TestSetup(t *testing.T) {
	for suite, size := range map[opaque.Suite]int{opaque.Ristretto255: 128, opaque.P256: 100, opaque.Curve25519: 131} {
		r := newRig(t, suite)
		b, err := r.setup.Bytes()
		require.NoError(t, err)
		require.Len(t, b, size)
		again, err := opaque.ParseSetup(b)
		require.NoError(t, err)
		require.Equal(t, suite, again.Suite())
		require.Equal(t, r.setup.PublicKey(), again.PublicKey())
		second, err := again.Bytes()
		require.NoError(t, err)
		require.Equal(t, b, second)
		clear(b)
		cfg := r.config
		cfg.Setups = map[uint16]*opaque.Setup{1: again}
		server, err := opaque.NewServer(cfg)
		require.NoError(t, err)
		mustLogin(t, r.client, server, alice, nil, r.record, password)

		for i := range second {
			_, err := opaque.ParseSetup(second[:i])
			require.Equal(t, opaque.ErrRecord, err)
		}
		_, err = opaque.ParseSetup(append(bytes.Clone(second), 0))
		require.Equal(t, opaque.ErrRecord, err)
		if suite == opaque.Curve25519 {
			continue // every 32 bytes are a private key
		}
		npk := len(r.setup.PublicKey())
		for _, private := range [][]byte{make([]byte, 32), bytes.Repeat([]byte{0xff}, 32)} {
			bad := bytes.Clone(second)
			copy(bad[len(bad)-npk-32:], private)
			_, err = opaque.ParseSetup(bad)
			require.Equal(t, opaque.ErrRecord, err, "a private key of 0, or of the order or more")
		}
	}
	// The default suite has one form only.
	bare, err := newRig(t, opaque.Ristretto255).setup.Bytes()
	require.NoError(t, err)
	_, err = opaque.ParseSetup(append([]byte{'O', 1, 1}, bare...))
	require.Equal(t, opaque.ErrRecord, err)
}

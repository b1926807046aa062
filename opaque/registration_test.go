package opaque_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// TestFinishRegistration refuses uploads that do not match the offer. It
// compares kind and identity before it does any arithmetic on the public key.
func TestFinishRegistration(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	parsed, err := opaque.ParseRecord(r.record)
	require.NoError(t, err)
	weak, err := kdf.NewArgon2id(19<<10, 2, 1)
	require.NoError(t, err)
	other, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	curve, err := opaque.NewSetup(opaque.Curve25519)
	require.NoError(t, err)
	imported := func(number uint16, s *opaque.Setup, ksf kdf.Params, identity, raw []byte) []byte {
		record, err := opaque.ImportRecord(number, s, ksf, identity, raw)
		require.NoError(t, err)
		return record.Bytes()
	}
	damaged := func(record []byte) []byte {
		record = bytes.Clone(record)
		clear(record[len(record)-192 : len(record)-160]) // client_public_key
		return record
	}
	named := imported(1, r.setup, kdf.Default(), alice, parsed.Raw())
	for name, c := range map[string]struct {
		identity, upload []byte
		want             error
	}{
		"nothing":                        {nil, nil, opaque.ErrRecord},
		"the RFC's bytes alone":          {nil, parsed.Raw(), opaque.ErrRecord},
		"a byte more":                    {nil, append(bytes.Clone(r.record), 0), opaque.ErrRecord},
		"another number":                 {nil, imported(2, r.setup, kdf.Default(), nil, parsed.Raw()), opaque.ErrPolicy},
		"another KSF":                    {nil, imported(1, r.setup, weak, nil, parsed.Raw()), opaque.ErrPolicy},
		"another KSF, invalid key":       {nil, damaged(imported(1, r.setup, weak, nil, parsed.Raw())), opaque.ErrPolicy},
		"another suite":                  {nil, imported(1, curve, kdf.Default(), nil, append([]byte{9}, make([]byte, 191)...)), opaque.ErrPolicy},
		"another setup, the same number": {nil, imported(1, other, kdf.Default(), nil, parsed.Raw()), opaque.ErrRecord},
		"an invalid key":                 {nil, damaged(r.record), opaque.ErrRecord},
		"an identity":                    {nil, named, opaque.ErrPolicy},
		"no identity":                    {alice, r.record, opaque.ErrPolicy},
		"another identity":               {[]byte("bob"), named, opaque.ErrPolicy},
		"another identity, invalid key":  {[]byte("bob"), damaged(named), opaque.ErrPolicy},
		"a long identity":                {make([]byte, 1025), r.record, opaque.ErrPolicy},
	} {
		record, err := r.server.FinishRegistration(c.identity, c.upload)
		require.ErrorIs(t, err, c.want, name)
		require.Nil(t, record, name)
	}
	for _, upload := range [][]byte{r.record, named} {
		identity := []byte(nil)
		if bytes.Equal(upload, named) {
			identity = alice
		}
		record, err := r.server.FinishRegistration(identity, upload)
		require.NoError(t, err)
		require.Equal(t, upload, record)
		clear(record)
		require.NotEqual(t, upload, record, "it is a copy")
	}
}

// TestFinishRegistrationOnTheRFCsWire: the bare upload becomes a record of the
// offered kind.
func TestFinishRegistrationOnTheRFCsWire(t *testing.T) {
	for _, suite := range suites {
		r := newRigOn(t, suite, opaque.WireRFC9807)
		parsed, err := opaque.ParseRecord(r.record)
		require.NoError(t, err)
		record, err := r.server.FinishRegistration(alice, parsed.Raw())
		require.NoError(t, err)
		want, err := opaque.ImportRecord(1, r.setup, kdf.Default(), alice, parsed.Raw())
		require.NoError(t, err)
		require.Equal(t, want.Bytes(), record)
		for _, upload := range [][]byte{nil, r.record, parsed.Raw()[1:], make([]byte, len(parsed.Raw()))} {
			require.Equal(t, opaque.ErrRecord, errOf(r.server.FinishRegistration(nil, upload)))
		}
		require.ErrorIs(t, errOf(r.server.FinishRegistration(make([]byte, 1025), parsed.Raw())), opaque.ErrPolicy)
	}
}

// TestIdentitySizes: 1,024 bytes are the most, at the client and at the server.
func TestIdentitySizes(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	for size, ok := range map[int]bool{1024: true, 1025: false, 65_535: false} {
		identity := bytes.Repeat([]byte{'i'}, size)
		_, _, err := r.client.Register(identity, password)
		require.Equal(t, ok, err == nil)
		if !ok {
			require.ErrorIs(t, err, opaque.ErrPolicy)
		}
		// A client that ignores the limit: a record with a longer identity.
		at := len(r.record) - 192 - 2
		upload := append(bytes.Clone(r.record[:at]), byte(size>>8), byte(size))
		upload = append(append(upload, identity...), r.record[at+2:]...)
		record, err := r.server.FinishRegistration(identity, upload)
		require.Equal(t, ok, err == nil, "%d: %v", size, err)
		_, parseErr := opaque.ParseRecord(upload)
		require.Equal(t, ok, parseErr == nil)
		if ok {
			require.Equal(t, upload, record)
		} else {
			require.Equal(t, opaque.ErrRecord, parseErr)
		}
	}
}

// TestRecordAtTheClient: registration and login give the client the stored
// record and the export key.
func TestRecordAtTheClient(t *testing.T) {
	for _, suite := range suites {
		for _, wire := range []opaque.Wire{opaque.WireFramed, opaque.WireRFC9807} {
			r := newRigOn(t, suite, wire)
			reg, request, err := r.client.Register(alice, password)
			require.NoError(t, err)
			requireUsed := func(get ...func() ([]byte, error)) {
				for _, f := range get {
					b, err := f()
					require.Equal(t, opaque.ErrUsed, err)
					require.Nil(t, b)
				}
			}
			requireUsed(reg.ExportKey, reg.Record)
			response, err := r.server.BeginRegistration(t.Context(), alice, request)
			require.NoError(t, err)
			upload, err := reg.Finish(t.Context(), response)
			require.NoError(t, err)
			stored, err := r.server.FinishRegistration(alice, upload)
			require.NoError(t, err)
			parsed, err := opaque.ParseRecord(stored)
			require.NoError(t, err)

			raw, err := reg.Record()
			require.NoError(t, err)
			require.Equal(t, parsed.Raw(), raw)
			exportKey, err := reg.ExportKey()
			require.NoError(t, err)
			clear(raw)
			again, err := reg.Record()
			require.NoError(t, err)
			require.Equal(t, parsed.Raw(), again, "it is a copy")
			reg.Discard()
			requireUsed(reg.ExportKey, reg.Record)

			login, request, err := r.client.Login(alice, password)
			require.NoError(t, err)
			requireUsed(login.ExportKey, login.Record)
			response, pending, err := r.server.BeginLogin(t.Context(), alice, stored, request)
			require.NoError(t, err)
			final, err := login.Respond(t.Context(), response)
			require.NoError(t, err)
			requireUsed(login.ExportKey, login.Record)
			reply, _, err := r.server.FinishLogin(t.Context(), alice, stored, pending, final)
			require.NoError(t, err)
			_, err = login.Finish(reply)
			require.NoError(t, err)
			raw, err = login.Record()
			require.NoError(t, err)
			require.Equal(t, parsed.Raw(), raw, "%v, wire %d", suite, wire)
			exported, err := login.ExportKey()
			require.NoError(t, err)
			require.Equal(t, exportKey, exported)
			login.Discard()
			requireUsed(login.ExportKey, login.Record)
		}
	}
}

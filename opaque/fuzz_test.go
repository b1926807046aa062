package opaque_test

import (
	"context"
	"errors"
	"testing"

	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// The decoders of a server and of a client, with any bytes from the
// network. None of them panics. Each returns documented errors, and no
// result with an error.

func FuzzServer(f *testing.F) {
	rigs := make([]*rig, 0, 6)
	for _, suite := range suites {
		for _, wire := range []opaque.Wire{opaque.WireFramed, opaque.WireRFC9807} {
			r := newRigOn(f, suite, wire)
			rigs = append(rigs, r)
			_, login, err := r.client.Login(nil, password)
			require.NoError(f, err)
			_, registration, err := r.client.Register(nil, password)
			require.NoError(f, err)
			_, pending, final := r.answer(f)
			f.Add(login, r.record, final)
			f.Add(registration, pending, []byte{})
		}
	}
	f.Fuzz(func(t *testing.T, request, record, final []byte) {
		ctx := context.Background()
		for _, r := range rigs {
			response, err := r.server.BeginRegistration(ctx, alice, request)
			requireOneOf(t, response, err, opaque.ErrMalformed, opaque.ErrPolicy)
			response, pending, err := r.server.BeginLogin(ctx, alice, record, request)
			requireOneOf(t, response, err, opaque.ErrMalformed, opaque.ErrRecord)
			if err == nil {
				reply, _, err := r.server.FinishLogin(ctx, alice, r.record, pending, final)
				requireOneOf(t, reply, err, opaque.ErrMalformed, opaque.ErrAuthentication)
				require.Error(t, err, "nobody logs in by chance")
			}
			reply, _, err := r.server.FinishLogin(ctx, alice, r.record, record, final)
			requireOneOf(t, reply, err, opaque.ErrState, opaque.ErrMalformed, opaque.ErrAuthentication)
			admitted, err := r.server.FinishRegistration(nil, record)
			requireOneOf(t, admitted, err, opaque.ErrRecord, opaque.ErrPolicy)
			if r.server.Check(record) != nil {
				require.ErrorIs(t, r.server.Check(record), opaque.ErrRecord)
			}
			r.server.NeedsRegistration(record)
		}
	})
}

func FuzzClient(f *testing.F) {
	rigs := make([]*rig, 0, 6)
	for _, suite := range suites {
		for _, wire := range []opaque.Wire{opaque.WireFramed, opaque.WireRFC9807} {
			r := newRigOn(f, suite, wire)
			rigs = append(rigs, r)
			_, response, _ := r.begin(f, alice, r.record, password)
			_, request, err := r.client.Register(nil, password)
			require.NoError(f, err)
			offered, err := r.server.BeginRegistration(f.Context(), alice, request)
			require.NoError(f, err)
			f.Add(response, make([]byte, 35))
			f.Add(offered, []byte{})
		}
	}
	f.Fuzz(func(t *testing.T, response, reply []byte) {
		for _, r := range rigs {
			login, _, err := r.client.Login(nil, password)
			require.NoError(t, err)
			final, err := login.Respond(context.Background(), response)
			require.Error(t, err, "no server can answer a login that it has not seen")
			requireOneOf(t, final, err, opaque.ErrMalformed, opaque.ErrPolicy, opaque.ErrAuthentication)
			_, err = login.Finish(reply)
			require.Equal(t, opaque.ErrUsed, err)

			reg, _, err := r.client.Register(nil, password)
			require.NoError(t, err)
			upload, err := reg.Finish(context.Background(), response)
			requireOneOf(t, upload, err, opaque.ErrMalformed, opaque.ErrPolicy)
		}
	})
}

func FuzzReply(f *testing.F) {
	r := newRig(f, opaque.Ristretto255)
	f.Add([]byte{'O', 1, 0})
	f.Add(append([]byte{'O', 1, 1}, make([]byte, 32)...))
	f.Fuzz(func(t *testing.T, reply []byte) {
		login, _, _ := r.answer(t)
		key, err := login.Finish(reply)
		require.Error(t, err)
		requireOneOf(t, key, err, opaque.ErrMalformed, opaque.ErrAuthentication)
	})
}

// FuzzRecord: each value has one encoding, and only it decodes.
func FuzzRecord(f *testing.F) {
	for _, suite := range suites {
		r := newRig(f, suite)
		f.Add(r.record)
		b, err := r.setup.Bytes()
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := opaque.ParseRecord(b); err == nil {
			require.Equal(t, b, r.Bytes())
		} else {
			require.Equal(t, opaque.ErrRecord, err)
		}
		if s, err := opaque.ParseSetup(b); err == nil {
			again, err := s.Bytes()
			require.NoError(t, err)
			require.Equal(t, b, again)
		} else {
			require.Equal(t, opaque.ErrRecord, err)
		}
		opaque.RoundTripPending(b)
	})
}

func requireOneOf(t *testing.T, result []byte, err error, allowed ...error) {
	t.Helper()
	if err == nil {
		return
	}
	require.Nil(t, result)
	for _, a := range allowed {
		if errors.Is(err, a) {
			return
		}
	}
	require.NoError(t, err)
}

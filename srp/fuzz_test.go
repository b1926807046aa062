package srp_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// Every decoder: decode → encode gives the same bytes, and nothing panics.

func FuzzParseRecord(f *testing.F) {
	for _, profile := range attackProfiles {
		f.Add(newRig(f, profile).record.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := srp.ParseRecord(b)
		if err != nil {
			require.ErrorIs(t, err, srp.ErrRecord)
			require.Nil(t, r)
			return
		}
		require.Equal(t, b, r.Bytes())
		again, err := srp.ParseRecordText(r.Text())
		require.NoError(t, err)
		require.Equal(t, b, again.Bytes())
		again, err = srp.NewRecord(r.Profile(), r.Group(), r.KDF(), r.Identity(), r.Salt(), r.Verifier())
		require.NoError(t, err)
		require.Equal(t, b, again.Bytes())
	})
}

func FuzzParseRecordText(f *testing.F) {
	f.Add(sha256Rig(f).record.Text())
	f.Add("nescio-srp-record:UwE")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := srp.ParseRecordText(text)
		if err == nil {
			require.Equal(t, text, r.Text())
		}
	})
}

func FuzzParseOffer(f *testing.F) {
	for _, profile := range attackProfiles {
		r := newRig(f, profile)
		wire, err := srp.OfferBytes(profile, r.group.Unverified(), r.kind.KDF, srp.SaltSize(profile))
		require.NoError(f, err)
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if again, ok := srp.RoundTripOffer(b); ok {
			require.Equal(t, b, again)
		}
	})
}

// FuzzPending: what a server sealed reads back as it was, whatever it is.
func FuzzPending(f *testing.F) {
	for _, profile := range attackProfiles {
		body, err := srp.PendingBody(newRig(f, profile).record, []byte{1, 2, 3})
		require.NoError(f, err)
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		again, ok := srp.RoundTripPending(body)
		if ok {
			require.Equal(t, body, again)
		}
	})
}

// FuzzRequest: a server takes one request and no other.
func FuzzRequest(f *testing.F) {
	r := sha256Rig(f)
	_, request, err := r.client.Login(alice, password)
	require.NoError(f, err)
	f.Add(request)
	record := r.record.Bytes()
	f.Fuzz(func(t *testing.T, b []byte) {
		server := newServer(t, r.kind)
		_, _, err := server.BeginLogin(t.Context(), alice, record, b)
		if bytes.Equal(b, request) {
			require.NoError(t, err)
		} else {
			require.Equal(t, srp.ErrMalformed, err)
		}
	})
}

// FuzzResponse: a client answers whatever has the form of a response of a
// group it accepts, and a false one never lets it finish.
func FuzzResponse(f *testing.F) {
	r := sha256Rig(f)
	_, request, err := r.client.Login(alice, password)
	require.NoError(f, err)
	for range 2 {
		response, _, err := r.server.BeginLogin(f.Context(), alice, r.record.Bytes(), request)
		require.NoError(f, err)
		f.Add(response)
	}
	signed := newRig(f, srp.Proton(4))
	response, _, err := signed.server.BeginLogin(f.Context(), alice, signed.record.Bytes(), request)
	require.NoError(f, err)
	f.Add(response)
	f.Fuzz(func(t *testing.T, b []byte) {
		login, _, err := r.client.Login(alice, password)
		require.NoError(t, err)
		final, err := login.Respond(t.Context(), b)
		if err != nil {
			require.Nil(t, final)
			require.True(t, errors.Is(err, srp.ErrMalformed) || errors.Is(err, srp.ErrPolicy), "%v", err)
			return
		}
		require.Len(t, final, 2+256+32)
		_, err = login.Finish(append([]byte{'S', 1}, make([]byte, 32)...))
		require.Equal(t, srp.ErrAuthentication, err)
	})
}

// FuzzFinal: no message but the one of who knows the password gives a key.
func FuzzFinal(f *testing.F) {
	r := sha256Rig(f)
	_, _, final := r.begin(f, alice, r.record.Bytes(), password)
	f.Add(final)
	f.Add(final[:2+256])
	f.Fuzz(func(t *testing.T, b []byte) {
		_, pending, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
		require.NoError(t, err)
		reply, key, err := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, b)
		require.Contains(t, []error{srp.ErrMalformed, srp.ErrAuthentication}, err)
		require.Nil(t, reply)
		require.Nil(t, key)
	})
}

// FuzzReply: no reply but the server's gives a key.
func FuzzReply(f *testing.F) {
	r := sha256Rig(f)
	_, pending, final := r.begin(f, alice, r.record.Bytes(), password)
	reply, _, err := r.server.FinishLogin(f.Context(), alice, r.record.Bytes(), pending, final)
	require.NoError(f, err)
	f.Add(reply)
	_, request, err := r.client.Login(alice, password)
	require.NoError(f, err)
	response, _, err := r.server.BeginLogin(f.Context(), alice, r.record.Bytes(), request)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, b []byte) {
		login, _, err := r.client.Login(alice, password)
		require.NoError(t, err)
		_, err = login.Respond(t.Context(), response)
		require.NoError(t, err)
		key, err := login.Finish(b)
		require.Contains(t, []error{srp.ErrMalformed, srp.ErrAuthentication}, err)
		require.Nil(t, key)
	})
}

package srp_test

import (
	"context"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// askingClient returns a client whose group policy calls f and accepts the group.
func askingClient(t *testing.T, r *rig, f func()) *srp.Client {
	c, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{r.profile}, GroupPolicy: func([]byte, int, []byte) error {
		f()
		return nil
	}})
	require.NoError(t, err)
	return c
}

// TestNoLockOverACallback: a group policy may ask everything of the login and the
// registration that it is called for.
func TestNoLockOverACallback(t *testing.T) {
	r := sha256Rig(t)
	var login *srp.Login
	var registration *srp.Registration
	asked := 0
	client := askingClient(t, r, func() {
		asked++
		if login != nil {
			require.Nil(t, login.Group())
			_, err := login.Finish(nil)
			require.Equal(t, srp.ErrUsed, err)
			_, err = login.Respond(t.Context(), nil)
			require.Equal(t, srp.ErrUsed, err)
		}
		if registration != nil {
			_, err := registration.Finish(t.Context(), nil)
			require.Equal(t, srp.ErrUsed, err)
		}
	})
	testvec.InTime(t, func() {
		var request []byte
		var err error
		login, request, err = client.Login(alice, password)
		require.NoError(t, err)
		response, pending, err := r.server.BeginLogin(t.Context(), alice, r.record.Bytes(), request)
		require.NoError(t, err)
		final, err := login.Respond(t.Context(), response)
		require.NoError(t, err)
		reply, _, err := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
		require.NoError(t, err)
		_, err = login.Finish(reply)
		require.NoError(t, err)
		login = nil

		registration, request, err = client.Register(alice, password)
		require.NoError(t, err)
		response, err = r.server.BeginRegistration(t.Context(), alice, request)
		require.NoError(t, err)
		_, err = registration.Finish(t.Context(), response)
		require.NoError(t, err)
	})
	require.Equal(t, 2, asked)
}

// TestDiscardDuringRespond ends the login: Respond does not give its answer, and
// the reply of the server finishes nothing.
func TestDiscardDuringRespond(t *testing.T) {
	r := sha256Rig(t)
	var login *srp.Login
	client := askingClient(t, r, func() { login.Discard() })
	testvec.InTime(t, func() {
		var request []byte
		var err error
		login, request, err = client.Login(alice, password)
		require.NoError(t, err)
		response, _, err := r.server.BeginLogin(t.Context(), alice, r.record.Bytes(), request)
		require.NoError(t, err)
		final, err := login.Respond(t.Context(), response)
		require.Equal(t, srp.ErrUsed, err)
		require.Nil(t, final)
		require.Nil(t, login.Group())
		_, err = login.Finish(nil)
		require.Equal(t, srp.ErrUsed, err)
	})
}

// slowReplay answers when it is told to.
type slowReplay struct{ answer chan bool }

func (r slowReplay) Consume(ctx context.Context, _ [16]byte, _ time.Time) (bool, error) {
	select {
	case first := <-r.answer:
		return first, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// TestASlowReplayStopsNobodyElse: while one FinishLogin waits for the store, the
// server answers others.
func TestASlowReplayStopsNobodyElse(t *testing.T) {
	r := sha256Rig(t)
	slow := slowReplay{make(chan bool)}
	r.server = replica(t, r, slow)
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	done := make(chan error)
	go func() {
		_, _, err := r.server.FinishLogin(context.Background(), alice, r.record.Bytes(), pending, final)
		done <- err
	}()
	testvec.InTime(t, func() { r.begin(t, alice, r.record.Bytes(), password) })
	slow.answer <- true
	require.NoError(t, <-done)
}

// TestDiscardDuringFinish ends the registration: there is no upload.
func TestDiscardDuringFinish(t *testing.T) {
	r := sha256Rig(t)
	var registration *srp.Registration
	client := askingClient(t, r, func() { registration.Discard() })
	testvec.InTime(t, func() {
		var request []byte
		var err error
		registration, request, err = client.Register(alice, password)
		require.NoError(t, err)
		response, err := r.server.BeginRegistration(t.Context(), alice, request)
		require.NoError(t, err)
		upload, err := registration.Finish(t.Context(), response)
		require.Equal(t, srp.ErrUsed, err)
		require.Nil(t, upload)
	})
}

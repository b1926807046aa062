package srp_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// TestStateKeysRotateInMidLogin: a server with new keys finishes what the old
// one began, once between them, and not what was begun under a destroyed key.
func TestStateKeysRotateInMidLogin(t *testing.T) {
	r := sha256Rig(t)
	keys := stateKeys(0x53, 0x52, 0x51) // the last is the rig's
	before := r.server
	after, err := before.WithStateKeys(keys[1:])
	require.NoError(t, err)
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	_, _, err = after.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.NoError(t, err)
	_, _, err = before.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.Equal(t, srp.ErrState, err, "once in all")

	destroyed, err := after.WithStateKeys(keys[:2])
	require.NoError(t, err)
	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	_, _, err = destroyed.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.Equal(t, srp.ErrState, err)
	_, err = before.WithStateKeys(nil)
	require.ErrorIs(t, err, srp.ErrPolicy)

	// Unknown names answer as before.
	c1, _, err := before.Challenge(t.Context(), []byte("nobody"), nil)
	require.NoError(t, err)
	c2, _, err := after.Challenge(t.Context(), []byte("nobody"), nil)
	require.NoError(t, err)
	require.Equal(t, c1.Salt, c2.Salt)
}

// TestLeakedStateKeys: with the state keys alone a thief neither reads nor forges
// pending state. With DecoyKey too they log in to the account of anyone, if
// pending state travels, until the state keys are replaced.
func TestLeakedStateKeys(t *testing.T) {
	r := sha256Rig(t)
	record := r.record.Bytes()
	fleet := replica(t, r, testvec.NewReplay())
	fresh, err := fleet.WithStateKeys(stateKeys(0x77))
	require.NoError(t, err)
	cfg := config(r.kind)
	cfg.Replay = testvec.NewReplay()
	both, err := srp.NewServer(cfg)
	require.NoError(t, err)
	cfg.DecoyKey[0] ^= 1
	alone, err := srp.NewServer(cfg)
	require.NoError(t, err)

	// The thief begins a login and reads how to end it.
	steal := func(at, thief *srp.Server) error {
		_, pending, err := at.Challenge(t.Context(), alice, record)
		require.NoError(t, err)
		proof, err := thief.ProofWithoutPassword(t.Context(), alice, pending)
		if err != nil {
			return err
		}
		_, _, err = at.Verify(t.Context(), alice, record, pending, proof)
		return err
	}
	require.Error(t, steal(fleet, alone))
	require.NoError(t, steal(fleet, both), "as the documentation warns")
	require.Error(t, steal(fresh, both), "the keys are replaced")

	// The thief has the record, and seals state for it with a verifier of their own.
	own := register(t, r.client, r.kind, alice, []byte("the thief's own")).Bytes()
	forge := func(at, thief *srp.Server) error {
		login, _, err := r.client.Login(alice, []byte("the thief's own"))
		require.NoError(t, err)
		c, pending, err := thief.Challenge(t.Context(), alice, own)
		require.NoError(t, err)
		proof, err := login.Answer(t.Context(), c)
		require.NoError(t, err)
		forged, err := thief.ForgePending(t.Context(), alice, pending, record)
		require.NoError(t, err)
		_, _, err = at.Verify(t.Context(), alice, record, forged, proof)
		return err
	}
	require.Equal(t, srp.ErrState, forge(fleet, alone))
	require.NoError(t, forge(fleet, both), "as the documentation warns")
	require.Equal(t, srp.ErrState, forge(fresh, both), "the keys are replaced")
	require.Equal(t, srp.ErrState, forge(r.server, both), "single uses in memory")
}

func TestFullServer(t *testing.T) {
	r := sha256Rig(t)
	cfg := config(r.kind)
	cfg.MaxPending = 1
	server, err := srp.NewServer(cfg)
	require.NoError(t, err)
	_, _, err = server.Challenge(t.Context(), alice, nil)
	require.NoError(t, err)
	_, _, err = server.Challenge(t.Context(), alice, nil)
	require.Equal(t, srp.ErrBusy, err)
	_, request, err := r.client.Login(alice, password)
	require.NoError(t, err)
	_, _, err = server.BeginLogin(t.Context(), alice, r.record.Bytes(), request)
	require.Equal(t, srp.ErrBusy, err)
}

type brokenReplay struct{ err error }

func (b brokenReplay) Consume(context.Context, [16]byte, time.Time) (bool, error) {
	return true, b.err
}

func TestReplayErrorsAreToldApart(t *testing.T) {
	r := sha256Rig(t)
	down := errors.New("the database is down")
	var err error
	r.server, err = srp.NewServer(srp.ServerConfig{DecoyKey: testDecoyKey, StateKeys: testStateKeys, Offer: r.kind, Replay: brokenReplay{down}})
	require.NoError(t, err)
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	reply, key, err := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.ErrorIs(t, err, down)
	require.Nil(t, reply)
	require.Nil(t, key)
}

func TestContext(t *testing.T) {
	r := sha256Rig(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := r.server.Challenge(ctx, alice, r.record.Bytes())
	require.ErrorIs(t, err, context.Canceled)
	_, err = makeOfKind(ctx, r.client, r.kind, alice, password)
	require.ErrorIs(t, err, context.Canceled)
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	_, _, err = r.server.FinishLogin(ctx, alice, r.record.Bytes(), pending, final)
	require.ErrorIs(t, err, context.Canceled)
	_, _, err = r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.NoError(t, err, "nothing was spent")
}

// TestAClientNeedNotWaitForAProof: this number takes seconds to refuse, and the
// client leaves after a few milliseconds.
func TestAClientNeedNotWaitForAProof(t *testing.T) {
	n := bytes.Repeat([]byte{0xfb}, 1024)
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{srp.RFC5054SHA256(0)}, GroupPolicy: srp.AnyGroup(8192)})
	require.NoError(t, err)
	login, _, err := client.Login(alice, password)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = login.Answer(ctx, srp.Challenge{Profile: srp.RFC5054SHA256(0), Group: srp.UnverifiedGroup{N: n, G: 2},
		Salt: []byte{1}, B: bytes.Repeat([]byte{1}, 1024)})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	waited := time.Since(start)
	_, err = srp.NewGroup(n, 2) // joins the proof, which went on
	require.ErrorIs(t, err, srp.ErrPolicy)
	require.Greater(t, time.Since(start), 2*waited, "it was a wait that was cut short")
}

// TestCheapChecksComeBeforeTheProof: what is malformed is refused before a group
// is proved, which the server could make take seconds.
func TestCheapChecksComeBeforeTheProof(t *testing.T) {
	n := bytes.Repeat([]byte{0xf3}, 1024) // no other test asks about it
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{srp.RFC5054SHA256(0)}, GroupPolicy: srp.AnyGroup(8192)})
	require.NoError(t, err)
	for name, c := range map[string]srp.Challenge{
		"no salt": {B: bytes.Repeat([]byte{1}, 1024)},
		"no B":    {Salt: []byte{1}},
		"B = 0":   {Salt: []byte{1}, B: make([]byte, 1024)},
	} {
		login, _, err := client.Login(alice, password)
		require.NoError(t, err)
		c.Profile, c.Group = srp.RFC5054SHA256(0), srp.UnverifiedGroup{N: n, G: 2}
		_, err = login.Answer(t.Context(), c)
		require.Equal(t, srp.ErrMalformed, err, name) // the proof would say ErrPolicy
	}
}

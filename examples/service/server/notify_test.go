package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// notices is a Notifier of a test.
type notices struct {
	all  []Notice
	fail error
}

func (n *notices) Notify(_ context.Context, one Notice) error {
	n.all = append(n.all, one)
	return n.fail
}

// TestNotifier: a notice is given once, and again after an error. What is no
// notice is not.
func TestNotifier(t *testing.T) {
	told := new(notices)
	s := newFuzzedWith(t, Config{Notifier: told})
	require.NoError(t, s.Tend(t.Context()))
	require.Empty(t, told.all)
	s.fileClaim(t)
	must[api.Empty](t, s, fullToken, "DELETE", "/v1/sessions", nil) // an event, and no notice
	require.Empty(t, told.all, "the Notifier waits for Tend")
	for range 2 {
		require.NoError(t, s.Tend(t.Context()))
		require.Len(t, told.all, 1)
	}
	first := told.all[0]
	require.Equal(t, Notice{ID: first.ID, Account: s.id, Names: []string{"alice"}, Event: "claim begun: file", Address: "192.0.2.0/24", Time: first.Time}, first)
	require.WithinDuration(t, time.Now(), first.Time, time.Minute)

	told.all, told.fail = nil, errors.New("no connection")
	s.fileClaim(t)
	for range 2 {
		require.ErrorIs(t, s.Tend(t.Context()), told.fail)
	}
	told.fail = nil
	require.NoError(t, s.Tend(t.Context()))
	require.NoError(t, s.Tend(t.Context()))
	require.Len(t, told.all, 3)
	for _, one := range told.all {
		require.Equal(t, told.all[0], one)
		require.NotEqual(t, first.ID, one.ID)
	}
	require.Contains(t, s.kinds(t), "claim begun: file", "they stay events")
}

// TestNotifierOfFormer: a former account has no names. The account that has them
// is told too.
func TestNotifierOfFormer(t *testing.T) {
	told := new(notices)
	s := newFuzzedWith(t, Config{Notifier: told})
	require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error {
		return tx.Replace(t.Context(), s.id, store.Account{ID: newID(), Record: s.another.record}, s.now())
	}))
	must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Former: 1, Way: api.WayFile, Slot: (*api.ID)(ptr(s.ring.slots["file"])), Proof: proof})
	require.NoError(t, s.Tend(t.Context()))
	require.Len(t, told.all, 2)
	require.Equal(t, s.id, told.all[0].Account)
	require.Empty(t, told.all[0].Names)
	require.Equal(t, []string{"alice"}, told.all[1].Names)
	require.Equal(t, "former account, claim begun: file", told.all[1].Event)
}

// TestDefaultNotifier: the log has the event, and neither names nor addresses.
func TestDefaultNotifier(t *testing.T) {
	var log bytes.Buffer
	s := newFuzzedWith(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	s.fileClaim(t)
	log.Reset()
	require.NoError(t, s.Tend(t.Context()))
	require.Contains(t, log.String(), `event="claim begun: file"`)
	for _, secret := range []string{"alice", "192.0.2", api.ID(s.id).String()} {
		require.NotContains(t, log.String(), secret)
	}
}

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/stretchr/testify/require"
)

// TestWaysAcrossServers: each step of a way back may reach another server, which
// may have just started.
func TestWaysAcrossServers(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		all := len(w.servers)
		turn := 0
		next := func() { // the next server gets all requests, and has just started
			turn++
			if turn%3 == 0 {
				w.restart(func(*server.Config) {})
			}
			slices.Reverse(w.servers)
			slices.Reverse(w.dbs)
			w.balancer.Config.Handler = w.servers[0].Handler()
		}
		step := func(err error) { w.Helper(); require.NoError(w, err); next() }
		e := w.everything()
		next()

		// A new device, with typed codes. Both exchanges run at once.
		phone, claimant := w.device(), w.device()
		join, err := phone.Join(ctx, who("alice0"))
		step(err)
		step(claimant.ClaimContacts(ctx, who("alice0")))
		share, err := claimant.AskContact(ctx)
		step(err)
		granting := func(d *device, a *client.Asking) *client.Granting {
			asks, err := d.Asks(ctx)
			step(err)
			i := slices.IndexFunc(asks, func(one client.Ask) bool { return client.AskNumber(one.ID) == a.Number() })
			require.NotEqual(w, -1, i)
			g, err := d.Grant(ctx, asks[i].ID)
			step(err)
			_, err = g.Code(ctx)
			require.ErrorIs(w, err, client.ErrNotYet)
			return g
		}
		letIn, help := granting(e.laptop, join), granting(e.friends[0], share)
		shown := func(a interface {
			Code(context.Context) (string, error)
		}) string {
			code, err := a.Code(ctx)
			step(err)
			return code
		}
		ofPhone, ofClaimant := shown(join), shown(share)
		ofLaptop, ofFriend := shown(letIn), shown(help)
		require.ErrorIs(w, join.Joined(ctx, ofLaptop, []byte("a pin")), client.ErrNotYet)
		step(letIn.Finish(ctx, []byte(password), ofPhone))
		step(help.Finish(ctx, nil, ofClaimant))
		step(join.Joined(ctx, ofLaptop, []byte("a pin")))
		missing, err := share.Share(ctx, ofFriend)
		step(err)
		require.Equal(w, 1, missing)
		phone.requireNote()

		// The second contact, and a claim with the file, which wait.
		require.Equal(w, api.ClaimAsked, claimant.state())
		e.friends[1].helps(claimant)
		next()
		file := w.device()
		step(file.ClaimFile(ctx, who("alice0"), e.file))
		require.Len(w, e.laptop.claims(), 2)
		step(e.laptop.DelayClaim(ctx, e.laptop.claims()[0].ID))
		w.clock.advance(day)
		for range all {
			states := []api.ClaimState{claimant.state(), file.state()}
			slices.Sort(states)
			require.Equal(w, []api.ClaimState{api.ClaimReady, api.ClaimWaiting}, states)
			next()
		}
		w.clock.advance(day)
		step(claimant.OpenClaim(ctx, nil))
		claimant.requireNote()
		step(file.OpenClaim(ctx, e.file))
		next()
		_, err = file.SetPassword(ctx, one(other), false)
		step(err)
		require.ErrorIs(w, claimant.Sync(ctx), is(api.Unauthenticated))
		next()
		require.Equal(w, api.ClaimDone, claimant.state())
		file.requireNote()
		phone.requireNote()
	})
}

// TestNotices: the Notifier gets every notice at least once, from whichever
// server, also after it has failed, and after a server has stopped in the middle.
func TestNotices(t *testing.T) {
	var told *notices
	change := func(c *server.Config) {
		told = new(notices)
		c.Notifier = told
	}
	inWorlds(t, change, func(w *world) {
		ctx := w.Context()
		waiting := func() (ids []string) {
			w.query("SELECT id FROM events WHERE notice = 1", func(scan func(...any) error) error {
				var id []byte
				err := scan(&id)
				ids = append(ids, fmt.Sprintf("%x", id))
				return err
			})
			return ids
		}
		got := func() (ids []string, kinds []string) {
			for _, n := range told.got {
				ids, kinds = append(ids, fmt.Sprintf("%x", n.ID)), append(kinds, n.Event)
			}
			return ids, kinds
		}
		e := w.everything()
		first := waiting()
		require.Greater(w, len(first), 5)
		told.refuse = errors.New("no mail today")
		for _, s := range w.servers {
			require.ErrorIs(w, s.Tend(ctx), told.refuse)
		}
		require.Equal(w, len(first), len(waiting()))
		told.refuse = nil

		// Servers that run at the same time.
		var group sync.WaitGroup
		for _, s := range w.servers {
			group.Go(func() {
				if err := s.Tend(ctx); err != nil {
					w.Error(err)
				}
			})
		}
		group.Wait()
		require.Empty(w, waiting())
		ids, _ := got()
		require.Subset(w, ids, first)
		for _, n := range told.got {
			require.Len(w, n.Names, 1)
			require.Equal(w, "127.0.0.0/24", n.Address)
			require.NotZero(w, n.Account)
		}
		count := len(told.got)
		w.tend()
		require.Len(w, told.got, count, "once is enough")

		// A claim is told while it waits. Strangers' claims are told nobody.
		for _, way := range []api.Way{api.WayContacts, api.WayDevice} {
			require.Equal(w, 200, w.post("/v1/claims/begin", "", api.BeginClaim{Name: "alice0", Way: way}, nil))
		}
		require.Equal(w, 200, w.post("/v1/claims/begin", "", api.BeginClaim{Name: "alice0", Way: api.WayFile, Slot: &api.ID{1}, Proof: madeUpProof}, nil))
		require.Equal(w, 200, w.post("/v1/claims/begin", "", api.BeginClaim{Name: "alice0", Way: api.WayReview, Text: "I am Alice."}, nil))
		require.Empty(w, waiting())
		claimant := w.device()
		require.NoError(w, claimant.ClaimFile(ctx, who("alice0"), e.file))
		require.Len(w, waiting(), 1)

		// A server that stops after the Notifier has the notice.
		stopped, stop := context.WithCancel(ctx)
		told.after = stop
		require.Error(w, w.servers[0].Tend(stopped))
		told.after = nil
		require.Len(w, waiting(), 1, "it is told again")
		w.restart(func(*server.Config) {})
		w.tend()
		require.Empty(w, waiting())
		_, kinds := got()
		require.Equal(w, []string{"claim begun: file", "claim begun: file"}, kinds[count:])
		require.Equal(w, told.got[count].ID, told.got[count+1].ID, "a repetition is recognized")
		w.clock.advance(day)
		require.NoError(w, claimant.OpenClaim(ctx, e.file))
		_, err := claimant.SetPassword(ctx, one(other), false)
		require.NoError(w, err)
		w.tend()
		_, kinds = got()
		require.Subset(w, kinds[count+2:], []string{"claim opened: file", "password set: file"})
	})
}

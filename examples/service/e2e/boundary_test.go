package e2e

import (
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/stretchr/testify/require"
)

// still is a clock that moves only when a test moves it.
type still struct {
	mu sync.Mutex
	t  time.Time
}

func (s *still) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.t
}

func (s *still) set(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t = t
}

// inStillWorlds runs a test in worlds whose clock stands still.
func inStillWorlds(t *testing.T, test func(*world, *still)) {
	var clock *still
	inWorlds(t, func(c *server.Config) {
		clock = &still{t: time.Now().Truncate(time.Millisecond)}
		c.Now = clock.now
	}, func(w *world) { test(w, clock) })
}

const ms = time.Millisecond

// TestClaimBoundaries: a claim is ready 24 hours after it began, to the
// millisecond, and lapses 7 days later. The wait can be doubled once.
func TestClaimBoundaries(t *testing.T) {
	for _, doubled := range []bool{false, true} {
		inStillWorlds(t, func(w *world, clock *still) {
			ctx := w.Context()
			laptop := w.account(0)
			file := laptop.withFile()
			d := w.device()
			require.NoError(w, d.ClaimFile(ctx, who("alice0"), file))
			opens := clock.now().Add(day)
			if doubled {
				clock.set(opens.Add(-ms))
				id := laptop.claims()[0].ID
				require.NoError(w, laptop.DelayClaim(ctx, id))
				require.ErrorIs(w, laptop.DelayClaim(ctx, id), is(api.Conflict), "once")
				require.True(w, laptop.claims()[0].Doubled)
				opens = opens.Add(day)
			}
			ends := opens.Add(7 * day)
			now, err := d.Claim(ctx)
			require.NoError(w, err)
			require.Equal(w, []int64{opens.Unix(), ends.Unix()}, []int64{now.Opens, now.Ends})
			require.Equal(w, opens.Unix(), laptop.claims()[0].Opens)

			clock.set(opens.Add(-ms))
			require.Equal(w, api.ClaimWaiting, d.state())
			require.ErrorIs(w, d.OpenClaim(ctx, file), client.ErrNotReady)
			require.Equal(w, 409, w.post("/v1/claims/open", "", api.ClaimToken{Token: d.claimToken()}, nil))
			clock.set(opens)
			require.Equal(w, api.ClaimReady, d.state())
			require.NoError(w, d.OpenClaim(ctx, file))
			d.requireNote()
			clock.set(ends.Add(-ms))
			require.Equal(w, api.ClaimReady, d.state())
			require.NoError(w, d.OpenClaim(ctx, file))
			clock.set(ends)
			require.Equal(w, api.ClaimFailed, d.state())
			require.ErrorIs(w, d.OpenClaim(ctx, file), client.ErrClaimOver)
			require.Equal(w, 409, w.post("/v1/claims/open", "", api.ClaimToken{Token: d.claimToken()}, nil))
		})
	}
}

// TestOtherBoundaries: a claim with contacts is open for 3 days, and the
// question of a new device for 10 minutes. A session that recovers the account
// lasts an hour.
func TestOtherBoundaries(t *testing.T) {
	inStillWorlds(t, func(w *world, clock *still) {
		ctx := w.Context()
		laptop := w.account(0)
		phrase := laptop.withPhrase()
		circle := w.newCircle(laptop, 2, 2)
		start := clock.now()

		d := w.device()
		require.NoError(w, d.ClaimContacts(ctx, who("alice0")))
		circle.friends[0].helps(d)
		late, err := d.AskContact(ctx)
		require.NoError(w, err)
		clock.set(start.Add(72*time.Hour - ms))
		require.Equal(w, api.ClaimAsked, d.state())
		clock.set(start.Add(72 * time.Hour))
		require.Equal(w, api.ClaimFailed, d.state())
		require.ErrorIs(w, circle.friends[1].GrantQR(ctx, nil, late.QR()), client.ErrNoAsk)
		_, err = late.Share(ctx, "")
		require.ErrorIs(w, err, client.ErrClaimOver)

		for _, in := range []struct {
			after time.Duration
			err   error
		}{{10*time.Minute - ms, nil}, {10 * time.Minute, client.ErrNoAsk}} {
			begun := clock.now()
			a, err := w.device().Join(ctx, who("alice0"))
			require.NoError(w, err)
			clock.set(begun.Add(in.after))
			require.ErrorIs(w, laptop.GrantQR(ctx, []byte(password), a.QR()), in.err)
			if in.err == nil {
				require.NoError(w, a.Joined(ctx, "", []byte("a pin")))
			}
		}

		d = w.device()
		begun := clock.now()
		require.NoError(w, d.LoginPhrase(ctx, who("alice0"), phrase))
		clock.set(begun.Add(time.Hour - ms))
		d.requireNote()
		clock.set(begun.Add(time.Hour))
		require.ErrorIs(w, d.Sync(ctx), is(api.Unauthenticated))
		_, err = d.SetPassword(ctx, one(other), false)
		require.ErrorIs(w, err, is(api.Unauthenticated))
	})
}

// TestDatabaseClock: claims wait by the clock of the database, whatever the
// clock of a server says. The test moves PostgreSQL's clock.
func TestDatabaseClock(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		move := func(string) {}
		if isPostgres(w) {
			db := w.open()
			defer db.Close()
			runs(w, db, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$`)
			move = func(by string) {
				runs(w, db, `CREATE OR REPLACE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
					$$ SELECT pg_catalog.clock_timestamp() + interval '`+by+`' $$`)
			}
			move("0")
		}
		w.restart(func(c *server.Config) { c.Now = nil })
		laptop := w.account(0)
		file := laptop.withFile()
		d := w.device()
		require.NoError(w, d.ClaimFile(ctx, who("alice0"), file))
		now, err := d.Claim(ctx)
		require.NoError(w, err)
		require.InDelta(w, time.Now().Add(day).Unix(), now.Opens, 60)
		require.ErrorIs(w, d.OpenClaim(ctx, file), client.ErrNotReady)
		if !isPostgres(w) {
			return // SQLite has the clock of the machine
		}
		move("23 hours")
		require.ErrorIs(w, d.OpenClaim(ctx, file), client.ErrNotReady)
		move("24 hours")
		require.NoError(w, d.OpenClaim(ctx, file))
		d.requireNote()
	})
}

func isPostgres(w *world) bool { return len(w.servers) == 2 }

func runs(w *world, db *sql.DB, statement string) {
	_, err := db.ExecContext(w.Context(), statement)
	require.NoError(w, err)
}

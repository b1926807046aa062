package e2e

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/internal/pgtest"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

var crashSeed = flag.Uint64("crash.seed", rand.Uint64(), "seed of the crash test")

// crash is a crash test on one database.
type crash struct {
	*program
	driver, source string
	cluster        *pgtest.Cluster // nil with SQLite
	operator       []string        // flags of the operator's commands
	users          []*crashUser
	lives          []*crashWays
	mu             sync.Mutex
	kills, crashes int
	counts         map[string]int
}

// TestCrash: clients work while servers are killed and the database crashes.
// Afterwards every acknowledged write is there, nobody is locked out, no login
// was accepted twice, and what was not acknowledged happened as a whole or not
// at all.
func TestCrash(t *testing.T) {
	t.Logf("-crash.seed=%d", *crashSeed)
	binary := build(t)
	t.Run("SQLite", func(t *testing.T) {
		folder := t.TempDir()
		p := startProgram(t, binary, 1, "-folder", folder)
		c := &crash{program: p, driver: "sqlite", source: filepath.Join(folder, "nescio.db"), operator: []string{"-folder", folder}}
		c.run()
		require.NotContains(t, string(p.log.copy()), `"level":"ERROR"`, "no database has crashed")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		if cluster == nil {
			t.Skip("PostgreSQL is not installed")
		}
		own, err := pgtest.Start(true)
		require.NoError(t, err)
		t.Cleanup(func() {
			if err := own.Stop(); err != nil {
				t.Error(err)
			}
		})
		direct, err := url.Parse(own.URL("postgres"))
		require.NoError(t, err)
		slow := *direct
		slow.Host = slowly(t, direct.Host)
		flags := []string{"-db", slow.String(), "-secrets", filepath.Join(t.TempDir(), "secrets.key")}
		out, err := exec.Command(binary, append([]string{"init"}, flags...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		c := &crash{program: startProgram(t, binary, 2, flags...), driver: "pgx", source: direct.String(), cluster: own, operator: flags}
		c.run()
	})
}

func (c *crash) run() {
	c.counts = make(map[string]int)
	var devices []*crashDevice
	for _, name := range []string{"alice", "bob"} {
		u := c.user(name)
		devices = append(devices, c.device(u, true), c.device(u, false))
	}
	carol := c.device(c.user("carol"), true)
	counters := []*crashDevice{c.device(c.user("dave"), true), c.device(c.user("erin"), true)}
	for _, d := range slices.Concat(devices, counters, []*crashDevice{carol}) {
		d.begin()
	}

	duration, more := 7*time.Second, 9*time.Second
	if *long {
		duration, more = time.Minute, time.Minute
	}
	ctx, cancel := context.WithTimeout(c.Context(), duration)
	defer cancel()
	var load sync.WaitGroup
	for _, d := range devices {
		load.Go(func() { d.work(ctx) })
	}
	for _, d := range counters {
		load.Go(func() { d.count(ctx) })
	}
	load.Go(func() { carol.turnOnAndOff(ctx, duration) })
	load.Go(func() { c.newcomers(ctx) })
	load.Go(func() { c.finishes.repeatSome(ctx) })
	load.Go(func() { c.breakThings(ctx, 1) })
	load.Wait()
	ctx, cancel = context.WithTimeout(c.Context(), more)
	defer cancel()
	load.Go(func() { c.ways(ctx, "recovering", (*crashWays).recovers) })
	load.Go(func() { c.ways(ctx, "losing", (*crashWays).loses) })
	load.Go(func() { c.ways(ctx, "helped", (*crashWays).helped) })
	load.Go(func() { c.breakThings(ctx, 3) })
	load.Wait()
	c.finishes.calm.Store(true)
	c.waitReady()
	if c.Failed() {
		return
	}
	c.Logf("%d kills, %d crashes of the database, %d messages sent again, operations: %v", c.kills, c.crashes, c.finishes.again, c.counts)

	for _, one := range c.finishes.recent(300) {
		before := one.accepted
		if answer := c.finishes.repeat(one); before > 0 {
			require.Equal(c, 401, answer.StatusCode)
		}
	}
	for _, u := range c.users {
		u.check()
	}
	c.checkDatabase()
}

// breakThings kills a random server now and then, and crashes PostgreSQL. Steps
// of many requests need longer pauses to succeed at all.
func (c *crash) breakThings(ctx context.Context, pause int) {
	r := rand.New(rand.NewPCG(*crashSeed, uint64(pause)))
	if *long {
		pause *= 2 // each crash costs devices tries, which are limited
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(pause*(200+r.IntN(1600))) * time.Millisecond):
		}
		if c.cluster != nil && (c.kills+c.crashes)%6 == 5 {
			if err := c.cluster.Crash(); err != nil {
				c.Error(err)
			}
			c.crashes++
			continue
		}
		c.kill(r.IntN(len(c.servers)))
		c.kills++
		if r.IntN(10) == 0 { // all at once
			for i := range c.servers {
				c.kill(i)
			}
		}
	}
}

// count counts how an operation ended.
func (c *crash) count(operation string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		operation += " failed"
	}
	c.counts[operation]++
}

// newcomers sign up with two names each. If there was no answer, both names have
// the account, or both are free.
func (c *crash) newcomers(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		u := c.user(fmt.Sprint("newcomer", n))
		u.newcomer = true
		d := c.device(u, true)
		_, err := d.SignUp(ctx, u.names(), one(u.passwords[0]))
		c.count("sign-up", err)
		u.signedUp = err == nil
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// checkDatabase checks what is true after every transaction. Each query counts
// violations.
func (c *crash) checkDatabase() {
	db, err := sql.Open(c.driver, c.source)
	require.NoError(c, err)
	defer db.Close()
	for _, violations := range []string{
		`SELECT count(*) FROM sessions WHERE account NOT IN (SELECT id FROM accounts)`,
		`SELECT count(*) FROM sessions s WHERE half = 0 AND way = 'password' AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.token = s.device AND d.account = s.account)`,
		`SELECT count(*) FROM devices WHERE account NOT IN (SELECT id FROM accounts)`,
		`SELECT count(*) FROM names WHERE account IS NULL OR account NOT IN (SELECT id FROM accounts)`,
		`SELECT count(*) FROM accounts a WHERE (SELECT count(*) FROM names n WHERE n.account = a.id) <> CASE WHEN id IN (SELECT former FROM formers) THEN 0 ELSE 2 END`,
		`SELECT count(*) FROM formers WHERE former NOT IN (SELECT id FROM accounts) OR account NOT IN (SELECT id FROM accounts)`,
		`SELECT count(*) FROM accounts a WHERE items <> (SELECT count(*) FROM items i WHERE i.account = a.id)`,
		`SELECT count(*) FROM accounts a WHERE bytes <> (SELECT coalesce(sum(length(key) + length(body)), 0) FROM items i WHERE i.account = a.id)`,
		`SELECT count(*) FROM accounts a WHERE revision <> (SELECT coalesce(max(revision), 0) FROM items i WHERE i.account = a.id)`,
		`SELECT count(*) FROM items WHERE account NOT IN (SELECT account FROM headers)`,
		`SELECT count(*) FROM headers WHERE account NOT IN (SELECT id FROM accounts)`,
		`SELECT count(*) FROM backup_codes WHERE account NOT IN (SELECT account FROM totp WHERE confirmed = 1)`,
		`SELECT count(*) FROM totp t WHERE confirmed = 1 AND NOT EXISTS (SELECT 1 FROM backup_codes b WHERE b.account = t.account)`,
	} {
		var n int
		require.NoError(c, db.QueryRowContext(c.Context(), violations).Scan(&n), violations)
		require.Zero(c, n, violations)
	}
	for _, u := range c.users {
		if u.newcomer {
			continue
		}
		var changes int
		err := db.QueryRowContext(c.Context(), `SELECT count(*) FROM events WHERE account = $1 AND kind = 'changed password'`, u.id[:]).Scan(&changes)
		require.NoError(c, err)
		require.GreaterOrEqual(c, changes, u.changed, "acknowledged changes of the password")
		require.LessOrEqual(c, changes, u.changed+u.perhaps)
	}
	c.checkWays(db)
	if c.driver == "sqlite" {
		var result string
		require.NoError(c, db.QueryRowContext(c.Context(), `PRAGMA integrity_check`).Scan(&result))
		require.Equal(c, "ok", result)
	}
}

// check is after the load. Old devices and a new one agree, and have everything
// that was acknowledged.
func (u *crashUser) check() {
	c, ctx := u.c, u.c.Context()
	if u.newcomer {
		for _, name := range u.names() {
			_, err := c.device(u, true).Login(ctx, name, one(u.passwords[0]))
			if u.signedUp || err == nil {
				require.NoError(c, err, "a sign-up was half done: %s", name)
				u.signedUp = true
			} else {
				require.ErrorIs(c, err, client.ErrAuthentication)
			}
		}
		if !u.signedUp {
			_, err := c.device(u, true).SignUp(ctx, u.names(), one(u.passwords[0]))
			require.NoError(c, err)
		}
		return
	}
	devices := append(u.devices, c.device(u, true))
	for _, d := range devices {
		err := d.enter(ctx)
		for begun := time.Now(); err != nil && !errors.Is(err, errLockedOut) && time.Since(begun) < 100*time.Second; {
			time.Sleep(100 * time.Millisecond)
			err = d.enter(ctx)
		}
		require.NoError(c, err, u.name)
	}
	for range 2 { // the second time, all have what the first has brought
		for _, d := range devices {
			if err := d.Sync(ctx); err != nil && d.resolved(err) {
				c.Logf("%s: %v", u.name, err)
			}
			require.NoError(c, d.Sync(ctx))
		}
	}
	want, err := devices[len(devices)-1].Items(ctx)
	require.NoError(c, err)
	var all strings.Builder
	for _, i := range want {
		require.False(c, i.Unsent)
		require.NotContains(c, u.removed, i.ID, "a deleted item is back")
		all.WriteString(i.Text)
	}
	for _, d := range devices {
		items, err := d.Items(ctx)
		require.NoError(c, err)
		require.Equal(c, want, items)
	}
	highest := 0 // a change whose answer was lost makes a conflict with the next one
	for _, i := range want {
		if strings.HasPrefix(i.Title, "Counter") {
			n, err := strconv.Atoi(i.Text)
			require.NoError(c, err)
			highest = max(highest, n)
		}
	}
	require.GreaterOrEqual(c, highest, u.counted, "an acknowledged change is lost")
	for line := range u.written {
		require.Contains(c, all.String(), line, "an acknowledged change is lost")
	}
	account, err := devices[0].Account(ctx)
	require.NoError(c, err)
	require.ElementsMatch(c, u.names(), account.Names)
	u.id = account.ID
}

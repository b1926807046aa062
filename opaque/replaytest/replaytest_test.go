package replaytest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/opaque/replaytest"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// One store serves both packages.
var (
	_ opaque.Replay = srp.Replay(nil)
	_ srp.Replay    = opaque.Replay(nil)
)

// table is a correct store, which forgets what has expired.
type table struct {
	mu   sync.Mutex
	used map[[16]byte]time.Time
}

func newTable() *table { return &table{used: make(map[[16]byte]time.Time)} }

func (t *table) Consume(ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if until, used := t.used[id]; used && time.Now().Before(until) {
		return false, nil
	}
	t.used[id] = expires
	return true, nil
}

// has and put are the two halves of Consume, between which others may come.
func (t *table) has(id [16]byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	until, used := t.used[id]
	return used && time.Now().Before(until)
}

func (t *table) put(id [16]byte, expires time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used[id] = expires
}

func (t *table) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.used)
}

func TestRunPassesACorrectStore(t *testing.T) {
	t.Parallel()
	store, opened, begin := newTable(), 0, time.Now()
	replaytest.Run(t, func(t *testing.T) opaque.Replay {
		opened++
		return store
	})
	require.GreaterOrEqual(t, opened, len(replaytest.Properties())+3)
	require.Less(t, time.Since(begin), 20*time.Second, "about three seconds, more on a busy machine")
}

// Whether an expired id, or one whose call returned an error, is kept is left
// to the store.
func TestRunPassesOtherCorrectStores(t *testing.T) {
	keep := newTable()
	for name, store := range map[string]replay{
		"keeps ids forever and ignores contexts": func(_ context.Context, id [16]byte, _ time.Time) (bool, error) {
			return keep.Consume(context.Background(), id, time.Now().Add(time.Hour))
		},
		"records before it sees the context": func() replay {
			inner := newTable()
			return func(ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
				first, err := inner.Consume(context.Background(), id, expires)
				if ctx.Err() != nil {
					return false, ctx.Err()
				}
				return first, err
			}
		}(),
		"refuses what has expired": func() replay {
			inner := newTable()
			return func(ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
				if !time.Now().Before(expires) {
					return false, nil
				}
				return inner.Consume(ctx, id, expires)
			}
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replaytest.Run(t, func(*testing.T) opaque.Replay { return store })
		})
	}
}

// A recorder stands in for a test and notes which subtests failed, with what
// message.
type recorder struct {
	ctx    context.Context
	name   string
	failed bool
	notes  *[]string
}

func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Helper()                  {}
func (r *recorder) Errorf(format string, args ...any) {
	r.failed = true
	*r.notes = append(*r.notes, r.name+": "+fmt.Sprintf(format, args...))
}

func (r *recorder) Run(name string, f func(replaytest.Tester)) bool {
	sub := &recorder{ctx: r.ctx, name: strings.TrimPrefix(r.name+"/"+name, "/"), notes: r.notes}
	f(sub)
	r.failed = r.failed || sub.failed
	return !sub.failed
}

// TestFaultsAreFound: each faulty store fails the subtest that is there for it,
// with a message that tells what is wrong.
func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	// All at once, because they wait most of the time.
	notes := make([][]string, len(faults))
	var wg sync.WaitGroup
	for i, f := range faults {
		open := f.store()
		wg.Go(func() {
			replaytest.CheckOnly(&recorder{ctx: t.Context(), notes: &notes[i]}, f.fails, func(replaytest.Tester) opaque.Replay { return open() })
		})
	}
	wg.Wait()
	var needed []string
	for i, f := range faults {
		needed = append(needed, f.fails)
		t.Run(f.name, func(t *testing.T) {
			require.Contains(t, replaytest.Properties(), f.fails)
			require.Len(t, notes[i], 1, "one message for one fault")
			require.True(t, strings.HasPrefix(notes[i][0], f.fails), notes[i][0])
			require.Contains(t, notes[i][0], f.says)
			t.Log(notes[i][0])
		})
	}
	for _, name := range replaytest.Properties() {
		require.True(t, slices.Contains(needed, name), "no fault needs %s", name)
	}
}

func TestCheckRunsEveryProperty(t *testing.T) {
	var notes, names []string
	replaytest.Check(&recorder{ctx: t.Context(), notes: &notes}, func(replaytest.Tester) opaque.Replay { return nil })
	for _, note := range notes {
		require.Contains(t, note, "open returned nil")
		name, _, _ := strings.Cut(note, "/")
		name, _, _ = strings.Cut(name, ":")
		names = append(names, name)
	}
	require.Equal(t, replaytest.Properties(), names)
}

// TestRunFails runs Run with a faulty store, in a process of its own because
// there is no other way to see a testing.T fail.
func TestRunFails(t *testing.T) {
	const key = "NESCIO_REPLAYTEST_FAULTY"
	if os.Getenv(key) != "" {
		replaytest.Run(t, func(*testing.T) opaque.Replay {
			return replay(func(context.Context, [16]byte, time.Time) (bool, error) { return true, nil })
		})
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestRunFails$", "-test.v")
	cmd.Env = append(os.Environ(), key+"=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	for _, name := range replaytest.Properties() {
		require.Contains(t, string(out), "--- FAIL: TestRunFails/"+name, "%s", out)
	}
}

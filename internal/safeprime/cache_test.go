package safeprime_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/stretchr/testify/require"
)

var errBad = errors.New("bad")

func TestProofIsRemembered(t *testing.T) {
	runs := 0
	c := safeprime.NewCache(4, func([]byte, int) error { runs++; return nil })
	for range 3 {
		require.NoError(t, c.Prove(t.Context(), []byte{1, 2}, 2))
	}
	require.Equal(t, 1, runs)
	require.NoError(t, c.Prove(t.Context(), []byte{1, 2}, 5), "the key binds g")
	require.NoError(t, c.Prove(t.Context(), []byte{1, 2}, 1<<32+2), "all of g")
	require.NoError(t, c.Prove(t.Context(), []byte{1, 3}, 2), "the key binds N")
	require.Equal(t, 4, runs)
	c.Remember([]byte{9, 9}, 2)
	require.NoError(t, c.Prove(t.Context(), []byte{9, 9}, 2))
	require.Equal(t, 4, runs)
}

func TestFailureIsNotRemembered(t *testing.T) {
	runs := 0
	c := safeprime.NewCache(4, func([]byte, int) error { runs++; return errBad })
	for range 3 {
		require.ErrorIs(t, c.Prove(t.Context(), []byte{1}, 2), errBad)
	}
	require.Equal(t, 3, runs)
}

func TestCacheIsBounded(t *testing.T) {
	runs := 0
	c := safeprime.NewCache(4, func([]byte, int) error { runs++; return nil })
	for i := range 100 {
		require.NoError(t, c.Prove(t.Context(), []byte{byte(i)}, 2))
	}
	require.Equal(t, 100, runs)
	for i := 96; i < 100; i++ { // the last four are still there
		require.NoError(t, c.Prove(t.Context(), []byte{byte(i)}, 2))
	}
	require.Equal(t, 100, runs)
	require.NoError(t, c.Prove(t.Context(), []byte{95}, 2))
	require.Equal(t, 101, runs)
}

func TestConcurrentCallersShareOneProof(t *testing.T) {
	var runs atomic.Int32
	release := make(chan struct{})
	c := safeprime.NewCache(4, func([]byte, int) error {
		runs.Add(1)
		<-release
		return nil
	})
	var started, done sync.WaitGroup
	for range 20 {
		started.Add(1)
		done.Go(func() {
			started.Done()
			if err := c.Prove(t.Context(), []byte{1}, 2); err != nil {
				t.Error(err)
			}
		})
	}
	started.Wait()
	close(release)
	done.Wait()
	require.EqualValues(t, 1, runs.Load())
}

func TestAWaitersContextDoesNotEndTheProof(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	runs := 0
	c := safeprime.NewCache(4, func([]byte, int) error {
		runs++
		close(began)
		<-release
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() { first <- c.Prove(ctx, []byte{1}, 2) }()
	<-began
	cancel()
	require.ErrorIs(t, <-first, context.Canceled)

	second := make(chan error)
	go func() { second <- c.Prove(t.Context(), []byte{1}, 2) }()
	close(release)
	require.NoError(t, <-second)
	require.Equal(t, 1, runs)
	require.ErrorIs(t, c.Prove(ctx, []byte{2}, 2), context.Canceled, "nothing is begun for a caller who has left")
	require.Equal(t, 1, runs)
}

func TestProve(t *testing.T) {
	g := groups(t)[1]
	require.NoError(t, safeprime.Prove(t.Context(), g.N, g.G))
	require.Error(t, safeprime.Prove(t.Context(), g.N, 4))
	safeprime.Remember([]byte{1}, 2)
	require.NoError(t, safeprime.Prove(t.Context(), []byte{1}, 2))
}

func BenchmarkProve(b *testing.B) {
	g := groups(b)[0]
	b.Run("2048/again", func(b *testing.B) {
		require.NoError(b, safeprime.Prove(b.Context(), g.N, g.G))
		b.ReportAllocs()
		for b.Loop() {
			if err := safeprime.Prove(b.Context(), g.N, g.G); err != nil {
				b.Fatal(err)
			}
		}
	})
}

package safeprime_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/stretchr/testify/require"
)

var errBad = errors.New("bad")

func anyGenerator([]byte, int) error { return nil }

func TestProofIsRemembered(t *testing.T) {
	primes, generators := 0, 0
	c := safeprime.NewCache(8,
		func([]byte, int) error { generators++; return nil },
		func([]byte) error { primes++; return nil })
	prove := func(n byte, g int) {
		require.NoError(t, c.Prove(t.Context(), []byte{1, n}, g))
	}
	for range 3 {
		prove(2, 2)
	}
	require.Equal(t, []int{1, 1}, []int{primes, generators})
	prove(2, 5)
	require.Equal(t, []int{1, 2}, []int{primes, generators}, "the key binds g, the long part N alone")
	prove(3, 2)
	require.Equal(t, []int{2, 3}, []int{primes, generators})
	if math.MaxInt > math.MaxInt32 {
		wide := math.MaxInt32
		prove(2, wide*2+4) // 2^32 + 2
		require.Equal(t, []int{2, 4}, []int{primes, generators}, "all of g")
	}
}

// TestTrustIsApart: what a device vouches for satisfies no proof.
func TestTrustIsApart(t *testing.T) {
	c := safeprime.NewCache(4, func([]byte, int) error { return errBad }, func([]byte) error { return errBad })
	require.ErrorIs(t, c.ProveOrTrust(t.Context(), []byte{9}, 2), errBad)
	c.Trust([]byte{9}, 2)
	require.NoError(t, c.ProveOrTrust(t.Context(), []byte{9}, 2))
	require.ErrorIs(t, c.Prove(t.Context(), []byte{9}, 2), errBad)
	require.ErrorIs(t, c.ProveOrTrust(t.Context(), []byte{9}, 3), errBad)
	require.ErrorIs(t, c.ProveOrTrust(t.Context(), []byte{8}, 2), errBad)
	for i := range 4 {
		c.Trust([]byte{byte(i)}, 2)
	}
	require.ErrorIs(t, c.ProveOrTrust(t.Context(), []byte{9}, 2), errBad, "bounded, too")
}

func TestWrongGeneratorOfAProvedPrime(t *testing.T) {
	c := safeprime.NewCache(4, func(_ []byte, g int) error {
		if g == 4 {
			return errBad
		}
		return nil
	}, func([]byte) error { return nil })
	require.NoError(t, c.Prove(t.Context(), []byte{1}, 2))
	require.ErrorIs(t, c.Prove(t.Context(), []byte{1}, 4), errBad)
}

func TestFailureIsNotRemembered(t *testing.T) {
	runs := 0
	c := safeprime.NewCache(4, anyGenerator, func([]byte) error { runs++; return errBad })
	for range 3 {
		require.ErrorIs(t, c.Prove(t.Context(), []byte{1}, 2), errBad)
	}
	require.Equal(t, 3, runs)
}

func TestCacheIsBounded(t *testing.T) {
	runs := 0
	c := safeprime.NewCache(4, anyGenerator, func([]byte) error { runs++; return nil })
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
	c := safeprime.NewCache(4, anyGenerator, func([]byte) error {
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
	c := safeprime.NewCache(4, anyGenerator, func([]byte) error {
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
	safeprime.Trust([]byte{1}, 2)
	require.NoError(t, safeprime.ProveOrTrust(t.Context(), []byte{1}, 2))
	require.Error(t, safeprime.Prove(t.Context(), []byte{1}, 2))
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

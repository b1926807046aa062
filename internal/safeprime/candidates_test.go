package safeprime

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCandidatesSettleInOrder: what is reported as settled is, whoever is
// slower, and nothing behind a hit is begun.
func TestCandidatesSettleInOrder(t *testing.T) {
	c := &candidates{slots: make([]uint32, 6), best: 6}
	for want := range 4 {
		i, ok := c.take()
		require.True(t, ok)
		require.Equal(t, want, i)
	}
	settled := func(want int) {
		i, _ := c.settled()
		require.Equal(t, want, i)
	}
	settled(0)
	c.settle(1, false)
	settled(0)
	c.settle(0, false)
	settled(2)
	c.settle(3, true)
	settled(2)
	_, ok := c.take()
	require.False(t, ok, "the fifth is behind a hit")
	c.settle(2, true)
	settled(2)
	require.Equal(t, 2, c.best, "the first hit, though it came last")
	_, tests := c.settled()
	require.EqualValues(t, 4, tests)
}

// TestNoProofRestsOnTheFastTest: a fast test that takes every number for a safe
// prime finds none that is not.
func TestNoProofRestsOnTheFastTest(t *testing.T) {
	base := FirstSlot(new(big.Int).Lsh(one, 20))
	liar := &Search{test: func(n, e *big.Int) *big.Int { return new(big.Int).Sub(n, one) }}
	found, half := 0, 0
	for i := range uint64(2000) {
		p := Slot(base, i)
		q := new(big.Int).Rsh(p, 1)
		want := p.ProbablyPrime(0) && q.ProbablyPrime(0) // exact below 2^64
		require.Equal(t, want, liar.isSafePrime(t.Context(), p), "%v", p)
		if want {
			found++
		} else if q.ProbablyPrime(0) {
			half++ // only the last test refuses it
		}
	}
	require.NotZero(t, found)
	require.NotZero(t, half)
}

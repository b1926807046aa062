package kdf_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/stretchr/testify/require"
)

// derive is what a caller does with parameters from elsewhere. It counts how
// often the algorithm ran.
func derive(t testing.TB, p kdf.Params, pol kdf.Policy) (runs int, err error) {
	f, err := kdf.NewWith(p, pol, func() { runs++ })
	if err != nil {
		return runs, err
	}
	_, err = f.Derive(context.Background(), []byte("password"), 32)
	require.NoError(t, err)
	return runs, nil
}

// limits around which the zero policy decides. Memory in KiB.
var limits = []struct {
	p    kdf.Params
	want error
}{
	{must(kdf.NewPBKDF2SHA512(1)), kdf.ErrWeak},
	{must(kdf.NewPBKDF2SHA512(209_999)), kdf.ErrWeak},
	{must(kdf.NewPBKDF2SHA512(210_000)), nil},
	{must(kdf.NewPBKDF2SHA512(1 << 26)), nil},
	{must(kdf.NewPBKDF2SHA512(1<<26 + 1)), kdf.ErrExcessive},
	{must(kdf.NewPBKDF2SHA512(math.MaxInt32)), kdf.ErrExcessive},

	{kdf.Default(), nil},
	{must(kdf.NewArgon2id(19<<10, 2, 1)), nil},
	{must(kdf.NewArgon2id(19<<10-1, 3, 1)), kdf.ErrWeak},
	{must(kdf.NewArgon2id(19<<10, 1, 1)), kdf.ErrWeak},
	{must(kdf.NewArgon2id(38<<10-1, 1, 1)), kdf.ErrWeak},
	{must(kdf.NewArgon2id(38<<10, 1, 1)), nil},
	{must(kdf.NewArgon2id(8, 1, 1)), kdf.ErrWeak},
	{must(kdf.NewArgon2id(64<<10, 3, 16)), nil},
	{must(kdf.NewArgon2id(64<<10, 3, 17)), kdf.ErrExcessive},
	{must(kdf.NewArgon2id(64<<10, 3, 255)), kdf.ErrExcessive},
	{must(kdf.NewArgon2id(64<<10, 64, 4)), nil},
	{must(kdf.NewArgon2id(32<<10, 65, 4)), kdf.ErrExcessive},
	{must(kdf.NewArgon2id(256<<10, 1, 4)), nil},
	{must(kdf.NewArgon2id(256<<10+1, 1, 4)), kdf.ErrExcessive},
	{must(kdf.NewArgon2id(256<<10, 16, 4)), nil},
	{must(kdf.NewArgon2id(256<<10, 17, 4)), kdf.ErrExcessive},
	{must(kdf.NewArgon2id(64<<10+1, 64, 4)), kdf.ErrExcessive},
	{kdf.RFC9807Argon2id(), kdf.ErrExcessive},
	{must(kdf.NewArgon2id(math.MaxInt32, math.MaxInt32, 255)), kdf.ErrExcessive},
	// Products that would be small in 32 bits.
	{must(kdf.NewArgon2id(256<<10, 1<<14+1, 4)), kdf.ErrExcessive},
	{must(kdf.NewArgon2id(1<<30, 4, 4)), kdf.ErrExcessive},

	{must(kdf.NewScrypt(1<<15, 8, 1)), kdf.ErrWeak},
	{kdf.RFC9807Scrypt(), kdf.ErrWeak},
	{must(kdf.NewScrypt(1<<16, 8, 1)), nil},
	{must(kdf.NewScrypt(1<<16, 7, 1)), kdf.ErrWeak},
	{must(kdf.NewScrypt(1<<16, 9, 1)), kdf.ErrExcessive},
	{must(kdf.NewScrypt(1<<16, 8, 4)), nil},
	{must(kdf.NewScrypt(1<<16, 8, 5)), kdf.ErrExcessive},
	{must(kdf.NewScrypt(1<<18, 8, 1)), nil},
	{must(kdf.NewScrypt(1<<19, 8, 1)), kdf.ErrExcessive},
	{must(kdf.NewScrypt(1<<27, 8, 4)), kdf.ErrExcessive},

	{kdf.Params{}, kdf.ErrUnknown},
	{withheld, kdf.ErrIncomplete},
}

func TestPolicyComesBeforeWork(t *testing.T) {
	for _, c := range limits {
		salted := must(c.p.WithSalt([]byte("saltsaltsaltsalt")))
		runs, err := derive(t, salted, kdf.Policy{})
		if c.want == nil {
			require.NoError(t, err)
			require.Equal(t, 1, runs, c.p)
		} else {
			require.Zero(t, runs, c.p)
			require.ErrorIs(t, err, c.want, "%v", c.p)
		}
		require.ErrorIs(t, kdf.Policy{}.Check(c.p), c.want, "%v", c.p)
		if c.want != nil {
			require.Zero(t, testing.AllocsPerRun(3, func() { kdf.New(salted, kdf.Policy{}) }), "nothing is allocated, so nothing is hashed")
		}

		runs, err = derive(t, c.p, kdf.Policy{})
		require.Zero(t, runs)
		if c.want == nil {
			require.ErrorIs(t, err, kdf.ErrIncomplete, "without a salt")
		}
	}
}

// TestProductsHave64Bits: memory times passes that is small in 32 bits.
func TestProductsHave64Bits(t *testing.T) {
	most := kdf.Policy{
		Argon2id: kdf.Argon2idLimits{MaxMemory: math.MaxUint32, MaxPasses: math.MaxUint32},
		Scrypt:   kdf.ScryptLimits{MaxParallelism: math.MaxUint32},
	}
	require.ErrorIs(t, most.Check(must(kdf.NewArgon2id(1<<20, 1<<12+1, 4))), kdf.ErrExcessive)
	require.ErrorIs(t, most.Check(must(kdf.NewArgon2id(1<<16+1, 1<<16, 4))), kdf.ErrExcessive)
	require.ErrorIs(t, most.Check(must(kdf.NewScrypt(1<<23, 8, 1))), kdf.ErrExcessive)
	require.ErrorIs(t, most.Check(must(kdf.NewScrypt(1<<25, 8, 1))), kdf.ErrExcessive)
}

func TestErrorsNameTheLimit(t *testing.T) {
	for _, c := range []struct {
		p    kdf.Params
		want string
	}{
		{must(kdf.NewPBKDF2SHA512(209_999)), "kdf: parameters below the policy's floor: iterations"},
		{must(kdf.NewPBKDF2SHA512(1<<26 + 1)), "kdf: parameters above the policy's ceiling: iterations"},
		{must(kdf.NewArgon2id(19<<10-1, 3, 1)), "kdf: parameters below the policy's floor: memory"},
		{must(kdf.NewArgon2id(19<<10, 1, 1)), "kdf: parameters below the policy's floor: memory times passes"},
		{must(kdf.NewArgon2id(256<<10+1, 1, 4)), "kdf: parameters above the policy's ceiling: memory"},
		{must(kdf.NewArgon2id(32<<10, 65, 4)), "kdf: parameters above the policy's ceiling: passes"},
		{must(kdf.NewArgon2id(64<<10, 3, 17)), "kdf: parameters above the policy's ceiling: parallelism"},
		{must(kdf.NewArgon2id(256<<10, 17, 4)), "kdf: parameters above the policy's ceiling: memory times passes"},
		{must(kdf.NewScrypt(1<<15, 8, 1)), "kdf: parameters below the policy's floor: N"},
		{must(kdf.NewScrypt(1<<16, 7, 1)), "kdf: parameters below the policy's floor: block size r"},
		{must(kdf.NewScrypt(1<<16, 9, 1)), "kdf: parameters above the policy's ceiling: block size r"},
		{must(kdf.NewScrypt(1<<16, 8, 5)), "kdf: parameters above the policy's ceiling: parallelism"},
		{must(kdf.NewScrypt(1<<19, 8, 1)), "kdf: parameters above the policy's ceiling: memory"},
		// Weak and excessive at once. A caller that falls back to a fixed
		// policy for weak parameters must not get these.
		{must(kdf.NewArgon2id(8, 1<<20, 1)), "kdf: parameters above the policy's ceiling: passes"},
	} {
		require.EqualError(t, kdf.Policy{}.Check(c.p), c.want)
	}
}

func TestShortSaltsAreWeak(t *testing.T) {
	for n := 1; n < 16; n++ {
		p := must(kdf.Default().WithSalt(make([]byte, n)))
		runs, err := derive(t, p, kdf.Policy{})
		require.Zero(t, runs)
		require.ErrorIs(t, err, kdf.ErrWeak)
		runs, err = derive(t, p, kdf.FixedPolicy(kdf.Default()))
		require.Zero(t, runs)
		require.ErrorIs(t, err, kdf.ErrWeak, "the fixed policy has no salt")
		runs, err = derive(t, p, kdf.FixedPolicy(p))
		require.Equal(t, 1, runs)
		require.NoError(t, err)
		if n > 1 {
			_, err = derive(t, must(p.WithSalt(make([]byte, n-1))), kdf.FixedPolicy(p))
			require.ErrorIs(t, err, kdf.ErrWeak)
		}
	}
	long := must(kdf.Default().WithSalt(make([]byte, 64)))
	_, err := derive(t, must(long.WithSalt(make([]byte, 16))), kdf.FixedPolicy(long))
	require.NoError(t, err)
}

func TestFloorsCannotBeLowered(t *testing.T) {
	low := kdf.Policy{
		PBKDF2SHA512: kdf.PBKDF2Limits{Min: 1},
		Argon2id:     kdf.Argon2idLimits{MinMemory: 8, MinWork: 8},
		Scrypt:       kdf.ScryptLimits{MinN: 2},
	}
	for _, c := range limits {
		require.ErrorIs(t, low.Check(c.p), c.want, "%v", c.p)
	}
}

func TestLimitsCanBeSet(t *testing.T) {
	pol := kdf.Policy{
		PBKDF2SHA512: kdf.PBKDF2Limits{Min: 600_000, Max: 700_000},
		Argon2id: kdf.Argon2idLimits{MinMemory: 64 << 10, MaxMemory: 2<<20 - 4, MaxPasses: 100, MaxParallelism: 32,
			MinWork: 128 << 10, MaxWork: 8 << 20},
		Scrypt: kdf.ScryptLimits{MinN: 1 << 17, MaxMemory: 256 << 10, MaxParallelism: 8},
	}
	for _, c := range []struct {
		p    kdf.Params
		want error
	}{
		{must(kdf.NewPBKDF2SHA512(599_999)), kdf.ErrWeak},
		{must(kdf.NewPBKDF2SHA512(600_000)), nil},
		{must(kdf.NewPBKDF2SHA512(700_000)), nil},
		{must(kdf.NewPBKDF2SHA512(700_001)), kdf.ErrExcessive},
		{must(kdf.NewArgon2id(64<<10, 2, 32)), nil},
		{must(kdf.NewArgon2id(64<<10-1, 3, 32)), kdf.ErrWeak},
		{must(kdf.NewArgon2id(64<<10, 1, 32)), kdf.ErrWeak},
		{must(kdf.NewArgon2id(64<<10, 2, 33)), kdf.ErrExcessive},
		{must(kdf.NewArgon2id(2<<20-4, 1, 4)), nil},
		{must(kdf.NewArgon2id(2<<20-4, 4, 4)), nil},
		{must(kdf.NewArgon2id(2<<20-4, 5, 4)), kdf.ErrExcessive},
		{must(kdf.NewArgon2id(64<<10, 100, 4)), nil},
		{must(kdf.NewArgon2id(64<<10, 101, 4)), kdf.ErrExcessive},
		{must(kdf.NewScrypt(1<<16, 8, 1)), kdf.ErrWeak},
		{must(kdf.NewScrypt(1<<17, 8, 8)), nil},
		{must(kdf.NewScrypt(1<<17, 8, 9)), kdf.ErrExcessive},
		{must(kdf.NewScrypt(1<<18, 8, 1)), nil},
		{must(kdf.NewScrypt(1<<19, 8, 1)), kdf.ErrExcessive},
	} {
		require.ErrorIs(t, pol.Check(c.p), c.want, "%v", c.p)
	}
}

func TestFixedPolicyAllowsOneSetOfCosts(t *testing.T) {
	for _, c := range limits {
		if c.want == kdf.ErrUnknown || c.want == kdf.ErrIncomplete {
			for _, d := range limits {
				require.Error(t, kdf.FixedPolicy(c.p).Check(d.p), "a fixed policy of nothing allows nothing")
			}
			continue
		}
		for _, d := range limits {
			err := kdf.FixedPolicy(c.p).Check(d.p)
			switch {
			case d.p == c.p && d.p.Memory() > math.MaxInt:
				require.ErrorIs(t, err, kdf.ErrExcessive, "more than the machine can address")
			case d.want == kdf.ErrIncomplete:
				require.ErrorIs(t, err, kdf.ErrIncomplete)
			case d.p == c.p:
				require.NoError(t, err)
			case d.p.Algorithm() != c.p.Algorithm():
				require.ErrorIs(t, err, kdf.ErrUnknown)
			case d.p.Cost() < c.p.Cost():
				require.ErrorIs(t, err, kdf.ErrWeak)
			default:
				require.ErrorIs(t, err, kdf.ErrExcessive)
			}
		}
	}
}

func TestNeedsUpgradeBelowTheFloor(t *testing.T) {
	for _, c := range limits {
		if c.p.Cost() == 0 || c.p.Memory() > math.MaxInt {
			continue
		}
		p := c.p.WithNewSalt()
		f, err := kdf.New(p, kdf.FixedPolicy(p))
		require.NoError(t, err)
		require.Equal(t, errors.Is(c.want, kdf.ErrWeak), f.NeedsUpgrade(), c.p)
		require.Equal(t, f.NeedsUpgrade(), p.NeedsUpgrade())
	}
	require.False(t, kdf.Params{}.NeedsUpgrade())
	require.False(t, withheld.NeedsUpgrade(), "it does not say how many")
	// Weak by one measure and excessive by another.
	require.True(t, must(kdf.NewArgon2id(8<<10, 100, 1)).NeedsUpgrade())
}

// TestGateBounds: no more than its number run at once, and who waits in vain
// leaves when its context ends.
func TestGateBounds(t *testing.T) {
	for _, n := range []int{-1, 1, 3} {
		p := must(kdf.NewArgon2id(8, 1, 1)).WithNewSalt()
		pol := kdf.FixedPolicy(p)
		pol.Gate = kdf.NewGate(n)
		var running, most, ran atomic.Int32
		f, err := kdf.NewWith(p, pol, func() {
			now := running.Add(1)
			for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
			}
			time.Sleep(2 * time.Millisecond)
			running.Add(-1)
			ran.Add(1)
		})
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, err := f.Derive(t.Context(), []byte("password"), 32)
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, int32(max(n, 1)), most.Load())
		require.Equal(t, int32(20), ran.Load())
	}
}

func TestGateLetsGoOfTheCancelled(t *testing.T) {
	p := must(kdf.NewScrypt(2, 1, 1)).WithNewSalt()
	pol := kdf.FixedPolicy(p)
	pol.Gate = kdf.NewGate(1)
	const calls = 100
	inside, leave := make(chan struct{}, calls+2), make(chan struct{})
	f, err := kdf.NewWith(p, pol, func() {
		inside <- struct{}{}
		select {
		case <-leave:
		case <-time.After(10 * time.Second): // who should not have come in
		}
	})
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() { f.Derive(t.Context(), []byte("password"), 32) })
	<-inside

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = f.Derive(ctx, []byte("password"), 32)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	close(leave)
	wg.Wait()

	// A place that is free does not help one whose context ends meanwhile.
	for range calls {
		_, err = f.Derive(&endsAfterOneLook{Context: t.Context()}, []byte("password"), 32)
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Empty(t, inside)

	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = f.Derive(ctx, []byte("password"), 32)
	require.NoError(t, err, "the place is free again")
}

// endsAfterOneLook is a context that ends between two looks at it.
type endsAfterOneLook struct {
	context.Context
	looks int
}

func (c *endsAfterOneLook) Err() error {
	if c.looks++; c.looks == 1 {
		return nil
	}
	return context.Canceled
}

func (c *endsAfterOneLook) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

// TestZeroValues do nothing, and do not hang.
func TestZeroValues(t *testing.T) {
	p := must(kdf.NewArgon2id(8, 1, 1)).WithNewSalt()
	pol := kdf.FixedPolicy(p)
	pol.Gate = new(kdf.Gate)
	runs, err := derive(t, p, pol)
	require.NoError(t, err)
	require.Equal(t, 1, runs, "the zero Gate bounds nothing")
	_, err = new(kdf.Function).Derive(t.Context(), []byte("password"), 32)
	require.ErrorIs(t, err, kdf.ErrUnknown)
}

// TestPBKDF2DoesNotWaitAtTheGate, since it takes no memory.
func TestPBKDF2DoesNotWaitAtTheGate(t *testing.T) {
	gate := kdf.NewGate(1)
	p, q := must(kdf.NewArgon2id(8, 1, 1)).WithNewSalt(), must(kdf.NewPBKDF2SHA512(1)).WithNewSalt()
	pPol, qPol := kdf.FixedPolicy(p), kdf.FixedPolicy(q)
	pPol.Gate, qPol.Gate = gate, gate
	f := must(kdf.New(q, qPol))
	holder := must(kdf.NewWith(p, pPol, func() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := f.Derive(ctx, []byte("password"), 32)
		require.NoError(t, err)
	}))
	_, err := holder.Derive(t.Context(), []byte("password"), 32)
	require.NoError(t, err)
}

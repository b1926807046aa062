package kdf

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"time"

	"github.com/nescio-go/nescio/internal/memlimit"
)

// DefaultTarget replaces a target of 0 or less.
const DefaultTarget = time.Second

// Report is the result of [Calibrate].
type Report struct {
	Params             Params // without a salt
	Target             time.Duration
	Measured, Slowest  time.Duration // of the fastest and the slowest sample
	AtFloor, AtCeiling bool          // the policy decided
	MemoryLimited      bool          // the available memory decided
}

// BelowDefault reports whether Argon2id got less than [Default].
func (r Report) BelowDefault() bool {
	return r.Params.algorithm == Argon2id && r.Params.Cost() < Default().Cost()
}

// Unsteady reports whether samples differ by more than a quarter.
func (r Report) Unsteady() bool { return r.Slowest > r.Measured+r.Measured/4 }

// String returns a line for a log.
func (r Report) String() string {
	limit := ""
	switch {
	case r.AtFloor:
		limit = ", at the policy's floor"
	case r.MemoryLimited:
		limit = ", at the memory that the process may take"
	case r.AtCeiling:
		limit = ", at the policy's ceiling"
	}
	if r.BelowDefault() {
		limit += ", below kdf.Default"
	}
	if r.Unsteady() {
		limit += fmt.Sprintf(", up to %v: the machine is busy or throttled", r.Slowest.Round(time.Millisecond))
	}
	return fmt.Sprintf("%v takes %v of %v%s", r.Params, r.Measured.Round(time.Millisecond), r.Target, limit)
}

// Calibrate returns costs within the policy that take about target on this
// machine, or longer at its floors. Pass the same policy to [New]. It takes a
// second for PBKDF2 and ten to thirty targets for the others, at most a third
// of the available memory, and a place of the [Gate].
//
// It returns [ErrUnknown] for an unknown algorithm or a [FixedPolicy],
// [ErrExcessive] for floors that cannot be met, or the error of ctx.
func Calibrate(ctx context.Context, a Algorithm, target time.Duration, pol Policy) (Report, error) {
	return calibrate(ctx, a, target, pol, func() uint64 { return memlimit.Now().Available() }, stopwatch{time.Now, func(ctx context.Context, p Params) error {
		if p.Memory() > 0 {
			runtime.GC() // otherwise memory of earlier derivations is still counted
		}
		f := &Function{params: p, derive: a.core()}
		f.params.salt = "calibration salt"
		_, err := f.Derive(ctx, []byte("a password to measure by"), 32)
		return err
	}})
}

func calibrate(ctx context.Context, a Algorithm, target time.Duration, pol Policy, available func() uint64, w stopwatch) (Report, error) {
	if pol.fixed {
		return Report{}, errFixed
	}
	if target <= 0 {
		target = DefaultTarget
	}
	target = min(target, math.MaxInt64/2) // the tolerance is added to it
	// Waiting at the Gate must not be part of what is timed.
	leave, err := pol.Gate.enter(ctx, a)
	if err != nil {
		return Report{}, err
	}
	defer leave()
	wanted := pol.resolved()
	pol = wanted.allocatable(math.MaxUint64)
	if a != PBKDF2SHA512 { // PBKDF2 takes no memory
		pol = wanted.allocatable(available())
	}
	limited := a == Argon2id && pol.Argon2id.MaxMemory < wanted.Argon2id.MaxMemory ||
		a == Scrypt && pol.Scrypt.MaxMemory < wanted.Scrypt.MaxMemory
	var r Report
	switch a {
	case PBKDF2SHA512:
		r, err = w.pbkdf2(ctx, target, pol.PBKDF2SHA512)
	case Argon2id:
		r, err = w.argon2id(ctx, target, pol.Argon2id)
	case Scrypt:
		r, err = w.scrypt(ctx, target, pol.Scrypt)
	default:
		err = ErrUnknown
	}
	if err == errLimits && limited {
		err = errMemory
	}
	if err == nil {
		err = pol.Check(r.Params)
	}
	if err != nil {
		return Report{}, err
	}
	r.Target = target
	r.MemoryLimited = limited && (r.AtCeiling || a == Argon2id && r.Params.m+mebibyte > pol.Argon2id.MaxMemory)
	return r, nil
}

// allocatable lowers the ceilings to values that parameters can express, to
// half of the machine's address space, and to a third of the bytes that the
// process may still take. The rest is for memory of earlier derivations that is
// not freed yet, and for fragmentation.
func (pol Policy) allocatable(available uint64) Policy {
	memory := uint32(min(addressable()>>11+1, available/3>>10, maxCost))
	pol.PBKDF2SHA512.Max = min(pol.PBKDF2SHA512.Max, maxCost)
	pol.Argon2id.MaxMemory = min(pol.Argon2id.MaxMemory, memory)
	pol.Argon2id.MaxPasses = min(pol.Argon2id.MaxPasses, maxCost)
	pol.Argon2id.MaxParallelism = min(pol.Argon2id.MaxParallelism, 255)
	pol.Scrypt.MaxMemory = min(pol.Scrypt.MaxMemory, memory, 1<<28) // as NewScrypt
	return pol
}

// stopwatch is a clock and the derivation that it times.
type stopwatch struct {
	now func() time.Time
	run func(ctx context.Context, p Params) error
}

const (
	sampleTime = 200 * time.Millisecond // of one sample, at least: longer than the period of a CPU quota
	samples    = 3                      // at least
	sampling   = 5 * sampleTime         // of all samples, at least
)

// time returns the time of one derivation: after a warm-up, the fastest and the
// slowest of several samples, which together take at least the given time. The
// fastest counts, because other work on the machine can only slow a sample
// down. If the clock stands still, as in testing/synctest, time does not
// return.
func (w stopwatch) time(ctx context.Context, p Params, all time.Duration) (fastest, slowest time.Duration, err error) {
	if err := w.run(ctx, p); err != nil {
		return 0, 0, err
	}
	fastest, total := time.Duration(math.MaxInt64), time.Duration(0)
	for i := 0; i < samples || total < all; i++ {
		elapsed, runs := time.Duration(0), 0
		for start := w.now(); elapsed < sampleTime; runs++ {
			if err := w.run(ctx, p); err != nil {
				return 0, 0, err
			}
			elapsed = w.now().Sub(start)
		}
		each := elapsed / time.Duration(runs)
		fastest, slowest = min(fastest, each), max(slowest, each)
		total += elapsed
	}
	return fastest, slowest, nil
}

// scale returns work · target / took, for a work that took that long.
func scale(work uint64, target, took time.Duration) uint64 {
	return uint64(min(float64(work)*float64(target)/float64(max(took, 1)), 1<<62))
}

// pbkdf2 times few iterations and multiplies.
func (w stopwatch) pbkdf2(ctx context.Context, target time.Duration, l PBKDF2Limits) (r Report, err error) {
	if l.Min > l.Max {
		return Report{}, errLimits
	}
	probe := Params{algorithm: PBKDF2SHA512, n: 1 << 14}
	// A machine that others share changes its speed for longer than a sample
	// takes: look at it for as long as a derivation would, up to a second.
	took, slowest, err := w.time(ctx, probe, min(max(sampling, target), time.Second))
	if err != nil {
		return Report{}, err
	}
	n := scale(uint64(probe.n), target, took)
	r.AtFloor, r.AtCeiling = n < uint64(l.Min), n > uint64(l.Max)
	r.Params = Params{algorithm: PBKDF2SHA512, n: clamp(n, l.Min, l.Max)}
	scaled := func(d time.Duration) time.Duration {
		return time.Duration(scale(uint64(d), time.Duration(r.Params.n), time.Duration(probe.n)))
	}
	r.Measured, r.Slowest = scaled(took), scaled(slowest)
	return r, nil
}

// argon2id starts at the floor and raises memory until the target or the
// ceiling is reached. Then it raises the passes. It uses 4 lanes, or fewer if
// the limits require it.
func (w stopwatch) argon2id(ctx context.Context, target time.Duration, l Argon2idLimits) (Report, error) {
	least, mostMemory, err := l.floor()
	if err != nil {
		return Report{}, err
	}
	r, err := w.report(ctx, least)
	if err != nil || r.Measured > target {
		r.AtFloor = true
		return r, err
	}
	r, err = w.raise(ctx, r, target, target, mostMemory, mebibyte, func(p *Params) *uint32 { return &p.m })
	if err != nil {
		return r, err
	}
	mostPasses := clamp(l.MaxWork/uint64(r.Params.m), 1, l.MaxPasses)
	r, err = w.raise(ctx, r, target+tolerance(target), target, mostPasses, 1, func(p *Params) *uint32 { return &p.t })
	r.AtCeiling = r.Params.m == mostMemory && r.Params.t == mostPasses && r.Measured < target
	return r, err
}

const (
	rounds = 3 // how often raise tries a cost
	step   = 4 // how many times as much raise tries at once

	mebibyte = 1 << 10 // in KiB
)

// raise increases one cost of the best parameters, in whole units and up to
// most, until a derivation takes about as long as goal. It measures each
// attempt and corrects it, because time is not quite proportional to cost and
// rises fast where the machine's memory ends. It increases the cost by a factor
// of at most step at a time. It returns the last parameters that took no longer
// than the target and its tolerance.
func (w stopwatch) raise(ctx context.Context, best Report, goal, target time.Duration,
	most, unit uint32, cost func(p *Params) *uint32) (Report, error) {
	tooMuch := uint64(most) + 1
	for r, i := best, 0; i < rounds && !near(best.Measured, target); i++ {
		least := uint64(*cost(&best.Params))
		next := min(scale(uint64(*cost(&r.Params)), goal, r.Measured)/uint64(unit)*uint64(unit), uint64(most))
		if next > step*least {
			next = step * least
			i-- // a step on the way is not a round
		}
		if next < least || next >= tooMuch {
			next = (least + tooMuch) / 2 / uint64(unit) * uint64(unit)
		}
		if next <= least {
			break
		}
		p := best.Params
		*cost(&p) = uint32(next)
		var err error
		if r, err = w.report(ctx, p); err != nil {
			return r, err
		}
		if r.Measured > target+tolerance(target) {
			tooMuch = next
		} else {
			best = r
		}
	}
	return best, nil
}

// floor returns the cheapest parameters within the limits, with as few passes
// as the memory's ceiling permits. It also returns this ceiling in KiB.
func (l Argon2idLimits) floor() (least Params, mostMemory uint32, err error) {
	m := min(max(uint64(l.MinMemory), l.MinWork), uint64(l.MaxMemory))
	t := (l.MinWork-1)/m + 1
	if m < uint64(l.MinMemory) || t > uint64(l.MaxPasses) || m*t > l.MaxWork {
		return Params{}, 0, errLimits
	}
	least = Params{algorithm: Argon2id, m: uint32(m), t: uint32(t), p: min(4, l.MaxParallelism)}
	return least, uint32(min(uint64(l.MaxMemory), l.MaxWork/t)), nil
}

// scrypt doubles N as long as a derivation stays within the target. Up to half
// of the target may stay unused.
func (w stopwatch) scrypt(ctx context.Context, target time.Duration, l ScryptLimits) (Report, error) {
	p := Params{algorithm: Scrypt, n: 1 << bits.Len32(l.MinN-1), r: scryptR, p: 1}
	most := l.MaxMemory // KiB, and N: 128·N·r is N KiB
	if l.MinN > 1<<30 || p.n > most {
		return Report{}, errLimits
	}
	r, err := w.report(ctx, p)
	if err != nil || r.Measured > target {
		r.AtFloor = true
		return r, err
	}
	for 2*r.Measured <= target {
		if p.n *= 2; p.n > most {
			r.AtCeiling = true
			break
		}
		next, err := w.report(ctx, p)
		if err != nil {
			return Report{}, err
		}
		if next.Measured > target {
			break
		}
		r = next
	}
	return r, nil
}

// report times p.
func (w stopwatch) report(ctx context.Context, p Params) (r Report, err error) {
	r.Params = p
	r.Measured, r.Slowest, err = w.time(ctx, p, sampling)
	return r, err
}

// near reports whether a time is close enough to the target.
func near(took, target time.Duration) bool { return (took - target).Abs() <= tolerance(target) }

// tolerance is 5 % of the target.
func tolerance(target time.Duration) time.Duration { return target / 20 }

func clamp(v uint64, least, most uint32) uint32 {
	return uint32(max(uint64(least), min(v, uint64(most))))
}

package kdf

import (
	"math"
	"runtime"
)

// Policy limits costs. A limit of 0 means the default. A floor below the
// default has no effect: weaker parameters need a [FixedPolicy].
type Policy struct {
	PBKDF2SHA512 PBKDF2Limits
	Argon2id     Argon2idLimits
	Scrypt       ScryptLimits

	Gate *Gate // share one; nil means no limit

	fixed   bool
	fixedTo Params
}

// PBKDF2Limits defaults to 210,000 and 2^26 iterations.
type PBKDF2Limits struct {
	Min, Max uint32
}

// Argon2idLimits defaults to 19 to 256 MiB of memory, 64 passes, 16 lanes, and
// 38 MiB to 4 GiB of memory times passes.
type Argon2idLimits struct {
	MinMemory, MaxMemory uint32 // KiB
	MaxPasses            uint32
	MaxParallelism       uint32
	MinWork, MaxWork     uint64 // KiB times passes
}

// ScryptLimits defaults to N of at least 65,536, memory (128·N·r) up to 256 MiB
// and p up to 4. r must be 8.
type ScryptLimits struct {
	MinN           uint32
	MaxMemory      uint32 // KiB
	MaxParallelism uint32
}

// FixedPolicy allows exactly the algorithm and costs of p, and salts as short
// as its salt. Take p from the program or the user's device: costs from
// elsewhere would be unlimited.
func FixedPolicy(p Params) Policy { return Policy{fixed: true, fixedTo: p} }

// New checks p before any work or allocation. It returns the errors of
// [Policy.Check], [ErrWeak] for a salt shorter than 16 bytes, or
// [ErrIncomplete] without one.
func New(p Params, pol Policy) (*Function, error) { return newFunction(p, pol, Algorithm.core) }

func newFunction(p Params, pol Policy, cores func(Algorithm) core) (*Function, error) {
	if err := pol.Check(p); err != nil {
		return nil, err
	}
	shortest := minSalt
	if pol.fixed && pol.fixedTo.salt != "" {
		shortest = min(shortest, len(pol.fixedTo.salt))
	}
	switch {
	case p.salt == "":
		return nil, errNoSalt
	case len(p.salt) < shortest:
		return nil, errShortSalt
	}
	return &Function{params: p, gate: pol.Gate, derive: cores(p.algorithm)}, nil
}

// Check ignores the salt of p. It returns [ErrWeak], [ErrExcessive],
// [ErrUnknown], or [ErrIncomplete] without iterations.
func (pol Policy) Check(p Params) error {
	switch {
	case !p.valid():
		return ErrUnknown
	case p.lacksIterations():
		return errNoIterations
	}
	err := pol.checkCosts(p)
	if err == nil && p.Memory() > addressable() {
		return errAddress
	}
	return err
}

// NeedsUpgrade reports whether p is below a floor of the zero [Policy].
func (p Params) NeedsUpgrade() bool {
	return !p.lacksIterations() && p.belowFloor(Policy{}.resolved()) != nil
}

func (pol Policy) checkCosts(p Params) error {
	if pol.fixed {
		return p.sameCosts(pol.fixedTo)
	}
	pol = pol.resolved()
	if err := p.aboveCeiling(pol); err != nil {
		return err
	}
	return p.belowFloor(pol)
}

// sameCosts compares everything except the salt.
func (p Params) sameCosts(q Params) error {
	cost, want := p.Cost(), q.Cost()
	p.salt, q.salt = "", ""
	switch {
	case p == q:
		return nil
	case p.algorithm != q.algorithm:
		return errOtherAlgorithm
	case cost < want:
		return errCheaper
	}
	return errDearer
}

// addressable is the size in bytes of the address space. WebAssembly has
// integers of 64 bits and addresses of 32 bits.
func addressable() uint64 {
	if runtime.GOARCH == "wasm" {
		return math.MaxUint32
	}
	return math.MaxInt
}

// resolved returns the policy with its defaults filled in.
func (pol Policy) resolved() Policy {
	floor(&pol.PBKDF2SHA512.Min, 210_000)
	ceiling(&pol.PBKDF2SHA512.Max, 1<<26)
	floor(&pol.Argon2id.MinMemory, 19<<10)
	ceiling(&pol.Argon2id.MaxMemory, 256<<10)
	ceiling(&pol.Argon2id.MaxPasses, 64)
	ceiling(&pol.Argon2id.MaxParallelism, 16)
	floor(&pol.Argon2id.MinWork, 38<<10)
	ceiling(&pol.Argon2id.MaxWork, 4<<20)
	floor(&pol.Scrypt.MinN, 1<<16)
	ceiling(&pol.Scrypt.MaxMemory, 256<<10)
	ceiling(&pol.Scrypt.MaxParallelism, 4)
	return pol
}

func floor[T uint32 | uint64](limit *T, least T) { *limit = max(*limit, least) }

func ceiling[T uint32 | uint64](limit *T, standard T) {
	if *limit == 0 {
		*limit = standard
	}
}

const scryptR = 8

// aboveCeiling returns ErrExcessive, with the limit, for a cost above its
// ceiling. The policy must be resolved. The products fit into 64 bits.
func (p Params) aboveCeiling(pol Policy) error {
	a, s := pol.Argon2id, pol.Scrypt
	switch p.algorithm {
	case PBKDF2SHA512:
		if p.n > pol.PBKDF2SHA512.Max {
			return errManyIterations
		}
	case Argon2id:
		switch {
		case p.m > a.MaxMemory:
			return errMuchMemory
		case p.t > a.MaxPasses:
			return errManyPasses
		case p.p > a.MaxParallelism:
			return errManyLanes
		case p.Cost() > a.MaxWork:
			return errMuchWork
		}
	case Scrypt:
		switch {
		case p.r > scryptR:
			return errLargeBlock
		case p.p > s.MaxParallelism:
			return errManyLanes
		case 128*uint64(p.n)*uint64(p.r) > uint64(s.MaxMemory)<<10:
			return errMuchMemory
		}
	}
	return nil
}

// belowFloor returns ErrWeak, with the limit, for a cost below its floor. The
// policy must be resolved.
func (p Params) belowFloor(pol Policy) error {
	switch p.algorithm {
	case PBKDF2SHA512:
		if p.n < pol.PBKDF2SHA512.Min {
			return errFewIterations
		}
	case Argon2id:
		switch {
		case p.m < pol.Argon2id.MinMemory:
			return errLittleMemory
		case p.Cost() < pol.Argon2id.MinWork:
			return errLittleWork
		}
	case Scrypt:
		switch {
		case p.r < scryptR:
			return errSmallBlock
		case p.n < pol.Scrypt.MinN:
			return errSmallN
		}
	}
	return nil
}

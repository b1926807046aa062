package kdf

import (
	"math"
	"runtime"
)

// Policy limits the costs of parameters. The zero Policy is a safe default. A
// limit of 0 stands for its default, which the type of the limit documents. A
// floor below the default has no effect: weaker parameters need [FixedPolicy].
// A ceiling can be set lower or higher: set it to what the smallest device can
// bear. A Policy is a value and safe for concurrent use.
type Policy struct {
	PBKDF2SHA512 PBKDF2Limits
	Argon2id     Argon2idLimits
	Scrypt       ScryptLimits

	// Gate limits how many derivations with Argon2id and scrypt run at the same
	// time, in all Functions that were made with it. Make one for the whole
	// process. If nil, there is no limit.
	Gate *Gate

	fixed   bool
	fixedTo Params
}

// PBKDF2Limits are in iterations. By default they are 210,000 and 67,108,864.
type PBKDF2Limits struct {
	Min, Max uint32
}

// Argon2idLimits are the limits for Argon2id. Memory is in KiB: 64<<10 is 64
// MiB. By default memory is 19 to 256 MiB, with at most 64 passes and 16 lanes,
// and memory times passes is 38 MiB to 4 GiB. The default ceiling fits phones
// and WebAssembly. Raise MaxMemory only if every device of an account has more.
type Argon2idLimits struct {
	MinMemory, MaxMemory uint32 // KiB
	MaxPasses            uint32
	MaxParallelism       uint32
	MinWork, MaxWork     uint64 // KiB of memory, times passes
}

// ScryptLimits are the limits for scrypt. By default N is at least 65,536, the
// memory 128·N·r is at most 256 MiB, and p is at most 4. The block size r must
// be 8.
type ScryptLimits struct {
	MinN           uint32
	MaxMemory      uint32 // KiB
	MaxParallelism uint32
}

// FixedPolicy returns the policy that allows one algorithm with one set of
// costs, for parameters that something else fixes: RFC 9807, another vendor, or
// test vectors. Any salt is allowed, and it may be as short as the salt of p.
// No limit applies, not even the floors: [Function.NeedsUpgrade] reports
// parameters below them. The Gate may be set.
//
// The costs must come from the program itself or from the user's device.
// Passing parameters from a server or a file both to FixedPolicy and to [New]
// checks nothing: Argon2id and scrypt then take any memory that the parameters
// ask for, and the program ends if there is not enough.
func FixedPolicy(p Params) Policy { return Policy{fixed: true, fixedTo: p} }

// New returns the function that p describes if the policy allows it. It decides
// before any work or allocation. It returns [ErrUnknown] for the zero [Params]
// and for an algorithm other than the algorithm of a [FixedPolicy]. It returns
// [ErrWeak] or [ErrExcessive], with the limit in the text, for costs outside
// the limits, and [ErrWeak] for a salt shorter than 16 bytes. It returns
// [ErrIncomplete] if the salt or the number of iterations is missing.
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

// Check returns nil if the policy allows the costs of p, and otherwise the
// error that [New] would return. The salt is not checked and may be missing:
// use it for parameters that have none yet, such as an offer from a server.
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

// NeedsUpgrade reports whether p is below a floor of the zero [Policy], which
// only a [FixedPolicy] allows. Replace such parameters at the next opportunity.
// It does not compare p with what the program would choose today.
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

// sameCosts compares all but the salt.
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

// addressable is the largest size in bytes that a program can have. WebAssembly
// has integers of 64 bits and addresses of 32 bits.
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

package kdf

import (
	"errors"
	"fmt"
)

// Compare errors with [errors.Is]: some of them carry a reason, which is
// constant text. No error contains input.
var (
	// ErrWeak means parameters below a floor of the policy, or a salt shorter
	// than 16 bytes. [New] and [Policy.Check] return it.
	ErrWeak = errors.New("kdf: parameters below the policy's floor")
	// ErrExcessive means parameters above a ceiling of the policy. [New] and
	// [Policy.Check] return it. [Calibrate] returns it for a policy with a
	// floor above its ceiling.
	ErrExcessive = errors.New("kdf: parameters above the policy's ceiling")
	// ErrUnknown means the zero [Params] or [Function], an unknown algorithm,
	// or an algorithm other than the algorithm of a [FixedPolicy]. [New],
	// [Policy.Check], [Function.Derive], [Calibrate],
	// [Params.WithoutIterations] and the encoders of [Params] return it.
	ErrUnknown = errors.New("kdf: unknown algorithm")
	// ErrIncomplete means parameters without a salt or without a number of
	// iterations. [New] returns it, [Policy.Check] for the iterations alone,
	// and [Params.WithoutIterations] if the number has already been taken out.
	ErrIncomplete = errors.New("kdf: the salt or the number of iterations is missing")
	// ErrMalformed means an invalid encoding, cost or salt. The constructors
	// and decoders of [Params], [Params.WithSalt] and [Params.WithIterations]
	// return it, and [ProtonKeyPassword] for a salt of another size.
	ErrMalformed = errors.New("kdf: malformed parameters")
	// ErrPassword means a password shorter than 1 or longer than 1,024 bytes.
	// [Function.Derive] and [ProtonKeyPassword] return it.
	ErrPassword = errors.New("kdf: a password must be 1 to 1,024 bytes long")
	// ErrLength means a key length outside 16 to 64 bytes. [Function.Derive]
	// returns it.
	ErrLength = errors.New("kdf: a key must be 16 to 64 bytes long")
)

// why adds a reason to an error.
func why(err error, reason string) error { return fmt.Errorf("%w: %s", err, reason) }

var (
	errShortSalt     = why(ErrWeak, "a salt shorter than 16 bytes")
	errNoSalt        = why(ErrIncomplete, "no salt")
	errNoIterations  = why(ErrIncomplete, "no number of iterations")
	errHasIterations = why(ErrMalformed, "they have a number of iterations")
	errOnlyPBKDF2    = why(ErrUnknown, "only PBKDF2 has iterations")
	errLimits        = why(ErrExcessive, "the policy's floor is above its ceiling")
	errMemory        = why(ErrExcessive, "the process may not take the memory of the policy's floor")
	errFIPS          = why(ErrPassword, "at least 14 in FIPS 140-only mode")
	errFixed         = why(ErrUnknown, "a fixed policy leaves nothing to calibrate")
	errAddress       = why(ErrExcessive, "more memory than this machine can address")

	errOtherAlgorithm = why(ErrUnknown, "not the algorithm of the fixed policy")
	errCheaper        = why(ErrWeak, "not the costs of the fixed policy")
	errDearer         = why(ErrExcessive, "not the costs of the fixed policy")
	errFewIterations  = why(ErrWeak, "iterations")
	errLittleMemory   = why(ErrWeak, "memory")
	errLittleWork     = why(ErrWeak, "memory times passes")
	errSmallBlock     = why(ErrWeak, "block size r")
	errSmallN         = why(ErrWeak, "N")
	errManyIterations = why(ErrExcessive, "iterations")
	errMuchMemory     = why(ErrExcessive, "memory")
	errManyPasses     = why(ErrExcessive, "passes")
	errManyLanes      = why(ErrExcessive, "parallelism")
	errMuchWork       = why(ErrExcessive, "memory times passes")
	errLargeBlock     = why(ErrExcessive, "block size r")
)

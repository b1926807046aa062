package kdf

import (
	"errors"
	"fmt"
)

// Compare errors with [errors.Is]: some contain a reason. None contains input.
var (
	// ErrWeak also means a salt shorter than 16 bytes.
	ErrWeak      = errors.New("kdf: parameters below the policy's floor")
	ErrExcessive = errors.New("kdf: parameters above the policy's ceiling")
	// ErrUnknown also means a zero value or a disallowed algorithm.
	ErrUnknown    = errors.New("kdf: unknown algorithm")
	ErrIncomplete = errors.New("kdf: incomplete parameters")
	ErrMalformed  = errors.New("kdf: malformed parameters")
	ErrPassword   = errors.New("kdf: password must be 1 to 1,024 bytes")
	ErrLength     = errors.New("kdf: key must be 16 to 64 bytes")
)

// why adds a reason to an error.
func why(err error, reason string) error { return fmt.Errorf("%w: %s", err, reason) }

var (
	errShortSalt     = why(ErrWeak, "salt shorter than 16 bytes")
	errNoSalt        = why(ErrIncomplete, "no salt")
	errNoIterations  = why(ErrIncomplete, "no number of iterations")
	errHasIterations = why(ErrMalformed, "the number of iterations is already set")
	errOnlyPBKDF2    = why(ErrUnknown, "only PBKDF2 has iterations")
	errLimits        = why(ErrExcessive, "the policy's floor is above its ceiling")
	errMemory        = why(ErrExcessive, "not enough memory for the policy's floor")
	errFIPS          = why(ErrPassword, "at least 14 bytes in FIPS 140-only mode")
	errFixed         = why(ErrUnknown, "a fixed policy cannot be calibrated")
	errAddress       = why(ErrExcessive, "more memory than this machine can address")

	errOtherAlgorithm = why(ErrUnknown, "the fixed policy has another algorithm")
	errCheaper        = why(ErrWeak, "the fixed policy has other costs")
	errDearer         = why(ErrExcessive, "the fixed policy has other costs")
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

package kdf

import (
	"errors"
	"fmt"
)

// The errors of this package, to be told apart by errors.Is: some come with a
// constant text that says more. None of them holds input.
var (
	// ErrWeak means parameters below a floor of the policy, or a salt of less
	// than 16 bytes. New returns it.
	ErrWeak = errors.New("kdf: parameters below the policy's floor")
	// ErrExcessive means parameters above a ceiling of the policy. New
	// returns it, and Calibrate for a policy whose floor is above its ceiling.
	ErrExcessive = errors.New("kdf: parameters above the policy's ceiling")
	// ErrUnknown means the zero Params or Function, an algorithm that does not
	// exist, or one that a policy of FixedPolicy does not allow. New, its
	// encodings, Withhold and Calibrate return it.
	ErrUnknown = errors.New("kdf: unknown algorithm")
	// ErrIncomplete means parameters that lack a salt or a withheld cost.
	// New and Params.WithinLimits return it, and Params.Withhold for a cost
	// that is out already.
	ErrIncomplete = errors.New("kdf: the salt or the number of iterations is missing")
	// ErrMalformed means an encoding, a cost or a salt that cannot be. The
	// constructors and decoders of Params return it, WithSalt and Supply, and
	// ProtonKeyPassword for a salt of another size.
	ErrMalformed = errors.New("kdf: malformed parameters")
	// ErrPassword means a password of less than 1 or more than 1024 bytes.
	// Function.Derive and ProtonKeyPassword return it.
	ErrPassword = errors.New("kdf: a password has 1 to 1024 bytes")
	// ErrLength means a key of less than 16 or more than 64 bytes. Function.Derive
	// returns it.
	ErrLength = errors.New("kdf: a key has 16 to 64 bytes")
)

// why is an error with a reason.
func why(err error, reason string) error { return fmt.Errorf("%w: %s", err, reason) }

var (
	errShortSalt     = why(ErrWeak, "a salt of less than 16 bytes")
	errNoSalt        = why(ErrIncomplete, "no salt")
	errNoIterations  = why(ErrIncomplete, "the iterations are withheld")
	errHasIterations = why(ErrMalformed, "they have a number of iterations")
	errOnlyPBKDF2    = why(ErrUnknown, "only PBKDF2 has iterations")
	errLimits        = why(ErrExcessive, "the policy's floor is above its ceiling")
	errFIPS          = why(ErrPassword, "14 or more in FIPS 140-only mode")
	errFixed         = why(ErrUnknown, "a fixed policy leaves nothing to calibrate")
	errAddress       = why(ErrExcessive, "more memory than this machine can address")

	errOtherAlgorithm = why(ErrUnknown, "not the one that is allowed")
	errCheaper        = why(ErrWeak, "not the costs that are allowed")
	errDearer         = why(ErrExcessive, "not the costs that are allowed")
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

package moduli

import (
	"errors"
	"fmt"
)

// Errors of this package, to be told apart with errors.Is. A reason may follow in
// the text of [ErrMalformed]. It always follows in the text of [ErrUntrusted].
// Reasons are constant.
var (
	// ErrMalformed means data that is not in the one form that its reader
	// describes, or values that the form cannot represent.
	ErrMalformed = errors.New("moduli: malformed")
	// ErrUntrusted means a record that must not be used: it is unsigned, signed
	// by an unknown key, signed wrongly, created outside the window of its key
	// or in the future, for another purpose, or for another group than the one
	// that it came with.
	ErrUntrusted = errors.New("moduli: record not trusted")
	// ErrExpired means a record that must not be chosen for a new password.
	// Accounts that have its modulus continue to log in.
	ErrExpired = errors.New("moduli: record expired for new passwords")

	// ErrSize means an N that is even, has leading zero bytes, or whose size is
	// not a multiple of 8 bits from [MinBits] to [MaxBits].
	ErrSize = errors.New("moduli: N is not an odd number of 512 to 8192 bits in whole bytes")
	// ErrNotPrime means that N is not prime.
	ErrNotPrime = errors.New("moduli: N is not prime")
	// ErrNotSafe means that (N-1)/2 is not prime.
	ErrNotSafe = errors.New("moduli: (N-1)/2 is not prime")
	// ErrGenerator means that g does not generate the whole group.
	ErrGenerator = errors.New("moduli: g does not generate the whole group of N")

	// ErrEmpty means that no record of a pool may be chosen. The account keeps
	// the modulus that it has until the operator adds records to the pool.
	ErrEmpty = errors.New("moduli: no modulus in the pool may be chosen")
	// ErrExhausted means that the slots of a search contain no modulus. A
	// caller that split the search with [Search.Range] continues with the
	// next range.
	ErrExhausted = errors.New("moduli: no modulus in these slots")
)

// malformed is ErrMalformed with a reason.
func malformed(reason string) error { return fmt.Errorf("%w: %s", ErrMalformed, reason) }

// untrusted is ErrUntrusted with a reason.
func untrusted(reason string) error { return fmt.Errorf("%w: %s", ErrUntrusted, reason) }

var (
	errStartSize = malformed("a start is 512 to 8192 bits long, in whole bytes, with its top bit set")
	errLabel     = malformed("a label is 1 to 255 bytes long")
	errNoStart   = malformed("the search has no start")
	errRange     = malformed("a range of slots begins before its end, which is at most 2^40")

	errRecordGenerator = malformed("the generator is not between 2 and 2^31-1")
	errRecordOrigin    = malformed("N is not start + offset, or no search finds it from this start")
	errRecordPurpose   = malformed("a purpose is 1 to 255 bytes long")
	errRecordTimes     = malformed("a record is created after 1970 and ends after it is created")
	errKeyWindow       = malformed("the window of a key starts after 1970 and ends after it starts")
	errDuplicate       = malformed("two records of one modulus")

	errUnsigned      = untrusted("it is not signed")
	errUnknownKey    = untrusted("signed by an unknown key")
	errWindow        = untrusted("created outside the window of its key")
	errFuture        = untrusted("created in the future")
	errSignature     = untrusted("wrong signature")
	errPurpose       = untrusted("it is for another purpose")
	errNoCertificate = untrusted("no certificate came with the group")
	errOtherGroup    = untrusted("the certificate is for another group")
)

package moduli

import (
	"errors"
	"fmt"
)

// Errors, for errors.Is.
var (
	// ErrMalformed means input in another form, or a value out of range.
	ErrMalformed = errors.New("moduli: malformed")

	ErrUntrusted = errors.New("moduli: record not trusted")
	ErrExpired   = errors.New("moduli: record expired for new passwords")

	ErrSize      = errors.New("moduli: N is not an odd number of 512 to 8192 bits in whole bytes")
	ErrNotPrime  = errors.New("moduli: N is not prime")
	ErrNotSafe   = errors.New("moduli: (N-1)/2 is not prime")
	ErrGenerator = errors.New("moduli: g does not generate the whole group of N")

	ErrEmpty     = errors.New("moduli: no modulus in the pool may be chosen")
	ErrExhausted = errors.New("moduli: no modulus in these slots")
)

// malformed returns ErrMalformed with a reason.
func malformed(reason string) error { return fmt.Errorf("%w: %s", ErrMalformed, reason) }

// untrusted returns ErrUntrusted with a reason.
func untrusted(reason string) error { return fmt.Errorf("%w: %s", ErrUntrusted, reason) }

var (
	errStartSize = malformed("a start must be 512 to 8192 bits long, in whole bytes, with its top bit set")
	errLabel     = malformed("a label must be 1 to 255 bytes long")
	errNoStart   = malformed("the search has no start")
	errRange     = malformed("a range of slots must begin before its end, which is at most 2^40")

	errRecordGenerator = malformed("the generator is not between 2 and 2^31-1")
	errRecordOrigin    = malformed("N is not start + offset, or no search finds it from this start")
	errRecordPurpose   = malformed("a purpose must be 1 to 255 bytes long")
	errRecordTimes     = malformed("a record must be created in 1970 or later and end after its creation")
	errKeyWindow       = malformed("the window of a key must begin in 1970 or later and end after it begins")
	errDuplicate       = malformed("two records have the same modulus")

	errUnsigned      = untrusted("not signed")
	errUnknownKey    = untrusted("signed by an unknown key")
	errWindow        = untrusted("created outside the window of its key")
	errFuture        = untrusted("created in the future")
	errSignature     = untrusted("wrong signature")
	errPurpose       = untrusted("for another purpose")
	errNoCertificate = untrusted("the group has no certificate")
	errOtherGroup    = untrusted("the certificate is for another group")
)

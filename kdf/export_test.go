package kdf

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"math"
	"time"
)

// NewWith is New with something else in place of the algorithms.
func NewWith(p Params, pol Policy, run func()) (*Function, error) {
	return newFunction(p, pol, func(Algorithm) core {
		return func(context.Context, Params, []byte, int) ([]byte, error) {
			run()
			return nil, nil
		}
	})
}

// PlainPBKDF2 is the path without the encoded states.
func PlainPBKDF2(password, salt []byte, iterations uint32, n int) ([]byte, error) {
	mac := hmac.New(sha512.New, password)
	mac.Write(salt)
	mac.Write([]byte{0, 0, 0, 1})
	u := mac.Sum(nil)
	return pbkdf2Sum(context.Background(), plainChain{mac, u}, u, iterations, n)
}

// HasStates reports whether the encoded states are in use.
func HasStates(password []byte) bool {
	f := newChain(password)
	return f != nil && f.agrees(hmac.New(sha512.New, password))
}

// HasStatesOfAnotherEncoding is HasStates where one of the encoded states is
// not what it seems.
func HasStatesOfAnotherEncoding(password []byte, outer bool) bool {
	f := newChain(password)
	state := f.inner
	if outer {
		state = f.outer
	}
	state[stateDigest] ^= 1
	return f.agrees(hmac.New(sha512.New, password))
}

// CalibrateWith is Calibrate with a clock and a cost function, for a process that
// may take any memory.
func CalibrateWith(ctx context.Context, a Algorithm, target time.Duration, pol Policy,
	now func() time.Time, run func(ctx context.Context, p Params) error) (Report, error) {
	return CalibrateWithin(ctx, a, target, pol, math.MaxUint64, now, run)
}

// CalibrateWithin is CalibrateWith for a process that may take some bytes.
func CalibrateWithin(ctx context.Context, a Algorithm, target time.Duration, pol Policy, available uint64,
	now func() time.Time, run func(ctx context.Context, p Params) error) (Report, error) {
	return calibrate(ctx, a, target, pol, func() uint64 { return available }, stopwatch{now, run})
}

const CancelEvery = cancelEvery

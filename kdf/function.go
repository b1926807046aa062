package kdf

import (
	"context"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/scrypt"
)

// Function derives keys from passwords by parameters that a policy allowed. It
// comes from [New], is immutable and safe for concurrent use.
type Function struct {
	params Params
	gate   *Gate
	derive core
}

// core runs one algorithm.
type core func(ctx context.Context, p Params, password []byte, n int) ([]byte, error)

// core returns what runs the algorithm, which exists.
func (a Algorithm) core() core {
	switch a {
	case PBKDF2SHA512:
		return pbkdf2SHA512
	case Argon2id:
		return argon2id
	}
	return scryptKey
}

const (
	maxPassword = 1024
	minKey      = 16
	maxKey      = 64
)

// Derive returns a key of n bytes, 16 to 64, from a password of 1 to 1024
// bytes, which it neither keeps nor changes. The same password and parameters
// give the same key; with [Argon2id] a key of another length is another key
// throughout. For several keys take one and expand it by HKDF.
//
// PBKDF2 ends with the error of ctx within some milliseconds of its end.
// Argon2id and scrypt look at ctx while they wait at the policy's Gate and
// before they start, not later. Derive returns ErrPassword or ErrLength for
// arguments out of range, and ErrUnknown for the zero Function.
func (f *Function) Derive(ctx context.Context, password []byte, n int) ([]byte, error) {
	if f.derive == nil {
		return nil, ErrUnknown // the zero Function
	}
	if len(password) == 0 || len(password) > maxPassword {
		return nil, ErrPassword
	}
	if n < minKey || n > maxKey {
		return nil, ErrLength
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	leave, err := f.gate.enter(ctx, f.params.algorithm)
	if err != nil {
		return nil, err
	}
	defer leave()
	return f.derive(ctx, f.params, password, n)
}

// Params returns the parameters.
func (f *Function) Params() Params { return f.params }

// NeedsUpgrade is that of the parameters.
func (f *Function) NeedsUpgrade() bool { return f.params.NeedsUpgrade() }

func argon2id(_ context.Context, p Params, password []byte, n int) ([]byte, error) {
	return argon2.IDKey(password, []byte(p.salt), p.t, p.m, uint8(p.p), uint32(n)), nil
}

func scryptKey(_ context.Context, p Params, password []byte, n int) ([]byte, error) {
	return scrypt.Key(password, []byte(p.salt), int(p.n), int(p.r), int(p.p), n)
}

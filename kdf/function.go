package kdf

import (
	"context"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/scrypt"
)

// Function derives keys. It is safe for concurrent use.
type Function struct {
	params Params
	gate   *Gate
	derive core
}

// core runs one algorithm.
type core func(ctx context.Context, p Params, password []byte, n int) ([]byte, error)

// core returns the implementation of an algorithm, which must be known.
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

// Derive returns a key of 16 to 64 bytes. To get several keys, expand one with
// HKDF. PBKDF2 stops within milliseconds after ctx ends. The others check ctx
// only before they start. Derive returns [ErrPassword], [ErrLength],
// [ErrUnknown] for the zero [Function], or the error of ctx.
func (f *Function) Derive(ctx context.Context, password []byte, n int) ([]byte, error) {
	if f.derive == nil {
		return nil, ErrUnknown
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

// NeedsUpgrade is [Params.NeedsUpgrade].
func (f *Function) NeedsUpgrade() bool { return f.params.NeedsUpgrade() }

func argon2id(_ context.Context, p Params, password []byte, n int) ([]byte, error) {
	return argon2.IDKey(password, []byte(p.salt), p.t, p.m, uint8(p.p), uint32(n)), nil
}

func scryptKey(_ context.Context, p Params, password []byte, n int) ([]byte, error) {
	return scrypt.Key(password, []byte(p.salt), int(p.n), int(p.r), int(p.p), n)
}

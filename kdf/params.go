package kdf

import (
	"crypto/rand"
	"math/bits"
)

// Algorithm is a password hash.
type Algorithm uint8

const (
	PBKDF2SHA512 Algorithm = 1
	Argon2id     Algorithm = 2
	Scrypt       Algorithm = 3
)

// String returns the name in PHC strings.
func (a Algorithm) String() string {
	switch a {
	case PBKDF2SHA512:
		return "pbkdf2-sha512"
	case Argon2id:
		return "argon2id"
	case Scrypt:
		return "scrypt"
	}
	return "unknown"
}

// Params is an immutable, comparable value. Constructors set no salt. The zero
// Params is not valid: its encoders return [ErrUnknown]. Decoders apply no
// policy, and leave p unchanged if they fail.
type Params struct {
	algorithm Algorithm
	n         uint32 // PBKDF2: iterations, 0 if taken out. scrypt: N
	m, t      uint32 // Argon2id: memory in KiB, passes
	r         uint32 // scrypt
	p         uint32 // Argon2id, scrypt: parallelism
	salt      string
}

const (
	maxSalt = 64
	minSalt = 16 // except under a fixed policy
	newSalt = 32
	maxCost = 1<<31 - 1
)

// Default returns Argon2id with 64 MiB, 3 passes and 4 lanes (RFC 9106, Section
// 4).
func Default() Params { return Params{algorithm: Argon2id, m: 64 << 10, t: 3, p: 4} }

// RFC9807Argon2id returns 2 GiB, 1 pass and 4 lanes (RFC 9807, Section 7). It
// needs a [FixedPolicy].
func RFC9807Argon2id() Params { return Params{algorithm: Argon2id, m: 2 << 20, t: 1, p: 4} }

// RFC9807Scrypt returns N = 32768, r = 8, p = 1. It needs a [FixedPolicy].
func RFC9807Scrypt() Params { return Params{algorithm: Scrypt, n: 1 << 15, r: 8, p: 1} }

// NewPBKDF2SHA512 returns [ErrMalformed] unless iterations is 1 to 2^31−1.
func NewPBKDF2SHA512(iterations int) (Params, error) {
	return complete(Params{algorithm: PBKDF2SHA512, n: cost(iterations)})
}

// NewArgon2id takes memory in KiB. It returns [ErrMalformed] outside the ranges
// in FORMAT.md.
func NewArgon2id(memory, passes, parallelism int) (Params, error) {
	return complete(Params{algorithm: Argon2id, m: cost(memory), t: cost(passes), p: cost(parallelism)})
}

// NewScrypt uses 128·N·r bytes of memory. It returns [ErrMalformed] outside the
// ranges in FORMAT.md.
func NewScrypt(N, r, p int) (Params, error) {
	return complete(Params{algorithm: Scrypt, n: cost(N), r: cost(r), p: cost(p)})
}

// cost returns v, or 0, which is never valid, if v is negative or too large.
func cost(v int) uint32 {
	if v < 0 || v > maxCost {
		return 0
	}
	return uint32(v)
}

func complete(p Params) (Params, error) {
	if !p.valid() || p.lacksIterations() {
		return Params{}, ErrMalformed
	}
	return p, nil
}

// valid reports whether the algorithm allows p.
func (p Params) valid() bool {
	if len(p.salt) > maxSalt {
		return false
	}
	switch p.algorithm {
	case PBKDF2SHA512:
		return p.n <= maxCost
	case Argon2id:
		return p.m <= maxCost && p.t >= 1 && p.t <= maxCost && p.p >= 1 && p.p <= 255 && p.m >= 8*p.p
	case Scrypt:
		return p.n >= 2 && p.n <= 1<<30 && bits.OnesCount32(p.n) == 1 &&
			p.r >= 1 && p.p >= 1 && uint64(p.r)*uint64(p.p) < 1<<30 && uint64(p.n)*uint64(p.r) <= 1<<31
	}
	return false
}

// WithSalt returns p with a salt, or [ErrMalformed] above 64 bytes. Use each
// salt once.
func (p Params) WithSalt(salt []byte) (Params, error) {
	if len(salt) > maxSalt {
		return Params{}, ErrMalformed
	}
	p.salt = string(salt)
	return p, nil
}

// WithNewSalt returns p with a random salt of 32 bytes.
func (p Params) WithNewSalt() Params {
	var salt [newSalt]byte
	rand.Read(salt[:])
	p.salt = string(salt[:])
	return p
}

// Algorithm returns the algorithm.
func (p Params) Algorithm() Algorithm { return p.algorithm }

// Salt returns a copy.
func (p Params) Salt() []byte { return []byte(p.salt) }

// Cost returns iterations, KiB times passes, or N·r·p, to compare within an
// algorithm.
func (p Params) Cost() uint64 {
	switch p.algorithm {
	case PBKDF2SHA512:
		return uint64(p.n)
	case Argon2id:
		return uint64(p.m) * uint64(p.t)
	case Scrypt:
		return uint64(p.n) * uint64(p.r) * uint64(p.p) // below 2^60
	}
	return 0
}

// Memory returns the bytes that a derivation allocates, 0 for PBKDF2.
func (p Params) Memory() uint64 {
	switch p.algorithm {
	case Argon2id:
		return uint64(p.m) << 10
	case Scrypt:
		return 128 * uint64(p.r) * (uint64(p.n) + uint64(p.p))
	}
	return 0
}

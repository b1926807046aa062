package kdf

import (
	"crypto/rand"
	"math/bits"
)

// Algorithm is a password-based key derivation function. Its numbers are the
// ones in the binary form. There are no others.
type Algorithm uint8

const (
	// PBKDF2SHA512 is PBKDF2 with HMAC-SHA512 (RFC 8018, Section 5.2).
	PBKDF2SHA512 Algorithm = 1
	// Argon2id is Argon2id version 1.3 (RFC 9106), without secret value and
	// associated data.
	Argon2id Algorithm = 2
	// Scrypt is scrypt (RFC 7914).
	Scrypt Algorithm = 3
)

// String returns the algorithm's identifier in PHC strings: "pbkdf2-sha512",
// "argon2id", "scrypt".
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

// Params states how a password becomes a key: an algorithm, its costs and a
// salt. A proposal may have no salt yet. Parameters are public, except the
// number of iterations that [Params.WithoutIterations] takes out.
//
// Params is an immutable, comparable value. The zero Params is not valid: it
// has no encoding, and [New] refuses it with [ErrUnknown].
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

// Default returns parameters for programs that measure nothing: Argon2id with
// 64 MiB, 3 passes and 4 lanes, the second recommended option of RFC 9106. They
// have no salt yet.
func Default() Params { return Params{algorithm: Argon2id, m: 64 << 10, t: 3, p: 4} }

// RFC9807Argon2id returns the Argon2id parameters that RFC 9807, Section 7,
// recommends for OPAQUE: 2 GiB, 1 pass, 4 lanes. They are above the ceiling of
// the zero [Policy]: use [FixedPolicy]. The salt of the RFC is 16 zero bytes.
func RFC9807Argon2id() Params { return Params{algorithm: Argon2id, m: 2 << 20, t: 1, p: 4} }

// RFC9807Scrypt returns the scrypt parameters that RFC 9807, Section 7,
// recommends: N = 32768, r = 8, p = 1. They are below the floor of every
// [Policy] except a [FixedPolicy].
func RFC9807Scrypt() Params { return Params{algorithm: Scrypt, n: 1 << 15, r: 8, p: 1} }

// NewPBKDF2SHA512 returns PBKDF2 with the given number of iterations and no
// salt. It returns [ErrMalformed] unless iterations is between 1 and 2^31−1.
func NewPBKDF2SHA512(iterations int) (Params, error) {
	return complete(Params{algorithm: PBKDF2SHA512, n: cost(iterations)})
}

// NewArgon2id returns Argon2id without a salt. Memory is in KiB. It returns
// [ErrMalformed] unless parallelism is between 1 and 255, memory is at least 8
// times parallelism, passes is at least 1, and none is above 2^31−1. Argon2id
// rounds the memory down to a multiple of 4 times parallelism.
func NewArgon2id(memory, passes, parallelism int) (Params, error) {
	return complete(Params{algorithm: Argon2id, m: cost(memory), t: cost(passes), p: cost(parallelism)})
}

// NewScrypt returns scrypt with cost N, block size r and parallelism p, without
// a salt. It uses 128·N·r bytes of memory. It returns [ErrMalformed] unless N
// is a power of two between 2 and 2^30, r and p are at least 1, r·p is below
// 2^30, and N·r is at most 2^31, which is 256 GiB.
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

// WithSalt returns the parameters with a copy of the given salt of at most 64
// bytes. An empty salt removes the salt. A longer salt returns [ErrMalformed].
// Salts are public, but each one must be used once: prefer
// [Params.WithNewSalt].
func (p Params) WithSalt(salt []byte) (Params, error) {
	if len(salt) > maxSalt {
		return Params{}, ErrMalformed
	}
	p.salt = string(salt)
	return p, nil
}

// WithNewSalt returns the parameters with a random salt of 32 bytes.
func (p Params) WithNewSalt() Params {
	var salt [newSalt]byte
	rand.Read(salt[:])
	p.salt = string(salt[:])
	return p
}

// Algorithm returns the algorithm. For the zero [Params] it returns 0.
func (p Params) Algorithm() Algorithm { return p.algorithm }

// Salt returns a copy of the salt. It is empty if there is none.
func (p Params) Salt() []byte { return []byte(p.salt) }

// Cost returns the work of one derivation, to compare parameters of the same
// algorithm. The unit is iterations for PBKDF2, KiB times passes for Argon2id,
// and N·r·p for scrypt. It is 0 without a number of iterations.
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

// Memory returns how many bytes one derivation allocates. For PBKDF2 it returns
// 0.
func (p Params) Memory() uint64 {
	switch p.algorithm {
	case Argon2id:
		return uint64(p.m) << 10
	case Scrypt:
		return 128 * uint64(p.r) * (uint64(p.n) + uint64(p.p))
	}
	return 0
}

package srp

import (
	"context"
	"slices"

	"github.com/nescio-go/nescio/internal/modexp"
	"github.com/nescio-go/nescio/kdf"
)

// spec is the parts of a profile: constants, and the five formulas in which
// profiles differ.
type spec struct {
	name          string
	obsolete      bool                    // see Profile.NeedsUpgrade
	loginOnly     bool                    // only old records may use it
	littleEndian  bool                    // the byte order of numbers modulo N
	dropsZeros    bool                    // peers may drop leading zero bytes
	stretches     bool                    // x comes from Argon2id
	coversContext bool                    // the proofs cover a context
	fits          func(*groupParams) bool // nil: every group fits
	salt          saltSizes
	ignoredSalt   int // the longest salt of a challenge whose record has none
	proofSize     int // of M1 and M2, in bytes
	formulas
}

// formulas are the five in which profiles differ. Numbers modulo N (A, B, S)
// are byte strings of length |N| in the profile's byte order. k and the
// exponents x and u are big-endian.
type formulas interface {
	// multiplier returns k, not reduced modulo N.
	multiplier(g *groupParams) []byte
	// scramble returns u.
	scramble(A, B []byte) []byte
	// privateKey returns x for the password of the user I. f computes the KDF
	// of the account's parameters. It is nil if there are none.
	privateKey(ctx context.Context, g *groupParams, f *kdf.Function, I, password, salt []byte) ([]byte, error)
	// prefix returns what the proofs cover and is known before A and B.
	prefix(g *groupParams, p *parties) ([]byte, error)
	// proofs returns K, M1 and M2.
	proofs(t *transcript, S []byte) (K, M1, M2 []byte, err error)
}

// saltSizes are the sizes that a record's salt may have, in bytes, and the size
// of new salts.
type saltSizes struct{ min, new, max int }

func exactly(size int) saltSizes { return saltSizes{size, size, size} }

func (s saltSizes) allow(size int) bool { return size >= s.min && size <= s.max }

// parties is what a login is about, except the group.
type parties struct {
	I, server, context []byte
	salt               []byte
	kdf                kdf.Params
}

// transcript is the public values of one login that proofs are made of.
type transcript struct {
	group  *groupParams
	prefix []byte // formulas.prefix
	salt   []byte
	A, B   []byte
}

// runsIn reports whether the profile runs in a group.
func (s *spec) runsIn(g *groupParams) bool { return s.fits == nil || s.fits(g) }

// allowsKDF reports whether x can be made with these parameters. It does not
// judge their cost, which is up to the client's policy. The salt is in the
// record.
func (s *spec) allowsKDF(p kdf.Params) bool {
	if !s.stretches {
		return p == kdf.Params{}
	}
	return p.Algorithm() == kdf.Argon2id && len(p.Salt()) == 0
}

// allowsChallengeSalt reports whether a server may send a salt of this size.
func (s *spec) allowsChallengeSalt(size int) bool {
	return s.salt.allow(size) || s.ignoredSalt > 0 && size <= s.ignoredSalt
}

// completeKDF returns p, or the parameters of new accounts if p is zero.
func (s *spec) completeKDF(p kdf.Params) kdf.Params {
	if s.stretches && p == (kdf.Params{}) {
		return kdf.Default()
	}
	return p
}

// fullLength returns A or B in |N| bytes if a peer may drop leading zero bytes.
func (s *spec) fullLength(g *groupParams, b []byte) []byte {
	if !s.dropsZeros || len(b) == 0 || len(b) >= len(g.n) {
		return b
	}
	return append(make([]byte, len(g.n)-len(b), len(g.n)), b...)
}

// maySend reports whether all peers hash A or B, in |N| bytes, in the same way.
// Peers that drop leading zero bytes disagree on whether to hash them.
func (s *spec) maySend(b []byte) bool { return !s.dropsZeros || b[0] != 0 }

// decode reads a number modulo N in the profile's byte order.
func (s *spec) decode(g *groupParams, wire []byte) (*modexp.Int, error) {
	if s.littleEndian {
		wire = reversed(wire)
		defer clear(wire)
	}
	return g.mod().Int(wire)
}

// encode writes a number modulo N in the profile's byte order.
func (s *spec) encode(g *groupParams, x *modexp.Int) []byte {
	b := g.mod().Bytes(x)
	if s.littleEndian {
		slices.Reverse(b)
	}
	return b
}

func reversed(b []byte) []byte {
	r := slices.Clone(b)
	slices.Reverse(r)
	return r
}

package srp

import (
	"context"
	"fmt"
	"slices"

	"github.com/nescio-go/nescio/internal/modexp"
	"github.com/nescio-go/nescio/kdf"
)

// A Profile fixes everything that two peers must agree on besides the group
// and the costs of the password's hash: the hash, the byte order, what is
// padded, how the password becomes the exponent x, and the proofs. The zero Profile
// is none and is refused with [ErrPolicy] wherever it is given.
//
// Profiles are comparable values with stable names; records and messages hold
// them as one byte.
type Profile struct {
	id uint8
}

// The ids of the profiles. They are stored in records and never change.
const (
	idNescio  = 0x01
	idRFC5054 = 0x10 // + 4·hash + flags
	idProton  = 0x20 // + version
	idHomeKit = 0x30
)

// Valid reports whether p is one of the profiles of this package.
func (p Profile) Valid() bool { return p.scheme() != nil }

// String returns the name of the profile, such as "rfc5054-sha256" or
// "proton-4".
func (p Profile) String() string {
	if s := p.scheme(); s != nil {
		return s.name()
	}
	return "invalid"
}

// ParseProfile returns the profile of the given name, which is what String
// returned for it. It returns [ErrPolicy] for any other name.
func ParseProfile(name string) (Profile, error) {
	for id := range 256 {
		if p := (Profile{uint8(id)}); p.Valid() && p.String() == name {
			return p, nil
		}
	}
	return Profile{}, errProfile
}

// MarshalText returns the name of the profile, or ErrPolicy for none.
func (p Profile) MarshalText() ([]byte, error) {
	if !p.Valid() {
		return nil, errProfile
	}
	return []byte(p.String()), nil
}

// UnmarshalText is [ParseProfile].
func (p *Profile) UnmarshalText(text []byte) error {
	q, err := ParseProfile(string(text))
	if err == nil {
		*p = q
	}
	return err
}

// NeedsUpgrade reports whether a verifier of this profile should give way to
// one of a better profile at the next opportunity: because a fast hash alone
// turns the password into x, so that whoever steals the records can try
// billions of passwords a second, or because the profile is kept for old
// accounts only.
func (p Profile) NeedsUpgrade() bool {
	s := p.scheme()
	return s == nil || s.needsUpgrade()
}

func (p Profile) scheme() scheme {
	switch {
	case p.id == idNescio:
		return nescio{}
	case p.id >= idRFC5054 && p.id < idRFC5054+4*uint8(len(hashes)):
		return rfc5054{index: p.id - idRFC5054}
	case p.id >= idProton && p.id <= idProton+4:
		return proton{version: int(p.id - idProton)}
	case p.id == idHomeKit:
		return homekit{homekitBase}
	}
	return nil
}

// scheme is the formulas of a profile.
//
// Numbers modulo N (A, B, S, v) are byte strings of length |N| in the order
// that the profile's wire has; exponents (x, u) and k are big-endian.
type scheme interface {
	name() string
	needsUpgrade() bool                    // see Profile.NeedsUpgrade
	registers() bool                       // false if only old records may use it
	littleEndian() bool                    // the order of numbers modulo N
	accepts(d *domain) bool                // whether it runs in this group
	fullLength(d *domain, b []byte) []byte // A or B as a peer may send it, in |N| bytes
	saltSize() int                         // of new salts, in bytes
	storesSalt(size int) bool              // whether a record may have it
	acceptsSalt(size int) bool             // whether a challenge may
	ownKDF() kdf.Params                    // of new accounts; none if it has a hash of its own
	acceptsKDF(p kdf.Params) bool          // whether x can be made so
	bindsContext() bool                    // whether the proofs hold server identity and context
	proofSize() int                        // of M1 and M2, in bytes
	multiplier(d *domain) []byte           // k, not reduced
	scramble(A, B []byte) []byte           // u

	// privateKey returns x for the password of the user I. The function is that
	// of the KDF parameters, nil if there are none.
	privateKey(ctx context.Context, d *domain, f *kdf.Function, I, password, salt []byte) ([]byte, error)

	// prefix returns what the proofs hold of that which is known before A and B.
	prefix(d *domain, p *parties) ([]byte, error)
	// proofs returns K, M1 and M2.
	proofs(t *transcript, S []byte) (K, M1, M2 []byte, err error)
}

// parties is what a login is about besides the group.
type parties struct {
	I, server, context []byte
	salt               []byte
	kdf                kdf.Params
}

// transcript is the public values of one login that proofs are made of.
type transcript struct {
	domain *domain
	prefix []byte // scheme.prefix
	salt   []byte
	A, B   []byte
}

// foreign is what the profiles share that others defined: a hash of their own
// for the password, and proofs that hold no context.
type foreign struct{}

func (foreign) ownKDF() kdf.Params           { return kdf.Params{} }
func (foreign) acceptsKDF(p kdf.Params) bool { return p == kdf.Params{} }
func (foreign) bindsContext() bool           { return false }

// decode reads a number modulo N in the order of s.
func decode(s scheme, d *domain, wire []byte) (*modexp.Int, error) {
	if s.littleEndian() {
		wire = reversed(wire)
		defer clear(wire)
	}
	return d.mod().Int(wire)
}

// encode writes a number modulo N in the order of s.
func encode(s scheme, d *domain, x *modexp.Int) []byte {
	b := d.mod().Bytes(x)
	if s.littleEndian() {
		slices.Reverse(b)
	}
	return b
}

func reversed(b []byte) []byte {
	r := slices.Clone(b)
	slices.Reverse(r)
	return r
}

var _ fmt.Stringer = Profile{}

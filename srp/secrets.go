package srp

import (
	"crypto/hkdf"
	"crypto/sha512"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/kdf"
)

// SecretSize is the size of each of a server's secrets in bytes.
const SecretSize = decoy.KeySize

// Secrets are the long-lived secrets of a server. All replicas of a server
// share them, and nothing else does. They redact themselves in fmt, log/slog and JSON, by themselves
// and in exported fields; in an unexported field of another struct fmt cannot
// ask them to.
type Secrets struct {
	// Decoy, 32 random bytes, makes the answers for names that nobody has. It
	// is never rotated: an unknown name whose salt changed would give itself
	// away. If it leaks, known names can be told from unknown ones; nothing
	// else is lost.
	Decoy []byte
	// State, 1 to 16 distinct keys of 32 random bytes, protects pending state.
	// The first one seals, all of them open. Put a new one in front every day,
	// by [Server.WithState], and destroy those that are older than the longest
	// login: a state key that leaks opens recorded pending state, which holds
	// the verifier.
	State [][]byte
}

// Draw returns a number in [0, 1) that is fixed for an id and looks random
// without Decoy. While accounts move from one protocol to another, an unknown
// id answers as SRP if its draw is below the share of accounts still on SRP.
func (s Secrets) Draw(id []byte) float64 {
	return decoy.Fraction(s.Decoy, "protocol", id)
}

// Format writes a placeholder, whatever the verb.
func (s Secrets) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.Secrets(redacted)") }

// MarshalJSON writes a placeholder.
func (s Secrets) MarshalJSON() ([]byte, error) { return []byte(`"srp.Secrets(redacted)"`), nil }

// Template is one kind of account that a server has, as a stranger sees it
// before authentication.
type Template struct {
	Profile Profile
	Group   *Group
	// KDF is for Nescio, without a salt; zero: kdf.Default. Other profiles have
	// none. The hash runs on the clients, whose policies judge it, and the server
	// does not: choose it for the weakest of them, once, and not at each start,
	// since unknown names answer by it and records must have it. To change it put
	// a new template in front of the old one.
	KDF      kdf.Params
	SaltSize int    // bytes; 0: the profile's own, and for RFC 5054 alone another choice, of 1 to 64
	Weight   uint32 // its share among the accounts, in any unit
}

// DefaultTemplate is what to use unless something else decides: Nescio in the
// group of RFC 5054 of 3072 bits, for a strength of 128 bits, with Argon2id as in
// kdf.Default. In the group of 2048 bits, for 112, a login takes a server 2 ms in
// place of 10.
func DefaultTemplate() Template {
	g, err := RFC5054Group(3072)
	if err != nil {
		panic("srp: internal error: " + err.Error())
	}
	return Template{Profile: Nescio(), Group: g, Weight: 1}.complete()
}

// complete fills in what is left to the profile.
func (t Template) complete() Template {
	o := t.Offer()
	t.KDF, t.SaltSize = o.KDF, o.SaltSize
	return t
}

// Offer returns what a client needs to register an account of this kind. It is
// complete, except for profiles that register nobody, which Bytes and Register
// refuse.
func (t Template) Offer() Offer {
	o := Offer{Profile: t.Profile, KDF: t.KDF, SaltSize: t.SaltSize}
	if t.Group != nil && t.Group.d != nil {
		o.Group = t.Group.Ref()
	}
	o.KDF, o.SaltSize = o.kdf(), o.saltSize()
	return o
}

// check returns ErrPolicy for a template whose values do not fit together.
func (t Template) check() error {
	s := t.Profile.scheme()
	if s == nil || t.Group == nil || t.Group.d == nil {
		return refused("a template needs a profile and a group")
	}
	return t.Offer().fits(t.Group.d)
}

// sample returns a record of the template's kind.
func (t Template) sample(key []byte) ([]byte, error) {
	kind := &Record{profile: t.Profile, group: t.Group.Ref(), kdf: t.KDF, salt: make([]byte, t.SaltSize), domain: t.Group.d}
	return decoyRecord(key, kind, []byte(t.Profile.String()))
}

// decoyRecord returns the record of the given kind that an unknown id seems to
// have, always the same one. Salt and verifier depend on the kind: a name that
// kept its salt when all accounts of its kind moved to another would give
// itself away.
func decoyRecord(key []byte, kind *Record, id []byte) ([]byte, error) {
	s, d := kind.profile.scheme(), kind.domain
	digest := safeprime.Digest(d.n, d.g)
	info := string([]byte{kind.profile.id, byte(len(kind.salt))}) + string(digest[:])
	if params, err := kind.kdf.MarshalBinary(); err == nil {
		info += string(params)
	}
	salt, err := hkdf.Expand(sha512.New, decoy.Bytes(key, "salt", id), info, len(kind.salt))
	if err != nil {
		return nil, err
	}
	forceNonZero(salt)
	wide, err := hkdf.Expand(sha512.New, decoy.Bytes(key, "verifier", id), info, len(d.n)+16)
	if err != nil {
		return nil, err
	}
	r := &Record{
		profile:  kind.profile,
		group:    kind.group,
		kdf:      kind.kdf,
		identity: id,
		salt:     salt,
		verifier: encode(s, d, d.mod().Reduce(wide)),
	}
	return r.Bytes(), nil
}

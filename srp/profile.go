package srp

import (
	"crypto"
	"fmt"
)

// Profile fixes hashes, byte order, padding and proofs. Invalid arguments give
// the zero Profile, which is not valid.
type Profile struct {
	id uint8
}

// The ids of the profiles. Records contain them, and they never change.
const (
	idNescio  = 0x01
	idRFC5054 = 0x10 // + 4·hash + flags
	idProton  = 0x20 // + version
	idHomeKit = 0x30
)

// specs are the profiles by their ids.
var specs = [256]*spec{
	idNescio: {name: "nescio", salt: exactly(32), stretches: true, coversContext: true, proofSize: 64, formulas: nescio{}},

	idRFC5054 + 0x0: rfc5054Spec("rfc5054-sha1", crypto.SHA1, 0),
	idRFC5054 + 0x1: rfc5054Spec("rfc5054-sha1+minimal-g", crypto.SHA1, MinimalG),
	idRFC5054 + 0x2: rfc5054Spec("rfc5054-sha1+minimal-values", crypto.SHA1, MinimalValues),
	idRFC5054 + 0x3: rfc5054Spec("rfc5054-sha1+minimal-g+minimal-values", crypto.SHA1, MinimalG|MinimalValues),
	idRFC5054 + 0x4: rfc5054Spec("rfc5054-sha256", crypto.SHA256, 0),
	idRFC5054 + 0x5: rfc5054Spec("rfc5054-sha256+minimal-g", crypto.SHA256, MinimalG),
	idRFC5054 + 0x6: rfc5054Spec("rfc5054-sha256+minimal-values", crypto.SHA256, MinimalValues),
	idRFC5054 + 0x7: rfc5054Spec("rfc5054-sha256+minimal-g+minimal-values", crypto.SHA256, MinimalG|MinimalValues),
	idRFC5054 + 0x8: rfc5054Spec("rfc5054-sha512", crypto.SHA512, 0),
	idRFC5054 + 0x9: rfc5054Spec("rfc5054-sha512+minimal-g", crypto.SHA512, MinimalG),
	idRFC5054 + 0xa: rfc5054Spec("rfc5054-sha512+minimal-values", crypto.SHA512, MinimalValues),
	idRFC5054 + 0xb: rfc5054Spec("rfc5054-sha512+minimal-g+minimal-values", crypto.SHA512, MinimalG|MinimalValues),

	// Below version 3 the salt of bcrypt is the user name. Records have no salt,
	// and all look alike. A client ignores the salt that a server sends.
	idProton + 0: {name: "proton-0", fits: protonGroup, ignoredSalt: maxSalt, littleEndian: true, proofSize: protonSize, obsolete: true, loginOnly: true, formulas: proton{0}},
	idProton + 1: {name: "proton-1", fits: protonGroup, ignoredSalt: maxSalt, littleEndian: true, proofSize: protonSize, obsolete: true, loginOnly: true, formulas: proton{1}},
	idProton + 2: {name: "proton-2", fits: protonGroup, ignoredSalt: maxSalt, littleEndian: true, proofSize: protonSize, obsolete: true, loginOnly: true, formulas: proton{2}},
	idProton + 3: {name: "proton-3", fits: protonGroup, salt: exactly(10), littleEndian: true, proofSize: protonSize, formulas: proton{3}},
	idProton + 4: {name: "proton-4", fits: protonGroup, salt: exactly(10), littleEndian: true, proofSize: protonSize, formulas: proton{4}},

	idHomeKit: {name: "homekit", fits: homekitGroup, salt: saltSizes{1, 16, maxSalt}, dropsZeros: true, proofSize: 64, obsolete: true, formulas: homekit{homekitHash}},
}

func rfc5054Spec(name string, hash crypto.Hash, f Flags) *spec {
	return &spec{name: name, salt: saltSizes{1, 16, maxSalt}, proofSize: hash.Size(), obsolete: true, formulas: rfc5054{hash, f}}
}

// spec returns the parts of the profile, or nil if it is not valid.
func (p Profile) spec() *spec { return specs[p.id] }

// Valid reports whether p is not zero.
func (p Profile) Valid() bool { return p.spec() != nil }

// String returns the name, such as "proton-4".
func (p Profile) String() string {
	if s := p.spec(); s != nil {
		return s.name
	}
	return "invalid"
}

// ParseProfile returns the profile of a name, or [ErrPolicy].
func ParseProfile(name string) (Profile, error) {
	for id, s := range specs {
		if s != nil && s.name == name {
			return Profile{uint8(id)}, nil
		}
	}
	return Profile{}, errProfile
}

// MarshalText returns the name, or [ErrPolicy].
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

// NeedsUpgrade reports whether p has a fast password hash or is only for old
// accounts.
func (p Profile) NeedsUpgrade() bool {
	s := p.spec()
	return s == nil || s.obsolete
}

var _ fmt.Stringer = Profile{}

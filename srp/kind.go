package srp

import (
	"crypto/sha256"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/nescio-go/nescio/kdf"
)

// Kind is what a stranger sees of an account. Zero fields have their defaults.
type Kind struct {
	Profile  Profile    // default: [Nescio]
	Groups   []*Group   // one, or a pool; default: RFC 5054, 3072 bits
	KDF      kdf.Params // for Nescio, without a salt; default: [kdf.Default]
	SaltSize int        // in bytes; default: the profile's
	Weight   uint32     // share of each group among all accounts, 0 to 2^20
}

// DefaultKind is Nescio at 3072 bits, the zero [Kind].
func DefaultKind() Kind { return Kind{}.complete() }

// complete fills in the defaults.
func (k Kind) complete() Kind {
	if k.Profile == (Profile{}) {
		k.Profile = Nescio()
	}
	if len(k.Groups) == 0 {
		g, err := RFC5054Group(3072)
		if err != nil {
			panic("srp: internal error: " + err.Error())
		}
		k.Groups = []*Group{g}
	}
	o := offer{profile: k.Profile, kdf: k.KDF, saltSize: k.SaltSize}.complete()
	k.KDF, k.SaltSize = o.kdf, o.saltSize
	return k
}

// KindWeight is a kind for [Weights].
type KindWeight = decoy.KindWeight

// Weights returns kinds for Others of the opaque server, or [ErrPolicy].
func Weights(kinds ...Kind) ([]KindWeight, error) {
	var weights []KindWeight
	for _, k := range kinds {
		offers, err := k.offers()
		if err != nil {
			return nil, err
		}
		if k.Weight > decoy.MaxWeight {
			return nil, refused(decoy.ErrWeight.Error())
		}
		for _, o := range offers {
			weights = append(weights, KindWeight{Digest: o.digest(), Weight: k.Weight})
		}
	}
	return weights, nil
}

// offers returns an offer for each group of a kind, or ErrPolicy if its values
// do not fit together.
func (k Kind) offers() ([]offer, error) {
	k = k.complete()
	if !k.Profile.Valid() {
		return nil, errKindParts
	}
	offers := make([]offer, 0, len(k.Groups))
	for _, g := range k.Groups {
		if g == nil || g.params == nil {
			return nil, errKindParts
		}
		o := offer{profile: k.Profile, group: g.Unverified(), kdf: k.KDF, saltSize: k.SaltSize}
		if err := o.fits(g.params); err != nil {
			return nil, err
		}
		offers = append(offers, o)
	}
	return offers, nil
}

// digest identifies a kind with one group. A certificate is not part of a kind:
// all accounts of the kind get a new certificate at the same time, and no
// unknown name may change its answer otherwise.
func (o offer) digest() [32]byte {
	b := newMessage()
	b.AddUint8(o.profile.id)
	addGroup(b, UnverifiedGroup{N: o.group.N, G: o.group.G})
	b.AddUint8(uint8(o.saltSize))
	addKDF(b, o.kdf)
	encoded := b.BytesOrPanic()[2:]
	return sha256.Sum256(append([]byte("nescio/kind/v1\x00S"), encoded...))
}

// offer returns the kind of a record.
func (r *recordFields) offer() offer {
	return offer{profile: r.profile, group: r.group, kdf: r.kdf, saltSize: len(r.salt)}
}

// serverKind is a kind with one group, as a server keeps it.
type serverKind struct {
	offer  offer
	params *groupParams // proved
	digest [32]byte
	sample []byte // a record of this kind without an account
}

func (k Kind) serverKinds() ([]serverKind, error) {
	k = k.complete()
	offers, err := k.offers()
	if err != nil {
		return nil, err
	}
	kinds := make([]serverKind, len(offers))
	for i, o := range offers {
		g := k.Groups[i].params
		verifier := make([]byte, len(g.n))
		verifier[0], verifier[len(verifier)-1] = 2, 2 // in range in either byte order
		sample := recordFields{profile: o.profile, group: o.group, kdf: o.kdf, salt: make([]byte, o.saltSize), verifier: verifier}
		kinds[i] = serverKind{offer: o, params: g, digest: o.digest(), sample: sample.bytes()}
	}
	return kinds, nil
}

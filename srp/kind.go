package srp

import (
	"crypto/sha256"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/nescio-go/nescio/kdf"
)

// Kind is a kind of account that a server has, as a stranger sees it before
// authentication. A zero field has its default: a zero Kind is [DefaultKind].
type Kind struct {
	Profile Profile // default: Nescio

	// Groups is the group that accounts of this kind log in with, or a pool of
	// them: a registration gets one at random. Default: the group of RFC 5054 of
	// 3072 bits.
	Groups []*Group

	// KDF is for Nescio, without a salt; default: kdf.Default. Other profiles have
	// no parameters. The hash runs on the clients, whose policies judge it, and
	// not on the server. Choose it once, for the weakest client, and not at each
	// start: unknown names answer by it, and records must have it.
	KDF kdf.Params

	// SaltSize is in bytes; default: the profile's own. Only the RFC 5054 profiles
	// and HomeKit have a choice, of 1 to 64.
	SaltSize int

	// Weight is the share of one group of the kind among the accounts, in any
	// unit, 0 to 1,048,576. With 0 no unknown name has the kind. If the server has
	// one group in all, and no Others, its weight counts as 1. With several at least
	// one weight must not be 0. See the package documentation on how weights change.
	Weight uint32
}

// DefaultKind is the kind to use unless something else decides: Nescio in the
// group of RFC 5054 of 3072 bits, for a strength of 128 bits, with Argon2id as in
// kdf.Default. In the group of 2048 bits, for a strength of 112, a login takes a
// server 2 ms instead of 10.
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

// KindWeight is what another package's server needs to know about a kind in order
// to draw it: Digest, 32 bytes that name it, and Weight. [Weights] returns it.
type KindWeight = decoy.KindWeight

// Weights returns what the server of package opaque needs to know about these
// kinds, for its ServerConfig.Others: one value for each group. It returns
// [ErrPolicy] for kinds that [NewServer] refuses.
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

// offers returns an offer for each group of a kind, or ErrPolicy if its values do
// not fit together.
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

// digest names a kind with one group:
//
//	SHA-256("nescio/kind/v1" ‖ 00 ‖ 'S' ‖ profile u8 ‖ group without certificate ‖ salt size u8 ‖ u16 len ‖ KDF parameters)
//
// A certificate is not part of a kind: all accounts of the kind get another one
// at once, and no unknown name must change its answer otherwise.
func (o offer) digest() [32]byte {
	b := newMessage()
	b.AddUint8(o.profile.id)
	addGroup(b, UnverifiedGroup{N: o.group.N, G: o.group.G})
	b.AddUint8(uint8(o.saltSize))
	addKDF(b, o.kdf)
	encoded := b.BytesOrPanic()[2:]
	return sha256.Sum256(append([]byte("nescio/kind/v1\x00S"), encoded...))
}

// offer returns the kind that a record is of.
func (r *recordFields) offer() offer {
	return offer{profile: r.profile, group: r.group, kdf: r.kdf, saltSize: len(r.salt)}
}

// serverKind is a kind with one group, as a server keeps it.
type serverKind struct {
	offer  offer
	params *groupParams // proved
	digest [32]byte
	sample []byte // a record of this kind, of nobody
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

package srp

import "github.com/nescio-go/nescio/kdf"

// Offer is what a server asks a client to register under: public values, sent
// over the authenticated channel that registration needs anyway. A client
// takes it to [Client.Register], which judges the group as a login does.
type Offer struct {
	Profile  Profile
	Group    GroupRef
	KDF      kdf.Params `json:",omitzero"` // for Nescio, without a salt; zero: kdf.Default. Other profiles have none
	SaltSize int        // bytes; 0: the profile's own, and for RFC 5054 alone another choice, of 1 to 64
}

// Bytes returns the canonical binary form of a complete offer, one that
// Template.Offer or ParseOffer returned. For values that no offer can have it
// returns ErrPolicy.
func (o Offer) Bytes() ([]byte, error) {
	if _, err := o.check(); err != nil {
		return nil, err
	}
	b := newMessage()
	b.AddUint8(o.Profile.id)
	addGroup(b, o.Group)
	b.AddUint8(uint8(o.saltSize()))
	addKDF(b, o.kdf())
	return b.Bytes()
}

// ParseOffer decodes what Bytes returned, strictly, or returns ErrMalformed.
func ParseOffer(message []byte) (Offer, error) {
	s, ok := openMessage(message)
	if !ok {
		return Offer{}, ErrMalformed
	}
	var o Offer
	var size uint8
	if o.Profile, ok = readProfile(&s); !ok {
		return Offer{}, ErrMalformed
	}
	var g GroupRef
	if g, _, ok = readGroup(&s); !ok || !s.ReadUint8(&size) || size == 0 {
		return Offer{}, ErrMalformed
	}
	if o.KDF, ok = readKDF(&s, o.Profile); !ok || !s.Empty() {
		return Offer{}, ErrMalformed
	}
	o.Group = g.clone()
	o.SaltSize = int(size)
	if _, err := o.check(); err != nil {
		return Offer{}, ErrMalformed
	}
	return o, nil
}

func (o Offer) saltSize() int {
	if s := o.Profile.scheme(); o.SaltSize == 0 && s != nil {
		return s.saltSize()
	}
	return o.SaltSize
}

func (o Offer) kdf() kdf.Params {
	if s := o.Profile.scheme(); o.KDF == (kdf.Params{}) && s != nil {
		return s.ownKDF()
	}
	return o.KDF
}

// check returns the group of an offer whose values fit together.
func (o Offer) check() (*domain, error) {
	s := o.Profile.scheme()
	switch {
	case s == nil:
		return nil, errProfile
	case !s.registers():
		return nil, errRegistration
	case len(o.Group.Credential) > MaxCredential:
		return nil, errCredential
	}
	d, err := newDomain(o.Group.N, o.Group.G)
	if err != nil {
		return nil, err
	}
	if err := o.fits(d); err != nil {
		return nil, err
	}
	return d, nil
}

// fits returns ErrPolicy for values that the profile, which exists, does not have
// together.
func (o Offer) fits(d *domain) error {
	s := o.Profile.scheme()
	switch {
	case !s.accepts(d):
		return errGroupFit
	case !s.storesSalt(o.saltSize()):
		return errSaltFit
	case !s.acceptsKDF(o.kdf()):
		return errKDFFit
	}
	return nil
}

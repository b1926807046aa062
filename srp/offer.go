package srp

// Offer is what a server asks a client to register under: public values, sent
// over the authenticated channel that registration needs anyway. A client
// takes it to [Client.Register], which judges the group as a login does.
type Offer struct {
	Profile  Profile
	Group    GroupRef
	SaltSize int // bytes, 1 to 64, for Proton 10; 0: the profile's own, 16 or 10
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
	b.AddUint16(0)
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
	if g, _, ok = readGroup(&s); !ok || !s.ReadUint8(&size) || !readNoParameters(&s) || !s.Empty() || size == 0 {
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
	if !s.accepts(d) || !s.storesSalt(o.saltSize()) {
		return nil, errFit
	}
	return d, nil
}

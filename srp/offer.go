package srp

import "github.com/nescio-go/nescio/kdf"

// offer is what a server asks a client to register with. The values are public.
// The channel must be authenticated, as for the whole registration.
type offer struct {
	profile  Profile
	group    UnverifiedGroup
	kdf      kdf.Params // for Nescio, without a salt
	saltSize int        // bytes
}

// complete fills in the profile's defaults.
func (o offer) complete() offer {
	s := o.profile.spec()
	if s == nil {
		return o
	}
	if o.saltSize == 0 {
		o.saltSize = s.salt.new
	}
	o.kdf = s.completeKDF(o.kdf)
	return o
}

// bytes returns the response to a registration.
func (o offer) bytes() ([]byte, error) {
	b := newMessage()
	b.AddUint8(o.profile.id)
	addGroup(b, o.group)
	b.AddUint8(uint8(o.saltSize))
	addKDF(b, o.kdf)
	return b.Bytes()
}

// parseOffer decodes what bytes returned. It checks the form of all values and
// does not judge them.
func parseOffer(message []byte) (o offer, ok bool) {
	s, ok := openMessage(message)
	if !ok {
		return offer{}, false
	}
	var size uint8
	if o.profile, ok = readProfile(&s); !ok {
		return offer{}, false
	}
	var g *groupParams
	if o.group, g, ok = readGroup(&s); !ok || !s.ReadUint8(&size) || size == 0 {
		return offer{}, false
	}
	o.saltSize = int(size)
	if o.kdf, ok = readKDF(&s, o.profile); !ok || !s.Empty() {
		return offer{}, false
	}
	return o, o.check(g) == nil
}

// check returns ErrPolicy for values that do not fit together, or that cannot
// be registered.
func (o offer) check(g *groupParams) error {
	switch s := o.profile.spec(); {
	case s == nil:
		return errProfile
	case s.loginOnly:
		return errLoginOnly
	default:
		return o.fits(g)
	}
}

// fits returns ErrPolicy for values that a valid profile does not allow
// together.
func (o offer) fits(g *groupParams) error {
	switch s := o.profile.spec(); {
	case len(o.group.Certificate) > MaxCertificate:
		return errCertificate
	case !s.runsIn(g):
		return errGroupFit
	case !s.salt.allow(o.saltSize):
		return errSaltFit
	case !s.allowsKDF(o.kdf):
		return errKDFFit
	}
	return nil
}

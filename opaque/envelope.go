package opaque

import (
	"crypto/subtle"
	"encoding/binary"

	"github.com/nescio-go/nescio/internal/oprf"
)

// parties are the two sides that an envelope binds together. An empty identity
// means the party's public key.
type parties struct {
	serverPublicKey, serverIdentity []byte
	clientIdentity                  []byte
}

// envelopeKeys are derived from a randomized password and an envelope nonce.
type envelopeKeys struct {
	auth    [maxHash]byte
	export  [maxHash]byte
	seed    [nseed]byte
	private [maxPrivateKey]byte // client_private_key
	public  [maxPublicKey]byte  // client_public_key
	tag     [maxHash]byte
}

// derive computes the keys and the tag of an envelope, the common part of Store
// and Recover: RFC 9807, Sections 4.1.2 and 4.1.3.
func (e *envelopeKeys) derive(s *suite, h *oprf.Hash, randomizedPassword, nonce []byte, p parties) error {
	h.Expand(e.auth[:s.nh], randomizedPassword, nonce, labelAuthKey)
	h.Expand(e.export[:s.nh], randomizedPassword, nonce, labelExportKey)
	h.Expand(e.seed[:], randomizedPassword, nonce, labelPrivateKey)
	if err := s.ake.deriveKeyPair(h, e.private[:s.nsk], e.seed[:]); err != nil {
		return err
	}
	if err := s.ake.multiply(oprf.Term{Out: e.public[:s.npk], Scalar: e.private[:s.nsk]}); err != nil {
		return err
	}
	serverIdentity, clientIdentity := orKey(p.serverIdentity, p.serverPublicKey), orKey(p.clientIdentity, e.public[:s.npk])
	h.MAC(e.tag[:s.nh], e.auth[:s.nh], nonce,
		p.serverPublicKey, length16(serverIdentity), serverIdentity, length16(clientIdentity), clientIdentity)
	return nil
}

// recover checks an envelope: nonce ‖ auth_tag.
func (e *envelopeKeys) recover(s *suite, h *oprf.Hash, randomizedPassword, envelope []byte, p parties) error {
	if err := e.derive(s, h, randomizedPassword, envelope[:nn], p); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(e.tag[:s.nh], envelope[nn:]) != 1 {
		return ErrAuthentication
	}
	return nil
}

func (e *envelopeKeys) clear() { *e = envelopeKeys{} }

// orKey returns the identity of a party, or its public key if it has no
// identity.
func orKey(identity, publicKey []byte) []byte {
	if len(identity) == 0 {
		return publicKey
	}
	return identity
}

func length16(b []byte) []byte { return binary.BigEndian.AppendUint16(nil, uint16(len(b))) }

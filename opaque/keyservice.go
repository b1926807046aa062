package opaque

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/internal/oprf"
)

// KeyService holds the keys of a [Setup] elsewhere, such as in a KMS. Npk is
// 32, for [P256] 33.
type KeyService interface {
	// PublicKey returns server_public_key, Npk bytes.
	PublicKey(ctx context.Context) ([]byte, error)
	// OPRFSeed returns Expand(oprf_seed, credentialID ‖ "OprfKey", 32), in
	// equal time for all ids.
	OPRFSeed(ctx context.Context, credentialID []byte) ([]byte, error)
	// DH returns DiffieHellman(server_private_key, peer), Npk bytes, for a
	// valid peer.
	DH(ctx context.Context, peer []byte) ([]byte, error)
}

// memoryKeys is the KeyService of keys in memory. The server uses its parts
// directly, which saves an encoding.
type memoryKeys struct {
	suite   *suite
	seed    []byte // oprf_seed, Nh bytes
	private []byte // server_private_key
	public  []byte
}

func (m *memoryKeys) PublicKey(context.Context) ([]byte, error) { return bytes.Clone(m.public), nil }

func (m *memoryKeys) OPRFSeed(_ context.Context, credentialID []byte) ([]byte, error) {
	h := m.suite.oprf.NewHash()
	defer h.Clear()
	seed := make([]byte, nok)
	m.oprfSeed(h, seed, credentialID)
	return seed, nil
}

func (m *memoryKeys) oprfSeed(h *oprf.Hash, out, credentialID []byte) {
	h.Expand(out, m.seed, credentialID, labelOprfKey)
}

func (m *memoryKeys) DH(_ context.Context, peer []byte) ([]byte, error) {
	secret := make([]byte, m.suite.npk)
	return secret, m.suite.ake.multiply(oprf.Term{Out: secret, Scalar: m.private, Element: peer})
}

// oprfKey fills key with the OPRF key of a credential identifier: RFC 9807,
// Section 5.2.2.
func (s *Setup) oprfKey(ctx context.Context, h *oprf.Hash, key, id []byte) error {
	in, st := s.secrets.Get(), s.suite.definition()
	if in.memory != nil {
		var seed [nok]byte
		defer clear(seed[:])
		in.memory.oprfSeed(h, seed[:], id)
		return st.oprf.DeriveKeyPair(h, key, seed[:], infoOPRF)
	}
	seed, err := in.service.OPRFSeed(ctx, id)
	if err != nil {
		return serviceError(ctx, err)
	}
	if len(seed) != nok || oprf.IsZero(seed) {
		return errors.New("opaque: key service: invalid OPRF seed")
	}
	return st.oprf.DeriveKeyPair(h, key, seed, infoOPRF)
}

// diffieHellman fills out with DiffieHellman(server_private_key, peer) from the
// KeyService.
func (s *Setup) diffieHellman(ctx context.Context, out, peer []byte) error {
	result, err := s.secrets.Get().service.DH(ctx, peer)
	if err != nil {
		return serviceError(ctx, err)
	}
	if len(result) != len(out) || oprf.IsZero(result) {
		return errors.New("opaque: key service: invalid Diffie-Hellman secret")
	}
	copy(out, result)
	return nil
}

// serviceError returns the error of ctx as it is if ctx has ended.
func serviceError(ctx context.Context, err error) error {
	if c := ctx.Err(); c != nil {
		return c
	}
	return fmt.Errorf("opaque: key service: %w", err)
}

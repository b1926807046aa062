package opaque

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/internal/secret"
)

// Setup is the OPRF seed and the key pair of a server. Without it nobody can
// log in. A thief can guess at passwords offline, with a record or with one
// answer to a login, which anyone can begin.
type Setup struct {
	suite       Suite
	publicKey   []byte
	digest      [sha256.Size]byte     // of suite u8 ‖ publicKey
	fingerprint [fingerprintSize]byte // the first bytes of digest
	secrets     secret.Value[setupSecrets]
}

type setupSecrets struct {
	service  KeyService
	memory   *memoryKeys // the service, if the keys are in memory
	decoyKey []byte      // client_public_key of unknown users; nil: derived from DecoyKey
}

const fingerprintSize = 8

// setupDigest returns SHA-256(suite u8 ‖ server public key).
func setupDigest(s Suite, publicKey []byte) [sha256.Size]byte {
	return sha256.Sum256(append([]byte{byte(s)}, publicKey...))
}

func fingerprintOf(s Suite, publicKey []byte) [fingerprintSize]byte {
	digest := setupDigest(s, publicKey)
	return [fingerprintSize]byte(digest[:])
}

func newSetup(s Suite, publicKey []byte, in setupSecrets) *Setup {
	digest := setupDigest(s, publicKey)
	return &Setup{s, publicKey, digest, [fingerprintSize]byte(digest[:]), secret.New(in)}
}

// NewSetup returns [ErrPolicy] for an invalid suite.
func NewSetup(s Suite) (*Setup, error) {
	if !s.Valid() {
		return nil, errSuite
	}
	st := s.definition()
	m := &memoryKeys{suite: st, seed: make([]byte, st.nh), private: make([]byte, st.nsk)}
	rand.Read(m.seed)
	seed := make([]byte, nseed)
	defer clear(seed)
	rand.Read(seed)
	h := st.oprf.NewHash()
	defer h.Clear()
	if err := st.ake.deriveKeyPair(h, m.private, seed); err != nil {
		return nil, err
	}
	rand.Read(seed)
	decoyKey, err := st.publicKeyOf(seed)
	if err != nil {
		return nil, err
	}
	return m.setup(s, decoyKey)
}

// NewKeyServiceSetup returns a setup with keys in k, or its error, [ErrRecord]
// or [ErrPolicy].
func NewKeyServiceSetup(ctx context.Context, s Suite, k KeyService) (*Setup, error) {
	if !s.Valid() {
		return nil, errSuite
	}
	if k == nil {
		return nil, errNoService
	}
	pk, err := k.PublicKey(ctx)
	if err != nil {
		return nil, serviceError(ctx, err)
	}
	if !s.definition().validPublicKey(pk) {
		return nil, ErrRecord
	}
	return newSetup(s, bytes.Clone(pk), setupSecrets{service: k}), nil
}

// publicKeyOf returns the public half of DeriveDiffieHellmanKeyPair.
func (s *suite) publicKeyOf(seed []byte) ([]byte, error) {
	private := make([]byte, s.nsk)
	defer clear(private)
	h := s.oprf.NewHash()
	defer h.Clear()
	if err := s.ake.deriveKeyPair(h, private, seed); err != nil {
		return nil, err
	}
	public := make([]byte, s.npk)
	return public, s.ake.multiply(oprf.Term{Out: public, Scalar: private})
}

// Bytes returns the binary form, or [ErrPolicy] if the keys are in
// a [KeyService].
func (s *Setup) Bytes() ([]byte, error) {
	in := s.secrets.Get()
	if in.memory == nil {
		return nil, errServiceOnly
	}
	var b []byte
	if s.suite != Ristretto255 {
		b = []byte{protocol, version, byte(s.suite)}
	}
	b = append(b, in.memory.seed...)
	b = append(b, in.memory.private...)
	return append(b, in.decoyKey...), nil
}

// ParseSetup decodes a setup, or ServerSetup of opaque-ke 4, or returns
// [ErrRecord]. Older versions need a change: see FORMAT.md.
func ParseSetup(b []byte) (*Setup, error) {
	s := Ristretto255
	if len(b) != 64+32+32 {
		if len(b) < 3 || b[0] != protocol || b[1] != version || Suite(b[2]) == Ristretto255 || !Suite(b[2]).Valid() {
			return nil, ErrRecord
		}
		s, b = Suite(b[2]), b[3:]
	}
	st := s.definition()
	if len(b) != st.nh+st.nsk+st.npk {
		return nil, ErrRecord
	}
	b = bytes.Clone(b)
	m := &memoryKeys{suite: st, seed: b[:st.nh], private: b[st.nh : st.nh+st.nsk]}
	decoyKey := b[st.nh+st.nsk:]
	if !st.validPublicKey(decoyKey) || oprf.IsZero(m.seed) {
		return nil, ErrRecord
	}
	return m.setup(s, decoyKey)
}

// setup checks the private key and computes the public one.
func (m *memoryKeys) setup(s Suite, decoyKey []byte) (*Setup, error) {
	m.public = make([]byte, m.suite.npk)
	if m.suite.ake.multiply(oprf.Term{Out: m.public, Scalar: m.private}) != nil {
		return nil, ErrRecord
	}
	return newSetup(s, m.public, setupSecrets{service: m, memory: m, decoyKey: decoyKey}), nil
}

// withDecoy returns the setup with a public key for unknown users: the key in
// the setup, whose private key nobody knows, or a key derived from DecoyKey.
func (s *Setup) withDecoy(key *[decoy.KeySize]byte) (*Setup, error) {
	in := *s.secrets.Get()
	if in.decoyKey != nil {
		return s, nil
	}
	seed := decoy.Bytes(key, "client-public-key", s.publicKey)
	var err error
	if in.decoyKey, err = s.suite.definition().publicKeyOf(seed[:nseed]); err != nil {
		return nil, err
	}
	other := *s
	other.secrets = secret.New(in)
	return &other, nil
}

// usable reports whether s comes from one of this package's constructors.
func (s *Setup) usable() bool { return s != nil && s.secrets.Get().service != nil }

// Suite returns the suite.
func (s *Setup) Suite() Suite { return s.suite }

// PublicKey returns server_public_key.
func (s *Setup) PublicKey() []byte { return bytes.Clone(s.publicKey) }

// Fingerprint returns 8 bytes of SHA-256(suite ‖ public key), as in records.
func (s *Setup) Fingerprint() [8]byte { return s.fingerprint }

// Format redacts it.
func (s Setup) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Setup(redacted)") }

var errSetupJSON = errors.New("opaque: a setup has no JSON form; store its Bytes")

// MarshalJSON returns an error.
func (s Setup) MarshalJSON() ([]byte, error) { return nil, errSetupJSON }

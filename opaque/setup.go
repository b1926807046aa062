package opaque

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/internal/oprf"
)

// Keys are the long-lived secrets of a server, for those who keep them in a KMS
// or an HSM; [NewSetup] has its own in memory. Implementations are called by
// several goroutines at once. What they return is copied, and neither kept nor
// cleared: that is theirs to do.
type Keys interface {
	// PublicKey returns server_public_key, Npk bytes.
	PublicKey(ctx context.Context) ([]byte, error)
	// OPRFSeed returns Expand(oprf_seed, credentialID ‖ "OprfKey", 32), of the
	// suite's HKDF: RFC 9807, Section 5.2.2. It must take about the same time for
	// all ids, and must not tell those apart that exist.
	OPRFSeed(ctx context.Context, credentialID []byte) ([]byte, error)
	// DH returns DiffieHellman(server_private_key, peer), Npk bytes: RFC 9807,
	// Section 6.4.1. The peer's key comes from the network: it has been checked to be
	// a public key of the suite.
	DH(ctx context.Context, peer []byte) ([]byte, error)
}

// Setup is the key material of a server: the seed of all OPRF keys and a key
// pair. Whoever has it and the records can try passwords as if they were hashes;
// without it the records are of no use to anyone. If it is lost, nobody can log in
// again. Make it once, by NewSetup, and store its Bytes apart from the records.
//
// A Setup is immutable and safe for concurrent use. It redacts itself.
type Setup struct {
	suite     Suite
	keys      Keys
	memory    *memoryKeys // keys, if they are in memory
	publicKey []byte
	digest    [digestSize]byte // SHA-256 of the public key
	decoyKey  []byte           // client_public_key of unknown users; nil: made from Secrets.Decoy
}

const digestSize = sha256.Size

// NewSetup returns a new random setup.
func NewSetup(s Suite) (*Setup, error) {
	if !s.Valid() {
		return nil, errSuite
	}
	st := s.of()
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
	decoy, err := st.publicKeyOf(seed)
	if err != nil {
		return nil, err
	}
	return m.setup(s, decoy)
}

// NewKeysSetup returns a setup whose keys are elsewhere. It asks them for the
// public key, once, and returns their error, or ErrRecord if that is none.
func NewKeysSetup(ctx context.Context, s Suite, k Keys) (*Setup, error) {
	if !s.Valid() {
		return nil, errSuite
	}
	if k == nil {
		return nil, errNoKeys
	}
	pk, err := k.PublicKey(ctx)
	if err != nil {
		return nil, keysError(ctx, err)
	}
	if !s.of().validPublicKey(pk) {
		return nil, ErrRecord
	}
	return &Setup{suite: s, keys: k, publicKey: bytes.Clone(pk), digest: sha256.Sum256(pk)}, nil
}

// publicKeyOf is the public half of DeriveDiffieHellmanKeyPair.
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

// The binary form of a setup, of the default suite as opaque-ke has it:
//
//	Ristretto255: oprf_seed 64 ‖ server_private_key 32 ‖ decoy client_public_key 32
//	the others:   'O' ‖ version 01 ‖ suite u8 ‖ oprf_seed Nh ‖ server_private_key 32 ‖ decoy client_public_key Npk

// Bytes returns the binary form, for a vault: 128, 100 or 131 bytes for
// Ristretto255, P256 or Curve25519. That of Ristretto255 is the ServerSetup of
// opaque-ke 4; those of the others have three bytes before what opaque-ke has. It
// returns ErrPolicy if the keys are elsewhere.
func (s *Setup) Bytes() ([]byte, error) {
	if s.memory == nil {
		return nil, errKeysOnly
	}
	var b []byte
	if s.suite != Ristretto255 {
		b = []byte{kind, version, byte(s.suite)}
	}
	b = append(b, s.memory.seed...)
	b = append(b, s.memory.private...)
	return append(b, s.decoyKey...), nil
}

// ParseSetup decodes what Bytes returned, strictly, or returns ErrRecord. A
// ServerSetup of opaque-ke before version 4 is as long, but ends with a private key:
// put in its place its public key, or any other valid one.
func ParseSetup(b []byte) (*Setup, error) {
	s := Ristretto255
	if len(b) != 64+32+32 {
		if len(b) < 3 || b[0] != kind || b[1] != version || Suite(b[2]) == Ristretto255 || !Suite(b[2]).Valid() {
			return nil, ErrRecord
		}
		s, b = Suite(b[2]), b[3:]
	}
	st := s.of()
	if len(b) != st.nh+st.nsk+st.npk {
		return nil, ErrRecord
	}
	b = bytes.Clone(b)
	m := &memoryKeys{suite: st, seed: b[:st.nh], private: b[st.nh : st.nh+st.nsk]}
	decoy := b[st.nh+st.nsk:]
	if !st.validPublicKey(decoy) {
		return nil, ErrRecord
	}
	return m.setup(s, decoy)
}

// Suite returns the setup's suite.
func (s *Setup) Suite() Suite { return s.suite }

// PublicKey returns a copy of server_public_key, for ClientConfig.
func (s *Setup) PublicKey() []byte { return bytes.Clone(s.publicKey) }

// Format writes a placeholder, whatever the verb.
func (s Setup) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Setup(redacted)") }

// MarshalJSON refuses: see Record.MarshalJSON.
func (s Setup) MarshalJSON() ([]byte, error) { return nil, errSetupJSON }

// memoryKeys are Keys in memory.
type memoryKeys struct {
	suite   *suite
	seed    []byte // oprf_seed, Nh bytes
	private []byte // server_private_key
	public  []byte
}

// setup checks the private key and makes the public one.
func (m *memoryKeys) setup(s Suite, decoy []byte) (*Setup, error) {
	m.public = make([]byte, m.suite.npk)
	if m.suite.ake.multiply(oprf.Term{Out: m.public, Scalar: m.private}) != nil {
		return nil, ErrRecord
	}
	return &Setup{suite: s, keys: m, memory: m, publicKey: m.public, digest: sha256.Sum256(m.public), decoyKey: decoy}, nil
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

// keysError passes on the end of ctx as it is.
func keysError(ctx context.Context, err error) error {
	if c := ctx.Err(); c != nil {
		return c
	}
	return fmt.Errorf("opaque: keys: %w", err)
}

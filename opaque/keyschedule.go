package opaque

import (
	"encoding/binary"
	"hash"

	"github.com/nescio-go/nescio/internal/oprf"
)

// This is the key schedule of RFC 9807, Section 6.4.2.

// keys are the outputs of DeriveKeys and the two MACs.
type keys struct {
	session   [maxHash]byte // session_key
	serverMAC [maxHash]byte
	clientMAC [maxHash]byte
}

// These strings are hashed as they are: labels of Expand and Expand-Label,
// infos of DeriveKeyPair, and a label of package decoy with its length.
var (
	infoOPRF          = []byte("OPAQUE-DeriveKeyPair")
	infoDiffieHellman = []byte("OPAQUE-DeriveDiffieHellmanKeyPair")
	decoyMasking      = []byte("\x07masking")

	labelOprfKey     = []byte("OprfKey")
	labelMaskingKey  = []byte("MaskingKey")
	labelAuthKey     = []byte("AuthKey")
	labelExportKey   = []byte("ExportKey")
	labelPrivateKey  = []byte("PrivateKey")
	labelResponsePad = []byte("CredentialResponsePad")
	labelHandshake   = []byte("OPAQUE-HandshakeSecret")
	labelSession     = []byte("OPAQUE-SessionKey")
	labelServerMAC   = []byte("OPAQUE-ServerMAC")
	labelClientMAC   = []byte("OPAQUE-ClientMAC")
	preamblePrefix   = []byte("OPAQUEv1-")
)

// deriveSecret is Derive-Secret: Expand-Label with the context and Nx bytes.
// The label begins with "OPAQUE-".
func deriveSecret(h *oprf.Hash, out, secret, label, transcriptHash []byte, scratch *[4]byte) {
	binary.BigEndian.PutUint16(scratch[:], uint16(len(out)))
	scratch[2], scratch[3] = byte(len(label)), byte(len(transcriptHash))
	h.Expand(out, secret, scratch[:2], scratch[2:3], label, scratch[3:4], transcriptHash)
}

// schedule is the state of DeriveKeys. It is part of a larger piece of the
// heap, which is cleared after the login.
type schedule struct {
	preamble   hash.Hash
	transcript [maxHash]byte // Hash(preamble)
	secret     [maxHash]byte
	macKey     [maxHash]byte
	size       [4]byte
}

// write16 writes one part of the preamble after its length.
func (s *schedule) write16(parts ...[]byte) {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	binary.BigEndian.PutUint16(s.size[:], uint16(n))
	s.preamble.Write(s.size[:2])
	for _, p := range parts {
		s.preamble.Write(p)
	}
}

// transcript has the parts of RFC 9807's preamble, which both sides hash.
type transcript struct {
	context        transcriptContext
	clientIdentity []byte // or the client's public key
	ke1            []byte
	serverIdentity []byte // or the server's public key
	ke2            ke2
}

// transcriptContext is the RFC's context in two parts.
type transcriptContext struct{ prefix, application []byte }

// writePreamble writes the preamble of RFC 9807, Section 6.4.2.1, which
// covers everything that the two sides must agree on.
func (s *schedule) writePreamble(t transcript) {
	s.preamble.Write(preamblePrefix)
	s.write16(t.context.prefix, t.context.application)
	s.write16(t.clientIdentity)
	s.preamble.Write(t.ke1)
	s.write16(t.serverIdentity)
	s.preamble.Write(t.ke2.credentialResponse)
	s.preamble.Write(t.ke2.serverNonce)
	s.preamble.Write(t.ke2.serverKeyshare)
}

// derive is DeriveKeys, with both MACs. Each side calls it with the secrets of
// 3DH and with its own transcript.
func (s *schedule) derive(st *suite, h *oprf.Hash, k *keys, ikm []byte, t transcript) {
	n := st.nh
	s.preamble = st.newHash()
	s.writePreamble(t)
	s.preamble.Sum(s.transcript[:0])
	h.Extract(s.secret[:n], ikm)
	deriveSecret(h, k.session[:n], s.secret[:n], labelSession, s.transcript[:n], &s.size)
	deriveSecret(h, s.macKey[:n], s.secret[:n], labelHandshake, s.transcript[:n], &s.size)
	copy(s.secret[:n], s.macKey[:n]) // from here on the handshake secret

	deriveSecret(h, s.macKey[:n], s.secret[:n], labelServerMAC, nil, &s.size)
	h.MAC(k.serverMAC[:n], s.macKey[:n], s.transcript[:n])

	s.preamble.Write(k.serverMAC[:n])
	s.preamble.Sum(s.transcript[:0])
	deriveSecret(h, s.macKey[:n], s.secret[:n], labelClientMAC, nil, &s.size)
	h.MAC(k.clientMAC[:n], s.macKey[:n], s.transcript[:n])
}

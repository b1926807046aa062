package opaque

import (
	"encoding/binary"
	"hash"

	"github.com/nescio-go/nescio/internal/oprf"
)

// The key schedule of RFC 9807, Section 6.4.2, and what both sides hash.

// keys are the outputs of DeriveKeys and what follows from them.
type keys struct {
	session   [maxHash]byte // session_key
	serverMAC [maxHash]byte
	clientMAC [maxHash]byte
}

// What is hashed as it is: labels of Expand and Expand-Label, infos of
// DeriveKeyPair, and the label of decoys with its length (package decoy).
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

// schedule is the state of DeriveKeys. It is on the heap, and what it hashes is
// in it.
type schedule struct {
	preamble   hash.Hash
	transcript [maxHash]byte // Hash(preamble)
	secret     [maxHash]byte
	macKey     [maxHash]byte
	size       [4]byte
}

// write16 appends a part of the preamble with its length.
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

// begin writes the preamble up to the identity of the server; what is written
// to s.preamble then ends it.
func (s *schedule) begin(c transcriptContext, clientIdentity, ke1, serverIdentity []byte) {
	s.preamble.Write(preamblePrefix)
	s.write16(c.prefix, c.application)
	s.write16(clientIdentity)
	s.preamble.Write(ke1)
	s.write16(serverIdentity)
}

// transcriptContext is the RFC's context in two parts.
type transcriptContext struct{ prefix, application []byte }

// derive is DeriveKeys, with both MACs, after the whole preamble.
func (s *schedule) derive(st *suite, h *oprf.Hash, k *keys, ikm []byte) {
	n := st.nh
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

package opaque

import (
	"context"
	"crypto/subtle"

	"github.com/nescio-go/nescio/internal/oprf"
)

// multiply does the group operations of a KE2: the evaluation of the OPRF, the
// key share, and the three of 3DH (RFC 9807, Sections 6.3.2.2 and 6.4.4).
func (s *Server) multiply(ctx context.Context, run *loginRun, setup *Setup, h *oprf.Hash, id []byte, ke1 ke1, ke2 ke2, clientPublicKey []byte) error {
	st, memory := setup.suite.definition(), setup.secrets.Get().memory
	oprfKey, private := run.oprfKey[:st.oprf.Group.ScalarSize()], run.private[:st.nsk]
	if err := setup.oprfKey(ctx, h, oprfKey, id); err != nil {
		return err
	}
	s.random(st, serverKeyshareSeed, run.seed[:])
	if err := st.ake.deriveKeyPair(h, private, run.seed[:]); err != nil {
		return err
	}

	n := st.npk
	dh1, dh2, dh3 := run.ikm[:n], run.ikm[n:2*n], run.ikm[2*n:3*n]
	terms := append(run.terms[:0],
		oprf.Term{Out: ke2.evaluated, Scalar: oprfKey, Element: ke1.blinded},
		oprf.Term{Out: ke2.serverKeyshare, Scalar: private},
		oprf.Term{Out: dh3, Scalar: private, Element: clientPublicKey},
		oprf.Term{Out: dh1, Scalar: private, Element: ke1.clientKeyshare},
	)
	if memory != nil {
		terms = append(terms, oprf.Term{Out: dh2, Scalar: memory.private, Element: ke1.clientKeyshare})
	}
	if err := st.multiply(terms); err != nil {
		if !st.validPublicKey(clientPublicKey) {
			return ErrRecord // damaged since it was admitted
		}
		return ErrMalformed
	}
	if memory != nil {
		return nil
	}
	return setup.diffieHellman(ctx, dh2, ke1.clientKeyshare)
}

// multiply does the first term in the OPRF's group and the others in the AKE's.
func (s *suite) multiply(terms []oprf.Term) error {
	if s.shared {
		return s.oprf.Group.Multiply(terms...)
	}
	if err := s.oprf.Group.Multiply(terms[:1]...); err != nil {
		return err
	}
	return s.ake.multiply(terms[1:]...)
}

// mask fills in the rest of the credential response: CreateCredentialResponse,
// Section 6.3.2.2.
func (s *Server) mask(run *loginRun, st *suite, h *oprf.Hash, ke2 ke2, record, publicKey []byte) {
	s.random(st, maskingNonce, ke2.maskingNonce)
	pad := run.pad[:st.maskedSize()]
	h.Expand(pad, record[st.npk:st.npk+st.nh], ke2.maskingNonce, labelResponsePad)
	subtle.XORBytes(ke2.masked, pad, publicKey)
	subtle.XORBytes(ke2.masked[st.npk:], pad[st.npk:], record[st.npk+st.nh:])
}

// ke1 is RFC 9807's KE1 in its parts.
type ke1 struct{ blinded, clientNonce, clientKeyshare []byte }

func splitKE1(s *suite, m []byte) ke1 {
	return ke1{m[:s.element], m[s.element : s.element+nn], m[s.element+nn:]}
}

// ke2 is RFC 9807's KE2 in its parts.
type ke2 struct {
	credentialResponse              []byte
	evaluated, maskingNonce, masked []byte // the parts of credentialResponse
	serverNonce, serverKeyshare     []byte
	serverMAC                       []byte
}

func splitKE2(s *suite, m []byte) ke2 {
	var k ke2
	k.credentialResponse = m[:s.credentialResponseSize()]
	k.evaluated, k.maskingNonce, k.masked = m[:s.element], m[s.element:s.element+nn], k.credentialResponse[s.element+nn:]
	m = m[s.credentialResponseSize():]
	k.serverNonce, k.serverKeyshare, k.serverMAC = m[:nn], m[nn:nn+s.npk], m[nn+s.npk:]
	return k
}

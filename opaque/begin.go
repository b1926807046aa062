package opaque

import (
	"context"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"errors"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/internal/seal"
)

// draw fills out with the random value of that name in RFC 9807. The tests have
// others.
type draw func(s *suite, name randomValue, out []byte)

type randomValue string

const (
	blind              randomValue = "blind" // a scalar
	envelopeNonce      randomValue = "envelope_nonce"
	maskingNonce       randomValue = "masking_nonce"
	clientNonce        randomValue = "client_nonce"
	serverNonce        randomValue = "server_nonce"
	clientKeyshareSeed randomValue = "client_keyshare_seed"
	serverKeyshareSeed randomValue = "server_keyshare_seed"
)

func drawRandom(s *suite, name randomValue, out []byte) {
	if name == blind {
		s.oprf.RandomScalar(out)
		return
	}
	rand.Read(out)
}

// Begin answers a client's request with a response to send, and with pending
// state to give to Finish, at most 4 KiB: encrypted and authenticated, and best
// kept on the server's side none the less.
//
// The id, 1 to 1024 bytes, is the name under which the account is looked up, the
// same that Register had, brought to one spelling by its syntax alone before the
// look-up, for known and unknown names alike. The record is what the look-up
// found, the binary form; empty if it found nothing, and then Begin answers as it
// would for an account. It does the same work in both cases.
//
// Begin returns ErrMalformed for a request that no client sends, for one of
// another suite than the account's, and for an id of another length; ErrRecord
// for a record that is damaged or whose setup is not there, ErrPolicy if too many
// logins are in progress, or an error of Keys or of ctx. A Begin counts as a try:
// limit the rate by id and by address. The results are the caller's, and what was
// passed in is not kept.
func (s *Server) Begin(ctx context.Context, id, record, request []byte) (response, pending []byte, err error) {
	return s.begin(ctx, id, record, request, drawRandom)
}

func (s *Server) begin(ctx context.Context, id, record, request []byte, draw draw) (response, pending []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if len(id) == 0 || len(id) > MaxID {
		return nil, nil, ErrMalformed
	}
	suite, ke1, ok := s.wire.parseRequest(request, s.templates[0].suite)
	if !ok || len(ke1) != suite.of().ke1Size() {
		return nil, nil, ErrMalformed
	}
	ticket, err := s.box.Reserve()
	if err != nil {
		return nil, nil, errFull
	}
	response, pending, err = s.beginWith(ctx, ticket, id, record, suite, ke1, draw)
	if err != nil {
		s.box.Release(ticket)
		return nil, nil, err
	}
	return response, pending, nil
}

// loginRun is what one Begin computes with, in one piece of the heap that is
// cleared when it is over.
type loginRun struct {
	schedule schedule
	keys     keys
	record   [maxRecord]byte
	masking  [sha512.Size]byte
	terms    [5]oprf.Term
	seed     [nok]byte
	oprfKey  [maxPrivateKey]byte
	private  [maxPrivateKey]byte // server_private_keyshare
	ikm      [3 * maxPublicKey]byte
	pad      [maxPublicKey + maxEnvelope]byte
	body     [1 + digestSize + 2*maxHash]byte
}

func (s *Server) beginWith(ctx context.Context, ticket seal.Ticket, id, record []byte, want Suite, ke1 []byte, draw draw) (response, pending []byte, err error) {
	run := new(loginRun)
	defer func() { *run = loginRun{} }()

	st := want.of()
	h := st.oprf.NewHash()
	defer h.Clear()
	r, unknown, err := s.selectRecord(run, h, id, record)
	if err != nil {
		return nil, nil, err
	}
	if r.suite != want {
		return nil, nil, ErrMalformed
	}
	setup := s.setups[r.setup]

	var prefix []byte
	if s.wire == Framed {
		head, err := s.headOf(&r)
		if err != nil {
			return nil, nil, ErrRecord
		}
		response = make([]byte, 0, 2+len(head)+st.ke2Size())
		response = append(append(response, kind, version), head...)
		prefix = contextPrefix(head, s.context)
	}
	start := len(response)
	response = append(response, make([]byte, st.ke2Size())...)
	ke2 := splitKE2(st, response[start:])

	if err := run.multiply(ctx, setup, h, id, splitKE1(st, ke1), ke2, r.raw[:st.npk], draw); err != nil {
		return nil, nil, err
	}
	run.mask(st, h, ke2, r.raw, setup.publicKey, draw)

	draw(st, serverNonce, ke2.serverNonce)
	sch := &run.schedule
	sch.preamble = st.newHash()
	sch.begin(transcriptContext{prefix, s.context}, orKey(r.identity, r.raw[:st.npk]), ke1, orKey(s.identity, setup.publicKey))
	sch.preamble.Write(ke2.credentialResponse)
	sch.preamble.Write(ke2.serverNonce)
	sch.preamble.Write(ke2.serverKeyshare)
	sch.derive(st, h, &run.keys, run.ikm[:3*st.npk])
	copy(ke2.serverMAC, run.keys.serverMAC[:])

	body := append(run.body[:0], byte(r.suite))
	body = append(body, setup.digest[:]...)
	body = append(body, run.keys.clientMAC[:st.nh]...)
	body = append(body, run.keys.session[:st.nh]...)
	state := seal.State{Fake: unknown, Body: body}
	if s.stale(&r) {
		state.ReplyFlags = flagRegister
	}
	pending, err = s.box.Seal(ticket, id, s.bound(), state)
	if err != nil {
		return nil, nil, ErrRecord
	}
	return response, pending, nil
}

// selectRecord returns the record, or the one that an unknown id seems to have,
// and which of them it is. Known and unknown ids take one path: for both a decoy
// of the kind that the answer shows is made, and one of the two is selected.
func (s *Server) selectRecord(run *loginRun, h *oprf.Hash, id, record []byte) (r Record, unknown int, err error) {
	unknown = subtle.ConstantTimeEq(int32(min(len(record), 1)), 0)
	t := &s.templates[decoy.Pick(s.decoyKey, id, s.weights)]
	r, ok := readRecord([2][]byte{record, t.sample}[unknown])
	if !ok {
		return Record{}, 0, ErrRecord
	}
	setup := s.setups[r.setup]
	if setup == nil || setup.suite != r.suite {
		return Record{}, 0, errSetupGone
	}
	st := r.suite.of()
	substitute := run.record[:st.recordSize()] // its envelope is all zero
	copy(substitute, setup.decoyKey)
	if h.Size() != sha512.Size {
		h = oprf.NewSHA512()
		defer h.Clear()
	}
	h.MAC(run.masking[:], s.decoyKey, decoyMasking, id) // D("masking", id)
	copy(substitute[st.npk:st.npk+st.nh], run.masking[:])
	subtle.ConstantTimeCopy(1-unknown, substitute, r.raw)
	r.raw = substitute
	r.identity = [2][]byte{r.identity, t.identity(id)}[unknown]
	return r, unknown, nil
}

// identity is that of a name that nobody has.
func (t *template) identity(id []byte) []byte {
	if t.Identities {
		return id
	}
	return nil
}

// headOf returns the encoded kind of a record, of which there are few.
func (s *Server) headOf(r *Record) ([]byte, error) {
	for i := range s.templates {
		if t := &s.templates[i]; t.Setup == r.setup && t.KSF == r.ksf {
			return t.head.encoded, nil
		}
	}
	head, err := newHead(r.suite, r.setup, r.ksf)
	return head.encoded, err
}

// multiply does the group operations of a KE2: the evaluation of the OPRF, the
// key share, and the three of 3DH (RFC 9807, Sections 6.3.2.2 and 6.4.4).
func (run *loginRun) multiply(ctx context.Context, setup *Setup, h *oprf.Hash, id []byte, ke1 ke1, ke2 ke2, clientPublicKey []byte, draw draw) error {
	st, memory := setup.suite.of(), setup.memory
	oprfKey, private := run.oprfKey[:st.oprf.Group.ScalarSize()], run.private[:st.nsk]
	if err := setup.oprfKey(ctx, h, oprfKey, id); err != nil {
		return err
	}
	draw(st, serverKeyshareSeed, run.seed[:])
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
	secret, err := setup.keys.DH(ctx, ke1.clientKeyshare)
	if err != nil {
		return keysError(ctx, err)
	}
	if len(secret) != n || oprf.IsZero(secret) {
		return errors.New("opaque: keys: not a Diffie-Hellman secret")
	}
	copy(dh2, secret)
	return nil
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
func (run *loginRun) mask(st *suite, h *oprf.Hash, ke2 ke2, record, publicKey []byte, draw draw) {
	draw(st, maskingNonce, ke2.maskingNonce)
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
	evaluated, maskingNonce, masked []byte // of which it consists
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

package opaque

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/internal/seal"
)

// BeginLogin returns the response and at most 4 KiB of pending state. The
// record of an unknown name is empty. It returns [ErrMalformed], [ErrRecord]
// or [ErrBusy].
func (s *Server) BeginLogin(ctx context.Context, id, record, request []byte) (response, pending []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if !validID(id) {
		return nil, nil, ErrMalformed
	}
	suite, ke1, ok := s.wire.parseRequest(request, s.kinds[0].suite)
	if !ok || len(ke1) != suite.definition().ke1Size() {
		return nil, nil, ErrMalformed
	}
	box := s.secrets.Get().box
	ticket, err := box.Reserve()
	if err != nil {
		return nil, nil, ErrBusy
	}
	response, pending, err = s.answerLogin(ctx, box, ticket, id, record, suite, ke1)
	if err != nil {
		box.Release(ticket)
		return nil, nil, err
	}
	return response, pending, nil
}

// loginRun is the memory that one BeginLogin computes in. It is one piece of
// the heap, which is cleared when the call is over.
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
	body     [1 + 2*sha256.Size + 2*maxHash]byte
}

func (s *Server) answerLogin(ctx context.Context, box *seal.Box, ticket seal.Ticket, id, stored []byte, want Suite, ke1 []byte) (response, pending []byte, err error) {
	run := new(loginRun)
	defer func() { *run = loginRun{} }()

	st := want.definition()
	h := st.oprf.NewHash()
	defer h.Clear()
	a, err := s.selectRecord(run, h, id, stored)
	if err != nil {
		return nil, nil, err
	}
	if a.suite != want {
		return nil, nil, ErrMalformed
	}

	response, c := s.beginResponse(&a.head, st.ke2Size())
	ke2 := splitKE2(st, response[len(response)-st.ke2Size():])
	if err := s.multiply(ctx, run, a.setup, h, id, splitKE1(st, ke1), ke2, a.raw[:st.npk]); err != nil {
		return nil, nil, err
	}
	s.mask(run, st, h, ke2, a.raw, a.setup.publicKey)

	s.random(st, serverNonce, ke2.serverNonce)
	run.schedule.derive(st, h, &run.keys, run.ikm[:3*st.npk], transcript{
		context:        c,
		clientIdentity: orKey(a.identity, a.raw[:st.npk]),
		serverIdentity: orKey(s.identity, a.setup.publicKey),
		ke1:            ke1,
		ke2:            ke2,
	})
	copy(ke2.serverMAC, run.keys.serverMAC[:])

	state := seal.State{Fake: a.unknown, Body: run.pendingBody(&a)}
	if s.needsRegistration(&a.record) {
		state.ReplyFlags = flagRegister
	}
	pending, err = box.Seal(ticket, id, s.stateBinding(), state)
	if err != nil {
		return nil, nil, err
	}
	return response, pending, nil
}

// beginResponse returns a response with room for KE2 at its end, and the
// context of the login.
func (s *Server) beginResponse(h *head, ke2Size int) (response []byte, c transcriptContext) {
	c.application = s.secrets.Get().context
	if s.wire == WireFramed {
		response = make([]byte, 0, 2+len(h.encoded)+ke2Size)
		response = append(append(response, protocol, version), h.encoded...)
		c.prefix = contextPrefix(*h, c.application)
	}
	return append(response, make([]byte, ke2Size)...), c
}

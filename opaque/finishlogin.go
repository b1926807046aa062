package opaque

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"

	"github.com/nescio-go/nescio/internal/seal"
)

// FinishLogin returns the reply and the session key. The record is what the
// store has now. Pending state is for one try. FinishLogin returns
// [ErrAuthentication] for a wrong password or an unknown name, [ErrState] for a
// changed record or unusable state, or [ErrMalformed].
func (s *Server) FinishLogin(ctx context.Context, id, record, pending, final []byte) (reply, key []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if !validID(id) {
		return nil, nil, ErrMalformed
	}
	state, err := s.secrets.Get().box.Open(ctx, id, s.stateBinding(), pending)
	if errors.Is(err, seal.ErrState) {
		return nil, nil, ErrState
	}
	if err != nil {
		return nil, nil, err
	}
	defer clear(state.Body)
	p, ok := parsePending(state.Body)
	if !ok || !s.hasSetup(p.setup) {
		return nil, nil, ErrState // sealed by another version, or by a server with other setups
	}
	ke3, ok := s.wire.parseFinal(final)
	if !ok || len(ke3) != p.suite.definition().ke3Size() {
		return nil, nil, ErrMalformed
	}
	digest := recordDigest(record, s.drawn(id).sample)
	proof := subtle.ConstantTimeCompare(ke3, p.clientMAC) & (1 - state.Fake)
	same := subtle.ConstantTimeCompare(digest[:], p.record[:])
	if proof != 1 {
		return nil, nil, ErrAuthentication
	}
	if same != 1 {
		return nil, nil, ErrState
	}
	key = s.wire.sessionKey(p.suite, p.session)
	if s.wire == WireRFC9807 {
		return nil, key, nil
	}
	return makeReply(p.session, state.ReplyFlags), key, nil
}

// parseFinal returns KE3 of a client's final message.
func (w Wire) parseFinal(final []byte) (ke3 []byte, ok bool) {
	if w == WireRFC9807 {
		return final, true
	}
	return openMessage(final)
}

// pendingState is the body of pending state.
type pendingState struct {
	suite     Suite
	setup     [sha256.Size]byte // digest of the setup
	record    [sha256.Size]byte // digest of the record that BeginLogin had
	clientMAC []byte            // the one to expect
	session   []byte            // session_key
}

// pendingBody encodes pending state: suite u8 ‖ digest of the setup 32 ‖ digest
// of the record 32 ‖ client MAC ‖ session_key.
func (run *loginRun) pendingBody(a *account) []byte {
	nh := a.suite.definition().nh
	b := append(run.body[:0], byte(a.suite))
	b = append(append(b, a.setup.digest[:]...), a.digest[:]...)
	return append(append(b, run.keys.clientMAC[:nh]...), run.keys.session[:nh]...)
}

func parsePending(body []byte) (p pendingState, ok bool) {
	const front = 1 + 2*sha256.Size
	if len(body) < front || !Suite(body[0]).Valid() {
		return pendingState{}, false
	}
	p.suite = Suite(body[0])
	n := p.suite.definition().nh
	if len(body) != front+2*n {
		return pendingState{}, false
	}
	copy(p.setup[:], body[1:])
	copy(p.record[:], body[1+sha256.Size:])
	p.clientMAC, p.session = body[front:front+n], body[front+n:]
	return p, true
}

// hasSetup reports whether one of the server's setups has this digest.
func (s *Server) hasSetup(digest [sha256.Size]byte) bool {
	for _, setup := range s.setups {
		if setup.digest == digest {
			return true
		}
	}
	return false
}

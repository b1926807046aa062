package opaque

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"

	"github.com/nescio-go/nescio/internal/seal"
)

// Finish checks the client's final message against the pending state of its
// login, and returns the reply to send and the session key, the same that the
// client's Finish will return: 32 bytes, on the RFC's wire its session_key of 64
// or for P256 32 bytes.
//
// The id is the one that Begin had, as the web session that asks knows it, so
// that nobody can finish somebody else's login: another id is ErrState and does
// not spend the state. Finish spends it before it looks at the message: a wrong
// proof burns it, and every further try needs a Begin.
//
// It returns ErrAuthentication for a wrong password and for an unknown user
// alike, ErrState for state that is missing or cannot be used, ErrMalformed for
// a message that no client sends, or the error of the shared Replay or of ctx.
func (s *Server) Finish(ctx context.Context, id, pending, final []byte) (reply, key []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	state, err := s.box.Open(ctx, id, s.context, pending)
	if errors.Is(err, seal.ErrState) {
		return nil, nil, ErrState
	}
	if err != nil {
		return nil, nil, err
	}
	defer clear(state.Body)
	suite, clientMAC, session, ok := parsePending(state.Body)
	if !ok {
		return nil, nil, ErrState // sealed by a version that kept something else
	}
	ke3 := final
	if s.wire == Framed {
		body, ok := openMessage(final)
		if !ok {
			return nil, nil, ErrMalformed
		}
		ke3 = body
	}
	if len(ke3) != suite.of().ke3Size() {
		return nil, nil, ErrMalformed
	}
	if subtle.ConstantTimeCompare(ke3, clientMAC)&(1-state.Fake) != 1 {
		return nil, nil, ErrAuthentication
	}
	key, err = s.wire.sessionKey(suite, session)
	if err != nil {
		return nil, nil, err
	}
	if s.wire == RFC {
		return nil, key, nil
	}
	reply, err = makeReply(session, state.ReplyFlags)
	if err != nil {
		return nil, nil, err
	}
	return reply, key, nil
}

// parsePending splits the body of pending state: suite u8 ‖ expected client MAC ‖
// session_key.
func parsePending(body []byte) (s Suite, clientMAC, session []byte, ok bool) {
	if len(body) == 0 || !Suite(body[0]).Valid() {
		return 0, nil, nil, false
	}
	s = Suite(body[0])
	n := s.of().nh
	if len(body) != 1+2*n {
		return 0, nil, nil, false
	}
	return s, body[1 : 1+n], body[1+n:], true
}

// flagRegister in a reply says that a fresh registration is wanted.
const flagRegister = 1

const replySize = 2 + 1 + sha256.Size

// makeReply returns 'O' ‖ version ‖ flags ‖ HMAC-SHA256(HKDF-SHA256(session_key,
// "", "nescio/opaque/reply/v1", 32), 'O' ‖ version ‖ flags).
func makeReply(session []byte, flags byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, session, nil, "nescio/opaque/reply/v1", sha256.Size)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	mac := hmac.New(sha256.New, key)
	reply := append(make([]byte, 0, replySize), kind, version, flags)
	mac.Write(reply)
	return mac.Sum(reply), nil
}

// checkReply returns the flags of a reply, or ErrMalformed or ErrAuthentication.
func checkReply(session, reply []byte) (flags byte, err error) {
	if len(reply) != replySize || reply[0] != kind || reply[1] != version || reply[2]&^flagRegister != 0 {
		return 0, ErrMalformed
	}
	want, err := makeReply(session, reply[2])
	if err != nil {
		return 0, err
	}
	if subtle.ConstantTimeCompare(reply, want) != 1 {
		return 0, ErrAuthentication
	}
	return reply[2], nil
}

// sessionKey is what a login ends with: of the RFC's session_key on its own wire
// a copy, else HKDF-SHA256(session_key, "", "nescio/session/v1" ‖ 00 ‖ 'O' ‖
// suite, 32).
func (w Wire) sessionKey(s Suite, session []byte) ([]byte, error) {
	if w == RFC {
		return append([]byte(nil), session...), nil
	}
	return hkdf.Key(sha256.New, session, nil, "nescio/session/v1\x00"+string([]byte{kind, byte(s)}), 32)
}

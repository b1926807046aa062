package opaque

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"

	"github.com/nescio-go/nescio/internal/oprf"
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
	state, err := s.box.Open(ctx, id, s.bound(), pending)
	if errors.Is(err, seal.ErrState) {
		return nil, nil, ErrState
	}
	if err != nil {
		return nil, nil, err
	}
	defer clear(state.Body)
	suite, setup, clientMAC, session, ok := parsePending(state.Body)
	if !ok || !s.hasSetup(setup) {
		return nil, nil, ErrState // sealed by another version, or a server with other keys
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
	key = s.wire.sessionKey(suite, session)
	if s.wire == RFC {
		return nil, key, nil
	}
	return makeReply(session, state.ReplyFlags), key, nil
}

// parsePending splits the body of pending state: suite u8 ‖ digest of the setup ‖
// expected client MAC ‖ session_key.
func parsePending(body []byte) (s Suite, setup [digestSize]byte, clientMAC, session []byte, ok bool) {
	const head = 1 + digestSize
	if len(body) < head || !Suite(body[0]).Valid() {
		return 0, setup, nil, nil, false
	}
	s = Suite(body[0])
	n := s.of().nh
	if len(body) != head+2*n {
		return 0, setup, nil, nil, false
	}
	return s, [digestSize]byte(body[1:head]), body[head : head+n], body[head+n:], true
}

// hasSetup reports whether one of the server's setups has this digest, of its public
// key.
func (s *Server) hasSetup(digest [digestSize]byte) bool {
	for _, setup := range s.setups {
		if setup.digest == digest {
			return true
		}
	}
	return false
}

// flagRegister in a reply says that a fresh registration is wanted.
const flagRegister = 1

const replySize = 2 + 1 + sha256.Size

// makeReply returns 'O' ‖ version ‖ flags ‖ HMAC-SHA256(HKDF-SHA256(session_key,
// "", "nescio/opaque/reply/v1", 32), 'O' ‖ version ‖ flags).
func makeReply(session []byte, flags byte) []byte {
	key := deriveKey(session, []byte("nescio/opaque/reply/v1"))
	defer clear(key)
	return appendMAC(append(make([]byte, 0, replySize), kind, version, flags), key)
}

// checkReply returns the flags of a reply, or ErrMalformed or ErrAuthentication.
func checkReply(session, reply []byte) (flags byte, err error) {
	if len(reply) != replySize || reply[0] != kind || reply[1] != version || reply[2]&^flagRegister != 0 {
		return 0, ErrMalformed
	}
	if subtle.ConstantTimeCompare(reply, makeReply(session, reply[2])) != 1 {
		return 0, ErrAuthentication
	}
	return reply[2], nil
}

// sessionKey is what a login ends with: of the RFC's session_key on its own wire
// a copy, else HKDF-SHA256(session_key, "", "nescio/session/v1" ‖ 00 ‖ 'O' ‖
// suite, 32).
func (w Wire) sessionKey(s Suite, session []byte) []byte {
	if w == RFC {
		return append([]byte(nil), session...)
	}
	return deriveKey(session, append([]byte("nescio/session/v1\x00"), kind, byte(s)))
}

// deriveKey is HKDF-SHA256(secret, "", info, 32). What it hashes it clears, unlike
// crypto/hkdf, which keeps copies for the garbage collector.
func deriveKey(secret, info []byte) []byte {
	h := oprf.NewSHA256()
	defer h.Clear()
	prk, key := make([]byte, sha256.Size), make([]byte, sha256.Size)
	defer clear(prk)
	h.Extract(prk, secret)
	h.Expand(key, prk, info)
	return key
}

// appendMAC appends to b its HMAC-SHA256.
func appendMAC(b, key []byte) []byte {
	h := oprf.NewSHA256()
	defer h.Clear()
	var mac [sha256.Size]byte
	h.MAC(mac[:], key, b)
	return append(b, mac[:]...)
}

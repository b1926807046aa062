package opaque

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/nescio-go/nescio/internal/seal"
	"github.com/nescio-go/nescio/internal/secret"
)

// Server answers registrations and logins. It stores neither accounts nor
// sessions: the caller looks up the record, keeps pending state between the
// two messages of a login, and uses the session key. A Server is immutable,
// except for its memory of single uses, and safe for concurrent use. It
// redacts itself.
type Server struct {
	setups   map[uint16]*Setup
	kinds    []serverKind // Offer, Accept and Old, in this order
	admitted int          // how many of the kinds are Offer or Accept
	identity []byte
	wire     Wire
	random   randomness
	secrets  secret.Value[serverSecrets]
}

type serverSecrets struct {
	decoyKey [decoy.KeySize]byte
	draw     *decoy.Draw // among kinds, then ServerConfig.Others
	box      *seal.Box
	context  []byte
}

// NewServer returns a server, or [ErrPolicy] if a value in cfg is missing or
// out of range. It copies the secrets.
func NewServer(cfg ServerConfig) (*Server, error) { return newServer(cfg, nil) }

func newServer(cfg ServerConfig, now func() time.Time) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	box, err := cfg.newBox(now)
	if err != nil {
		return nil, err
	}
	s := &Server{
		setups:   make(map[uint16]*Setup),
		identity: bytes.Clone(cfg.ServerIdentity),
		wire:     cfg.Wire,
		random:   systemRandom,
		secrets:  secret.New(serverSecrets{decoyKey: cfg.DecoyKey, box: box}),
	}
	for number, setup := range cfg.Setups {
		if !setup.usable() {
			return nil, errNoSetups
		}
		if s.setups[number], err = setup.withDecoy(&cfg.DecoyKey); err != nil {
			return nil, err
		}
	}
	if err := s.addKinds(&cfg); err != nil {
		return nil, err
	}
	return s, nil
}

// with returns a copy of the server whose secrets are changed.
func (s *Server) with(change func(in *serverSecrets)) *Server {
	in := *s.secrets.Get()
	change(&in)
	other := *s
	other.secrets = secret.New(in)
	return &other
}

// WithStateKeys returns a copy of the server that has other state keys and
// shares everything else, its memory of single uses included. Each of the two
// finishes the logins of the other if it has the key. State keys rotate this
// way while handlers use the server, which they load from an
// atomic.Pointer[opaque.Server]. It returns [ErrPolicy] for keys that
// [NewServer] refuses.
func (s *Server) WithStateKeys(keys []StateKey) (*Server, error) {
	box, err := s.secrets.Get().box.WithKeys(sealKeys(keys))
	if err != nil {
		return nil, errStateKeys
	}
	return s.with(func(in *serverSecrets) { in.box = box }), nil
}

// WithContext returns a copy of the server whose logins only clients with the
// same context can finish (see [Client.WithContext]). The context has 1 to
// 60,000 bytes, on [WireRFC9807] up to 65,535. Another length returns
// [ErrPolicy]. The copy shares everything else. A login that began in one
// context returns [ErrState] in every other. Registrations have no context.
//
// Make the context from what the server is about to do, out of the fields of
// the request: the account, what changes, and a hash of the new value. Never
// use bytes that a client calls its context. Keep the change beside the pending
// state, and make the same copy again for [Server.FinishLogin].
func (s *Server) WithContext(context []byte) (*Server, error) {
	if !s.wire.validContext(context) {
		return nil, errContext
	}
	context = bytes.Clone(context)
	return s.with(func(in *serverSecrets) { in.context = context }), nil
}

// stateBinding is what pending state is bound to, besides its account: wire
// u8 ‖ u16 len ‖ server identity ‖ context. A login that began at a server
// with other values cannot finish here, even if the two share state keys
// and a Replay.
func (s *Server) stateBinding() []byte {
	b := binary.BigEndian.AppendUint16([]byte{byte(s.wire)}, uint16(len(s.identity)))
	return append(append(b, s.identity...), s.secrets.Get().context...)
}

// AnswersAsSRP reports whether the unknown name id seems to have an account of
// package srp: whether the draw falls on one of Others of [ServerConfig]. Both
// servers of a service return the same. A service that has both protocols uses
// it to choose the server that answers an unknown name. Call it for every name,
// known or not, so that all take the same time: 3 µs for a few kinds, 130 µs for
// 256.
func (s *Server) AnswersAsSRP(id []byte) bool {
	return s.secrets.Get().draw.Pick(id) >= len(s.kinds)
}

// Decoy returns 32 bytes that are fixed for a label and a name and look
// random to anyone without DecoyKey. Use them for anything else that a
// stranger may ask about an unknown name and that must stay the same, such
// as an account number. The label states the purpose:
// "example.org/account-number", for example. The server of package srp with
// the same DecoyKey returns the same bytes.
func (s *Server) Decoy(label string, id []byte) [32]byte {
	return decoy.Application(&s.secrets.Get().decoyKey, label, id)
}

// Format writes a placeholder for every verb.
func (s Server) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Server(redacted)") }

// MarshalJSON writes a placeholder, for logs.
func (s Server) MarshalJSON() ([]byte, error) { return []byte(`"opaque.Server(redacted)"`), nil }

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

// Server answers registrations and logins.
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

// NewServer returns [ErrPolicy] for an invalid value in cfg.
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

// WithStateKeys returns a copy with other state keys, or [ErrPolicy].
func (s *Server) WithStateKeys(keys []StateKey) (*Server, error) {
	box, err := s.secrets.Get().box.WithKeys(sealKeys(keys))
	if err != nil {
		return nil, errStateKeys
	}
	return s.with(func(in *serverSecrets) { in.box = box }), nil
}

// WithContext returns a copy whose logins only clients with the same context
// can finish. Make the context from the fields of the request: the account,
// what changes, and hashes of new values. Never use bytes that a client
// calls its context. More than 60,000 bytes return [ErrPolicy], on
// [WireRFC9807] 65,535.
func (s *Server) WithContext(context []byte) (*Server, error) {
	if !s.wire.validContext(context) {
		return nil, errContext
	}
	context = bytes.Clone(context)
	return s.with(func(in *serverSecrets) { in.context = context }), nil
}

// stateBinding returns the bytes that pending state is bound to, besides its
// id: wire u8 ‖ u16 len ‖ server identity ‖ context. A login that began at a
// server with other values cannot finish here, even if the two share state keys
// and a Replay.
func (s *Server) stateBinding() []byte {
	b := binary.BigEndian.AppendUint16([]byte{byte(s.wire)}, uint16(len(s.identity)))
	return append(append(b, s.identity...), s.secrets.Get().context...)
}

// AnswersAsSRP reports whether an unknown name seems to have an SRP account.
// Call it for known names too, for equal time.
func (s *Server) AnswersAsSRP(id []byte) bool {
	return s.secrets.Get().draw.Pick(id) >= len(s.kinds)
}

// Decoy returns 32 bytes for what the application itself shows of unknown
// names, fixed for a label, such as "example.org/account-number", and an id.
func (s *Server) Decoy(label string, id []byte) [32]byte {
	return decoy.Application(&s.secrets.Get().decoyKey, label, id)
}

// Format redacts it.
func (s Server) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Server(redacted)") }

// MarshalJSON redacts it.
func (s Server) MarshalJSON() ([]byte, error) { return []byte(`"opaque.Server(redacted)"`), nil }

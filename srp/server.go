package srp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/nescio-go/nescio/internal/seal"
	"github.com/nescio-go/nescio/internal/secret"
)

// Replay is a memory of single uses that replicas share. Consume records id
// until expires, and reports whether it was new, in one atomic step. See
// package [github.com/nescio-go/nescio/opaque/replaytest].
type Replay interface {
	Consume(ctx context.Context, id [16]byte, expires time.Time) (first bool, err error)
}

// ServerConfig configures [NewServer]. DecoyKey and StateKeys are required. All
// replicas have the same values. If a ServerConfig is an unexported field of
// another struct, fmt prints its keys.
type ServerConfig struct {
	DecoyKey  [32]byte   // random; derives the answers for unknown names
	StateKeys []StateKey // 1 to 16, one of them due

	Offer  Kind         // for registrations; default: [DefaultKind]
	Accept []Kind       // for registrations too
	Old    []Kind       // all other kinds of accounts
	Others []KindWeight // the kinds of package opaque

	ServerIdentity []byte // as in [ClientConfig]

	// Replay is required if a login may finish at another replica.
	Replay Replay

	Lifetime   time.Duration // at most an hour; default: [DefaultLifetime]
	MaxPending int           // logins in progress without a Replay; default: 2^20
}

// StateKey protects pending state. The newest key whose time has come seals,
// and all open. To rotate, give all replicas a key whose time is in the future.
// Remove the old key one lifetime after that time.
//
// If pending state travels through clients, a thief of state keys and DecoyKey
// can log in to any account. Replace leaked keys at once: see OPERATIONS.md.
type StateKey struct {
	Key       [32]byte  // random
	NotBefore time.Time // zero is the oldest
}

// DefaultLifetime is the default of [ServerConfig].
const DefaultLifetime = 60 * time.Second

// Server answers registrations and logins.
type Server struct {
	secrets  secret.Value[serverSecrets]
	kinds    []serverKind // the groups of Offer, of Accept, of Old
	offered  int          // how many of kinds are Offer's
	admitted int          // how many are Offer's or Accept's
	box      *seal.Box
	identity []byte
	context  []byte
	exponent exponentSource
}

type serverSecrets struct {
	decoyKey [decoy.KeySize]byte
	draw     *decoy.Draw
}

// exponentSource returns an exponent of size bytes for which fits returns true.
// It is drawExponent except in tests.
type exponentSource func(size int, fits func(exponent []byte) bool) []byte

// NewServer returns a server, or [ErrPolicy].
func NewServer(cfg ServerConfig) (*Server, error) { return newServer(cfg, nil) }

func newServer(cfg ServerConfig, now func() time.Time) (*Server, error) {
	if len(cfg.ServerIdentity) > MaxIdentity {
		return nil, errServerName
	}
	s := &Server{identity: bytes.Clone(cfg.ServerIdentity), exponent: drawExponent}
	if err := s.addKinds(cfg); err != nil {
		return nil, err
	}
	box, err := seal.New(seal.Config{
		Protocol: "srp",
		Base:     cfg.DecoyKey,
		Keys:     sealKeys(cfg.StateKeys),
		Replay:   cfg.Replay,
		Lifetime: cfg.Lifetime,
		Capacity: cfg.MaxPending,
		Now:      now,
	})
	if errors.Is(err, seal.ErrKeys) {
		return nil, errStateKeys
	}
	if err != nil {
		return nil, errLimits
	}
	s.box = box
	return s, nil
}

func (s *Server) addKinds(cfg ServerConfig) error {
	var weights []KindWeight
	add := func(kinds ...Kind) error {
		for _, k := range kinds {
			own, err := k.serverKinds()
			if err != nil {
				return err
			}
			s.kinds = append(s.kinds, own...)
			for _, o := range own {
				weights = append(weights, KindWeight{Digest: o.digest, Weight: k.Weight})
			}
		}
		return nil
	}
	if err := add(cfg.Offer); err != nil {
		return err
	}
	if s.kinds[0].offer.profile.spec().loginOnly {
		return errLoginOnly
	}
	s.offered = len(s.kinds)
	if err := add(cfg.Accept...); err != nil {
		return err
	}
	s.admitted = len(s.kinds)
	if err := add(cfg.Old...); err != nil {
		return err
	}
	weights = append(weights, cfg.Others...)
	if len(weights) == 1 && weights[0].Weight == 0 {
		weights[0].Weight = 1 // all accounts
	}
	draw, err := decoy.NewDraw(cfg.DecoyKey, weights)
	if errors.Is(err, decoy.ErrZeroKey) {
		return errDecoyKey
	}
	if err != nil {
		return refused(err.Error())
	}
	s.secrets = secret.New(serverSecrets{cfg.DecoyKey, draw})
	return nil
}

func sealKeys(keys []StateKey) []seal.StateKey {
	converted := make([]seal.StateKey, len(keys))
	for i, k := range keys {
		converted[i] = seal.StateKey(k)
	}
	return converted
}

// WithStateKeys returns a copy of the server with other state keys, or
// [ErrPolicy]. It finishes logins that began under keys that it has.
func (s *Server) WithStateKeys(keys []StateKey) (*Server, error) {
	box, err := s.box.WithKeys(sealKeys(keys))
	if err != nil {
		return nil, errStateKeys
	}
	other := *s
	other.box = box
	return &other, nil
}

// WithContext returns a copy of the server that finishes only logins with the
// same context: see [Client.WithContext]. Make the context from what the server
// is about to do, never from a client's bytes: the account, what changes, and a
// hash of what replaces it.
func (s *Server) WithContext(context []byte) (*Server, error) {
	if len(context) == 0 || len(context) > maxContext {
		return nil, errContext
	}
	other := *s
	other.context = bytes.Clone(context)
	return &other, nil
}

// binding is what pending state belongs to besides its account: u16 len ‖
// server identity ‖ context. A login that began at a server with another
// binding must not end here, even if the two share state keys and a Replay.
func (s *Server) binding() []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(s.identity)))
	return append(append(b, s.identity...), s.context...)
}

// Format redacts s.
func (s Server) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.Server(redacted)") }

// MarshalJSON redacts s.
func (s Server) MarshalJSON() ([]byte, error) { return []byte(`"srp.Server(redacted)"`), nil }

// Format redacts c.
func (c ServerConfig) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.ServerConfig(redacted)") }

// MarshalJSON redacts c.
func (c ServerConfig) MarshalJSON() ([]byte, error) {
	return []byte(`"srp.ServerConfig(redacted)"`), nil
}

// Format redacts k.
func (k StateKey) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.StateKey(redacted)") }

// MarshalJSON redacts k.
func (k StateKey) MarshalJSON() ([]byte, error) { return []byte(`"srp.StateKey(redacted)"`), nil }

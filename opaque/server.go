package opaque

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/internal/seal"
)

// Replay is a memory of single uses that the replicas of a server share.
// Consume records id until expires and reports whether it was the first to do
// so, in one atomic step: an INSERT that fails on a duplicate key does it. It
// is called by several goroutines at once. The time to expire is a lifetime
// longer than the login can be finished, so that the clock of the store may be
// ahead by as much.
type Replay interface {
	Consume(ctx context.Context, id [16]byte, expires time.Time) (first bool, err error)
}

// ServerConfig is what a server needs. Only Secrets and Setups are required.
type ServerConfig struct {
	Secrets Secrets

	// Setups are the server's key material by number: a record says under which
	// it was registered, and can only be used with that one. Never change or
	// reuse a number, nor drop one that records have. The RFC's wire has room for
	// one.
	Setups map[uint16]*Setup

	// Templates are the kinds of accounts that the server has, each with its
	// share. New registrations get the first. Unknown names answer as one of
	// them, fixed for the name; so list every kind that a stranger may meet. Of
	// several the total weight must not be 0. A kind in front with a weight of 0
	// changes no unknown name's answer; raise its weight, and no other, as accounts
	// move to it.
	// Empty: the one setup, with DefaultKSF; with several setups it is ErrPolicy.
	Templates []Template

	// ServerIdentity is byte for byte that of ClientConfig. Empty: the setup's
	// public key.
	ServerIdentity []byte

	// Wire is that of ClientConfig.
	Wire Wire

	// Replay is needed if a login may begin at one replica and finish at
	// another. Nil keeps the single uses in memory: then only the Server that
	// began a login can finish it.
	Replay Replay

	// Lifetime is how long a login may take from Begin to Finish. 0:
	// [DefaultLifetime].
	Lifetime time.Duration

	// MaxPending bounds the logins in progress without a shared Replay, each of
	// which takes about 150 bytes. 0: 1,048,576. When they are full Begin
	// returns ErrPolicy, before any work, until some finish or expire; so put a
	// rate limit before it.
	MaxPending int
}

// DefaultLifetime is how long a login may take, unless ServerConfig says
// otherwise. Whoever keeps pending state may forget it after that.
const DefaultLifetime = seal.DefaultLifetime

// Server answers registrations and logins. It keeps no account and no session:
// the caller looks up the record, keeps pending state between the two messages,
// and does with the session key what it needs. A Server is immutable, apart from
// its memory of single uses, and safe for concurrent use.
type Server struct {
	decoyKey  []byte
	setups    map[uint16]*Setup
	templates []template
	weights   []uint32 // of the templates
	box       *seal.Box
	identity  []byte
	context   []byte
	wire      Wire
}

// bound is what pending state belongs to, besides its account: wire u8 ‖ u16 len ‖
// server identity ‖ context. A login that began at a server which means something else
// must not end here, though the two share state keys and a Replay.
func (s *Server) bound() []byte {
	b := append([]byte{byte(s.wire)}, length16(s.identity)...)
	return append(append(b, s.identity...), s.context...)
}

// template is a Template with what follows from it.
type template struct {
	Template
	suite  Suite
	head   responseHead
	sample []byte // a record of this kind
}

// NewServer returns a server, or ErrPolicy if something in cfg is missing or
// out of range. It keeps copies of the secrets.
func NewServer(cfg ServerConfig) (*Server, error) { return newServer(cfg, nil) }

func newServer(cfg ServerConfig, now func() time.Time) (*Server, error) {
	switch {
	case !decoy.ValidKey(cfg.Secrets.Decoy):
		return nil, errDecoy
	case len(cfg.ServerIdentity) > MaxIdentity:
		return nil, errIdentity
	case cfg.Wire > RFC:
		return nil, errOtherWire
	case cfg.Wire == RFC && (len(cfg.Setups) > 1 || len(cfg.Templates) > 1):
		return nil, errWire
	}
	s := &Server{
		decoyKey: bytes.Clone(cfg.Secrets.Decoy),
		setups:   make(map[uint16]*Setup),
		identity: bytes.Clone(cfg.ServerIdentity),
		wire:     cfg.Wire,
	}
	for number, setup := range cfg.Setups {
		if setup == nil || setup.keys == nil {
			return nil, errNoSetup
		}
		var err error
		if s.setups[number], err = setup.withDecoy(s.decoyKey); err != nil {
			return nil, err
		}
	}
	if err := s.addTemplates(cfg.Templates); err != nil {
		return nil, err
	}
	var err error
	s.box, err = seal.New(seal.Config{
		Protocol: "opaque",
		Keys:     cfg.Secrets.State,
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
	return s, nil
}

func (s *Server) addTemplates(templates []Template) error {
	switch {
	case len(s.setups) == 0:
		return errNoSetups
	case len(templates) == 0 && len(s.setups) > 1:
		return errManySetups
	case len(templates) == 0:
		for number := range s.setups {
			templates = []Template{{Setup: number}}
		}
	}
	for _, t := range templates {
		setup, ok := s.setups[t.Setup]
		if !ok {
			return errNoSetup
		}
		if t.KSF == (Template{}).KSF {
			t.KSF = DefaultKSF()
		}
		if !validKSF(t.KSF) {
			return errKSF
		}
		head, err := newHead(setup.suite, t.Setup, t.KSF)
		if err != nil {
			return errKSF
		}
		raw := make([]byte, setup.suite.of().recordSize())
		copy(raw, setup.decoyKey)
		sample := &Record{suite: setup.suite, setup: t.Setup, ksf: t.KSF, raw: raw}
		s.templates = append(s.templates, template{t, setup.suite, head, sample.Bytes()})
		s.weights = append(s.weights, t.Weight)
	}
	if len(s.templates) == 1 {
		s.weights[0] = 1 // all accounts
	}
	if !slices.ContainsFunc(s.weights, func(w uint32) bool { return w > 0 }) {
		return errNoWeight
	}
	return nil
}

// withDecoy returns the setup with a public key for unknown users: its own, of which
// nobody knows the private one, or one made from the decoy key.
func (s *Setup) withDecoy(decoyKey []byte) (*Setup, error) {
	if s.decoyKey != nil {
		return s, nil
	}
	other := *s
	var err error
	other.decoyKey, err = s.suite.of().publicKeyOf(decoy.Bytes(decoyKey, "client-public-key", s.publicKey)[:nseed])
	return &other, err
}

// WithState returns a copy of the server that has other state keys and shares
// all else, its memory of single uses included: what s began under a key that
// is still in the ring, the copy can finish. It is how state keys rotate while
// handlers use the server, which they find in an atomic.Pointer[opaque.Server]. It
// returns ErrPolicy for keys that NewServer refuses.
func (s *Server) WithState(state [][]byte) (*Server, error) {
	box, err := s.box.WithKeys(state)
	if err != nil {
		return nil, errStateKeys
	}
	other := *s
	other.box = box
	return &other, nil
}

// WithContext returns a copy of the server whose logins only clients with the
// same context can finish, 1 to 60,000 bytes (see [Client.WithContext]). It
// shares all else, and a login that was begun in one context is ErrState in
// every other. Registrations have no context.
//
// Make the context of what the server is about to do, from the fields of the
// request and never from bytes that a client calls its context: the account, what
// changes, and a hash of what replaces it. Keep the change beside the pending
// state and make the same copy again for Finish.
func (s *Server) WithContext(context []byte) (*Server, error) {
	if !s.wire.validContext(context) {
		return nil, errContext
	}
	other := *s
	other.context = bytes.Clone(context)
	return &other, nil
}

// Format writes a placeholder, whatever the verb.
func (s Server) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Server(redacted)") }

// Register answers a client's request to register with a response to send. The
// id, 1 to 1024 bytes, is the one that the account will be looked up by at every
// login, in the same spelling: what is registered under one id is of no use under
// another.
//
// It returns ErrMalformed for a request that no client sends, ErrPolicy for a
// suite that the first template does not have or an id of another length, or an
// error of Keys or of ctx.
//
// An answer lets whoever asked try one password against what a login under the
// same id has shown, as Begin does. So count Register as a try, under the same
// limits; if the id is taken, refuse it, unless its owner is logged in.
func (s *Server) Register(ctx context.Context, id, request []byte) (response []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(id) == 0 || len(id) > MaxID {
		return nil, errID
	}
	t := &s.templates[0]
	st := t.suite.of()
	suite, message, ok := s.wire.parseRequest(request, t.suite)
	if !ok {
		return nil, ErrMalformed
	}
	if suite != t.suite {
		return nil, errTemplate
	}
	setup := s.setups[t.Setup]
	key := make([]byte, st.oprf.Group.ScalarSize())
	defer clear(key)
	h := st.oprf.NewHash()
	defer h.Clear()
	if err := setup.oprfKey(ctx, h, key, id); err != nil {
		return nil, err
	}
	evaluated := make([]byte, st.element)
	if err := st.oprf.BlindEvaluate(evaluated, key, message); err != nil {
		return nil, ErrMalformed
	}
	if s.wire == Framed {
		response = append([]byte{kind, version}, t.head.encoded...)
	}
	return append(append(response, evaluated...), setup.publicKey...), nil
}

// oprfKey fills key with the OPRF key of a credential identifier: RFC 9807,
// Section 5.2.2.
func (s *Setup) oprfKey(ctx context.Context, h *oprf.Hash, key, id []byte) error {
	if s.memory != nil {
		var seed [nok]byte
		defer clear(seed[:])
		s.memory.oprfSeed(h, seed[:], id)
		return s.suite.of().deriveOPRFKey(h, key, seed[:])
	}
	seed, err := s.keys.OPRFSeed(ctx, id)
	if err != nil {
		return keysError(ctx, err)
	}
	if len(seed) != nok || oprf.IsZero(seed) {
		return errors.New("opaque: keys: not an OPRF seed")
	}
	return s.suite.of().deriveOPRFKey(h, key, seed)
}

func (s *suite) deriveOPRFKey(h *oprf.Hash, key, seed []byte) error {
	return s.oprf.DeriveKeyPair(h, key, seed, infoOPRF)
}

// Admit checks the upload that ends a registration, which is the record to
// store. It returns ErrRecord if it is none, and ErrPolicy if it is not of the
// kind that Register offered: a client must not choose what the server computes,
// nor stand out among its accounts. The identity in it, of up to 65,535 bytes, is what
// the client says of itself: where accounts have one, compare [Record.Identity] with
// what it should be. On the RFC's wire, where the upload is bare,
// use [Server.Import].
func (s *Server) Admit(upload []byte) error {
	r, err := ParseRecord(upload)
	if err != nil {
		return err
	}
	if s.stale(r) {
		return errTemplate
	}
	return nil
}

// Import makes a record of the bare upload that ends a registration on the RFC's
// wire, of the kind that Register offered, or returns ErrRecord. The identity is the
// client's, empty if it has none. The KSF is the first template's, and nothing shows
// whether the client used it: with a wrong one the record works on the RFC's wire and
// never on the framed one. For another deployment's records use [ImportRecord], which
// names it.
func (s *Server) Import(identity, upload []byte) (record []byte, err error) {
	t := &s.templates[0]
	r, err := ImportRecord(t.suite, t.Setup, t.KSF, identity, upload)
	if err != nil {
		return nil, err
	}
	return r.Bytes(), nil
}

// Stale reports whether a record is of another kind than new registrations are:
// of another setup or KSF, or no record at all. In framed messages the client learns of it by
// [Login.NeedsRegistration], once it is logged in.
func (s *Server) Stale(record []byte) bool {
	r, ok := readRecord(record)
	return !ok || s.stale(&r)
}

func (s *Server) stale(r *Record) bool {
	t := &s.templates[0]
	return r.setup != t.Setup || r.suite != t.suite || r.ksf != t.KSF
}

package srp

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/nescio-go/nescio/internal/decoy"
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

// ServerConfig is what a server needs. Only Secrets are required.
type ServerConfig struct {
	Secrets Secrets

	// Templates are the kinds of accounts that the server has, each with its
	// share. Unknown names answer as one of them, fixed for the name; so list
	// every kind that a stranger may meet. Of several the total weight must not
	// be 0. Put a new kind in front, with a weight of 0, which changes no unknown
	// name's answer; raise its weight, and no other, as accounts move to it.
	// Empty: DefaultTemplate alone.
	Templates []Template

	// ServerIdentity is byte for byte that of ClientConfig, up to 1024 bytes.
	ServerIdentity []byte

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

// Server answers logins. It keeps no account and no session: the caller looks
// up the record, keeps pending state between the two messages, and does with
// the session key what it needs. A Server is immutable, apart from its memory
// of single uses, and safe for concurrent use.
type Server struct {
	decoyKey  []byte
	templates []Template
	weights   []uint32 // of the templates
	samples   [][]byte // a record of each template's kind
	box       *seal.Box
	identity  []byte
	context   []byte
}

// bound is what pending state belongs to, besides its account: u16 len ‖ server
// identity ‖ context. A login that began at a server which means something else must
// not end here, though the two share state keys and a Replay.
func (s *Server) bound() []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(s.identity)))
	return append(append(b, s.identity...), s.context...)
}

// DefaultLifetime is how long a login may take, unless ServerConfig says
// otherwise. Whoever keeps pending state may forget it after that.
const DefaultLifetime = seal.DefaultLifetime

var errState = refused("Secrets.State must be 1 to 16 distinct keys of 32 random bytes")

// NewServer returns a server, or ErrPolicy if something in cfg is missing or
// out of range. It keeps copies of the secrets.
func NewServer(cfg ServerConfig) (*Server, error) { return newServer(cfg, nil) }

func newServer(cfg ServerConfig, now func() time.Time) (*Server, error) {
	if !decoy.ValidKey(cfg.Secrets.Decoy) {
		return nil, refused("Secrets.Decoy must be 32 random bytes")
	}
	if len(cfg.ServerIdentity) > MaxIdentity {
		return nil, errServerName
	}
	templates := slices.Clone(cfg.Templates)
	switch len(templates) {
	case 0:
		templates = []Template{DefaultTemplate()}
	case 1:
		templates[0].Weight = 1 // all accounts
	}
	samples := make([][]byte, len(templates))
	weights := make([]uint32, len(templates))
	for i := range templates {
		t := &templates[i]
		if err := t.check(); err != nil {
			return nil, err
		}
		*t = t.complete()
		var err error
		if samples[i], err = t.sample(cfg.Secrets.Decoy); err != nil {
			return nil, err
		}
		weights[i] = t.Weight
	}
	if !slices.ContainsFunc(weights, func(w uint32) bool { return w > 0 }) {
		return nil, refused("no template has a weight")
	}
	box, err := seal.New(seal.Config{
		Protocol: "srp",
		Keys:     cfg.Secrets.State,
		Replay:   cfg.Replay,
		Lifetime: cfg.Lifetime,
		Capacity: cfg.MaxPending,
		Now:      now,
	})
	if errors.Is(err, seal.ErrKeys) {
		return nil, errState
	}
	if err != nil {
		return nil, refused("Lifetime and MaxPending must not be negative")
	}
	return &Server{
		decoyKey:  bytes.Clone(cfg.Secrets.Decoy),
		templates: templates,
		weights:   weights,
		samples:   samples,
		box:       box,
		identity:  bytes.Clone(cfg.ServerIdentity),
	}, nil
}

// WithState returns a copy of the server that has other state keys and shares
// all else, its memory of single uses included: what s began under a key that
// is still in the ring, the copy can finish. It is how state keys rotate while
// handlers use the server, which they find in an atomic.Pointer[srp.Server]:
//
//	next, err := current.Load().WithState([][]byte{today, yesterday})
//	if err == nil {
//		current.Store(next)
//	}
//
// It returns ErrPolicy for keys that NewServer refuses.
func (s *Server) WithState(state [][]byte) (*Server, error) {
	box, err := s.box.WithKeys(state)
	if err != nil {
		return nil, errState
	}
	other := *s
	other.box = box
	return &other, nil
}

// WithContext returns a copy of the server whose logins only clients with the
// same context can finish, 1 to 60,000 bytes (see [Client.WithContext]). It
// shares all else, and a login that was begun in one context is ErrState in
// every other. Begin returns ErrPolicy for an account whose profile's proofs
// hold no context, which is every one but Nescio's.
//
// Make the context of what the server is about to do, from the fields of the
// request and never from bytes that a client calls its context: the account, what
// changes, and a hash of what replaces it, such as the new record and all that
// is wrapped anew. Keep the change beside the pending state and make the same
// copy again for Finish.
func (s *Server) WithContext(context []byte) (*Server, error) {
	if len(context) == 0 || len(context) > maxContext {
		return nil, errContext
	}
	other := *s
	other.context = bytes.Clone(context)
	return &other, nil
}

// Format writes a placeholder, whatever the verb.
func (s Server) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.Server(redacted)") }

// Admit checks a record, the binary form, that a client sent to register. It
// returns ErrRecord if it is none, and ErrPolicy if it is not of a kind that
// one of the templates offers: a client must not choose what the server
// computes, nor stand out among its accounts.
func (s *Server) Admit(record []byte) error {
	r, err := ParseRecord(record)
	if err != nil {
		return err
	}
	if r.profile.scheme().registers() && slices.ContainsFunc(s.templates, r.matches) {
		return nil // its group is verified, being the template's
	}
	return errTemplate
}

// matches reports whether r is of the kind of t.
func (r *Record) matches(t Template) bool {
	return r.profile == t.Profile && r.kdf == t.KDF && len(r.salt) == t.SaltSize &&
		r.group.G == t.Group.d.g && string(r.group.N) == string(t.Group.d.n) &&
		string(r.group.Credential) == string(t.Group.credential)
}

// Begin answers a client's request with a response to send, and with pending
// state to give to Finish, at most 4 KiB: encrypted and authenticated, and best
// kept on the server's side none the less.
//
// The id, 1 to 1024 bytes, is the name under which the account is looked up,
// brought to one spelling by its syntax alone before the look-up, for known and
// unknown names alike. The record is what the look-up found, the binary form;
// empty if it found nothing, and then Begin answers as it would for an account.
// It does the same work in both cases.
//
// Begin returns ErrMalformed for a request that no client sends and for an id of
// another length, ErrRecord for a record that is damaged, ErrPolicy if too many
// logins are in progress, or the error of ctx. A Begin counts as a try: limit
// the rate by id and by address. The results are the caller's, and what was
// passed in is not kept.
func (s *Server) Begin(ctx context.Context, id, record, request []byte) (response, pending []byte, err error) {
	return s.begin(ctx, id, record, request, randomExponent)
}

func (s *Server) begin(ctx context.Context, id, record, request []byte, ephemeral func(size int) []byte) (response, pending []byte, err error) {
	if !parseHello(request) {
		return nil, nil, ErrMalformed
	}
	c, pending, err := s.challenge(ctx, id, record, ephemeral)
	if err != nil {
		return nil, nil, err
	}
	response, err = encodeResponse(c)
	if err != nil {
		return nil, nil, ErrRecord
	}
	return response, pending, nil
}

// Challenge is Begin in typed form; there is no request.
func (s *Server) Challenge(ctx context.Context, id, record []byte) (Challenge, []byte, error) {
	return s.challenge(ctx, id, record, randomExponent)
}

func (s *Server) challenge(ctx context.Context, id, record []byte, ephemeral func(size int) []byte) (Challenge, []byte, error) {
	if err := ctx.Err(); err != nil {
		return Challenge{}, nil, err
	}
	if len(id) == 0 || len(id) > MaxID {
		return Challenge{}, nil, ErrMalformed
	}
	ticket, err := s.box.Reserve()
	if err != nil {
		return Challenge{}, nil, errFull
	}
	c, pending, err := s.challengeWith(ticket, id, record, ephemeral)
	if err != nil {
		s.box.Release(ticket)
		return Challenge{}, nil, err
	}
	return c, pending, nil
}

func (s *Server) challengeWith(ticket seal.Ticket, id, record []byte, ephemeral func(size int) []byte) (Challenge, []byte, error) {
	r, unknown, err := s.selectRecord(id, record)
	if err != nil {
		return Challenge{}, nil, err
	}
	defer clear(r.verifier)
	scheme, d := r.profile.scheme(), r.domain
	if len(s.context) > 0 && !scheme.bindsContext() {
		return Challenge{}, nil, errNoContext
	}
	k, err := multiplier(scheme, d)
	if err != nil {
		return Challenge{}, nil, ErrRecord
	}
	v, err := decode(scheme, d, r.verifier)
	if err != nil {
		return Challenge{}, nil, ErrRecord
	}
	defer v.Clear()
	prefix, err := scheme.prefix(d, &parties{I: r.identity, server: s.identity, context: s.context, salt: r.salt, kdf: r.kdf})
	if err != nil {
		return Challenge{}, nil, ErrRecord
	}
	b := ephemeral(d.exponentSize())
	defer clear(b)
	p := pendingLogin{
		profile: r.profile,
		n:       d.n,
		g:       d.g,
		prefix:  prefix,
		salt:    r.salt,
		v:       r.verifier,
		b:       b,
		B:       encode(scheme, d, serverPublic(d, k, v, b)),
	}
	body, err := p.bytes()
	if err != nil {
		return Challenge{}, nil, ErrRecord
	}
	defer clear(body)
	pending, err := s.box.Seal(ticket, id, s.bound(), seal.State{Fake: unknown, Body: body})
	if err != nil {
		return Challenge{}, nil, ErrRecord
	}
	return Challenge{Profile: r.profile, Group: r.group, Salt: r.salt, KDF: r.kdf, B: p.B}, pending, nil
}

// selectRecord returns the record, or the one that an unknown id seems to have,
// and which of them it is. Known and unknown ids take one path: for both a
// decoy of the kind that the answer shows is made, since work that depended on
// another kind could be told by its time, and one of the two is selected.
func (s *Server) selectRecord(id, record []byte) (r *Record, unknown int, err error) {
	unknown = subtle.ConstantTimeEq(int32(min(len(record), 1)), 0)
	kind, err := ParseRecord([2][]byte{record, s.samples[decoy.Pick(s.decoyKey, id, s.weights)]}[unknown])
	if err != nil {
		return nil, 0, err
	}
	defer clear(kind.verifier)
	substitute, err := decoyRecord(s.decoyKey, kind, id)
	if err != nil {
		return nil, 0, err
	}
	r, err = ParseRecord([2][]byte{record, substitute}[unknown])
	return r, unknown, err
}

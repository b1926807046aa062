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

// Replay is a memory of single uses that the replicas of a server share.
// Consume records id until expires and reports whether it was the first to do
// so, in one atomic step: an INSERT that fails on a duplicate key does it. It
// is called by several goroutines at once, without a lock held. The time to
// expire is a lifetime longer than the login can be finished, so that the clock
// of the store may be ahead by as much.
//
// Package opaque/replaytest tests an implementation.
type Replay interface {
	Consume(ctx context.Context, id [16]byte, expires time.Time) (first bool, err error)
}

// ServerConfig is what a server needs. Only DecoyKey and StateKeys are required.
// All replicas of a server have the same values. fmt and encoding/json print a
// placeholder, also for an exported field. For an unexported field of another
// struct fmt prints the keys.
type ServerConfig struct {
	// DecoyKey is 32 random bytes that make the answers for names that nobody
	// has. It is never rotated: an unknown name whose salt changed would give
	// itself away. If it leaks, known names can be told from unknown ones. If
	// state keys leak too, see [StateKey].
	DecoyKey [32]byte

	// StateKeys protect pending state: 1 to 16 distinct keys. The time of at least
	// one must have come. See [StateKey] and [Server.WithStateKeys].
	StateKeys []StateKey

	// Offer is the kind of account that registrations get. Default: [DefaultKind].
	// Offer, Accept, Old and Others have at most 256 kinds in all, each group of a
	// pool counted. Two equal ones are refused.
	Offer Kind

	// Accept are other kinds that a registration may still have and that need no
	// new registration: the coming kind before a switch, the last one after it.
	Accept []Kind

	// Old are the kinds of accounts that can log in but should register again
	// (see [Server.NeedsRegistration]). List every kind that accounts have:
	// unknown names answer as one of them.
	Old []Kind

	// Others are the kinds of the other protocol, as Weights of package opaque
	// returned them, if a service has both. If one of the two servers lacks them,
	// the two disagree on [Server.AnswersAsSRP], and no error shows it.
	Others []KindWeight

	// ServerIdentity names the application, the table of accounts and the tenant.
	// It is the same as in ClientConfig, byte for byte, and at most 1,024 bytes
	// long.
	ServerIdentity []byte

	// Replay is needed if a login may begin at one replica and finish at another.
	// If nil, the server keeps the single uses in memory: then only the Server
	// that began a login can finish it, or a copy of it. Replicas need one Replay
	// for each set of state keys. The server of package opaque may have the same
	// state keys: the state of the two protocols is told apart.
	Replay Replay

	// Lifetime is how long a login may take from BeginLogin to FinishLogin.
	// At most an hour. Default: [DefaultLifetime].
	Lifetime time.Duration

	// MaxPending bounds the logins in progress without a shared Replay, each of
	// which takes about 150 bytes. Default: 1,048,576. While that many are in
	// progress BeginLogin returns ErrBusy before any work, so put a rate limit
	// before it.
	MaxPending int
}

// StateKey is a key that protects pending state. A server seals under the newest
// key whose time has come, and opens with every key that it has. The type converts
// to opaque.StateKey.
//
// To rotate, give all replicas a key whose time is in the future. No login that
// begins at one replica then fails at another. Remove the old key when all
// replicas have sealed with the new one for the lifetime of a login. Rotate
// daily.
//
// The state keys alone are of no use to a thief, because pending state is sealed
// under DecoyKey too. A thief of both reads all pending state that they get, and
// can forge it. If pending state travels through clients, they can log in to any
// account: they begin a login and read in its pending state how to end it. It
// also contains the verifier. So when state keys leak, give all replicas a new key at
// once, without NotBefore, and remove all others. Logins in progress then return
// [ErrState]. OPERATIONS.md says what else to do if DecoyKey has leaked too.
type StateKey struct {
	Key [32]byte // random
	// NotBefore is the time from which the key seals. The zero time has always
	// come and is older than any other: beside a due key with a time, such a key
	// opens and never seals.
	NotBefore time.Time
}

// DefaultLifetime is how long a login may take, unless ServerConfig says
// otherwise. A caller that keeps pending state may forget it after that.
const DefaultLifetime = 60 * time.Second

// Server answers registrations and logins. It keeps no account and no session:
// the caller looks up the record, keeps pending state between the two messages
// of a login, and does with the session key what it needs. A Server is
// immutable, apart from its memory of single uses, and safe for concurrent use.
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
// It is drawExponent everywhere but in tests.
type exponentSource func(size int, fits func(exponent []byte) bool) []byte

// NewServer returns a server. It returns [ErrPolicy] if something in cfg is
// missing or out of range. It keeps copies of the keys.
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

// WithStateKeys returns a copy of the server that has other state keys and
// shares everything else, its memory of single uses included. The copy can
// finish what s began under a key that is still there. This is how state keys
// rotate while handlers use the server, which they find in an
// atomic.Pointer[srp.Server]:
//
//	keys = append(stillInUse(keys), srp.StateKey{Key: fresh, NotBefore: tomorrow})
//	next, err := current.Load().WithStateKeys(keys)
//	if err != nil {
//		return err // the old keys stay in use
//	}
//	current.Store(next)
//
// It returns [ErrPolicy] for keys that NewServer refuses. A server with other kinds
// comes from [NewServer]. Without a shared Replay it cannot finish logins that the
// one before began.
func (s *Server) WithStateKeys(keys []StateKey) (*Server, error) {
	box, err := s.box.WithKeys(sealKeys(keys))
	if err != nil {
		return nil, errStateKeys
	}
	other := *s
	other.box = box
	return &other, nil
}

// WithContext returns a copy of the server whose logins only clients with the
// same context can finish, 1 to 60,000 bytes (see [Client.WithContext]). It
// shares everything else. A login that was begun in one context returns
// [ErrState] in every other. BeginLogin returns [ErrPolicy] for an account whose
// profile's proofs cover no context: any profile except Nescio.
//
// Make the context from what the server is about to do, from the fields of the
// request and never from bytes that a client calls its context: the account, what
// changes, and a hash of what replaces it, such as the new record and all that
// is wrapped again. Keep the change beside the pending state and make the same
// copy again for FinishLogin.
func (s *Server) WithContext(context []byte) (*Server, error) {
	if len(context) == 0 || len(context) > maxContext {
		return nil, errContext
	}
	other := *s
	other.context = bytes.Clone(context)
	return &other, nil
}

// binding is what pending state belongs to, besides its account: u16 len ‖
// server identity ‖ context. A login that began at a server which means
// something else must not end here, though the two share state keys and a
// Replay.
func (s *Server) binding() []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(s.identity)))
	return append(append(b, s.identity...), s.context...)
}

// Format writes a placeholder, for every verb.
func (s Server) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.Server(redacted)") }

// MarshalJSON writes a placeholder.
func (s Server) MarshalJSON() ([]byte, error) { return []byte(`"srp.Server(redacted)"`), nil }

// Format writes a placeholder, for every verb.
func (c ServerConfig) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.ServerConfig(redacted)") }

// MarshalJSON writes a placeholder.
func (c ServerConfig) MarshalJSON() ([]byte, error) {
	return []byte(`"srp.ServerConfig(redacted)"`), nil
}

// Format writes a placeholder, for every verb.
func (k StateKey) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.StateKey(redacted)") }

// MarshalJSON writes a placeholder.
func (k StateKey) MarshalJSON() ([]byte, error) { return []byte(`"srp.StateKey(redacted)"`), nil }

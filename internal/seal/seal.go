// Package seal stores what a server must remember between two messages of a
// login in sealed bytes that the server hands out. The bytes are encrypted and
// authenticated. They are bound to one user id, to one binding that the caller
// chooses, and to a short time, and they can be opened once.
//
// Sealed state is 'P' ‖ version 01 ‖ key id 8 ‖ nonce 24 ‖ ciphertext and tag.
// The cipher is XChaCha20-Poly1305 with the associated data u8 len ‖ protocol ‖
// key id ‖ version. The plaintext is SHA-256(id) 32 ‖ SHA-256(binding) 32 ‖
// expiry u64 in Unix milliseconds ‖ single-use id 16 ‖ instance 16 ‖ fake u8 ‖
// reply flags u8 ‖ body.
//
// # Two secrets
//
// The key of the cipher is derived from a state key and from a base that never
// rotates and is kept elsewhere. A thief of one of them can neither read state
// nor forge it.
//
// # Rotation of state keys
//
// Replicas that share a [Replay] also share state keys. A Box seals with the
// newest key that is due and opens with every key that it has. To rotate, give
// all replicas a new key whose NotBefore lies far enough in the future for all
// of them to receive it first, even if their clocks differ. Remove the old key
// when the new one has been due for a lifetime, plus the difference of the
// clocks. Then every replica can open what any of them sealed.
package seal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/nescio-go/nescio/internal/secret"
	"golang.org/x/crypto/chacha20poly1305"
)

const (
	// MaxSize bounds sealed state, in bytes.
	MaxSize = 4096
	// DefaultLifetime is how long sealed state may be opened.
	DefaultLifetime = 60 * time.Second
	// MaxLifetime bounds the lifetime of sealed state. Tools rotate state keys on
	// the assumption that no login takes longer.
	MaxLifetime = time.Hour
	// DefaultCapacity is how many states can be open at once without a shared
	// Replay.
	DefaultCapacity = 1 << 20

	kind    = 'P'
	version = 1

	headerSize = 1 + 1 + keyIDSize + chacha20poly1305.NonceSizeX
	onceSize   = 16
	prefixSize = sha256.Size + sha256.Size + 8 + onceSize + onceSize + 1 + 1
)

var (
	// ErrState is the only answer to state that is forged, altered, expired or
	// used, or that belongs to another server, user id or binding.
	ErrState = errors.New("seal: no such state")
	// ErrFull is returned by [Box.Reserve] while the memory of single uses is
	// full of states that have not expired.
	ErrFull = errors.New("seal: too many open states")
	// ErrTooLong is returned by [Box.Seal] if the sealed state would be longer
	// than [MaxSize].
	ErrTooLong = errors.New("seal: body too long")
	errConfig  = errors.New("seal: protocol, lifetime or capacity out of range")
)

// Replay is a memory of single uses that several servers share. Consume
// records id until expires and reports whether it was the first to do so. That
// is one lifetime longer than the state can be opened.
type Replay interface {
	Consume(ctx context.Context, id [16]byte, expires time.Time) (first bool, err error)
}

// Config configures [New]. Protocol, Base and Keys are required.
type Config struct {
	Protocol string           // separates the states of two protocols; up to 255 bytes
	Base     [KeySize]byte    // a secret that never rotates: without it the state keys open nothing
	Keys     []StateKey       // the newest that is due seals, all open
	Replay   Replay           // nil: only the Box that sealed a state can open it
	Lifetime time.Duration    // 0: DefaultLifetime
	Capacity int              // 0: DefaultCapacity; only used without Replay
	Now      func() time.Time // nil: time.Now
}

// Box seals and opens state. It is safe for concurrent use. Nothing that
// formats a Box, or a struct that holds one, can show its keys.
type Box struct {
	protocol string
	base     secret.Value[[KeySize]byte]
	ring     secret.Value[ring]
	instance [onceSize]byte // random without a shared Replay, zero with one
	replay   Replay         // shared, or nil
	memory   *memory        // own, or nil
	lifetime time.Duration
	now      func() time.Time
}

// State is what is sealed besides the user id and the binding.
type State struct {
	Fake       int  // 1 if there is no such user, otherwise 0
	ReplyFlags byte // what the reply to a successful login will say
	Body       []byte
}

// New returns a Box. Without a shared Replay the Box has a random instance
// number of its own. New returns [ErrKeys] for unusable keys, and another error
// for other values that are out of range.
func New(cfg Config) (*Box, error) {
	if len(cfg.Protocol) > 255 || cfg.Lifetime < 0 || cfg.Lifetime > MaxLifetime || cfg.Capacity < 0 {
		return nil, errConfig
	}
	b := &Box{protocol: cfg.Protocol, replay: cfg.Replay, lifetime: cfg.Lifetime, now: cfg.Now}
	if b.lifetime == 0 {
		b.lifetime = DefaultLifetime
	}
	if b.now == nil {
		b.now = time.Now
	}
	b.base = secret.New(cfg.Base)
	r, err := newRing(b.protocol, b.base.Get(), cfg.Keys, b.now())
	if err != nil {
		return nil, err
	}
	b.ring = secret.New(r)
	if b.replay == nil {
		if cfg.Capacity == 0 {
			cfg.Capacity = DefaultCapacity
		}
		b.memory = newMemory(cfg.Capacity)
		rand.Read(b.instance[:])
	}
	return b, nil
}

// WithKeys returns a Box that has other keys and shares everything else with b,
// the memory of single uses included. Each of the two opens the state that the
// other sealed if it has the key. WithKeys returns [ErrKeys] like [New].
func (b *Box) WithKeys(keys []StateKey) (*Box, error) {
	r, err := newRing(b.protocol, b.base.Get(), keys, b.now())
	if err != nil {
		return nil, err
	}
	other := *b
	other.ring = secret.New(r)
	return &other, nil
}

// Ticket is the single use of a state that is not sealed yet.
type Ticket struct {
	once    [onceSize]byte
	expires time.Time
}

// Reserve reserves the single use of one state, or returns [ErrFull]. Call it
// before any work on the state. A ticket that is not used is given back with
// [Box.Release], or expires.
func (b *Box) Reserve() (Ticket, error) {
	now := b.now()
	t := Ticket{expires: now.Add(b.lifetime)}
	rand.Read(t.once[:])
	if b.memory != nil && !b.memory.reserve(t.once, now, t.expires) {
		return Ticket{}, ErrFull
	}
	return t, nil
}

// Release gives a ticket back.
func (b *Box) Release(t Ticket) {
	if b.memory != nil {
		b.memory.consume(t.once, b.now())
	}
}

// Seal returns sealed state for the user id and the given binding, with the
// single use of t. It returns [ErrTooLong] for a long body. It does not clear
// s.Body, which stays the caller's.
func (b *Box) Seal(t Ticket, id, binding []byte, s State) ([]byte, error) {
	size := headerSize + prefixSize + len(s.Body) + chacha20poly1305.Overhead
	if size > MaxSize {
		return nil, ErrTooLong
	}
	plain := make([]byte, 0, prefixSize+len(s.Body))
	defer func() { clear(plain) }()
	plain = appendHash(plain, id)
	plain = appendHash(plain, binding)
	plain = binary.BigEndian.AppendUint64(plain, uint64(t.expires.UnixMilli()))
	plain = append(plain, t.once[:]...)
	plain = append(plain, b.instance[:]...)
	plain = append(plain, byte(s.Fake), s.ReplyFlags)
	plain = append(plain, s.Body...)

	k := b.ring.Get().sealing(b.now())
	out := make([]byte, 0, size)
	out = append(out, kind, version)
	out = append(out, k.id[:]...)
	out = append(out, make([]byte, chacha20poly1305.NonceSizeX)...)
	nonce := out[headerSize-chacha20poly1305.NonceSizeX:]
	rand.Read(nonce)
	return k.aead.Seal(out, nonce, plain, k.associatedData), nil
}

// Open opens sealed state for the user id and the given binding, and spends its
// single use. It returns [ErrState], or wraps the error of the shared Replay.
func (b *Box) Open(ctx context.Context, id, binding, sealed []byte) (State, error) {
	plain, err := b.unseal(sealed)
	if err != nil {
		return State{}, err
	}
	bound := make([]byte, 0, 2*sha256.Size)
	bound = appendHash(appendHash(bound, id), binding)
	rest := plain[len(bound):]
	expires := time.UnixMilli(int64(binary.BigEndian.Uint64(rest)))
	once := [onceSize]byte(rest[8:])
	instance := rest[8+onceSize:][:onceSize]
	flags := rest[8+2*onceSize:]

	now := b.now()
	if subtle.ConstantTimeCompare(bound, plain[:len(bound)])&
		subtle.ConstantTimeCompare(instance, b.instance[:]) != 1 ||
		!now.Before(expires) {
		clear(plain)
		return State{}, ErrState
	}
	if err := b.consume(ctx, once, now, expires); err != nil {
		clear(plain)
		return State{}, err
	}
	return State{Fake: int(flags[0]), ReplyFlags: flags[1], Body: flags[2:]}, nil
}

func (b *Box) unseal(sealed []byte) ([]byte, error) {
	if len(sealed) < headerSize+prefixSize+chacha20poly1305.Overhead || len(sealed) > MaxSize ||
		sealed[0] != kind || sealed[1] != version {
		return nil, ErrState
	}
	k := b.ring.Get().find([keyIDSize]byte(sealed[2:]))
	if k == nil {
		return nil, ErrState
	}
	nonce := sealed[headerSize-chacha20poly1305.NonceSizeX : headerSize]
	plain, err := k.aead.Open(nil, nonce, sealed[headerSize:], k.associatedData)
	if err != nil {
		return nil, ErrState
	}
	return plain, nil
}

func (b *Box) consume(ctx context.Context, once [onceSize]byte, now, expires time.Time) error {
	if b.memory != nil {
		if !b.memory.consume(once, now) {
			return ErrState
		}
		return nil
	}
	// The store's clock may run ahead of ours: what it forgot while the state
	// can still be opened here could be replayed.
	first, err := b.replay.Consume(ctx, once, expires.Add(b.lifetime))
	if err != nil {
		return fmt.Errorf("nescio: Replay: %w", err)
	}
	if !first {
		return ErrState
	}
	return nil
}

func appendHash(b, data []byte) []byte {
	h := sha256.Sum256(data)
	return append(b, h[:]...)
}

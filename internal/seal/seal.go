// Package seal keeps what a server must remember between two messages of a
// login in sealed bytes that it can hand out: it encrypts and authenticates
// them, ties them to one user, one context and a short time, and lets each be
// opened once.
//
// Sealed state is 'P' ‖ version 01 ‖ key id 8 ‖ nonce 24 ‖ ciphertext and tag,
// by XChaCha20-Poly1305 with the associated data u8 len ‖ protocol ‖ key id ‖
// version. The plaintext is SHA-256(id) 32 ‖ SHA-256(context) 32 ‖ expiry u64
// in Unix milliseconds ‖ single-use id 16 ‖ instance 16 ‖ fake u8 ‖ reply
// flags u8 ‖ body.
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

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	// MaxSize bounds sealed state, in bytes.
	MaxSize = 4096
	// DefaultLifetime is how long sealed state may be opened.
	DefaultLifetime = 60 * time.Second
	// DefaultCapacity is how many states can be open at once without a shared
	// replay memory.
	DefaultCapacity = 1 << 20

	kind    = 'P'
	version = 1

	headerSize = 1 + 1 + keyIDSize + chacha20poly1305.NonceSizeX
	onceSize   = 16
	prefixSize = sha256.Size + sha256.Size + 8 + onceSize + onceSize + 1 + 1
)

var (
	// ErrState is the one answer to state that is forged, altered, expired,
	// used, of another server, or of another user or context.
	ErrState = errors.New("seal: no such state")
	// ErrFull is returned by Reserve while as many states are open as the memory
	// of single uses can hold.
	ErrFull = errors.New("seal: too many open states")
	// ErrTooLong is returned by Seal for a body that MaxSize has no room for.
	ErrTooLong = errors.New("seal: body too long")
	errConfig  = errors.New("seal: lifetime or capacity out of range")
)

// Replay is a memory of single uses that several servers share. Consume
// records id until expires, a lifetime longer than the state can be opened, and
// reports whether it was the first to do so.
type Replay interface {
	Consume(ctx context.Context, id [16]byte, expires time.Time) (first bool, err error)
}

// Config is what New needs. Protocol and Keys are required.
type Config struct {
	Protocol string           // keeps the states of two protocols apart; up to 255 bytes
	Keys     [][]byte         // 32 bytes each: the first seals, all open
	Replay   Replay           // nil: state can only be opened by the Box that sealed it
	Lifetime time.Duration    // 0: DefaultLifetime
	Capacity int              // 0: DefaultCapacity; without Replay only
	Now      func() time.Time // nil: time.Now
}

// Box seals and opens state. It is safe for concurrent use.
type Box struct {
	ring     *ring
	instance [onceSize]byte // random without a shared Replay, zero with one
	replay   Replay         // shared, or nil
	memory   *memory        // own, or nil
	lifetime time.Duration
	now      func() time.Time
}

// State is what is sealed besides the bindings.
type State struct {
	Fake       int  // 1 if there is no such user, otherwise 0
	ReplyFlags byte // what the reply to a successful login shall say
	Body       []byte
}

// New returns a Box, with a random instance number of its own unless a Replay
// is shared.
func New(cfg Config) (*Box, error) {
	r, err := newRing(cfg.Protocol, cfg.Keys)
	if err != nil {
		return nil, err
	}
	if cfg.Lifetime < 0 || cfg.Capacity < 0 {
		return nil, errConfig
	}
	b := &Box{ring: r, replay: cfg.Replay, lifetime: cfg.Lifetime, now: cfg.Now}
	if b.lifetime == 0 {
		b.lifetime = DefaultLifetime
	}
	if b.now == nil {
		b.now = time.Now
	}
	if b.replay == nil {
		if cfg.Capacity == 0 {
			cfg.Capacity = DefaultCapacity
		}
		b.memory = newMemory(cfg.Capacity)
		rand.Read(b.instance[:])
	}
	return b, nil
}

// WithKeys returns a Box that has other keys and shares all else: state sealed
// by either can be opened by either that has the key, once in all.
func (b *Box) WithKeys(keys [][]byte) (*Box, error) {
	r, err := newRing(b.ring.protocol, keys)
	if err != nil {
		return nil, err
	}
	other := *b
	other.ring = r
	return &other, nil
}

// Ticket is a single use, reserved by Reserve, that no state has yet.
type Ticket struct {
	once    [onceSize]byte
	expires time.Time
}

// Reserve reserves the single use of one state, or returns ErrFull: it comes
// before any work on what is to be sealed. A ticket that is not used is given
// back by Release, or expires.
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
		b.memory.consume(t.once)
	}
}

// Seal returns sealed state for the user id in the given application context,
// with the single use of t. It clears nothing: s.Body stays the caller's.
func (b *Box) Seal(t Ticket, id, context []byte, s State) ([]byte, error) {
	size := headerSize + prefixSize + len(s.Body) + chacha20poly1305.Overhead
	if size > MaxSize {
		return nil, ErrTooLong
	}
	plain := make([]byte, 0, prefixSize+len(s.Body))
	defer func() { clear(plain) }()
	plain = appendHash(plain, id)
	plain = appendHash(plain, context)
	plain = binary.BigEndian.AppendUint64(plain, uint64(t.expires.UnixMilli()))
	plain = append(plain, t.once[:]...)
	plain = append(plain, b.instance[:]...)
	plain = append(plain, byte(s.Fake), s.ReplyFlags)
	plain = append(plain, s.Body...)

	k := &b.ring.keys[0]
	out := make([]byte, 0, size)
	out = append(out, kind, version)
	out = append(out, k.id[:]...)
	out = append(out, make([]byte, chacha20poly1305.NonceSizeX)...)
	nonce := out[headerSize-chacha20poly1305.NonceSizeX:]
	rand.Read(nonce)
	return k.aead.Seal(out, nonce, plain, k.associatedData), nil
}

// Open opens sealed state for the user id in the given application context,
// and spends its single use. It returns ErrState, or the error of the shared
// Replay or of ctx.
func (b *Box) Open(ctx context.Context, id, context, sealed []byte) (State, error) {
	plain, err := b.unseal(sealed)
	if err != nil {
		return State{}, err
	}
	bound := make([]byte, 0, 2*sha256.Size)
	bound = appendHash(appendHash(bound, id), context)
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
	if err := b.consume(ctx, once, expires); err != nil {
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
	k := b.ring.find([keyIDSize]byte(sealed[2:]))
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

func (b *Box) consume(ctx context.Context, once [onceSize]byte, expires time.Time) error {
	if b.memory != nil {
		if !b.memory.consume(once) {
			return ErrState
		}
		return nil
	}
	// The store's clock may run ahead of ours: what it forgot while the state
	// can still be opened here could be replayed.
	first, err := b.replay.Consume(ctx, once, expires.Add(b.lifetime))
	if err != nil {
		return fmt.Errorf("seal: replay memory: %w", err)
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

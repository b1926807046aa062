package opaque

import (
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"time"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/nescio-go/nescio/internal/seal"
)

// ServerConfig configures [NewServer]. DecoyKey, StateKeys and Setups are
// required. If a ServerConfig is an unexported field of another struct, fmt
// prints its keys.
type ServerConfig struct {
	// DecoyKey is random, the same as in package srp, and never changes. It
	// hides which names exist.
	DecoyKey  [32]byte
	StateKeys []StateKey        // 1 to 16, one of them due
	Setups    map[uint16]*Setup // under numbers that never change

	// Offer is the kind of new registrations. With two setups it must name one.
	// Zero means the only setup with [DefaultKSF].
	Offer  Kind
	Accept []Kind       // may register too
	Old    []Kind       // should register again
	Others []KindWeight // of package srp; no error shows if they are missing

	// ServerIdentity names the application, the table of accounts and the
	// tenant, in at most [MaxIdentity] bytes. A login for one fails at a server
	// with another.
	ServerIdentity []byte

	Wire       Wire
	Replay     Replay        // required if logins may finish at another replica
	Lifetime   time.Duration // of a login, at most an hour; 0 means [DefaultLifetime]
	MaxPending int           // logins without Replay; 0 means 1,048,576
}

const DefaultLifetime = 60 * time.Second

// StateKey seals pending state together with DecoyKey. A thief of both can read
// and forge it. To rotate, distribute a key before its NotBefore, and remove
// the old one a lifetime later. After a leak replace all keys: see
// OPERATIONS.md.
type StateKey struct {
	Key       [32]byte  // random
	NotBefore time.Time // the newest key that is due seals, all open
}

// Replay is a memory of single uses for all replicas. Consume atomically
// records id until expires and reports whether it was the first. Package
// [github.com/nescio-go/nescio/opaque/replaytest] tests it.
type Replay interface {
	Consume(ctx context.Context, id [16]byte, expires time.Time) (first bool, err error)
}

// newBox returns the box that seals pending state, or ErrPolicy.
func (cfg *ServerConfig) newBox(now func() time.Time) (*seal.Box, error) {
	if cfg.Lifetime < 0 || cfg.Lifetime > seal.MaxLifetime || cfg.MaxPending < 0 {
		return nil, errLimits
	}
	box, err := seal.New(seal.Config{
		Protocol: "opaque",
		Base:     cfg.DecoyKey,
		Keys:     sealKeys(cfg.StateKeys),
		Replay:   cfg.Replay,
		Lifetime: cfg.Lifetime,
		Capacity: cfg.MaxPending,
		Now:      now,
	})
	if err != nil {
		return nil, errStateKeys
	}
	return box, nil
}

func sealKeys(keys []StateKey) []seal.StateKey {
	converted := make([]seal.StateKey, len(keys))
	for i, k := range keys {
		converted[i] = seal.StateKey(k)
	}
	return converted
}

// check refuses values that are invalid whatever the setups and kinds.
func (cfg *ServerConfig) check() error {
	switch {
	case subtle.ConstantTimeCompare(cfg.DecoyKey[:], make([]byte, decoy.KeySize)) == 1:
		return errDecoyKey
	case len(cfg.ServerIdentity) > MaxIdentity:
		return errIdentity
	case cfg.Wire > WireRFC9807:
		return errOtherWire
	case len(cfg.Setups) == 0:
		return errNoSetups
	case cfg.Wire == WireRFC9807 && len(cfg.Setups)+len(cfg.Accept)+len(cfg.Old) > 1:
		return errWire
	}
	return nil
}

// Format redacts it.
func (c ServerConfig) Format(f fmt.State, _ rune) {
	io.WriteString(f, "opaque.ServerConfig(redacted)")
}

// MarshalJSON redacts it.
func (c ServerConfig) MarshalJSON() ([]byte, error) {
	return []byte(`"opaque.ServerConfig(redacted)"`), nil
}

// Format redacts it.
func (k StateKey) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.StateKey(redacted)") }

// MarshalJSON redacts it.
func (k StateKey) MarshalJSON() ([]byte, error) {
	return []byte(`"opaque.StateKey(redacted)"`), nil
}

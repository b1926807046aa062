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
// required. fmt and encoding/json print a placeholder, also for an exported
// field. For an unexported field of another struct fmt prints the keys.
type ServerConfig struct {
	// DecoyKey, 32 random bytes, derives the answers for unknown names. All
	// replicas share it, and the server of package srp too. It is never
	// rotated: another key changes the answers for all unknown names at
	// once. If it leaks, known names can be told from unknown ones. If state
	// keys leak too, see [StateKey].
	DecoyKey [32]byte

	// StateKeys, 1 to 16 distinct keys, protect pending state. The NotBefore of
	// at least one must have come. All replicas share them.
	StateKeys []StateKey

	// Setups are the server's key material by number. Never change or reuse a
	// number, and never remove a setup that records name. On [WireRFC9807]
	// there is exactly one.
	Setups map[uint16]*Setup

	// Offer is the kind of new registrations. Zero means the only setup with
	// [DefaultKSF]. With several setups the zero [Kind] is refused.
	Offer Kind
	// Accept are further kinds that registrations may have: the coming kind
	// before a switch, the last one after it. Their accounts need no new
	// registration. On [WireRFC9807] it must be empty.
	Accept []Kind
	// Old are kinds whose accounts log in and need a new registration. On
	// [WireRFC9807] it must be empty.
	Old []Kind
	// Others are the kinds of the service's accounts in package srp, as
	// [github.com/nescio-go/nescio/srp.Weights] returns them.
	// [Server.AnswersAsSRP] uses them. If one server of a service lacks them,
	// the two disagree about unknown names, and no error shows it.
	Others []KindWeight

	// ServerIdentity must be the same as in [ClientConfig], byte for byte. It
	// has at most [MaxIdentity] bytes. If empty, the setup's public key is the
	// identity. Let it name the application, the table of accounts and the
	// tenant. A login that begins in one of them then cannot finish in another.
	ServerIdentity []byte

	// Wire must be the same as in [ClientConfig].
	Wire Wire

	// Replay is required if a login may begin at one replica and finish at
	// another. If nil, single uses are kept in memory, and only the [Server]
	// that began a login, or a copy of it, can finish it.
	Replay Replay

	// Lifetime is the longest time from [Server.BeginLogin] to
	// [Server.FinishLogin], at most an hour. Zero means [DefaultLifetime].
	Lifetime time.Duration

	// MaxPending bounds the logins in progress if there is no [Replay]. Each
	// takes about 150 bytes of memory. Zero means 1,048,576. At the bound
	// [Server.BeginLogin] returns [ErrBusy] before any work, until logins
	// finish or expire. Limit the rate of logins in front of it.
	MaxPending int
}

// DefaultLifetime is the longest time that a login may take if [ServerConfig]
// does not say otherwise. Stored pending state can be deleted after that time.
const DefaultLifetime = 60 * time.Second

// StateKey is a key that protects pending state. It redacts itself like
// [ServerConfig]. The StateKey of package srp has the same fields, and converts
// to this type: opaque.StateKey(k).
//
// To rotate, give all replicas a new key whose NotBefore is far enough in the
// future for all of them to receive it, even if their clocks differ. Remove the
// old key when all replicas have sealed with the new one for the lifetime of a
// login. Rotate daily.
//
// The state keys alone are of no use to a thief, because pending state is sealed
// under DecoyKey too. A thief of both reads all pending state that they get, and
// can forge it. If pending state travels through clients, they can log in to any
// account: they begin a login and read in its pending state how to end it. It
// also contains the session key. So when state keys leak, give all replicas a new key at
// once, without NotBefore, and remove all others. Logins in progress then return
// [ErrState]. OPERATIONS.md says what else to do if DecoyKey has leaked too.
type StateKey struct {
	// Key is 32 random bytes.
	Key [32]byte
	// NotBefore is the time from which the key seals. The newest key whose time
	// has come seals, and all keys open. The zero time has always come and is
	// older than any other: beside a due key with a time, such a key opens and
	// never seals.
	NotBefore time.Time
}

// Replay is a memory of single uses that the replicas of a server share.
// Consume records id until expires and reports whether it was the first to do
// so, in one atomic step. An INSERT that fails on a duplicate key is such a
// step. Consume is called by several goroutines at once, and no lock is held
// during the call. The time of expiry is one lifetime later than the end of the
// login. The clock of the store may be ahead by as much. Package opaque/replaytest
// tests an implementation.
type Replay interface {
	Consume(ctx context.Context, id [16]byte, expires time.Time) (first bool, err error)
}

// newBox returns what seals pending state, or ErrPolicy.
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

// check refuses what does not depend on setups and kinds.
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

// Format writes a placeholder for every verb.
func (c ServerConfig) Format(f fmt.State, _ rune) {
	io.WriteString(f, "opaque.ServerConfig(redacted)")
}

// MarshalJSON writes a placeholder, for logs.
func (c ServerConfig) MarshalJSON() ([]byte, error) {
	return []byte(`"opaque.ServerConfig(redacted)"`), nil
}

// Format writes a placeholder for every verb.
func (k StateKey) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.StateKey(redacted)") }

// MarshalJSON writes a placeholder, for logs. To store a key, store its fields.
func (k StateKey) MarshalJSON() ([]byte, error) {
	return []byte(`"opaque.StateKey(redacted)"`), nil
}

package opaque

import (
	"fmt"
	"io"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/nescio-go/nescio/kdf"
)

// SecretSize is the size of each of a server's secrets in bytes.
const SecretSize = decoy.KeySize

// Secrets are the secrets of a server besides its setups; a server that speaks
// SRP too has the same ones there, and the one type converts to the other. All replicas of a server share them, and no other application does. They
// redact themselves in fmt, log/slog and JSON, by themselves and in exported
// fields; in an unexported field of another struct fmt cannot ask them to.
type Secrets struct {
	// Decoy, 32 random bytes, makes the answers for names that nobody has, and is
	// never rotated. If it leaks, known names can be told from unknown ones;
	// nothing else is lost.
	Decoy []byte
	// State, 1 to 16 distinct keys of 32 random bytes, protects pending state.
	// The first one seals, all of them open. Put a new one in front every day, by
	// [Server.WithState], and destroy those that are older than the longest login:
	// a state key that leaks opens recorded pending state, which holds session
	// keys.
	State [][]byte
}

// Draw returns a number in [0, 1) that is fixed for an id and looks random
// without Decoy. While accounts move from one protocol to another, an unknown
// id answers as SRP if its draw is below the share of accounts still on SRP.
func (s Secrets) Draw(id []byte) float64 { return decoy.Fraction(s.Decoy, "protocol", id) }

// Format writes a placeholder, whatever the verb.
func (s Secrets) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Secrets(redacted)") }

// MarshalJSON writes a placeholder, for logs: store the fields, not the struct.
func (s Secrets) MarshalJSON() ([]byte, error) { return []byte(`"opaque.Secrets(redacted)"`), nil }

// Template is one kind of account that a server has, as a stranger sees it
// before authentication.
type Template struct {
	Setup  uint16     // its number in ServerConfig.Setups
	KSF    kdf.Params // without a salt, and within what clients' policies allow; zero: DefaultKSF
	Weight uint32     // its share among the accounts, in any unit
	// Identities says that accounts of this kind registered with their id as
	// identity, and not without one: an unknown name then does the same.
	Identities bool
}

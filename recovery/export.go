package recovery

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"github.com/nescio-go/nescio/wrap"
)

// Export is the way in of who logs in by OPAQUE: its export key, 32 to 64 bytes,
// which is new at every registration. It seals and opens.
//
// Record is RFC 9807's raw record of the registration, which the slot names by its
// digest: a client knows it when it registers. To open, leave it empty to try all
// slots of this kind.
type Export struct {
	Key    []byte
	Record []byte
}

// Type returns SlotExport.
func (e Export) Type() SlotType { return SlotExport }

// Flags returns 0.
func (e Export) Flags() uint8 { return 0 }

// Seal implements Sealer. It returns ErrPolicy for a key of less than 32 or more
// than 64 bytes or without a record.
func (e Export) Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	if !e.valid() || len(e.Record) == 0 {
		return nil, nil, errSecret
	}
	params = make([]byte, saltSize, saltSize+sha256.Size)
	rand.Read(params)
	digest := sha256.Sum256(e.Record)
	params = append(params, digest[:]...)
	return sealSlot(ctx, b, e.Key, 0, params, secret)
}

// Open implements Opener.
func (e Export) Open(ctx context.Context, b wrap.Binding, s Slot) ([]byte, error) {
	if !e.valid() {
		return nil, errSecret
	}
	if s.Type != SlotExport || len(s.Params) != saltSize+sha256.Size {
		return nil, ErrNotMine
	}
	if digest := sha256.Sum256(e.Record); len(e.Record) > 0 && subtle.ConstantTimeCompare(digest[:], s.Params[saltSize:]) != 1 {
		return nil, ErrNotMine
	}
	return openSlot(ctx, b, e.Key, s)
}

func (e Export) valid() bool { return len(e.Key) >= 32 && len(e.Key) <= 64 && !isZero(e.Key) }

// Format writes a placeholder, whatever the verb.
func (e Export) Format(f fmt.State, _ rune) { redact(f, "Export") }

// MarshalJSON writes a placeholder.
func (e Export) MarshalJSON() ([]byte, error) { return redactJSON("Export") }

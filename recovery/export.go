package recovery

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/wrap"
)

// Export is the slot of an account that logs in with OPAQUE. Its secret is OPAQUE's
// export key, which every registration changes. It seals and opens. It comes from
// [NewExport] and redacts itself.
type Export struct {
	secrets secret.Value[exportSecrets]
}

type exportSecrets struct {
	key, record []byte
}

// NewExport returns the slot of an export key of 32 to 64 bytes. The record is RFC
// 9807's raw record of the registration. The slot contains its digest. To open,
// pass no record to try all slots of this type. NewExport copies neither: clear the
// key when the slot is no longer used.
func NewExport(key, record []byte) Export {
	return Export{secret.New(exportSecrets{key, record})}
}

// Type returns SlotExport.
func (e Export) Type() SlotType { return SlotExport }

// Flags returns 0.
func (e Export) Flags() uint8 { return 0 }

// Seal implements Sealer. It returns ErrPolicy for a key of less than 32 or more
// than 64 bytes or without a record.
func (e Export) Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	own := e.secrets.Get()
	if !own.valid() || len(own.record) == 0 {
		return nil, nil, errSecret
	}
	params = make([]byte, saltSize, saltSize+sha256.Size)
	rand.Read(params)
	digest := sha256.Sum256(own.record)
	params = append(params, digest[:]...)
	return sealSlot(ctx, b, own.key, 0, params, secret)
}

// Open implements Opener.
func (e Export) Open(ctx context.Context, b wrap.Binding, s Slot) ([]byte, error) {
	own := e.secrets.Get()
	if !own.valid() {
		return nil, errSecret
	}
	if s.Type != SlotExport || len(s.Params) != saltSize+sha256.Size {
		return nil, ErrNotMine
	}
	if digest := sha256.Sum256(own.record); len(own.record) > 0 && subtle.ConstantTimeCompare(digest[:], s.Params[saltSize:]) != 1 {
		return nil, ErrNotMine
	}
	return openSlot(ctx, b, own.key, s)
}

func (e *exportSecrets) valid() bool { return len(e.key) >= 32 && len(e.key) <= 64 && !isZero(e.key) }

// Format writes a placeholder for every verb.
func (e Export) Format(f fmt.State, _ rune) { redact(f, "Export") }

// MarshalJSON writes a placeholder.
func (e Export) MarshalJSON() ([]byte, error) { return redactJSON("Export") }

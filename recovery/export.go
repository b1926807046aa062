package recovery

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/wrap"
)

// ExportKey is the slot of a login with OPAQUE. Such accounts have no
// [Password].
type ExportKey struct {
	secrets secret.Value[exportSecrets]
}

type exportSecrets struct {
	key, record []byte
}

// NewExportKey takes a key of 32 to 64 bytes, and the record from
// [github.com/nescio-go/nescio/opaque.Login.Record]. Without a record, it can
// open a slot, but not seal one.
func NewExportKey(key, record []byte) ExportKey {
	return ExportKey{secret.New(exportSecrets{bytes.Clone(key), bytes.Clone(record)})}
}

func (e ExportKey) Type() string { return typeExport }

func (e ExportKey) Flags() uint8 { return 0 }

func (e ExportKey) Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	own := e.secrets.Get()
	if !own.valid() {
		return nil, nil, errSecret
	}
	if !own.hasRecord() {
		return nil, nil, errRecord
	}
	params = make([]byte, saltSize, saltSize+sha256.Size)
	rand.Read(params)
	digest := sha256.Sum256(own.record)
	params = append(params, digest[:]...)
	return sealSlot(ctx, b, own.key, 0, params, secret)
}

func (e ExportKey) Open(ctx context.Context, b wrap.Binding, s Slot) ([]byte, error) {
	own := e.secrets.Get()
	if !own.valid() {
		return nil, errSecret
	}
	if len(own.record) > 0 && !own.hasRecord() {
		return nil, errRecord
	}
	if s.Type != typeExport || len(s.Params) != saltSize+sha256.Size {
		return nil, ErrWrongSecret
	}
	if digest := sha256.Sum256(own.record); len(own.record) > 0 && subtle.ConstantTimeCompare(digest[:], s.Params[saltSize:]) != 1 {
		return nil, ErrWrongSecret
	}
	return openSlot(ctx, b, own.key, s)
}

func (e *exportSecrets) valid() bool { return len(e.key) >= 32 && len(e.key) <= 64 && !isZero(e.key) }

// hasRecord reports whether the record has the length of a suite of RFC 9807: a
// public key, a masking key, and an envelope of a nonce and a MAC.
func (e *exportSecrets) hasRecord() bool {
	return len(e.record) == 32+64+32+64 || len(e.record) == 33+32+32+32
}

// Format redacts.
func (e ExportKey) Format(f fmt.State, _ rune) { redact(f, "ExportKey") }

// MarshalJSON redacts.
func (e ExportKey) MarshalJSON() ([]byte, error) { return redactJSON("ExportKey") }

package opaque

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/internal/secret"
)

// Migration authenticates a registration inside a session, when an account
// moves from SRP or to another kind. The server accepts one upload per session
// and keeps both records until the first login with the new one, which ends the
// sessions of SRP. Until then strangers can see that the account exists. The
// client wraps its keys under the new export key first, and refuses SRP after
// that login. Example (FromSRP) shows all duties.
type Migration struct {
	secrets secret.Value[migrationSecrets]
}

type migrationSecrets struct{ key, id []byte }

// MigrationStep is a message of a registration.
type MigrationStep uint8

const (
	MigrateRequest  MigrationStep = 1
	MigrateResponse MigrationStep = 2
	MigrateUpload   MigrationStep = 3
)

// NewMigration takes the session key of the login that has just finished.
// Invalid lengths return [ErrPolicy].
func NewMigration(sessionKey, id []byte) (*Migration, error) {
	if !validID(id) {
		return nil, errID
	}
	if len(sessionKey) < 32 {
		return nil, errShortSession
	}
	return &Migration{secret.New(migrationSecrets{deriveKey(sessionKey, []byte("nescio/migrate/v1")), bytes.Clone(id)})}, nil
}

// Protect returns the readable message and a tag of 32 bytes, or [ErrPolicy].
func (m *Migration) Protect(step MigrationStep, message []byte) (protected []byte, err error) {
	in := m.secrets.Get()
	switch {
	case in.key == nil:
		return nil, errZeroMigration
	case step < MigrateRequest || step > MigrateUpload:
		return nil, errStep
	}
	covered := append(append([]byte{byte(step)}, length16(in.id)...), in.id...)
	return appendMAC(append(covered, message...), in.key)[len(covered):], nil
}

// Verify returns the message of [Migration.Protect], or [ErrAuthentication].
func (m *Migration) Verify(step MigrationStep, protected []byte) (message []byte, err error) {
	n := len(protected) - sha256.Size
	if n < 0 {
		return nil, ErrAuthentication
	}
	want, err := m.Protect(step, protected[:n])
	if err != nil || subtle.ConstantTimeCompare(protected, want) != 1 {
		return nil, ErrAuthentication
	}
	return protected[:n:n], nil
}

// Format redacts it.
func (m *Migration) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Migration(redacted)") }

// MarshalJSON redacts it.
func (m *Migration) MarshalJSON() ([]byte, error) {
	return []byte(`"opaque.Migration(redacted)"`), nil
}

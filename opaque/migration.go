package opaque

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
)

// Migration protects a registration that takes place inside a session: when an
// account moves from SRP to OPAQUE, or to another setup, without its user
// noticing. Both sides make it from the session key of the login that has just
// finished on both sides, and send every message of the registration sealed. A
// message of another session, account or step does not open, so that nobody in
// between can register a password of their own.
//
// The order on the server: Register, Admit, and store the new record beside the
// old one, which goes in the transaction of the account's first login under the
// new. The order on the client: note that the account has OPAQUE as soon as that
// login has finished, and from then on refuse SRP for it before the password is
// touched.
//
// Beside that the server refuses to register an account a second time while it has an
// unused record of a first device, drops such a record when the password changes by the
// old protocol, and does not let sessions of the old protocol change keys once the
// account has moved.
//
// One session serves one registration: what was sealed once opens again, so that the
// server accepts one upload and forgets the Migration, and a second registration takes
// a new login.
//
// A Migration is immutable and safe for concurrent use. It redacts itself.
type Migration struct {
	key []byte
	id  []byte
}

// MigrationStep is which of the three messages of a registration is sealed.
type MigrationStep uint8

const (
	MigrateRequest  MigrationStep = 1 // client to server
	MigrateResponse MigrationStep = 2 // server to client
	MigrateUpload   MigrationStep = 3 // client to server
)

// NewMigration returns the migration of a session: its key as Finish returned it,
// of srp or of this package, and the account's id, in the same spelling on both
// sides. It returns ErrPolicy for a key of less than 32 bytes or an id of no or
// more than 1024.
func NewMigration(sessionKey, id []byte) (*Migration, error) {
	if len(id) == 0 || len(id) > MaxID {
		return nil, errID
	}
	if len(sessionKey) < 32 {
		return nil, refused("a session key has 32 bytes or more")
	}
	return &Migration{key: deriveKey(sessionKey, []byte("nescio/migrate/v1")), id: append([]byte(nil), id...)}, nil
}

// Seal returns the message with a tag of 32 bytes behind it:
// HMAC-SHA256(HKDF-SHA256(session key, "", "nescio/migrate/v1", 32), step u8 ‖
// u16 len ‖ id ‖ message). The message stays readable.
func (m *Migration) Seal(step MigrationStep, message []byte) []byte {
	head := m.head(step)
	return appendMAC(append(head, message...), m.key)[len(head):]
}

// Open returns the message that Seal was given for the same step in the same
// session, or ErrAuthentication.
func (m *Migration) Open(step MigrationStep, sealed []byte) (message []byte, err error) {
	n := len(sealed) - sha256.Size
	if n < 0 || len(m.key) == 0 || step < MigrateRequest || step > MigrateUpload {
		return nil, ErrAuthentication
	}
	if subtle.ConstantTimeCompare(sealed, m.Seal(step, sealed[:n])) != 1 {
		return nil, ErrAuthentication
	}
	return sealed[:n:n], nil
}

// head is what a tag covers before the message.
func (m *Migration) head(step MigrationStep) []byte {
	return append(append([]byte{byte(step)}, length16(m.id)...), m.id...)
}

// Format writes a placeholder, whatever the verb.
func (m *Migration) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Migration(redacted)") }

package opaque

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/internal/secret"
)

// Migration authenticates a registration inside a session. An account moves
// from SRP to OPAQUE, or to another setup or KSF, and its user does not notice.
// Both sides make the Migration from the session key of the login that has just
// finished on both sides. They protect every message of the registration with
// it. A message of another session, account or step is refused. An attacker
// between the two sides cannot register a password of their own. The messages
// stay readable.
//
// Until the first login with the new record, the server keeps it beside the old
// record. During this time anyone who asks for the account with SRP alone and
// with OPAQUE sees that it exists. The example for a move from SRP has a store
// with both records. The server must:
//
//  1. Tell the client that the account may move. [Login.NeedsRegistration]
//     tells it to clients of OPAQUE. [github.com/nescio-go/nescio/srp.Login] has
//     no such method: the application tells these clients, after their login has
//     finished.
//  2. Refuse a registration while the account has an unused new record.
//  3. Accept one upload per session, and then forget the Migration. A protected
//     message verifies any number of times.
//  4. Give [Server.BeginLogin] the new record if the client sent an OPAQUE
//     request of its suite, and otherwise the old record.
//  5. Keep beside the pending state which of the two records it was, and give
//     [Server.FinishLogin] that record as it is stored now. If another login
//     has made the new record the only one meanwhile, FinishLogin returns
//     [ErrState], and the client logs in again.
//  6. At the first login with the new record, in its transaction, delete the
//     old record with the blobs of its export key, and end the account's
//     sessions of SRP.
//  7. Delete an unused new record and its blobs when the password changes with
//     the old record.
//
// The client must:
//
//  1. Wrap every key that the old export key protects under the new export key
//     too, after [Registration.Finish] and before the upload. Send these blobs
//     with the upload. The server stores them beside the new record. After SRP
//     there is no old export key. Wrap the keys that the client already has.
//  2. Note that the account has OPAQUE when its first login with OPAQUE has
//     finished. From then on refuse SRP for it before the password is used.
//
// A Migration is immutable and safe for concurrent use. It redacts itself.
type Migration struct {
	secrets secret.Value[migrationSecrets]
}

type migrationSecrets struct{ key, id []byte }

// MigrationStep is one of the three messages of a registration.
type MigrationStep uint8

const (
	MigrateRequest  MigrationStep = 1 // client to server
	MigrateResponse MigrationStep = 2 // server to client
	MigrateUpload   MigrationStep = 3 // client to server
)

// NewMigration returns the migration of a session. The session key is what
// [Login.Finish] and [Server.FinishLogin] returned, or the same methods of
// package [github.com/nescio-go/nescio/srp]. The id is the account's, 1 to
// 1,024 bytes, in the same spelling on both sides. It returns [ErrPolicy] for a
// key of less than 32 bytes and for an id of another length.
func NewMigration(sessionKey, id []byte) (*Migration, error) {
	if !validID(id) {
		return nil, errID
	}
	if len(sessionKey) < 32 {
		return nil, errShortSession
	}
	return &Migration{secret.New(migrationSecrets{deriveKey(sessionKey, []byte("nescio/migrate/v1")), bytes.Clone(id)})}, nil
}

// Protect returns the message followed by a tag of 32 bytes:
// HMAC-SHA256(HKDF-SHA256(session key, "", "nescio/migrate/v1", 32), step u8 ‖
// u16 len ‖ id ‖ message). It returns [ErrPolicy] for an invalid step and on a
// zero [Migration].
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

// Verify returns the message that [Migration.Protect] was given for the same
// step in the same session, or [ErrAuthentication].
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

// Format writes a placeholder for every verb.
func (m *Migration) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Migration(redacted)") }

// MarshalJSON writes a placeholder, for logs.
func (m *Migration) MarshalJSON() ([]byte, error) {
	return []byte(`"opaque.Migration(redacted)"`), nil
}

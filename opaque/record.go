package opaque

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/kdf"
	"golang.org/x/crypto/cryptobyte"
)

// Record is what a server stores of an account in place of its password: RFC
// 9807's RegistrationRecord, client_public_key ‖ masking_key ‖ envelope, with
// what it was registered under. A Record is immutable and safe for concurrent use.
//
// A record alone is of no use to a thief: to try passwords takes the setup's OPRF
// seed too, or the server's answers. With both, it is as good as a password hash.
// It redacts itself in fmt and log/slog and refuses JSON.
type Record struct {
	suite    Suite
	setup    uint16
	ksf      kdf.Params
	identity []byte
	raw      []byte
}

// ImportRecord makes a record of RFC 9807's own bytes, from another library's
// database or the RFC's wire: 192 bytes, for P256 129. The setup is the number of
// the one that it was registered under, the KSF the one that its clients use,
// without a salt, and the identity the client_identity, empty if there was none.
// It returns ErrRecord if a value is out of its range.
func ImportRecord(s Suite, setup uint16, ksf kdf.Params, identity, raw []byte) (*Record, error) {
	if !s.Valid() || !validKSF(ksf) || len(identity) > MaxIdentity || len(raw) != s.of().recordSize() ||
		!s.of().validPublicKey(raw[:s.of().npk]) {
		return nil, ErrRecord
	}
	return &Record{s, setup, ksf, bytes.Clone(identity), bytes.Clone(raw)}, nil
}

// ParseRecord decodes what Bytes returned. It is strict: any other length or
// encoding is ErrRecord.
func ParseRecord(b []byte) (*Record, error) {
	r, ok := readRecord(b)
	if !ok || !r.suite.of().validPublicKey(r.raw[:r.suite.of().npk]) {
		return nil, ErrRecord
	}
	r.identity, r.raw = bytes.Clone(r.identity), bytes.Clone(r.raw)
	return &r, nil
}

// readRecord checks the form of all but the client's public key, and copies
// nothing.
func readRecord(b []byte) (r Record, ok bool) {
	s, ok := openMessage(b)
	if !ok {
		return Record{}, false
	}
	var identity cryptobyte.String
	if !readKind(&s, &r.suite, &r.setup, &r.ksf) || !s.ReadUint16LengthPrefixed(&identity) || len(s) != r.suite.of().recordSize() {
		return Record{}, false
	}
	r.identity, r.raw = identity, s
	return r, true
}

// Bytes returns the canonical binary form, for a database: about 220 bytes and
// the identity's. The upload of a registration is the same.
func (r *Record) Bytes() []byte {
	b := newMessage()
	addKind(b, r.suite, r.setup, r.ksf)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(r.identity) })
	b.AddBytes(r.raw)
	return b.BytesOrPanic()
}

// Suite returns the record's suite.
func (r *Record) Suite() Suite { return r.suite }

// Setup returns the number of the setup that the record was registered under.
func (r *Record) Setup() uint16 { return r.setup }

// KSF returns the parameters of the key stretching function, without a salt.
func (r *Record) KSF() kdf.Params { return r.ksf }

// Identity returns a copy of client_identity, empty if it is the client's public
// key. It is what the client said when it registered.
func (r *Record) Identity() []byte { return bytes.Clone(r.identity) }

// Raw returns a copy of RFC 9807's RegistrationRecord, 192 bytes, for P256 129.
func (r *Record) Raw() []byte { return bytes.Clone(r.raw) }

// Format writes a placeholder, whatever the verb.
func (r Record) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Record(redacted)") }

var (
	errRecordJSON = errors.New("opaque: a record has no JSON form; store its Bytes")
	errSetupJSON  = errors.New("opaque: a setup has no JSON form; store its Bytes")
)

// MarshalJSON refuses: a placeholder in a database would lose the account.
func (r Record) MarshalJSON() ([]byte, error) { return nil, errRecordJSON }

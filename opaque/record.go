package opaque

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/kdf"
	"golang.org/x/crypto/cryptobyte"
)

// Record is what a server stores of an account instead of its password: RFC
// 9807's RegistrationRecord, which is client_public_key ‖ masking_key ‖
// envelope, and what it was registered under. A Record is immutable and safe
// for concurrent use.
//
// A record alone does not help a thief. To try passwords takes the setup's OPRF
// seed too, or the server's answers. With both, a record is as good as a
// password hash. It redacts itself in fmt and log/slog and refuses JSON.
type Record struct {
	content secret.Value[record]
}

// record is the content of a Record. The server works with it without copying.
type record struct {
	head
	fingerprint [fingerprintSize]byte // of the setup
	identity    []byte
	raw         []byte
}

// ImportRecord makes a record from RFC 9807's own bytes, for example from
// another library's database: 192 bytes, for [P256] 129. The setup and its
// number are those that the record was registered under. The KSF is the one
// that its clients use, without a salt. The identity is the client_identity,
// empty if there was none, of at most [MaxIdentity] bytes. It returns
// [ErrRecord] if a value is out of range.
//
// Nothing in the bytes shows whether setup and KSF are right. With wrong ones
// every login of the account ends with [ErrAuthentication].
func ImportRecord(number uint16, s *Setup, ksf kdf.Params, identity, raw []byte) (*Record, error) {
	if s == nil || !s.suite.Valid() || !validKSF(ksf) || len(identity) > MaxIdentity ||
		len(raw) != s.suite.definition().recordSize() || !s.suite.definition().validClientKey(raw) {
		return nil, ErrRecord
	}
	h, err := newHead(s.suite, number, ksf)
	if err != nil {
		return nil, ErrRecord
	}
	return newRecord(record{h, s.fingerprint, bytes.Clone(identity), bytes.Clone(raw)}), nil
}

func newRecord(r record) *Record { return &Record{secret.New(r)} }

// ParseRecord decodes what [Record.Bytes] returned. It is strict: any other
// length or encoding returns [ErrRecord].
func ParseRecord(b []byte) (*Record, error) {
	r, ok := readRecord(b)
	if !ok || !r.suite.definition().validClientKey(r.raw) {
		return nil, ErrRecord
	}
	r.encoded, r.identity, r.raw = bytes.Clone(r.encoded), bytes.Clone(r.identity), bytes.Clone(r.raw)
	return newRecord(r), nil
}

// readRecord checks everything except the client's public key, and copies
// nothing.
func readRecord(b []byte) (r record, ok bool) {
	s, ok := openMessage(b)
	if !ok || len(b) > MaxMessage+MaxIdentity {
		return record{}, false
	}
	var identity cryptobyte.String
	if r.head, ok = readHead(&s); !ok || !s.CopyBytes(r.fingerprint[:]) || !s.ReadUint16LengthPrefixed(&identity) ||
		len(identity) > MaxIdentity || len(s) != r.suite.definition().recordSize() {
		return record{}, false
	}
	r.identity, r.raw = identity, s
	return r, true
}

// bytes returns the binary form, the one that readRecord reads.
func (r *record) bytes() []byte {
	b := make([]byte, 0, 2+len(r.encoded)+fingerprintSize+2+len(r.identity)+len(r.raw))
	b = append(append(b, protocol, version), r.encoded...)
	b = append(append(b, r.fingerprint[:]...), length16(r.identity)...)
	return append(append(b, r.identity...), r.raw...)
}

// Bytes returns the binary form, for a database: about 230 bytes and the
// identity. On [WireFramed] the upload of a registration is the same. It
// returns nil if r is a zero value.
func (r *Record) Bytes() []byte {
	in := r.content.Get()
	if in.raw == nil {
		return nil
	}
	return in.bytes()
}

// Suite returns the record's suite.
func (r *Record) Suite() Suite { return r.content.Get().suite }

// Setup returns the number of the setup that the record was registered under.
func (r *Record) Setup() uint16 { return r.content.Get().setup }

// KSF returns the parameters of the key stretching function, without a salt.
func (r *Record) KSF() kdf.Params { return r.content.Get().ksf }

// Identity returns a copy of client_identity. It is empty if the client's
// public key is the identity.
func (r *Record) Identity() []byte { return bytes.Clone(r.content.Get().identity) }

// Raw returns a copy of RFC 9807's RegistrationRecord, 192 bytes, for [P256]
// 129. [Registration.Record] and [Login.Record] return the same bytes to the
// client.
func (r *Record) Raw() []byte { return bytes.Clone(r.content.Get().raw) }

// validClientKey reports whether a RegistrationRecord begins with a valid
// public key.
func (s *suite) validClientKey(raw []byte) bool { return s.validPublicKey(raw[:s.npk]) }

// Format writes a placeholder for every verb.
func (r Record) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Record(redacted)") }

var errRecordJSON = errors.New("opaque: a record has no JSON form; store its Bytes")

// MarshalJSON returns an error, because a placeholder in a database would lose
// the account.
func (r Record) MarshalJSON() ([]byte, error) { return nil, errRecordJSON }

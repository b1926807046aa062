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

// Record is what a server stores of an account.
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

// ImportRecord makes a record from a RegistrationRecord of another library: see
// FORMAT.md. Invalid values return [ErrRecord]. Other wrong values make every
// login fail.
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

// ParseRecord decodes a record, or returns [ErrRecord].
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

// bytes returns the binary form.
func (r *record) bytes() []byte {
	b := make([]byte, 0, 2+len(r.encoded)+fingerprintSize+2+len(r.identity)+len(r.raw))
	b = append(append(b, protocol, version), r.encoded...)
	b = append(append(b, r.fingerprint[:]...), length16(r.identity)...)
	return append(append(b, r.identity...), r.raw...)
}

// Bytes returns about 220 bytes and the identity.
func (r *Record) Bytes() []byte {
	in := r.content.Get()
	if in.raw == nil {
		return nil
	}
	return in.bytes()
}

// Suite returns the suite.
func (r *Record) Suite() Suite { return r.content.Get().suite }

// Setup returns the number of the setup.
func (r *Record) Setup() uint16 { return r.content.Get().setup }

// KSF returns the KSF without a salt.
func (r *Record) KSF() kdf.Params { return r.content.Get().ksf }

// Identity returns client_identity, maybe empty.
func (r *Record) Identity() []byte { return bytes.Clone(r.content.Get().identity) }

// Raw returns RegistrationRecord, 192 bytes, for [P256] 129.
func (r *Record) Raw() []byte { return bytes.Clone(r.content.Get().raw) }

// validClientKey reports whether a RegistrationRecord begins with a valid
// public key.
func (s *suite) validClientKey(raw []byte) bool { return s.validPublicKey(raw[:s.npk]) }

// Format redacts it.
func (r Record) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Record(redacted)") }

var errRecordJSON = errors.New("opaque: a record has no JSON form; store its Bytes")

// MarshalJSON returns an error.
func (r Record) MarshalJSON() ([]byte, error) { return nil, errRecordJSON }

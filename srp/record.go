package srp

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/kdf"
	"golang.org/x/crypto/cryptobyte"
)

// Record is what a server stores of an account in place of its password: the
// profile, the group, the KDF parameters, the identity I, the salt, and the
// verifier v = g^x. A
// Record is immutable and safe for concurrent use.
//
// Nobody can log in with a record. But whoever steals it can try passwords
// against it at the speed of the profile's password hash, and can play the
// server. Keep it as you would a password hash; it redacts itself in fmt and
// log/slog and refuses JSON.
type Record struct {
	profile  Profile
	group    GroupRef
	kdf      kdf.Params
	identity []byte
	salt     []byte
	verifier []byte // in the profile's order

	domain *domain
}

// NewRecord puts a record together from values that came in another form, such
// as the JSON of a registration or another library's database. The kind is the
// offer under which it was or could have been registered; its SaltSize is not
// looked at. The verifier is in the profile's byte order and has exactly |N|
// bytes; the salt has 1 to 64 (for Nescio exactly 32, for Proton's versions 3
// and 4 exactly 10, below none), the identity up to 1024. It returns ErrRecord
// if a value is out of its range. It proves nothing about the group:
// [CheckRecord] does.
func NewRecord(kind Offer, identity, salt, verifier []byte) (*Record, error) {
	d, err := newDomain(kind.Group.N, kind.Group.G)
	if err != nil || len(kind.Group.Credential) > MaxCredential {
		return nil, ErrRecord
	}
	r := &Record{
		profile:  kind.Profile,
		group:    kind.Group.clone(),
		kdf:      kind.kdf(),
		identity: bytes.Clone(identity),
		salt:     bytes.Clone(salt),
		verifier: bytes.Clone(verifier),
		domain:   d,
	}
	if !r.valid() {
		return nil, ErrRecord
	}
	return r, nil
}

// valid checks the ranges of all values but the group's own.
func (r *Record) valid() bool {
	s := r.profile.scheme()
	if s == nil || !s.accepts(r.domain) || !s.storesSalt(len(r.salt)) || !s.acceptsKDF(r.kdf) || len(r.identity) > MaxIdentity {
		return false
	}
	v, err := decode(s, r.domain, r.verifier)
	return err == nil && !r.domain.mod().IsTrivial(v)
}

// ParseRecord decodes what Bytes returned. It is strict: any other length or
// encoding is ErrRecord. It checks that 1 < v < N−1 and the form of the group,
// and proves nothing: [CheckRecord] does.
func ParseRecord(b []byte) (*Record, error) {
	s, ok := openMessage(b)
	if !ok {
		return nil, ErrRecord
	}
	r := new(Record)
	var salt, identity cryptobyte.String
	if r.profile, ok = readProfile(&s); !ok {
		return nil, ErrRecord
	}
	if r.group, r.domain, ok = readGroup(&s); !ok || !s.ReadUint8LengthPrefixed(&salt) {
		return nil, ErrRecord
	}
	if r.kdf, ok = readKDF(&s, r.profile); !ok ||
		!s.ReadUint16LengthPrefixed(&identity) || len(s) != len(r.group.N) {
		return nil, ErrRecord
	}
	r.group = r.group.clone()
	r.identity, r.salt, r.verifier = bytes.Clone(identity), bytes.Clone(salt), bytes.Clone(s)
	if !r.valid() {
		return nil, ErrRecord
	}
	return r, nil
}

// Bytes returns the canonical binary form, for a database: about 300 bytes for
// a group of RFC 5054 of 2048 bits, 1.2 kB for one of Proton's.
func (r *Record) Bytes() []byte {
	b := newMessage()
	b.AddUint8(r.profile.id)
	addGroup(b, r.group)
	addBytes8(b, r.salt)
	addKDF(b, r.kdf)
	addBytes16(b, r.identity)
	b.AddBytes(r.verifier)
	return b.BytesOrPanic()
}

// textPrefix begins the text form.
const textPrefix = "nescio-srp-record:"

// Text returns the canonical text form: "nescio-srp-record:" and the binary
// form in unpadded base64url.
func (r *Record) Text() string {
	return textPrefix + base64.RawURLEncoding.EncodeToString(r.Bytes())
}

// ParseRecordText decodes what Text returned, as strictly as ParseRecord.
func ParseRecordText(text string) (*Record, error) {
	body, ok := strings.CutPrefix(text, textPrefix)
	if !ok || strings.ContainsAny(body, "\r\n") {
		return nil, ErrRecord
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, ErrRecord
	}
	return ParseRecord(b)
}

// CheckRecord decodes a record, the binary form, and proves its group (see
// [NewGroup]; the cost of a first proof is given there). A server calls it once,
// when it admits a record from elsewhere, and never at a login: [Server.Begin]
// checks the form of a record alone. It returns ErrRecord.
//
// For records that clients send at registration, see [Server.Admit].
func CheckRecord(record []byte) error {
	r, err := ParseRecord(record)
	if err != nil {
		return err
	}
	if err := r.domain.prove(context.Background(), safeprime.Prove); err != nil {
		return ErrRecord
	}
	return nil
}

// Profile returns the record's profile.
func (r *Record) Profile() Profile { return r.profile }

// Group returns a copy of what the record says of its group.
func (r *Record) Group() GroupRef { return r.group.clone() }

// KDF returns the parameters of the password's hash, without a salt: zero
// unless the profile is Nescio.
func (r *Record) KDF() kdf.Params { return r.kdf }

// Identity returns a copy of I, the name that the protocol itself hashes.
func (r *Record) Identity() []byte { return bytes.Clone(r.identity) }

// Salt returns a copy of the salt.
func (r *Record) Salt() []byte { return bytes.Clone(r.salt) }

// Verifier returns a copy of v, |N| bytes in the profile's byte order. It is
// secret; see Record.
func (r *Record) Verifier() []byte { return bytes.Clone(r.verifier) }

// NeedsUpgrade is [Profile.NeedsUpgrade] of the record's profile. It is also true
// of a record whose KDF parameters are below the floor of package kdf.
func (r *Record) NeedsUpgrade() bool {
	return r.profile.NeedsUpgrade() || r.kdf.NeedsUpgrade()
}

// Format writes a placeholder, whatever the verb.
func (r Record) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.Record(redacted)") }

var errRecordJSON = errors.New("srp: a record has no JSON form; store its Bytes or its Text")

// MarshalJSON refuses: a placeholder in a database would lose the account, and
// the verifier has no place in a log.
func (r Record) MarshalJSON() ([]byte, error) { return nil, errRecordJSON }

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
	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/kdf"
	"golang.org/x/crypto/cryptobyte"
)

// Record is what a server stores for an account instead of its password: the
// profile, the group, the KDF parameters, the identity I, the salt, and the
// verifier v = g^x. A Record is immutable and safe for concurrent use.
//
// Nobody can log in with a record. But a thief can try passwords against it at
// the speed of the profile's password hash, and can pretend to be the server.
// Keep it as you would a password hash. It redacts itself in fmt and log/slog
// and refuses JSON.
type Record struct {
	fields secret.Value[recordFields]
}

type recordFields struct {
	profile  Profile
	group    UnverifiedGroup
	kdf      kdf.Params
	identity []byte
	salt     []byte
	verifier []byte // in the profile's order

	params *groupParams
}

// NewRecord puts a record together from values that came in another form, such
// as the JSON of a registration or another library's database. Zero KDF
// parameters stand for the profile's own: kdf.Default for Nescio, none for all
// others. The verifier is in the profile's byte order and exactly as long as N.
// The salt has 1 to 64 bytes, for Nescio 32, for Proton's versions 3 and 4 10,
// for Proton's older versions none. The identity has at most 1,024 bytes.
//
// It returns [ErrRecord], with a reason, if a value is out of its range. It
// proves nothing about the group: [CheckRecord] does.
func NewRecord(p Profile, g UnverifiedGroup, params kdf.Params, identity, salt, verifier []byte) (*Record, error) {
	s := p.spec()
	if s == nil {
		return nil, unusable("not a profile")
	}
	gp, err := newGroupParams(g.N, g.G)
	if err != nil {
		return nil, unusable("N must have 2048 to 8192 bits in whole bytes and be odd, and g must be at least 2")
	}
	r := recordFields{
		profile:  p,
		group:    g.clone(),
		kdf:      s.completeKDF(params),
		identity: bytes.Clone(identity),
		salt:     bytes.Clone(salt),
		verifier: bytes.Clone(verifier),
		params:   gp,
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return &Record{secret.New(r)}, nil
}

// check returns ErrRecord if a value is out of its range or does not fit the
// others.
func (r *recordFields) check() error {
	s := r.profile.spec()
	switch {
	case len(r.group.Certificate) > MaxCertificate:
		return unusable("a certificate has at most 16 KiB")
	case !s.runsIn(r.params):
		return unusable("the group does not fit the profile")
	case !s.salt.allow(len(r.salt)):
		return unusable("the salt's size does not fit the profile")
	case !s.allowsKDF(r.kdf):
		return unusable("the KDF parameters do not fit the profile")
	case len(r.identity) > MaxIdentity:
		return unusable("an identity has at most 1,024 bytes")
	case len(r.verifier) != len(r.params.n):
		return errVerifierLength
	}
	v, err := s.decode(r.params, r.verifier)
	if err != nil || r.params.mod().IsTrivial(v) {
		return errVerifierRange
	}
	return nil
}

// ParseRecord decodes what [Record.Bytes] returned, strictly. It checks that
// 1 < v < N−1 and the form of the group. It proves nothing: [CheckRecord] does.
// It returns [ErrRecord].
func ParseRecord(b []byte) (*Record, error) {
	r, err := readRecord(b)
	if err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	r.group = r.group.clone()
	r.identity, r.salt, r.verifier = bytes.Clone(r.identity), bytes.Clone(r.salt), bytes.Clone(r.verifier)
	return &Record{secret.New(r)}, nil
}

// readRecord decodes a record without any arithmetic, and copies nothing.
func readRecord(b []byte) (r recordFields, err error) {
	s, ok := openMessage(b)
	if !ok || len(b) > MaxMessage {
		return recordFields{}, errRecordForm
	}
	var salt, identity cryptobyte.String
	if r.profile, ok = readProfile(&s); !ok {
		return recordFields{}, errRecordForm
	}
	if r.group, r.params, ok = readGroup(&s); !ok || !s.ReadUint8LengthPrefixed(&salt) {
		return recordFields{}, errRecordForm
	}
	if r.kdf, ok = readKDF(&s, r.profile); !ok || !s.ReadUint16LengthPrefixed(&identity) {
		return recordFields{}, errRecordForm
	}
	r.identity, r.salt, r.verifier = identity, salt, s
	return r, nil
}

// Bytes returns the canonical binary form, for a database: about 300 bytes for
// a group of RFC 5054 of 2048 bits, 1.2 kB for one of Proton's.
func (r *Record) Bytes() []byte { return r.fields.Get().bytes() }

func (r *recordFields) bytes() []byte {
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

// ParseRecordText decodes what [Record.Text] returned, as strictly as
// [ParseRecord]. It returns [ErrRecord].
func ParseRecordText(text string) (*Record, error) {
	body, ok := strings.CutPrefix(text, textPrefix)
	if !ok || len(body) > 2*MaxMessage || strings.ContainsAny(body, "\r\n") {
		return nil, errRecordForm
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, errRecordForm
	}
	return ParseRecord(b)
}

// CheckRecord decodes a record, the binary form, and proves its group (see
// [NewGroup] for the cost of a first proof). A server calls it once when it
// imports a record from elsewhere, and never at a login: [Server.BeginLogin]
// checks only the form of a record. It returns [ErrRecord].
//
// For records that clients send at registration, see
// [Server.FinishRegistration].
func CheckRecord(record []byte) error {
	r, err := ParseRecord(record)
	if err != nil {
		return err
	}
	if err := r.fields.Get().params.prove(context.Background(), safeprime.Prove); err != nil {
		return errRecordProof
	}
	return nil
}

// Profile returns the record's profile.
func (r *Record) Profile() Profile { return r.fields.Get().profile }

// Group returns a copy of what the record says about its group.
func (r *Record) Group() UnverifiedGroup { return r.fields.Get().group.clone() }

// KDF returns the parameters of the password's hash, without a salt. They are
// zero unless the profile is Nescio.
func (r *Record) KDF() kdf.Params { return r.fields.Get().kdf }

// Identity returns a copy of I, the name that the protocol itself hashes.
func (r *Record) Identity() []byte { return bytes.Clone(r.fields.Get().identity) }

// Salt returns a copy of the salt.
func (r *Record) Salt() []byte { return bytes.Clone(r.fields.Get().salt) }

// Verifier returns a copy of v, as long as N, in the profile's byte order. It is
// secret: see [Record].
func (r *Record) Verifier() []byte { return bytes.Clone(r.fields.Get().verifier) }

// NeedsUpgrade is [Profile.NeedsUpgrade] of the record's profile. It is also true
// of a record whose KDF parameters are below the floor of package kdf.
func (r *Record) NeedsUpgrade() bool {
	return r.Profile().NeedsUpgrade() || r.KDF().NeedsUpgrade()
}

// Format writes a placeholder, for every verb.
func (r Record) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.Record(redacted)") }

var errRecordJSON = errors.New("srp: a record has no JSON form; store its Bytes or its Text")

// MarshalJSON returns an error: a placeholder in a database would lose the
// account, and the verifier does not belong in a log.
func (r Record) MarshalJSON() ([]byte, error) { return nil, errRecordJSON }

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

// Record is what a server stores instead of a password. A thief can guess
// passwords with it, and pretend to be the server.
type Record struct {
	fields secret.Value[recordFields]
}

type recordFields struct {
	profile  Profile
	group    UnverifiedGroup
	kdf      kdf.Params
	identity []byte
	salt     []byte
	verifier []byte // in the profile's byte order

	params *groupParams
}

// NewRecord makes a record, or returns [ErrRecord]. Zero parameters mean the
// default. The verifier is |N| bytes in the profile's byte order. The group is
// not proved.
func NewRecord(p Profile, g UnverifiedGroup, params kdf.Params, identity, salt, verifier []byte) (*Record, error) {
	s := p.spec()
	if s == nil {
		return nil, unusable("not a valid profile")
	}
	gp, err := newGroupParams(g.N, g.G)
	if err != nil {
		return nil, unusable("N must be odd and 2048 to 8192 bits long, in whole bytes, and g must be at least 2")
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
		return unusable("a certificate must be at most 16 KiB long")
	case !s.runsIn(r.params):
		return unusable("the group does not fit the profile")
	case !s.salt.allow(len(r.salt)):
		return unusable("the salt's size does not fit the profile")
	case !s.allowsKDF(r.kdf):
		return unusable("the KDF parameters do not fit the profile")
	case len(r.identity) > MaxIdentity:
		return unusable("an identity must be at most 1,024 bytes long")
	case len(r.verifier) != len(r.params.n):
		return errVerifierLength
	}
	v, err := s.decode(r.params, r.verifier)
	if err != nil || r.params.mod().IsTrivial(v) {
		return errVerifierRange
	}
	return nil
}

// ParseRecord decodes [Record.Bytes] without a proof of the group, or returns
// [ErrRecord].
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

// readRecord decodes a record without arithmetic and without copies.
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

// Bytes returns the binary form.
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

// Text returns the text form.
func (r *Record) Text() string {
	return textPrefix + base64.RawURLEncoding.EncodeToString(r.Bytes())
}

// ParseRecordText decodes [Record.Text], or returns [ErrRecord].
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

// CheckRecord is [ParseRecord] with a proof of the group, for imports.
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

// Profile returns the profile.
func (r *Record) Profile() Profile { return r.fields.Get().profile }

// Group returns the group.
func (r *Record) Group() UnverifiedGroup { return r.fields.Get().group.clone() }

// KDF returns parameters without a salt.
func (r *Record) KDF() kdf.Params { return r.fields.Get().kdf }

// Identity returns I.
func (r *Record) Identity() []byte { return bytes.Clone(r.fields.Get().identity) }

// Salt returns a copy.
func (r *Record) Salt() []byte { return bytes.Clone(r.fields.Get().salt) }

// Verifier returns v, which is secret.
func (r *Record) Verifier() []byte { return bytes.Clone(r.fields.Get().verifier) }

// NeedsUpgrade is [Profile.NeedsUpgrade], and true of weak KDF parameters.
func (r *Record) NeedsUpgrade() bool {
	return r.Profile().NeedsUpgrade() || r.KDF().NeedsUpgrade()
}

// Format redacts r.
func (r Record) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.Record(redacted)") }

var errRecordJSON = errors.New("srp: a record has no JSON form; store its Bytes or its Text")

// MarshalJSON returns an error.
func (r Record) MarshalJSON() ([]byte, error) { return nil, errRecordJSON }

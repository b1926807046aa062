package moduli

import (
	"bytes"
	"encoding/base64"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/nescio-go/nescio/internal/safeprime"
	"golang.org/x/crypto/cryptobyte"
)

// Limits, in bytes.
const (
	// MaxPurpose is the largest length of a purpose, which is at least 1
	// byte long.
	MaxPurpose = 255
	// MaxRecord is the largest size of the binary form of a record. Signed
	// records of 2048 bits are about 4 KiB long.
	MaxRecord = 8 << 10
)

// Record is what is distributed about a modulus: the number, the search that
// found it, its purpose, the time from which and until which it may be chosen
// for new passwords, and a signature over all of this. Its binary form is the
// certificate of a group in package srp. A Record is immutable and safe for
// concurrent use.
//
// The origin is checked when a record is made or read: N is start + offset,
// and a verifiable start follows from its label and counter. That N is a safe
// prime is not checked; [Modulus.Verify] proves it. Also not checked is that N
// is the first modulus after the start. To see that the signer did not choose
// the modulus, repeat the search with [Generate], and treat a counter above 0
// as a choice.
type Record struct {
	result    SearchResult
	purpose   string
	created   int64 // Unix seconds
	notAfter  int64
	signature *signature
}

// NewRecord returns an unsigned record. The purpose is 1 to 255 bytes long and
// names the service or protocol that the modulus is for, such as
// "example.org/srp". Times are kept in whole seconds.
//
// Every record ends, because a client that registers an account does not know
// which records a pool has retired. Until notAfter a false server can still
// offer it the modulus of a record that was withdrawn. A year is a good choice.
// To renew a record, make one with a later end from [Record.Result] and sign
// it.
//
// NewRecord returns [ErrSize] for an N of another size, and [ErrMalformed] for
// other values that are out of range or contradict each other.
func NewRecord(result SearchResult, purpose string, created, notAfter time.Time) (*Record, error) {
	r := &Record{result: result, purpose: purpose, created: created.Unix(), notAfter: notAfter.Unix()}
	r.result.N = bytes.Clone(result.N)
	r.result.FirstSlot = 0 // a record does not say which slots were searched
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

// ImportedResult returns a result for a modulus that was made elsewhere, with a
// search that starts at the modulus itself and tells nothing about its origin.
// It proves nothing. It returns [ErrSize] for an N of another size,
// [ErrGenerator] for a generator below 2, and [ErrMalformed] for a generator of
// 2^31 or more.
func ImportedResult(m Modulus) (SearchResult, error) {
	if err := m.checkForm(); err != nil {
		return SearchResult{}, err
	}
	start, err := startAt(m.N)
	return SearchResult{Modulus: m, Start: start}, err
}

// check returns the reason why no record has these values, or nil.
func (r *Record) check() error {
	f := r.result
	switch {
	case f.checkSize() != nil:
		return ErrSize
	case f.G < 2 || f.G > math.MaxInt32:
		return errRecordGenerator
	case f.Start.label != "" && !f.isVerifiable():
		return errRecordOrigin
	case len(r.purpose) == 0 || len(r.purpose) > MaxPurpose:
		return errRecordPurpose
	case r.created <= 0 || r.notAfter <= r.created:
		return errRecordTimes
	}
	n := new(big.Int).SetBytes([]byte(f.Start.n))
	n.Add(n, new(big.Int).SetUint64(f.Offset))
	if !bytes.Equal(n.Bytes(), f.N) {
		return errRecordOrigin
	}
	return nil
}

// isVerifiable reports whether a search from a verifiable start can have found
// the modulus, as far as one can tell without repeating the search.
func (f SearchResult) isVerifiable() bool {
	residue := new(big.Int).SetBytes(f.N)
	residue.Mod(residue, big.NewInt(safeprime.Step))
	return f.G == Generator && residue.Int64() == safeprime.Class && f.Offset < safeprime.Step*lastSlot
}

// Modulus returns a copy of the pair (N, g).
func (r *Record) Modulus() Modulus { return Modulus{N: bytes.Clone(r.result.N), G: r.result.G} }

// Result returns a copy of the modulus and of the search that found it, for
// [NewRecord]. Its FirstSlot is 0, because a record does not contain it.
func (r *Record) Result() SearchResult {
	result := r.result
	result.N = bytes.Clone(result.N)
	return result
}

// Purpose returns what the modulus is for.
func (r *Record) Purpose() string { return r.purpose }

// Created returns when the record was made.
func (r *Record) Created() time.Time { return time.Unix(r.created, 0).UTC() }

// NotAfter returns until when the modulus may be chosen for a new password.
// Accounts that have the modulus log in after that time too.
func (r *Record) NotAfter() time.Time { return time.Unix(r.notAfter, 0).UTC() }

// KeyID returns the id of the key that the record names as its signer, and
// whether there is one. It does not verify the signature: [Keys.Check] does.
func (r *Record) KeyID() (id KeyID, signed bool) {
	if r.signature == nil {
		return KeyID{}, false
	}
	return r.signature.key, true
}

// The binary form, in which the signatures cover everything up to and including
// the key id:
//
//	'M' ‖ version 01 ‖ 'R' ‖ g u32 ‖ u16 len ‖ N ‖ start ‖ u64 offset ‖
//	u8 len ‖ purpose ‖ u64 created ‖ u64 not-after ‖ u8 signed ‖
//	[key id 16 ‖ Ed25519 64 ‖ ML-DSA-65 3309]

// Bytes returns the canonical binary form.
func (r *Record) Bytes() []byte {
	b := r.body()
	if r.signature == nil {
		return append(b, 0)
	}
	b = append(append(b, 1), r.signature.key[:]...)
	b = append(b, r.signature.ed25519[:]...)
	return append(b, r.signature.mldsa[:]...)
}

// body is the binary form before the signature.
func (r *Record) body() []byte {
	b := newEncoding(kindRecord)
	b.AddUint32(uint32(r.result.G))
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(r.result.N) })
	addStart(b, r.result.Start)
	b.AddUint64(r.result.Offset)
	addBytes8(b, []byte(r.purpose))
	b.AddUint64(uint64(r.created))
	b.AddUint64(uint64(r.notAfter))
	return b.BytesOrPanic()
}

// ParseRecord reads the form that [Record.Bytes] writes. It returns
// [ErrMalformed] for anything else. It does not verify the signature:
// [Keys.Check] does.
func ParseRecord(data []byte) (*Record, error) {
	s, ok := openEncoding(data, kindRecord)
	if !ok || len(data) > MaxRecord {
		return nil, ErrMalformed
	}
	r := new(Record)
	var n, purpose cryptobyte.String
	var g uint32
	var created, notAfter uint64
	if !s.ReadUint32(&g) || g > math.MaxInt32 || !s.ReadUint16LengthPrefixed(&n) {
		return nil, ErrMalformed
	}
	r.result.N, r.result.G = bytes.Clone(n), int(g)
	if r.result.Start, ok = readStart(&s); !ok || !s.ReadUint64(&r.result.Offset) ||
		!s.ReadUint8LengthPrefixed(&purpose) || !s.ReadUint64(&created) || !s.ReadUint64(&notAfter) ||
		created > math.MaxInt64 || notAfter > math.MaxInt64 {
		return nil, ErrMalformed
	}
	r.purpose, r.created, r.notAfter = string(purpose), int64(created), int64(notAfter)
	if r.signature, ok = readSignature(&s); !ok || !s.Empty() || r.check() != nil {
		return nil, ErrMalformed
	}
	return r, nil
}

// recordPrefix begins the text form.
const recordPrefix = "nescio-modulus:"

// Text returns the canonical text form, one line without its end:
// "nescio-modulus:" and the binary form in unpadded base64url.
func (r *Record) Text() string { return encodeText(recordPrefix, r.Bytes()) }

// ParseRecordText reads the form that [Record.Text] writes. It returns
// [ErrMalformed] for anything else.
func ParseRecordText(text string) (*Record, error) {
	data, err := decodeText(recordPrefix, text)
	if err != nil {
		return nil, err
	}
	return ParseRecord(data)
}

func encodeText(prefix string, data []byte) string {
	return prefix + base64.RawURLEncoding.EncodeToString(data)
}

func decodeText(prefix, text string) ([]byte, error) {
	body, ok := strings.CutPrefix(text, prefix)
	if !ok || len(body) > 2*MaxRecord || strings.ContainsAny(body, "\r\n") {
		return nil, ErrMalformed
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, ErrMalformed
	}
	return data, nil
}

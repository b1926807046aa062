package moduli

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/nescio-go/nescio/internal/safeprime"
	"golang.org/x/crypto/cryptobyte"
)

// Limits, in bytes.
const (
	// MaxPurpose bounds a purpose, which has at least 1 byte.
	MaxPurpose = 255
	// MaxRecord bounds the binary form of a record; signed ones of 2048 bits have
	// about 4 KiB.
	MaxRecord = 8 << 10
)

// ErrRecord means values that no record can hold together.
var ErrRecord = errors.New("moduli: unusable record")

// Record is what is distributed of a modulus: the number, the search that found
// it, what it is for, from when on and until when it is chosen anew, and who
// signed that. A record is the credential that package srp's group policies
// receive. It is immutable and safe for concurrent use.
//
// Its origin is checked when it is made or read: N is start + offset, and a
// public start is the one of its label and counter. That N is a safe prime is not:
// Verify proves it. Nor is it checked that N is the first one from the start on, or
// that nothing followed the starts with a lower counter: to see that a signer did
// not choose, repeat the search, by Generate, and take a counter above 0 for a
// choice.
type Record struct {
	result    SearchResult
	purpose   string
	created   int64 // Unix seconds
	notAfter  int64 // 0: without an end
	signature *signature
}

// NewRecord returns an unsigned record. The purpose, 1 to 255 bytes, names the
// service or protocol that the modulus is for, such as "example.org/srp"; times
// are kept in whole seconds, and a zero notAfter is none. It returns ErrRecord
// for values out of range or that contradict each other.
func NewRecord(f SearchResult, purpose string, created, notAfter time.Time) (*Record, error) {
	r := &Record{result: f, purpose: purpose, created: created.Unix()}
	r.result.N = bytes.Clone(f.N)
	if !notAfter.IsZero() {
		r.notAfter = notAfter.Unix()
	}
	if !r.valid() || !notAfter.IsZero() && r.notAfter == 0 {
		return nil, ErrRecord
	}
	return r, nil
}

// ImportedResult is the search of a modulus that comes from elsewhere: it starts at
// the modulus itself, and tells nothing of its origin. It returns ErrStart for a
// size that records do not have.
func ImportedResult(m Modulus) (SearchResult, error) {
	start, err := givenStart(m.N)
	return SearchResult{Modulus: m, Start: start}, err
}

func (r *Record) valid() bool {
	f := r.result
	if f.checkSize() != nil || f.Start.label != "" && !f.isPublic() || f.G < 2 || f.G > math.MaxInt32 ||
		len(r.purpose) == 0 || len(r.purpose) > MaxPurpose || r.created <= 0 || r.notAfter != 0 && r.notAfter <= r.created {
		return false
	}
	n := new(big.Int).SetBytes([]byte(f.Start.n))
	n.Add(n, new(big.Int).SetUint64(f.Offset))
	return bytes.Equal(n.Bytes(), f.N)
}

// isPublic reports whether a search from a public start can have found it: as far
// as can be seen without repeating it.
func (f SearchResult) isPublic() bool {
	residue := new(big.Int).SetBytes(f.N)
	residue.Mod(residue, big.NewInt(safeprime.Step))
	return f.G == Generator && residue.Int64() == safeprime.Class && f.Offset < safeprime.Step*lastSlot
}

// Modulus returns a copy of the pair (N, g).
func (r *Record) Modulus() Modulus { return Modulus{N: bytes.Clone(r.result.N), G: r.result.G} }

// Start and Offset return where the search began, and how far from there N is.
func (r *Record) Start() Start { return r.result.Start }

// Offset returns N − start.
func (r *Record) Offset() uint64 { return r.result.Offset }

// Purpose returns what the modulus is for.
func (r *Record) Purpose() string { return r.purpose }

// Created returns when the record was made.
func (r *Record) Created() time.Time { return time.Unix(r.created, 0).UTC() }

// NotAfter returns until when the modulus is chosen for new use, and whether
// there is such a time. Logins of those who have it are not affected.
func (r *Record) NotAfter() (t time.Time, ok bool) {
	return time.Unix(r.notAfter, 0).UTC(), r.notAfter != 0
}

// KeyID returns who signed the record, and whether anybody did. It says nothing
// about the signature: Keys.Check does.
func (r *Record) KeyID() (id KeyID, signed bool) {
	if r.signature == nil {
		return KeyID{}, false
	}
	return r.signature.key, true
}

// The binary form: 'M' ‖ version 01 ‖ 'R' ‖ g u32 ‖ u16 len ‖ N ‖ start ‖ u64 offset ‖
// u8 len ‖ purpose ‖ u64 created ‖ u64 not-after ‖ u8 signed ‖ [key id 16 ‖ Ed25519 64 ‖
// ML-DSA-65 3309]. What is signed ends with the key id.

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

// ParseRecord reads what Bytes returned, strictly, or returns ErrMalformed.
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
	if r.signature, ok = readSignature(&s); !ok || !s.Empty() || !r.valid() {
		return nil, ErrMalformed
	}
	return r, nil
}

// recordPrefix begins the text form.
const recordPrefix = "nescio-modulus:"

// Text returns the canonical text form, one line: "nescio-modulus:" and the
// binary form in unpadded base64url.
func (r *Record) Text() string { return encodeText(recordPrefix, r.Bytes()) }

// ParseRecordText reads what Text returned, as strictly as ParseRecord.
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

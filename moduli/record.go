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

// Record describes a modulus, its search, purpose, lifetime and signature. It
// does not prove that N is a safe prime: see [Modulus.Verify]. Repeat the
// search with [Generate] to see that N is the first modulus, and accept only
// counter 0.
type Record struct {
	result    SearchResult
	purpose   string
	created   int64 // Unix seconds
	notAfter  int64
	signature *signature
}

// NewRecord returns an unsigned record. The purpose, such as "example.org/srp",
// is 1 to 255 bytes long. Times are in whole seconds. Clients accept the
// modulus until notAfter, even if you have withdrawn it. A year is a good
// choice. To renew a record, use [Record.Result]. NewRecord returns [ErrSize]
// or [ErrMalformed].
func NewRecord(result SearchResult, purpose string, created, notAfter time.Time) (*Record, error) {
	r := &Record{result: result, purpose: purpose, created: created.Unix(), notAfter: notAfter.Unix()}
	r.result.N = bytes.Clone(result.N)
	r.result.FirstSlot = 0 // a record does not say which slots were searched
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

// ImportedResult returns a result of unknown origin, or errors like
// [ParseOpenSSH].
func ImportedResult(m Modulus) (SearchResult, error) {
	if err := m.checkForm(); err != nil {
		return SearchResult{}, err
	}
	start, err := startAt(m.N)
	return SearchResult{Modulus: m, Start: start}, err
}

// check returns an error if a record cannot have these values.
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
// the modulus. It does not repeat the search.
func (f SearchResult) isVerifiable() bool {
	residue := new(big.Int).SetBytes(f.N)
	residue.Mod(residue, big.NewInt(safeprime.Step))
	return f.G == Generator && residue.Int64() == safeprime.Class && f.Offset < safeprime.Step*lastSlot
}

// Modulus returns the modulus.
func (r *Record) Modulus() Modulus { return Modulus{N: bytes.Clone(r.result.N), G: r.result.G} }

// Result returns the result, without FirstSlot.
func (r *Record) Result() SearchResult {
	result := r.result
	result.N = bytes.Clone(result.N)
	return result
}

// Purpose returns the purpose.
func (r *Record) Purpose() string { return r.purpose }

// Created returns the time of creation.
func (r *Record) Created() time.Time { return time.Unix(r.created, 0).UTC() }

// NotAfter returns the end of use for new passwords.
func (r *Record) NotAfter() time.Time { return time.Unix(r.notAfter, 0).UTC() }

// KeyID returns the id of the signing key.
func (r *Record) KeyID() (id KeyID, signed bool) {
	if r.signature == nil {
		return KeyID{}, false
	}
	return r.signature.key, true
}

// The binary form, of which the signatures cover everything up to and including
// the key id:
//
//	'M' ‖ version 01 ‖ 'R' ‖ g u32 ‖ u16 len ‖ N ‖ start ‖ u64 offset ‖
//	u8 len ‖ purpose ‖ u64 created ‖ u64 not-after ‖ u8 signed ‖
//	[key id 16 ‖ Ed25519 64 ‖ ML-DSA-65 3309]

// Bytes returns the binary form.
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

// ParseRecord reads [Record.Bytes].
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

// Text returns the text form.
func (r *Record) Text() string { return encodeText(recordPrefix, r.Bytes()) }

// ParseRecordText reads [Record.Text].
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

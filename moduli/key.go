package moduli

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"golang.org/x/crypto/cryptobyte"
)

// Errors of records and their signatures, to be told apart by errors.Is.
var (
	// ErrUnsigned means a record without a signature.
	ErrUnsigned = errors.New("moduli: the record is not signed")
	// ErrKey means a record that none of the keys signed.
	ErrKey = errors.New("moduli: signed by an unknown key")
	// ErrWindow means a record created outside the window of its key, or in the
	// future.
	ErrWindow = errors.New("moduli: the record was created when its key is not valid, or in the future")
	// ErrSignature means a signature that is wrong, by either algorithm.
	ErrSignature = errors.New("moduli: wrong signature")
	// ErrPurpose means a record for another purpose.
	ErrPurpose = errors.New("moduli: the record is for another purpose")
	// ErrExpired means a record that must not be chosen any more.
	ErrExpired = errors.New("moduli: the record has expired for new use")
	// ErrNoRecord means a group that came without a record.
	ErrNoRecord = errors.New("moduli: no record came with the group")
	// ErrOtherModulus means a record of another modulus than it came with.
	ErrOtherModulus = errors.New("moduli: the record is of another modulus")
)

// KeyID names a public key: the first 16 bytes of SHA-256 of its binary form.
type KeyID [16]byte

// String returns the id as 32 hexadecimal digits.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// PublicKey verifies signatures of records created in a window of time. It is
// immutable and safe for concurrent use.
type PublicKey struct {
	ed25519             ed25519.PublicKey
	mldsa               *mldsa65.PublicKey
	notBefore, notAfter int64 // Unix seconds; notAfter 0: without an end
}

// PrivateKey signs records. It is immutable and safe for concurrent use, and
// redacts itself in fmt and log/slog.
type PrivateKey struct {
	seeds   [2][ed25519.SeedSize]byte // Ed25519's and ML-DSA's
	ed25519 ed25519.PrivateKey
	mldsa   *mldsa65.PrivateKey
	public  *PublicKey
}

// GenerateKey returns a new key for records created from notBefore to notAfter,
// in whole seconds; a zero notAfter is none. Rotate keys by adding the next one's
// public key to all clients' Keys before its window begins; keep the old ones
// there, or their moduli shut their users out. It returns ErrWindow for a window
// that is empty.
func GenerateKey(notBefore, notAfter time.Time) (*PrivateKey, error) {
	var seeds [2][ed25519.SeedSize]byte
	rand.Read(seeds[0][:])
	rand.Read(seeds[1][:])
	end := int64(0)
	if !notAfter.IsZero() {
		if end = notAfter.Unix(); end <= 0 {
			return nil, ErrWindow
		}
	}
	k := newPrivateKey(seeds, notBefore.Unix(), end)
	if !k.public.validWindow() {
		return nil, ErrWindow
	}
	return k, nil
}

func newPrivateKey(seeds [2][ed25519.SeedSize]byte, notBefore, notAfter int64) *PrivateKey {
	k := &PrivateKey{seeds: seeds, ed25519: ed25519.NewKeyFromSeed(seeds[0][:])}
	public, private := mldsa65.NewKeyFromSeed(&seeds[1])
	k.mldsa = private
	k.public = &PublicKey{k.ed25519.Public().(ed25519.PublicKey), public, notBefore, notAfter}
	return k
}

func (k *PublicKey) validWindow() bool {
	return k.notBefore > 0 && (k.notAfter == 0 || k.notAfter > k.notBefore)
}

func (k *PublicKey) covers(created int64) bool {
	return created >= k.notBefore && (k.notAfter == 0 || created <= k.notAfter)
}

// Public returns the public key.
func (k *PrivateKey) Public() *PublicKey { return k.public }

// ID returns the key's id.
func (k *PublicKey) ID() KeyID {
	sum := sha256.Sum256(k.bytes())
	return KeyID(sum[:16])
}

// Window returns from when until when records that the key signs are created;
// a zero notAfter is none.
func (k *PublicKey) Window() (notBefore, notAfter time.Time) {
	notBefore = time.Unix(k.notBefore, 0).UTC()
	if k.notAfter != 0 {
		notAfter = time.Unix(k.notAfter, 0).UTC()
	}
	return notBefore, notAfter
}

// The binary forms: 'M' ‖ version 01 ‖ 'P' ‖ u64 not-before ‖ u64 not-after ‖ Ed25519 32 ‖
// ML-DSA-65 1952, and with 'K' for the private key and the two seeds of 32 bytes.

func (k *PublicKey) bytes() []byte {
	b := newEncoding(kindPublicKey)
	b.AddUint64(uint64(k.notBefore))
	b.AddUint64(uint64(k.notAfter))
	b.AddBytes(k.ed25519)
	b.AddBytes(k.mldsa.Bytes())
	return b.BytesOrPanic()
}

const (
	publicKeyPrefix  = "nescio-moduli-key:"
	privateKeyPrefix = "nescio-moduli-private-key:"
)

// Text returns the canonical text form, one line without its end.
func (k *PublicKey) Text() string { return encodeText(publicKeyPrefix, k.bytes()) }

// Text returns the canonical text form, one line. It is secret.
func (k *PrivateKey) Text() string {
	b := newEncoding(kindPrivateKey)
	b.AddUint64(uint64(k.public.notBefore))
	b.AddUint64(uint64(k.public.notAfter))
	b.AddBytes(k.seeds[0][:])
	b.AddBytes(k.seeds[1][:])
	return encodeText(privateKeyPrefix, b.BytesOrPanic())
}

// ParsePublicKey reads what PublicKey.Text returned, strictly, or returns
// ErrMalformed.
func ParsePublicKey(text string) (*PublicKey, error) {
	data, err := decodeText(publicKeyPrefix, text)
	if err != nil {
		return nil, err
	}
	k := &PublicKey{ed25519: make(ed25519.PublicKey, ed25519.PublicKeySize), mldsa: new(mldsa65.PublicKey)}
	var packed [mldsa65.PublicKeySize]byte
	s, ok := openEncoding(data, kindPublicKey)
	if !ok || !readWindow(&s, k) || !s.CopyBytes(k.ed25519) || !s.CopyBytes(packed[:]) || !s.Empty() {
		return nil, ErrMalformed
	}
	k.mldsa.Unpack(&packed)
	return k, nil
}

// ParsePrivateKey reads what PrivateKey.Text returned, strictly, or returns
// ErrMalformed.
func ParsePrivateKey(text string) (*PrivateKey, error) {
	data, err := decodeText(privateKeyPrefix, text)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	var seeds [2][ed25519.SeedSize]byte
	var window PublicKey
	s, ok := openEncoding(data, kindPrivateKey)
	if !ok || !readWindow(&s, &window) || !s.CopyBytes(seeds[0][:]) || !s.CopyBytes(seeds[1][:]) || !s.Empty() {
		return nil, ErrMalformed
	}
	return newPrivateKey(seeds, window.notBefore, window.notAfter), nil
}

func readWindow(s *cryptobyte.String, k *PublicKey) bool {
	var notBefore, notAfter uint64
	if !s.ReadUint64(&notBefore) || !s.ReadUint64(&notAfter) || notBefore > math.MaxInt64 || notAfter > math.MaxInt64 {
		return false
	}
	k.notBefore, k.notAfter = int64(notBefore), int64(notAfter)
	return k.validWindow()
}

// Format writes a placeholder, whatever the verb.
func (k PrivateKey) Format(f fmt.State, _ rune) { io.WriteString(f, "moduli.PrivateKey(redacted)") }

var errKeyJSON = errors.New("moduli: a private key has no JSON form; store its Text")

// MarshalJSON refuses.
func (k PrivateKey) MarshalJSON() ([]byte, error) { return nil, errKeyJSON }

// Keys is a set of public keys, by their ids: those that a client trusts. It is
// immutable and safe for concurrent use. The zero Keys trusts nobody.
type Keys struct {
	keys map[KeyID]*PublicKey
}

// MaxKeys bounds the text of a set of keys, in bytes: some 400 of them.
const MaxKeys = 1 << 20

// ParseKeys reads a set of keys: on each line, which ends with a line feed, the
// text of one. Anything else is ErrMalformed.
func ParseKeys(text string) (*Keys, error) {
	if len(text) > MaxKeys || !strings.HasSuffix(text, "\n") {
		return nil, ErrMalformed
	}
	var keys []*PublicKey
	for line := range strings.Lines(text) {
		k, err := ParsePublicKey(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return NewKeys(keys...), nil
}

// NewKeys returns the set of the given keys.
func NewKeys(keys ...*PublicKey) *Keys {
	k := &Keys{make(map[KeyID]*PublicKey, len(keys))}
	for _, key := range keys {
		k.keys[key.ID()] = key
	}
	return k
}

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
	"github.com/nescio-go/nescio/internal/secret"
	"golang.org/x/crypto/cryptobyte"
)

// KeyID names a public key. It is the first 16 bytes of SHA-256 of the binary
// form of the key.
type KeyID [16]byte

// String returns the id as 32 hexadecimal digits.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// PublicKey verifies signatures of records that were created within a window of
// time. It is immutable and safe for concurrent use.
type PublicKey struct {
	ed25519             ed25519.PublicKey
	mldsa               *mldsa65.PublicKey
	notBefore, notAfter int64 // Unix seconds; notAfter 0: without an end
}

// PrivateKey signs records. [GenerateKey] and [ParsePrivateKey] return one. It
// is immutable and safe for concurrent use. It does not show its secrets in fmt
// and log/slog, even as an unexported field, and encoding/json and encoding/gob
// refuse to encode it.
type PrivateKey struct {
	signing secret.Value[signingKeys]
	public  *PublicKey
}

// signingKeys are the keys of both algorithms and the seeds that they come
// from, Ed25519's before ML-DSA's.
type signingKeys struct {
	seeds   [2][ed25519.SeedSize]byte
	ed25519 ed25519.PrivateKey
	mldsa   *mldsa65.PrivateKey
}

// GenerateKey returns a new key for records created from notBefore to notAfter,
// in whole seconds. If notAfter is zero, the window has no end. GenerateKey
// returns [ErrMalformed] for a window that is empty or starts before 1970.
//
// To rotate keys, add the public key of the next one to the [Keys] of all
// clients before its window begins, and keep the old public key there: without
// it, the accounts on moduli that it signed cannot log in. The package
// documentation says what to do if a private key leaks.
func GenerateKey(notBefore, notAfter time.Time) (*PrivateKey, error) {
	var seeds [2][ed25519.SeedSize]byte
	rand.Read(seeds[0][:])
	rand.Read(seeds[1][:])
	end := int64(0)
	if !notAfter.IsZero() {
		if end = notAfter.Unix(); end <= 0 {
			return nil, errKeyWindow
		}
	}
	k := newPrivateKey(seeds, notBefore.Unix(), end)
	if !k.public.validWindow() {
		return nil, errKeyWindow
	}
	return k, nil
}

func newPrivateKey(seeds [2][ed25519.SeedSize]byte, notBefore, notAfter int64) *PrivateKey {
	keys := signingKeys{seeds: seeds, ed25519: ed25519.NewKeyFromSeed(seeds[0][:])}
	public, private := mldsa65.NewKeyFromSeed(&seeds[1])
	keys.mldsa = private
	return &PrivateKey{
		signing: secret.New(keys),
		public:  &PublicKey{keys.ed25519.Public().(ed25519.PublicKey), public, notBefore, notAfter},
	}
}

func (k *PublicKey) validWindow() bool {
	return k.notBefore > 0 && (k.notAfter == 0 || k.notAfter > k.notBefore)
}

func (k *PublicKey) covers(created int64) bool {
	return created >= k.notBefore && (k.notAfter == 0 || created <= k.notAfter)
}

// Public returns the public key.
func (k *PrivateKey) Public() *PublicKey { return k.public }

// ID returns the id of the key.
func (k *PublicKey) ID() KeyID {
	sum := sha256.Sum256(k.bytes())
	return KeyID(sum[:16])
}

// Window returns the time from which and until which the records that the key
// signs are created. A zero notAfter means that there is no end.
func (k *PublicKey) Window() (notBefore, notAfter time.Time) {
	notBefore = time.Unix(k.notBefore, 0).UTC()
	if k.notAfter != 0 {
		notAfter = time.Unix(k.notAfter, 0).UTC()
	}
	return notBefore, notAfter
}

// The binary forms:
//
//	public:  'M' ‖ version 01 ‖ 'P' ‖ u64 not-before ‖ u64 not-after ‖ Ed25519 32 ‖ ML-DSA-65 1952
//	private: 'M' ‖ version 01 ‖ 'K' ‖ u64 not-before ‖ u64 not-after ‖ seed 32 ‖ seed 32

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

// Text returns the canonical text form, one line without its end:
// "nescio-moduli-key:" and the binary form in unpadded base64url.
func (k *PublicKey) Text() string { return encodeText(publicKeyPrefix, k.bytes()) }

// Text returns the canonical text form, one line without its end:
// "nescio-moduli-private-key:" and the binary form in unpadded base64url. The
// text is secret: anyone who has it can sign.
func (k *PrivateKey) Text() string {
	keys := k.signing.Get()
	b := newEncoding(kindPrivateKey)
	b.AddUint64(uint64(k.public.notBefore))
	b.AddUint64(uint64(k.public.notAfter))
	b.AddBytes(keys.seeds[0][:])
	b.AddBytes(keys.seeds[1][:])
	return encodeText(privateKeyPrefix, b.BytesOrPanic())
}

// ParsePublicKey reads the form that [PublicKey.Text] writes. It returns
// [ErrMalformed] for anything else.
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

// ParsePrivateKey reads the form that [PrivateKey.Text] writes. It returns
// [ErrMalformed] for anything else.
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

// Format writes a placeholder for every verb of fmt.
func (k PrivateKey) Format(f fmt.State, _ rune) { io.WriteString(f, "moduli.PrivateKey(redacted)") }

var errKeyJSON = errors.New("moduli: a private key has no JSON form: store its Text")

// MarshalJSON returns an error: the JSON form of something else must not
// contain a private key by accident.
func (k PrivateKey) MarshalJSON() ([]byte, error) { return nil, errKeyJSON }

// Keys is a set of public keys that a client or server trusts. It is immutable
// and safe for concurrent use. The zero Keys trusts nobody.
type Keys struct {
	keys map[KeyID]*PublicKey
}

// MaxKeys is the largest size of the text of a set of keys, in bytes. It has
// room for about 390 keys.
const MaxKeys = 1 << 20

// ParseKeys reads a set of keys: the text of one public key on each line,
// with a line feed at the end of every line. It returns [ErrMalformed] for
// anything else.
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

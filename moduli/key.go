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

// KeyID names a key.
type KeyID [16]byte

// String returns hexadecimal digits.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// PublicKey verifies records created in its window.
type PublicKey struct {
	ed25519             ed25519.PublicKey
	mldsa               *mldsa65.PublicKey
	notBefore, notAfter int64 // Unix seconds; notAfter 0: without an end
}

// PrivateKey signs records.
type PrivateKey struct {
	signing secret.Value[signingKeys]
	public  *PublicKey
}

// signingKeys are the keys of both algorithms and their seeds, first the seed
// of Ed25519 and then the seed of ML-DSA.
type signingKeys struct {
	seeds   [2][ed25519.SeedSize]byte
	ed25519 ed25519.PrivateKey
	mldsa   *mldsa65.PrivateKey
}

// GenerateKey returns a key for records created in the window, which has no end
// if notAfter is zero. It returns [ErrMalformed] for an invalid window.
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

// ID returns the id.
func (k *PublicKey) ID() KeyID {
	sum := sha256.Sum256(k.bytes())
	return KeyID(sum[:16])
}

// Window returns the arguments of [GenerateKey].
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

// Text returns the text form.
func (k *PublicKey) Text() string { return encodeText(publicKeyPrefix, k.bytes()) }

// Text returns the secret text form.
func (k *PrivateKey) Text() string {
	keys := k.signing.Get()
	b := newEncoding(kindPrivateKey)
	b.AddUint64(uint64(k.public.notBefore))
	b.AddUint64(uint64(k.public.notAfter))
	b.AddBytes(keys.seeds[0][:])
	b.AddBytes(keys.seeds[1][:])
	return encodeText(privateKeyPrefix, b.BytesOrPanic())
}

// ParsePublicKey reads [PublicKey.Text].
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

// ParsePrivateKey reads [PrivateKey.Text].
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

// Format redacts the key.
func (k PrivateKey) Format(f fmt.State, _ rune) { io.WriteString(f, "moduli.PrivateKey(redacted)") }

var errKeyJSON = errors.New("moduli: a private key has no JSON form; store its Text")

// MarshalJSON returns an error.
func (k PrivateKey) MarshalJSON() ([]byte, error) { return nil, errKeyJSON }

// Keys is a set of trusted keys.
type Keys struct {
	keys map[KeyID]*PublicKey
}

// ParseKeys reads a [PublicKey.Text] on each line.
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

// NewKeys returns a set of keys.
func NewKeys(keys ...*PublicKey) *Keys {
	k := &Keys{make(map[KeyID]*PublicKey, len(keys))}
	for _, key := range keys {
		k.keys[key.ID()] = key
	}
	return k
}

// Package keyfile reads and writes the secrets of a server: the decoy key, the
// key of a database, state keys, OPAQUE setups, and keys that sign moduli.
//
// A file has one secret on each line. Lines end in LF or CRLF, and the last
// line end can be missing. Binary values are in unpadded base64url:
//
//	nescio-decoy-key:KEY                     32 bytes
//	nescio-database-key:KEY                  32 bytes
//	nescio-state-key:TIME:KEY                TIME as 2030-12-31T18:00:00Z, or always; 32 bytes
//	nescio-opaque-setup:NUMBER:SETUP         the number of the setup, and opaque.Setup.Bytes
//	nescio-moduli-private-key:KEY            moduli.PrivateKey.Text
//
// A locked file has one line. Its blob is the text above, under a passphrase:
//
//	nescio-locked:PARAMETERS:BLOB            kdf.Params with a salt; wrap.Key.Wrap
//
// The key of the blob is wrap.DeriveKey of the 32 bytes of the password hash.
// The label of the key and the purpose of the blob are
// "nescio/examples/keyfile/v1".
package keyfile

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/opaque"
)

// MaxSize bounds a file, in bytes.
const MaxSize = 64 << 10

// Keys are the secrets of one file or of several.
type Keys struct {
	Decoy     *[32]byte // or nil
	Database  *[32]byte // or nil
	StateKeys []opaque.StateKey
	Setups    map[uint16]*opaque.Setup
	Signing   []*moduli.PrivateKey
}

// ErrMalformed means a file that is not in the form of this package.
var ErrMalformed = errors.New("not a key file")

const (
	decoyPrefix    = "nescio-decoy-key:"
	databasePrefix = "nescio-database-key:"
	statePrefix    = "nescio-state-key:"
	setupPrefix    = "nescio-opaque-setup:"
	signingPrefix  = "nescio-moduli-private-key:"
	always         = "always"
)

var encoding = base64.RawURLEncoding.Strict()

// NewDecoyKey returns a new decoy key.
func NewDecoyKey() *Keys {
	k := &Keys{Decoy: new([32]byte)}
	rand.Read(k.Decoy[:])
	return k
}

// NewDatabaseKey returns a new key for what a database keeps secret.
func NewDatabaseKey() *Keys {
	k := &Keys{Database: new([32]byte)}
	rand.Read(k.Database[:])
	return k
}

// NewStateKey returns a new state key. With the zero time it can seal at once.
func NewStateKey(notBefore time.Time) opaque.StateKey {
	k := opaque.StateKey{NotBefore: notBefore}
	rand.Read(k.Key[:])
	return k
}

// Parse reads the text of a file that is not locked.
func Parse(text []byte) (*Keys, error) {
	if len(text) > MaxSize {
		return nil, ErrMalformed
	}
	all := new(Keys)
	lines := strings.TrimSuffix(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	for i, line := range strings.Split(lines, "\n") {
		k, err := parseLine(line)
		if err == nil {
			err = all.Add(k)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return all, nil
}

func parseLine(line string) (*Keys, error) {
	if strings.Contains(line, "\r") {
		return nil, ErrMalformed // base64 would ignore it
	}
	if strings.HasPrefix(line, signingPrefix) {
		key, err := moduli.ParsePrivateKey(line)
		if err != nil {
			return nil, ErrMalformed
		}
		return &Keys{Signing: []*moduli.PrivateKey{key}}, nil
	}
	i := strings.LastIndexByte(line, ':') + 1
	head, encoded := line[:i], line[i:]
	value, err := encoding.DecodeString(encoded)
	if err != nil {
		return nil, ErrMalformed
	}
	defer clear(value)
	switch {
	case head == decoyPrefix && len(value) == 32:
		key := [32]byte(value)
		return &Keys{Decoy: &key}, nil
	case head == databasePrefix && len(value) == 32:
		key := [32]byte(value)
		return &Keys{Database: &key}, nil
	case strings.HasPrefix(head, statePrefix) && len(value) == 32:
		notBefore, err := parseTime(strings.TrimSuffix(head[len(statePrefix):], ":"))
		return &Keys{StateKeys: []opaque.StateKey{{Key: [32]byte(value), NotBefore: notBefore}}}, err
	case strings.HasPrefix(head, setupPrefix):
		digits := strings.TrimSuffix(head[len(setupPrefix):], ":")
		number, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || strconv.FormatUint(number, 10) != digits {
			return nil, ErrMalformed
		}
		setup, err := opaque.ParseSetup(value)
		if err != nil {
			return nil, ErrMalformed
		}
		return &Keys{Setups: map[uint16]*opaque.Setup{uint16(number): setup}}, nil
	}
	return nil, ErrMalformed
}

func parseTime(text string) (time.Time, error) {
	if text == always {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || formatTime(t) != text {
		return time.Time{}, ErrMalformed
	}
	return t, nil
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return always
	}
	return t.UTC().Format(time.RFC3339)
}

// Add adds other keys. It returns an error for a second decoy key or database
// key, a state key that is already there, and a setup number that is already in
// use.
func (k *Keys) Add(other *Keys) error {
	if other.Decoy != nil {
		if k.Decoy != nil {
			return errors.New("a second decoy key")
		}
		k.Decoy = other.Decoy
	}
	if other.Database != nil {
		if k.Database != nil {
			return errors.New("a second database key")
		}
		k.Database = other.Database
	}
	for _, s := range other.StateKeys {
		if slices.ContainsFunc(k.StateKeys, func(t opaque.StateKey) bool { return t.Key == s.Key }) {
			return errors.New("the same state key twice")
		}
		k.StateKeys = append(k.StateKeys, s)
	}
	for number, setup := range other.Setups {
		if k.Setups[number] != nil {
			return fmt.Errorf("a second setup with number %d", number)
		}
		if k.Setups == nil {
			k.Setups = make(map[uint16]*opaque.Setup)
		}
		k.Setups[number] = setup
	}
	k.Signing = append(k.Signing, other.Signing...)
	return nil
}

// Text returns the text of a file with the keys, in a fixed order. It is
// secret.
func (k *Keys) Text() ([]byte, error) {
	var b bytes.Buffer
	if k.Decoy != nil {
		fmt.Fprintf(&b, "%s%s\n", decoyPrefix, encoding.EncodeToString(k.Decoy[:]))
	}
	if k.Database != nil {
		fmt.Fprintf(&b, "%s%s\n", databasePrefix, encoding.EncodeToString(k.Database[:]))
	}
	for _, s := range k.StateKeys {
		fmt.Fprintf(&b, "%s%s:%s\n", statePrefix, formatTime(s.NotBefore), encoding.EncodeToString(s.Key[:]))
	}
	for _, number := range k.SetupNumbers() {
		setup, err := k.Setups[number].Bytes()
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s%d:%s\n", setupPrefix, number, encoding.EncodeToString(setup))
		clear(setup)
	}
	for _, s := range k.Signing {
		b.WriteString(s.Text() + "\n")
	}
	if b.Len() > MaxSize {
		return nil, errors.New("a key file is at most 64 KiB long")
	}
	return b.Bytes(), nil
}

// SetupNumbers returns the numbers of the setups in ascending order.
func (k *Keys) SetupNumbers() []uint16 {
	numbers := make([]uint16, 0, len(k.Setups))
	for n := range k.Setups {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

// Fingerprint returns 16 hexadecimal digits that identify a secret and reveal
// nothing about it, because every secret here has 32 random bytes. They are the
// first 8 bytes of
//
//	SHA-256("nescio/examples/keyfile/fingerprint/v1" ‖ 00 ‖ u32 len ‖ kind ‖ secret)
func Fingerprint(kind string, secret []byte) string {
	h := sha256.New()
	h.Write([]byte("nescio/examples/keyfile/fingerprint/v1\x00"))
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(kind))))
	h.Write([]byte(kind))
	h.Write(secret)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

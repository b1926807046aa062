package proton

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/nescio-go/nescio/internal/secret"
	"golang.org/x/crypto/cryptobyte"
)

const maxPassphrase = 1024

// Key is an OpenPGP key of version 4 or 6 with its subkeys, user IDs and
// signatures, all unlocked. It is safe for concurrent use.
type Key struct {
	raw         secret.Value[[]byte] // binary
	public      secret.Value[[]byte] // the same key with public parts only, which are cheap to read
	fingerprint []byte
}

// ParseKey reads one secret key, armored or binary. With a passphrase of up
// to 1024 bytes, the key and all subkeys must be locked with it, because a
// server could have put its own key there. Without one, nothing may be
// locked. It returns [ErrPassphrase], [ErrKey], [ErrUnsupported], [ErrPolicy]
// or [ErrMalformed].
func ParseKey(key, passphrase []byte) (*Key, error) {
	if len(passphrase) > maxPassphrase {
		return nil, errLength
	}
	packets, err := readKey(key)
	if err != nil {
		return nil, err
	}
	return newKey(packets, passphrase)
}

// readKey reads the packets of a key, armored or binary.
func readKey(key []byte) ([]*packet.OpaquePacket, error) {
	if len(key) > MaxText {
		return nil, errTooLarge
	}
	if len(key) > 0 && key[0]&0x80 == 0 { // no packet begins like this
		b, err := dearmor(string(key), armorPrivateKey)
		if err != nil {
			return nil, err
		}
		defer clear(b)
		key = b
	}
	return split(key)
}

// parseKeys reads concatenated binary keys that are not locked. It returns the
// keys that can be used and names the others. An error is about the
// concatenation as a whole, or from ctx, and then there are no keys.
func parseKeys(ctx context.Context, b []byte) (keys []*Key, skipped []*KeyError, err error) {
	packets, err := split(b)
	if err != nil {
		return nil, nil, err
	}
	groups, err := splitKeys(packets)
	if err != nil {
		return nil, nil, err
	}
	refused, err := checkWorkOfKeys(groups)
	if err != nil {
		return nil, nil, err
	}
	for i, group := range groups {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		var k *Key
		reason := refused[i]
		if reason == nil {
			k, reason = newKey(group, nil)
		}
		if reason != nil {
			skipped = append(skipped, &KeyError{i, fingerprintOf(group[0].Contents), reason})
			continue
		}
		keys = append(keys, k)
	}
	return keys, skipped, nil
}

// splitKeys divides packets into 1 to [MaxKeys] keys. Each begins with its
// primary key.
func splitKeys(packets []*packet.OpaquePacket) (groups [][]*packet.OpaquePacket, err error) {
	for i, p := range packets {
		switch primary := p.Tag == tagSecretKey || p.Tag == tagPublicKey; {
		case primary && len(groups) == MaxKeys:
			return nil, errKeys
		case primary:
			groups = append(groups, packets[i:i+1:i+1])
		case len(groups) == 0:
			return nil, ErrMalformed
		default:
			groups[len(groups)-1] = append(groups[len(groups)-1], p)
		}
	}
	if len(groups) == 0 {
		return nil, ErrMalformed
	}
	return groups, nil
}

// newKey checks the packets of one key and unlocks those that contain secrets.
// It keeps the other packets unchanged, even if it does not know their
// contents. It checks only once that secret and public parts fit, because that
// is expensive.
func newKey(packets []*packet.OpaquePacket, passphrase []byte) (*Key, error) {
	if err := checkWork(packets); err != nil {
		return nil, err
	}
	var private []*packet.PrivateKey
	var at []int
	for i, p := range packets {
		switch p.Tag {
		case tagSecretKey, tagSecretSubkey:
			if len(private) == maxSecretKeyPackets {
				return nil, errTooLarge
			}
			k, err := readSecretKey(p, len(passphrase) > 0)
			if err != nil {
				return nil, err
			}
			private, at = append(private, k), append(at, i)
		case tagPublicKey, tagPublicSubkey:
			return nil, errPublic
		case tagSignature, tagUserID, tagUserAttribute:
		default:
			return nil, ErrMalformed
		}
	}
	if len(passphrase) > 0 {
		if err := packet.DecryptPrivateKeys(private, passphrase); err != nil {
			return nil, ErrPassphrase
		}
		packets = slices.Clone(packets)
		for i, k := range private {
			unlocked, err := opaque(k.Serialize)
			if err != nil {
				return nil, err
			}
			packets[at[i]] = unlocked
		}
		if err := checkWork(packets); err != nil { // a file must take what a lock held
			return nil, err
		}
	}
	raw, err := join(packets)
	if err != nil {
		return nil, err
	}
	packets = slices.Clone(packets)
	for i, k := range private {
		if packets[at[i]], err = opaque(k.PublicKey.Serialize); err != nil {
			return nil, err
		}
	}
	public, err := join(packets)
	if err != nil {
		return nil, err
	}
	entity, err := readEntity(public)
	if err != nil {
		return nil, err
	}
	return &Key{secret.New(raw), secret.New(public), entity.PrimaryKey.Fingerprint}, nil
}

// readSecretKey parses a secret-key packet (RFC 9580, Section 5.5.3), which
// must be locked or not as stated. For a packet that is not locked, it checks
// that the secret part fits the public part. For a locked packet it derives
// nothing. Call checkWork first.
func readSecretKey(p *packet.OpaquePacket, locked bool) (*packet.PrivateKey, error) {
	if isStub(p.Contents) {
		return nil, errStub
	}
	parsed, err := p.Parse()
	if err != nil {
		return nil, readError(err)
	}
	k, ok := parsed.(*packet.PrivateKey)
	if !ok {
		return nil, ErrMalformed
	}
	switch {
	case k.Dummy():
		return nil, errStub
	case k.Encrypted && !locked:
		return nil, errLocked
	case !k.Encrypted && locked:
		return nil, errUnlocked
	case !k.Encrypted:
		return k, nil
	}
	return k, checkProtection(k, p.Contents)
}

// checkProtection finds and checks the S2K specifier of a locked secret-key
// packet, which the parsed form does not export.
func checkProtection(k *packet.PrivateKey, contents []byte) error {
	public, err := opaque(k.PublicKey.Serialize)
	if err != nil {
		return err
	}
	protection, ok := bytes.CutPrefix(contents, public.Contents)
	if !ok {
		return ErrMalformed
	}
	s := cryptobyte.String(protection)
	var usage uint8
	if !s.ReadUint8(&usage) {
		return ErrMalformed
	}
	before := 1 // the cipher
	switch usage {
	case uint8(packet.S2KAEAD):
		before++ // the AEAD
	case uint8(packet.S2KSHA1):
	default:
		return ErrUnsupported // a checksum of 16 bits, or no salt
	}
	if k.Version != 6 {
		if !s.Skip(before) {
			return ErrMalformed
		}
		return checkS2K(&s)
	}
	var parameters, specifier cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&parameters) || !parameters.Skip(before) || !parameters.ReadUint8LengthPrefixed(&specifier) {
		return ErrMalformed
	}
	return checkS2K(&specifier)
}

// readEntity parses a secret or public key with package openpgp and refuses
// data behind it. For a secret key, package openpgp checks again that the
// parts fit.
func readEntity(raw []byte) (*openpgp.Entity, error) {
	r := packet.NewReader(bytes.NewReader(raw))
	entity, err := openpgp.ReadEntity(r)
	if err != nil {
		return nil, readError(err)
	}
	if _, err := r.Next(); err != io.EOF {
		return nil, ErrMalformed
	}
	return entity, nil
}

// Fingerprint returns 20 bytes in version 4 and 32 bytes in version 6.
func (k *Key) Fingerprint() []byte { return bytes.Clone(k.fingerprint) }

// Bytes returns the binary key, not locked.
func (k *Key) Bytes() []byte { return bytes.Clone(*k.raw.Get()) }

// lockConfig is the protection of keys: AES-256 and an iterated S2K over 16
// MiB, like OpenPGP.js. Proton's passphrases come from bcrypt.
func lockConfig() *packet.Config {
	return &packet.Config{
		DefaultCipher: packet.CipherAES256,
		S2KConfig:     &s2k.Config{S2KMode: s2k.IteratedSaltedS2K, Hash: crypto.SHA256, S2KCount: 16 << 20},
	}
}

// Lock returns the armored key, locked with a passphrase of 1 to 1024 bytes, as
// from [PhraseKeyPassword].
func (k *Key) Lock(passphrase []byte) (string, error) {
	if len(passphrase) == 0 || len(passphrase) > maxPassphrase {
		return "", errLength
	}
	packets, err := split(*k.raw.Get())
	if err != nil {
		return "", err
	}
	var private []*packet.PrivateKey
	var at []int
	for i, p := range packets {
		if p.Tag == tagSecretKey || p.Tag == tagSecretSubkey {
			s, err := readSecretKey(p, false)
			if err != nil {
				return "", err
			}
			private, at = append(private, s), append(at, i)
		}
	}
	if err := packet.EncryptPrivateKeys(private, passphrase, lockConfig()); err != nil {
		return "", ErrUnsupported
	}
	for i, s := range private {
		locked, err := opaque(s.Serialize)
		if err != nil {
			return "", err
		}
		packets[at[i]] = locked
	}
	b, err := join(packets)
	if err != nil {
		return "", err
	}
	return enarmor(b, armorPrivateKey)
}

// Format redacts the value.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, "proton.Key(redacted)") }

var errKeyJSON = errors.New("proton: no JSON form, store the result of Lock")

// MarshalJSON returns an error. Store the result of [Key.Lock].
func (k Key) MarshalJSON() ([]byte, error) { return nil, errKeyJSON }

package proton

import (
	"bytes"
	"context"
	"crypto"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

const (
	// MaxKeys is the maximum number of keys in a file.
	MaxKeys = 32
	// MaxSecrets is the maximum number of recovery secrets for [OpenFile].
	MaxSecrets = 32

	maxPlaintext = 512 << 10
)

// fileConfig is the encryption of files: AES-256 in SEIPD version 1, which all
// OpenPGP software reads. The S2K has the lowest count that package openpgp
// writes, because 256 random bits need no stretching.
func fileConfig() *packet.Config {
	return &packet.Config{
		DefaultCipher: packet.CipherAES256,
		S2KConfig:     &s2k.Config{S2KMode: s2k.IteratedSaltedS2K, Hash: crypto.SHA256, S2KCount: 65536},
	}
}

// MakeFile returns the recovery file of 1 to 32 keys. Pass all keys of the
// user. One of them must have signed the secret, because a server that
// chose the secret could open the file. Otherwise MakeFile returns
// [ErrSignature]. It returns [ErrPolicy] for keys that [OpenFile] would not
// accept, and [ErrMalformed].
func MakeFile(secret FileSecret, keys ...*Key) (string, error) {
	if len(keys) == 0 || len(keys) > MaxKeys || hasTwins(keys) {
		return "", errKeys
	}
	if err := secret.Verify(keys...); err != nil {
		return "", err
	}
	size := 0
	for _, k := range keys {
		size += len(*k.raw.Get())
	}
	if size > maxPlaintext {
		return "", errTooLarge
	}
	plaintext := make([]byte, 0, size)
	defer func() { clear(plaintext) }()
	for _, k := range keys {
		plaintext = append(plaintext, *k.raw.Get()...)
	}
	packets, err := split(plaintext) // what OpenFile refuses
	if err != nil {
		return "", err
	}
	if err := checkWork(packets); err != nil {
		return "", err
	}
	var message bytes.Buffer
	w, err := openpgp.SymmetricallyEncrypt(&message, secret.text(), nil, fileConfig())
	if err != nil {
		return "", err
	}
	if _, err := w.Write(plaintext); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return enarmor(message.Bytes(), armorMessage)
}

func hasTwins(keys []*Key) bool {
	for i, k := range keys {
		if slices.ContainsFunc(keys[:i], func(other *Key) bool { return bytes.Equal(k.fingerprint, other.fingerprint) }) {
			return true
		}
	}
	return false
}

// OpenFile returns the keys in a file. Pass all recovery secrets that the
// server has for the account. OpenFile tries them in turn, and checks ctx
// between them and between keys. A returned key must have signed the secret.
//
// If only some keys can be used, OpenFile returns them with a
// [*SkippedKeysError]. With any other error there are no keys. It is
// [ErrSecret], [ErrSignature], a [KeyError] for each key, or [ErrMalformed],
// [ErrUnsupported] or [ErrPolicy] for the whole file.
func OpenFile(ctx context.Context, file string, secrets ...FileSecret) ([]*Key, error) {
	if len(secrets) == 0 || len(secrets) > MaxSecrets {
		return nil, errSecrets
	}
	for _, s := range secrets {
		if _, err := s.parse(); err != nil {
			return nil, err
		}
	}
	m, err := parseMessage(file)
	if err != nil {
		return nil, err
	}
	for _, s := range secrets {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if opened, err := m.open(s.text()); err == nil {
			return readFile(ctx, opened, s)
		}
	}
	return nil, ErrSecret
}

// readFile reads the keys in an opened message and clears the message.
func readFile(ctx context.Context, opened []byte, secret FileSecret) ([]*Key, error) {
	defer clear(opened)
	plaintext, err := literal(opened)
	if err != nil {
		return nil, err
	}
	defer clear(plaintext)
	keys, skipped, err := parseKeys(ctx, plaintext)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, noUsableKey(skipped)
	}
	// A skipped key does not count as a signer. Its public part is not secret,
	// so anyone who learns a signed secret could put that part beside their
	// own key.
	switch err := secret.verify(ctx, keys); {
	case err == ErrSignature:
		return nil, notSigned(skipped)
	case err != nil:
		return nil, err
	case len(skipped) > 0:
		return keys, &SkippedKeysError{skipped}
	}
	return keys, nil
}

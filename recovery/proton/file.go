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

// MakeFile returns the recovery file of 1 to 32 keys, as one armored message for
// the user to keep. Pass all keys that the user has. The secret is new or comes
// from the server.
//
// One of the keys must have signed the secret. Otherwise MakeFile returns
// [ErrSignature]: a server that chose the secret itself could open the file.
// MakeFile returns [ErrPolicy] for no keys, more than 32, a key that occurs twice,
// or keys that are larger together than OpenFile accepts. It returns
// [ErrMalformed] for an invalid secret or signature.
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

// OpenFile returns the keys in a recovery file of up to [MaxText] bytes, in the
// order of the file. A file does not name its account. Pass all recovery secrets
// that the server has for the account, up to 32. OpenFile tries them in turn.
// A returned key must have signed the secret that opens the file. OpenFile checks
// ctx before each secret and each key, and returns its error.
//
// If some keys of the file cannot be used, OpenFile returns the others and a
// [*SkippedKeysError]: then neither the keys nor the error is nil. It skips keys
// that are public, locked, stubs, unsupported, over a limit or damaged. A caller
// that ignores the skipped keys on purpose writes
//
//	keys, err := proton.OpenFile(ctx, file, secrets...)
//	if skipped, ok := errors.AsType[*proton.SkippedKeysError](err); ok {
//		log.Print(skipped) // fingerprints and reasons
//	} else if err != nil {
//		return err
//	}
//
// With any other error there are no keys:
//
//   - [ErrSecret] if no secret opens the file.
//   - [ErrSignature] if no usable key signed the secret. If keys were skipped, the
//     error contains a [KeyError] for each.
//   - The reasons of all keys, [ErrKey], [ErrUnsupported], [ErrPolicy] or
//     [ErrMalformed], if no key can be used. The error contains a KeyError for each.
//   - ErrMalformed, ErrUnsupported or ErrPolicy for a file, its secrets or its
//     packets as a whole, for more than 32 keys, and for keys that would cost too
//     much together.
//
// The signature shows that the secret comes from a holder of a key in the file. It
// does not show that the keys are the user's, because the author of a file can add
// a key and sign with it. Compare the [Key.Fingerprint] of each key with the
// fingerprints of the account's keys, and use no other key.
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
	// A skipped key does not count as a signer. Its public part is not secret, so
	// anyone who learns a signed secret could put that part beside their own key.
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

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
	// MaxKeys is how many keys a file may hold.
	MaxKeys = 32
	// MaxSecrets is how many recovery secrets OpenFile tries.
	MaxSecrets = 32

	maxPlaintext = 512 << 10
)

// fileConfig is the encryption of files: AES-256 in SEIPD version 1, which every
// OpenPGP software reads, and the least S2K that it writes: there is nothing to
// stretch in 256 random bits.
func fileConfig() *packet.Config {
	return &packet.Config{
		DefaultCipher: packet.CipherAES256,
		S2KConfig:     &s2k.Config{S2KMode: s2k.IteratedSaltedS2K, Hash: crypto.SHA256, S2KCount: 65536},
	}
}

// MakeFile returns the recovery file of 1 to 32 keys, all that the user has: one
// armored message, for the user to keep. The secret is a new one or one that the
// server has kept, and in either case one of the keys must have signed it; otherwise
// it is ErrSignature, since a server that chose the secret could open the file. It
// returns ErrPolicy for no keys, too many, one twice, or more in them than OpenFile
// reads.
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

// OpenFile returns the keys in a recovery file, of up to MaxText bytes. The file does
// not say whose it is, so it takes all recovery secrets that the server has for the
// account, up to 32, and tries them in turn. A key of the file must have signed the
// one that opens it; otherwise it is ErrSignature. If ctx ends, so does the call,
// before the next secret or key.
//
// That says that the secret comes from a holder of such a key, not that the keys are
// the user's: whoever writes the file can put a key of theirs in it and sign with it.
// Compare the Fingerprint of each key with those of the account, and use no other.
//
// It returns ErrSecret if no secret opens the file. For what is in a file that opens
// it returns ErrKey if a key is public, locked or a stub, ErrPolicy, ErrUnsupported or
// ErrMalformed, and then no key at all. The last three it also returns for a file or
// secrets that it does not even try.
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

// readFile reads what a message held, and clears it.
func readFile(ctx context.Context, opened []byte, secret FileSecret) ([]*Key, error) {
	defer clear(opened)
	plaintext, err := literal(opened)
	if err != nil {
		return nil, err
	}
	defer clear(plaintext)
	keys, err := parseKeys(ctx, plaintext)
	if err != nil {
		return nil, err
	}
	if err := secret.verify(ctx, keys); err != nil {
		return nil, err
	}
	return keys, nil
}

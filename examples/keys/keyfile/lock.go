package keyfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/wrap"
)

const (
	lockedPrefix = "nescio-locked:"
	label        = "nescio/examples/keyfile/v1"

	// MinPassphrase is the length of the shortest passphrase, in bytes.
	MinPassphrase = 12
)

var (
	// ErrLocked means that a locked file needs a passphrase.
	ErrLocked = errors.New("locked under a passphrase: name the file that contains it")
	// ErrPassphrase means a wrong passphrase or a damaged file.
	ErrPassphrase = errors.New("the passphrase is wrong, or the file is damaged")
)

// IsLocked reports whether the content of a file is locked.
func IsLocked(data []byte) bool { return bytes.HasPrefix(data, []byte(lockedPrefix)) }

// Lock encrypts the text of a file under a passphrase, with Argon2id as in
// kdf.Default.
func Lock(ctx context.Context, text, passphrase []byte) ([]byte, error) {
	if len(passphrase) < MinPassphrase {
		return nil, fmt.Errorf("a passphrase must be at least %d bytes long", MinPassphrase)
	}
	params := kdf.Default().WithNewSalt()
	key, err := derive(ctx, params, passphrase)
	if err != nil {
		return nil, err
	}
	defer key.Destroy()
	blob, err := key.Wrap(ctx, text, wrap.Binding{Purpose: label})
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s%v:%s\n", lockedPrefix, params, encoding.EncodeToString(blob)), nil
}

// Unlock decrypts the output of Lock.
func Unlock(ctx context.Context, data, passphrase []byte) (text []byte, err error) {
	body, ok := strings.CutPrefix(string(data), lockedPrefix)
	head, encoded, found := strings.Cut(strings.TrimSuffix(body, "\n"), ":")
	blob, err := encoding.DecodeString(encoded)
	params, paramsErr := kdf.ParseParams(head)
	if !ok || !found || err != nil || paramsErr != nil || strings.Contains(encoded, "\n") || strings.Contains(encoded, "\r") {
		return nil, ErrMalformed
	}
	key, err := derive(ctx, params, passphrase)
	if err != nil {
		return nil, err
	}
	defer key.Destroy()
	text, err = key.Unwrap(ctx, blob, wrap.Binding{Purpose: label})
	if errors.Is(err, wrap.ErrOpen) {
		return nil, ErrPassphrase
	}
	return text, err
}

func derive(ctx context.Context, params kdf.Params, passphrase []byte) (*wrap.Key, error) {
	function, err := kdf.New(params, kdf.Policy{})
	if err != nil {
		return nil, err
	}
	secret, err := function.Derive(ctx, passphrase, 32)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return wrap.DeriveKey(secret, nil, label)
}

// Load reads a file that only its owner can read. A file that is not locked
// needs no passphrase.
func Load(ctx context.Context, path string, passphrase []byte) (*Keys, error) {
	data, exposed, err := cli.ReadPrivate(path, 2*MaxSize)
	if err != nil {
		return nil, err
	}
	defer func() { clear(data) }()
	if IsLocked(data) {
		if exposed != nil {
			return nil, exposed
		}
		if len(passphrase) == 0 {
			return nil, fmt.Errorf("%s: %w", path, ErrLocked)
		}
		text, err := Unlock(ctx, data, passphrase)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		data = text
	}
	keys, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if exposed != nil {
		return nil, exposed
	}
	return keys, nil
}

// ReadPassphrase reads the first line of a file that only its owner can read.
func ReadPassphrase(path string) ([]byte, error) {
	data, exposed, err := cli.ReadPrivate(path, 4<<10)
	if err = errors.Join(err, exposed); err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return nil, fmt.Errorf("%s contains no passphrase on its first line", path)
	}
	return line, nil
}

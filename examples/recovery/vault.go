package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

// sealed is data under a key of its own, which is wrapped under the keyring's
// master key of an epoch.
type sealed struct {
	Epoch uint32
	Key   []byte
	Text  []byte
}

const (
	noteKey    = "recovery.example.org/note-key/v1"
	contactKey = "recovery.example.org/contact-key/v1"
	shareKey   = "recovery.example.org/share/v1"
)

func binding(k *recovery.Keyring, purpose string, epoch uint32) wrap.Binding {
	number := k.Account()
	return wrap.Binding{Purpose: purpose, Account: number[:], Epoch: uint64(epoch)}
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func seal(ctx context.Context, k *recovery.Keyring, purpose string, text []byte) (s sealed, err error) {
	epoch := k.Epoch()
	master, err := k.Key(epoch)
	if err != nil {
		return s, err
	}
	defer master.Destroy()
	key := random(32)
	defer clear(key)
	wrapped, err := master.Wrap(ctx, key, binding(k, purpose, epoch))
	if err != nil {
		return s, err
	}
	aead, err := gcm(key) // a key serves one text
	if err != nil {
		return s, err
	}
	return sealed{epoch, wrapped, aead.Seal(nil, nil, text, nil)}, nil
}

// rewrap is the same text and key, wrapped under the newest master key.
func rewrap(ctx context.Context, k *recovery.Keyring, purpose string, s sealed) (sealed, error) {
	old, err := k.Key(s.Epoch)
	if err != nil {
		return sealed{}, err
	}
	defer old.Destroy()
	now, err := k.Key(k.Epoch())
	if err != nil {
		return sealed{}, err
	}
	defer now.Destroy()
	key, err := old.Unwrap(ctx, s.Key, binding(k, purpose, s.Epoch))
	if err != nil {
		return sealed{}, err
	}
	defer clear(key)
	wrapped, err := now.Wrap(ctx, key, binding(k, purpose, k.Epoch()))
	return sealed{k.Epoch(), wrapped, s.Text}, err
}

// unseal opens what seal made at any epoch. The server could change the number: then
// there is no such key, or another one, which does not open it.
func unseal(ctx context.Context, k *recovery.Keyring, purpose string, s sealed) ([]byte, error) {
	master, err := k.Key(s.Epoch)
	if err != nil {
		return nil, err
	}
	defer master.Destroy()
	key, err := master.Unwrap(ctx, s.Key, binding(k, purpose, s.Epoch))
	if err != nil {
		return nil, err
	}
	defer clear(key)
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, s.Text, nil)
}

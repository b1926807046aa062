package testvec

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"
)

// A second implementation of the envelope of package wrap, written from its
// FORMAT.md. It uses nothing of this module.

// WrapBinding returns ctx, the encoding of a binding.
func WrapBinding(purpose string, account, item []byte, epoch uint64) []byte {
	b := append([]byte{1, byte(len(purpose))}, purpose...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(account))), account...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(item))), item...)
	return binary.BigEndian.AppendUint64(b, epoch)
}

// WrapNonce returns the nonce of a blob.
func WrapNonce(kek []byte, suite byte, ctx, secret, random []byte) []byte {
	mac := hmac.New(sha256.New, wrapHKDF(kek, nil, "keywrap/v1\x00nonce", 32))
	mac.Write([]byte{suite})
	mac.Write(random)
	mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(ctx))))
	mac.Write(ctx)
	mac.Write(secret)
	return mac.Sum(nil)[:24]
}

// WrapKeys returns the cipher's key and the commitment of a blob.
func WrapKeys(kek []byte, suite byte, ctx, nonce []byte) (key, commitment []byte) {
	info := append([]byte("keywrap/v1\x00\x01"), suite)
	info = append(binary.BigEndian.AppendUint32(info, uint32(len(ctx))), ctx...)
	okm := wrapHKDF(kek, nonce, string(info), 64)
	return okm[:32], okm[32:]
}

func wrapHKDF(key, salt []byte, info string, n int) []byte {
	okm, err := hkdf.Key(sha256.New, key, salt, info, n)
	if err != nil {
		panic(err)
	}
	return okm
}

// WrapSeal returns a blob of suite 1 with the given nonce.
func WrapSeal(kek, ctx, nonce, secret []byte) []byte {
	key, commitment := WrapKeys(kek, 1, ctx, nonce)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic(err)
	}
	head := slices.Concat([]byte{1, 1}, nonce, commitment)
	return aead.Seal(bytes.Clone(head), nonce, secret, head)
}

// WrapOpen opens a blob of suite 1.
func WrapOpen(kek, ctx, blob []byte) ([]byte, error) {
	const head = 2 + 24 + 32
	if len(blob) < head || blob[0] != 1 || blob[1] != 1 {
		return nil, errors.New("testvec: not a blob of suite 1")
	}
	nonce := blob[2:26]
	key, commitment := WrapKeys(kek, 1, ctx, nonce)
	if !hmac.Equal(commitment, blob[26:head]) {
		return nil, errors.New("testvec: another key")
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nonce, blob[head:], blob[:head])
}

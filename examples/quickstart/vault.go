package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/wrap"
)

// vault is what a device has of an account once it is open: the master key,
// which is random and opens the keys of all notes. The server never sees it.
type vault struct {
	user   string // whose it is, in the one spelling that names have
	master [wrap.KeySize]byte
}

func newVault(user string) *vault {
	v := &vault{user: canonical(user)}
	rand.Read(v.master[:])
	return v
}

// The bindings: what is wrapped, and for which user and note. What the server
// puts in another's place does not open. All of a binding is what the client
// knows by itself; an account number that the server told it would bind nothing.
func (v *vault) masterKeyBinding() wrap.Binding {
	return wrap.Binding{Purpose: "example.org/master-key/v1", Account: []byte(v.user), Epoch: 1}
}

func (v *vault) noteKeyBinding(name string) wrap.Binding {
	return wrap.Binding{Purpose: "example.org/note-key/v1", Account: []byte(v.user), Item: []byte(name), Epoch: 1}
}

// passwordKey turns a password into a key-encryption key. Its salt is its own:
// the server's record has another one, so that neither value gives the other. Who
// has both guesses at the one that costs less.
func passwordKey(ctx context.Context, params kdf.Params, password []byte) (*wrap.Key, error) {
	function, err := kdf.New(params, kdf.Policy{}) // the server stored the parameters, and may have changed them
	if err != nil {
		return nil, err
	}
	secret, err := function.Derive(ctx, password, 32)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return wrap.DeriveKey(secret, nil, "example.org/password-key/v1")
}

// lock wraps the master key under a password, with a new salt.
func (v *vault) lock(ctx context.Context, password []byte) (userKeys, error) {
	params := kdf.Default().WithNewSalt()
	kek, err := passwordKey(ctx, params, password)
	if err != nil {
		return userKeys{}, err
	}
	defer kek.Destroy()
	wrapped, err := kek.Wrap(ctx, v.master[:], v.masterKeyBinding())
	if err != nil {
		return userKeys{}, err
	}
	return userKeys{KDF: params.String(), MasterKey: wrapped}, nil
}

// unlock is the inverse of lock. A wrong password is wrap.ErrOpen, and so are the
// keys of another user.
func unlock(ctx context.Context, user string, keys userKeys, password []byte) (*vault, error) {
	params, err := kdf.ParseParams(keys.KDF)
	if err != nil {
		return nil, err
	}
	kek, err := passwordKey(ctx, params, password)
	if err != nil {
		return nil, err
	}
	return unwrap(ctx, user, kek, keys.MasterKey)
}

// exportKey turns the export key of an OPAQUE login into a key-encryption key. It
// needs neither salt nor hash: nobody can guess it, and every registration has a
// new one.
func exportKey(export []byte) (*wrap.Key, error) {
	return wrap.DeriveKey(export, nil, "example.org/export-key/v1")
}

// lockExport wraps the master key under an export key.
func (v *vault) lockExport(ctx context.Context, export []byte) ([]byte, error) {
	kek, err := exportKey(export)
	if err != nil {
		return nil, err
	}
	defer kek.Destroy()
	return kek.Wrap(ctx, v.master[:], v.masterKeyBinding())
}

// unlockExport is the inverse of lockExport. The export key of another
// registration is wrap.ErrOpen.
func unlockExport(ctx context.Context, user string, keys userKeys, export []byte) (*vault, error) {
	kek, err := exportKey(export)
	if err != nil {
		return nil, err
	}
	return unwrap(ctx, user, kek, keys.MasterKeyExport)
}

// unwrap opens a user's vault by a key-encryption key, which it destroys.
func unwrap(ctx context.Context, user string, kek *wrap.Key, wrapped []byte) (*vault, error) {
	defer kek.Destroy()
	v := &vault{user: canonical(user)}
	master, err := kek.Unwrap(ctx, wrapped, v.masterKeyBinding())
	if err != nil {
		return nil, err
	}
	defer clear(master)
	if copy(v.master[:], master) != len(v.master) {
		return nil, wrap.ErrOpen
	}
	return v, nil
}

// write encrypts a note under a key of its own, and wraps that key.
func (v *vault) write(ctx context.Context, name, text string) (note, error) {
	return writeNote(ctx, v.masterKey(), v.noteKeyBinding(name), text)
}

func writeNote(ctx context.Context, master *wrap.Key, b wrap.Binding, text string) (note, error) {
	key := make([]byte, wrap.KeySize)
	rand.Read(key)
	defer clear(key)
	wrapped, err := master.Wrap(ctx, key, b)
	if err != nil {
		return note{}, err
	}
	c, err := noteCipher(key)
	if err != nil {
		return note{}, err
	}
	return note{Key: wrapped, Text: c.Seal(nil, nil, []byte(text), nil)}, nil
}

// read decrypts a note.
func (v *vault) read(ctx context.Context, name string, n note) (string, error) {
	return readNote(ctx, v.masterKey(), v.noteKeyBinding(name), n)
}

func readNote(ctx context.Context, master *wrap.Key, b wrap.Binding, n note) (string, error) {
	key, err := master.Unwrap(ctx, n.Key, b)
	if err != nil {
		return "", err
	}
	defer clear(key)
	c, err := noteCipher(key)
	if err != nil {
		return "", err
	}
	text, err := c.Open(nil, nil, n.Text, nil)
	return string(text), err
}

func (v *vault) masterKey() *wrap.Key { return wrap.ImportKey(v.master) }

// noteCipher is AES-GCM with random nonces in front of its ciphertexts. Package
// wrap is for keys; texts of any length are for a cipher.
func noteCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

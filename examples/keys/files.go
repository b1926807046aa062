package main

import (
	"context"
	"flag"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
)

// passphraseFlag registers the flag that reads a passphrase.
func passphraseFlag(fs *flag.FlagSet) *string {
	return fs.String("passphrase", "", "`file` whose first line is the passphrase (/dev/stdin reads it from the standard input)")
}

// passphrase reads the passphrase, if there is one.
func passphrase(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	return keyfile.ReadPassphrase(file)
}

// encode returns the content of a file with the keys, locked if there is a
// passphrase.
func encode(ctx context.Context, keys *keyfile.Keys, passphrase []byte) ([]byte, error) {
	text, err := keys.Text()
	if err != nil || len(passphrase) == 0 {
		return text, err
	}
	defer clear(text)
	return keyfile.Lock(ctx, text, passphrase)
}

// load reads the only file of a command and says whether it is locked.
func load(ctx context.Context, path string, passphrase []byte) (keys *keyfile.Keys, locked bool, err error) {
	data, err := cli.Read(path, 2*keyfile.MaxSize)
	if err != nil {
		return nil, false, err
	}
	defer clear(data)
	keys, err = keyfile.Load(ctx, path, passphrase)
	return keys, keyfile.IsLocked(data), err
}

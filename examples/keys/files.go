package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
)

// passphraseFlag registers the flag that reads a passphrase.
func passphraseFlag(fs *flag.FlagSet) {
	fs.String("passphrase", "", "`file` whose first line is the passphrase (/dev/stdin for the standard input)")
}

// passphrase reads the passphrase if a flag names its file. An empty name, from
// an unset variable, is an error and does not mean that there is no passphrase.
func passphrase(fs *flag.FlagSet, name string) ([]byte, error) {
	if !cli.Given(fs, name) {
		return nil, nil
	}
	file := fs.Lookup(name).Value.String()
	if file == "" {
		return nil, cli.Misuse(fs, "-%s is empty, and must name a file", name)
	}
	return keyfile.ReadPassphrase(file)
}

// edit lets a command change a file. It resolves links, locks out other
// processes, and calls change with the keys and whether the file is locked.
// change returns the new content.
func edit(ctx context.Context, path string, passphrase []byte, change func(path string, keys *keyfile.Keys, locked bool) ([]byte, error)) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	unlock, err := cli.Lock(path)
	if errors.Is(err, cli.ErrLocked) {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err != nil {
		return err
	}
	defer unlock()
	keys, locked, err := load(ctx, path, passphrase)
	if err != nil {
		return err
	}
	data, err := change(path, keys, locked)
	if err != nil {
		return err
	}
	defer clear(data)
	return cli.Replace(path, data, 0o600)
}

// printed adds to an error that the file is nevertheless written.
func printed(path string, err error) error {
	if err != nil {
		return fmt.Errorf("%s is written; %w", path, err)
	}
	return nil
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

// load reads the only file of a command, and reports whether it is locked.
func load(ctx context.Context, path string, passphrase []byte) (keys *keyfile.Keys, locked bool, err error) {
	data, err := cli.Read(path, 2*keyfile.MaxSize)
	if err != nil {
		return nil, false, err
	}
	defer clear(data)
	keys, err = keyfile.Load(ctx, path, passphrase)
	return keys, keyfile.IsLocked(data), err
}

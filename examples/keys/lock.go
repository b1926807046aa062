package main

import (
	"context"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
)

const lockUsage = `
-passphrase FILE [-old FILE] FILE

Rewrites a file under a passphrase. If it is locked already, -old names a file
with the old passphrase. Copies of the file in backups stay as they are.
`

func lock(ctx context.Context, args []string, out, _ io.Writer) error {
	fs := program.Flags("lock", lockUsage)
	secret := passphraseFlag(fs)
	old := fs.String("old", "", "`file` whose first line is the old passphrase")
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	switch {
	case fs.NArg() != 1:
		return cli.Misuse(fs, "give one file")
	case *secret == "":
		return cli.Misuse(fs, "-passphrase FILE is missing")
	}
	return rewrite(ctx, fs.Arg(0), *old, *secret, out)
}

const unlockUsage = `
-passphrase FILE FILE

Rewrites a locked file without the passphrase. Anyone who can read the file then
has its secrets.
`

func unlock(ctx context.Context, args []string, out, _ io.Writer) error {
	fs := program.Flags("unlock", unlockUsage)
	secret := passphraseFlag(fs)
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	switch {
	case fs.NArg() != 1:
		return cli.Misuse(fs, "give one file")
	case *secret == "":
		return cli.Misuse(fs, "-passphrase FILE is missing")
	}
	return rewrite(ctx, fs.Arg(0), *secret, "", out)
}

// rewrite opens a file with one passphrase and writes it under another. An empty
// name means no passphrase.
func rewrite(ctx context.Context, path, oldFile, newFile string, out io.Writer) error {
	oldPhrase, err := passphrase(oldFile)
	if err != nil {
		return err
	}
	newPhrase, err := passphrase(newFile)
	if err != nil {
		return err
	}
	keys, locked, err := load(ctx, path, oldPhrase)
	if err != nil {
		return err
	}
	if !locked && oldFile != "" {
		return fmt.Errorf("%s is not locked", path)
	}
	data, err := encode(ctx, keys, newPhrase)
	if err != nil {
		return err
	}
	defer clear(data)
	if err := cli.Replace(path, data, 0o600); err != nil {
		return err
	}
	state := "locked"
	if !keyfile.IsLocked(data) {
		state = "not locked"
	}
	_, err = fmt.Fprintf(out, "%s: %s\n", path, state)
	return err
}

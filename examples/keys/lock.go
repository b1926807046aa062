package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
)

const lockUsage = `
-passphrase FILE [-old FILE] FILE

Encrypts a file under a passphrase. If the file is already locked, -old names a
file with the old passphrase. Copies in backups do not change.
`

func lock(ctx context.Context, args []string, out, _ io.Writer) error {
	fs := program.Flags("lock", lockUsage)
	passphraseFlag(fs)
	fs.String("old", "", "`file` whose first line is the old passphrase")
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	switch {
	case fs.NArg() != 1:
		return cli.Misuse(fs, "give one file")
	case !cli.Given(fs, "passphrase"):
		return cli.Misuse(fs, "-passphrase FILE is missing")
	}
	return rewrite(ctx, fs, "old", "passphrase", out)
}

const unlockUsage = `
-passphrase FILE FILE

Decrypts a locked file. Anyone who can then read the file has its secrets.
`

func unlock(ctx context.Context, args []string, out, _ io.Writer) error {
	fs := program.Flags("unlock", unlockUsage)
	passphraseFlag(fs)
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	switch {
	case fs.NArg() != 1:
		return cli.Misuse(fs, "give one file")
	case !cli.Given(fs, "passphrase"):
		return cli.Misuse(fs, "-passphrase FILE is missing")
	}
	return rewrite(ctx, fs, "passphrase", "", out)
}

// rewrite opens the file of a command with the passphrase of oldFlag, and
// writes it under the passphrase of newFlag. An empty name means no passphrase.
func rewrite(ctx context.Context, fs *flag.FlagSet, oldFlag, newFlag string, out io.Writer) error {
	oldPhrase, err := passphrase(fs, oldFlag)
	if err != nil {
		return err
	}
	newPhrase, err := passphrase(fs, newFlag)
	if err != nil {
		return err
	}
	state := "not locked"
	if newPhrase != nil {
		state = "locked"
	}
	err = edit(ctx, fs.Arg(0), oldPhrase, func(path string, keys *keyfile.Keys, locked bool) ([]byte, error) {
		if !locked && oldPhrase != nil {
			return nil, fmt.Errorf("%s is not locked", path)
		}
		return encode(ctx, keys, newPhrase)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %s\n", fs.Arg(0), state)
	return printed(fs.Arg(0), err)
}

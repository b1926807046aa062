package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
)

const showUsage = `
[-passphrase FILE] FILE...

Prints a line for each secret, with a fingerprint that reveals nothing about the
secret. Two files with the same fingerprint contain the same secret.
`

func show(ctx context.Context, args []string, out, _ io.Writer) error {
	fs := program.Flags("show", showUsage)
	passphraseFlag(fs)
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return cli.Misuse(fs, "a file is missing")
	}
	phrase, err := passphrase(fs, "passphrase")
	if err != nil {
		return err
	}
	for _, path := range fs.Args() {
		keys, err := keyfile.Load(ctx, path, phrase)
		if err != nil {
			return err
		}
		if err := describe(out, path, keys); err != nil {
			return err
		}
	}
	return nil
}

// describe prints a line for each secret of a file.
func describe(out io.Writer, path string, keys *keyfile.Keys) error {
	now := time.Now()
	if keys.Decoy != nil {
		fmt.Fprintf(out, "%s: decoy key %s\n", path, keyfile.Fingerprint("decoy", keys.Decoy[:]))
	}
	if keys.Database != nil {
		fmt.Fprintf(out, "%s: database key %s\n", path, keyfile.Fingerprint("database", keys.Database[:]))
	}
	for i, k := range keys.StateKeys {
		use := "opens"
		switch {
		case k.NotBefore.After(now):
			use = "seals from " + k.NotBefore.UTC().Format(time.RFC3339)
		case i == sealing(keys, now):
			use = "seals and opens"
		}
		fmt.Fprintf(out, "%s: state key %s, %s\n", path, keyfile.Fingerprint("state", k.Key[:]), use)
	}
	for _, number := range keys.SetupNumbers() {
		setup := keys.Setups[number]
		all, err := setup.Bytes()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: setup %d %s, %v, in records %x\n", path, number, keyfile.Fingerprint("setup", all), setup.Suite(), setup.Fingerprint())
		clear(all)
	}
	for _, k := range keys.Signing {
		fmt.Fprintf(out, "%s: signing key %s, for records created\n  %s\n", path, k.Public().ID(), window(k.Public()))
	}
	_, err := fmt.Fprint(out) // returns the error of the lines above
	return err
}

// sealing returns the index of the state key that seals, or -1.
func sealing(keys *keyfile.Keys, now time.Time) int {
	newest := -1
	for i, k := range keys.StateKeys {
		if !k.NotBefore.After(now) && (newest < 0 || k.NotBefore.After(keys.StateKeys[newest].NotBefore)) {
			newest = i
		}
	}
	return newest
}

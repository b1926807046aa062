package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/moduli"
)

const publicUsage = `
[-passphrase FILE] [-o FILE] FILE

Prints the public keys of a file, one on each line. For a signing key it is the
text that moduli.ParseKeys reads. For a setup it is the number, the suite and
the public key in hexadecimal digits, for clients that pin it.
`

func public(ctx context.Context, args []string, out, _ io.Writer) error {
	fs := program.Flags("public", publicUsage)
	file := fs.String("o", "", "`file` to write, which must not exist (default the standard output)")
	passphraseFlag(fs)
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return cli.Misuse(fs, "give one file")
	}
	phrase, err := passphrase(fs, "passphrase")
	if err != nil {
		return err
	}
	keys, err := keyfile.Load(ctx, fs.Arg(0), phrase)
	if err != nil {
		return err
	}
	var text []byte
	for _, number := range keys.SetupNumbers() {
		text = fmt.Appendf(text, "setup %d %v %x\n", number, keys.Setups[number].Suite(), keys.Setups[number].PublicKey())
	}
	text = append(text, publicKeys(keys)...)
	if len(text) == 0 {
		return fmt.Errorf("%s contains no setups and no signing keys", fs.Arg(0))
	}
	return cli.Output(*file, text, out)
}

// window describes the window of a key.
func window(k *moduli.PublicKey) string {
	notBefore, notAfter := k.Window()
	text := "from " + notBefore.Format(time.RFC3339)
	if !notAfter.IsZero() {
		text += " to " + notAfter.Format(time.RFC3339)
	}
	return text
}

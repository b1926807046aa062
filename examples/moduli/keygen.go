package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/nescio-go/nescio/moduli"
)

const keygenUsage = `
-o FILE [-not-before DATE] [-not-after DATE]

Makes a key that signs records created in a window of time. Writes the private key to
FILE, readable only by its owner, and the public key to FILE.pub. Neither file may
exist.

To change keys, add the public key of the next one to the keys that clients trust
before its window begins. Keep the old public key there: accounts that have the
records that it signed need it to log in.
`

func keygen(_ context.Context, args []string, out, _ io.Writer) error {
	fs := newFlags("keygen", keygenUsage)
	file := fs.String("o", "", "`file` to write the private key to")
	notBefore, notAfter := date{}, date{last: true}
	fs.Var(&notBefore, "not-before", "`date` of the first records that it signs (default today)")
	fs.Var(&notAfter, "not-after", "`date` of the last ones (default none)")
	if err := parse(fs, args, out); err != nil {
		return err
	}
	switch {
	case fs.NArg() > 0:
		return misuse(fs, "%s: the file to write stands behind -o", fs.Arg(0))
	case *file == "":
		return misuse(fs, "-o FILE is missing")
	}
	if notBefore.IsZero() {
		notBefore.Time = time.Now().UTC().Truncate(24 * time.Hour) // with what was made before the key today
	}
	key, err := moduli.GenerateKey(notBefore.Time, notAfter.Time)
	if err != nil {
		return misuse(fs, "-not-after is not after -not-before")
	}
	if err := writeKey(*file, key); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: private key; whoever has it can sign\n%s.pub: public key %s, for records created %s\n",
		*file, *file, key.Public().ID(), window(key.Public()))
	return err
}

// writeKey writes both files, or none.
func writeKey(file string, key *moduli.PrivateKey) error {
	if err := absent(file); err != nil {
		return err
	}
	if err := create(file+".pub", []byte(key.Public().Text()+"\n"), 0o644); err != nil {
		return err
	}
	if err := create(file, []byte(key.Text()+"\n"), 0o600); err != nil {
		os.Remove(file + ".pub")
		return err
	}
	return nil
}

// window says when the records are created that a key signs.
func window(k *moduli.PublicKey) string {
	notBefore, notAfter := k.Window()
	text := "from " + notBefore.Format(time.RFC3339)
	if !notAfter.IsZero() {
		text += " to " + notAfter.Format(time.RFC3339)
	}
	return text
}

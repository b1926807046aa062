package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/moduli"
)

const signUsage = `
-key FILE [flags] POOL

Proves the moduli of a pool and signs the records that have no signature yet.
With -replace it signs all records. -purpose and -not-after change the signed
records. Rewrites the pool, or writes a new file if -o is given. Each record is
signed with the newest key in the file whose window covers the time of its
creation. Make the key before the records.

To renew the records of a pool before they end, except retired ones:

  moduli sign -key FILE -replace -not-after DATE POOL
`

func sign(ctx context.Context, args []string, out, errOut io.Writer) error {
	fs := program.Flags("sign", signUsage)
	keyFile := fs.String("key", "", "`file` with the private key, made by keys make signing")
	secret := fs.String("passphrase", "", "`file` whose first line is the passphrase of the key")
	again := fs.Bool("replace", false, "also sign records that have a signature, and replace it")
	purpose := fs.String("purpose", "", "purpose of the records (default unchanged)")
	notAfter := cli.Date{Last: true}
	fs.Var(&notAfter, "not-after", "last `date` on which the moduli are chosen for new passwords (default unchanged)")
	file := fs.String("o", "", "`file` to write, which must not exist (default the pool itself)")
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	switch {
	case fs.NArg() != 1:
		return cli.Misuse(fs, "give one pool")
	case *keyFile == "":
		return cli.Misuse(fs, "-key FILE is missing: keys make signing makes one")
	case cli.Given(fs, "passphrase") && *secret == "":
		return cli.Misuse(fs, "-passphrase is empty, and must name a file")
	}
	keys, err := readPrivateKeys(ctx, *keyFile, *secret)
	if err != nil {
		return err
	}
	if *file != "" {
		if err := cli.Absent(*file); err != nil {
			return err
		}
	}
	records, err := readRecords(fs.Arg(0))
	if err != nil {
		return err
	}
	for _, r := range records {
		if _, has := r.KeyID(); !has || *again {
			continue
		}
		if *purpose != "" && r.Purpose() != *purpose {
			return fmt.Errorf("%s is signed for the purpose %q: -purpose changes it only with -replace", r.name, r.Purpose())
		}
		if !notAfter.IsZero() && r.NotAfter().Unix() != notAfter.Unix() {
			return fmt.Errorf("%s is signed until %s: -not-after changes it only with -replace", r.name, r.NotAfter().Format(time.RFC3339))
		}
	}
	m := newMeter(errOut)
	defer m.clear()
	signed := 0
	for i, r := range records {
		if _, has := r.KeyID(); has && !*again {
			continue
		}
		m.show("proving %d of %d", i+1, len(records))
		if records[i].Record, err = signRecord(ctx, keys, r, *purpose, notAfter.Time); err != nil {
			return err
		}
		signed++
	}
	m.clear()
	target, err := writePool(records, fs.Arg(0), *file)
	if err != nil {
		return err
	}
	purposes := make(map[string]bool)
	for _, r := range records {
		purposes[r.Purpose()] = true
	}
	_, err = fmt.Fprintf(out, "%s: %s signed, %d unchanged, for %s\n",
		target, plural(signed, "record", "records"), len(records)-signed, quoted(purposes))
	return err
}

// signRecord proves the modulus of a record and signs the record.
func signRecord(ctx context.Context, keys []*moduli.PrivateKey, r listed, purpose string, notAfter time.Time) (*moduli.Record, error) {
	if err := r.Modulus().Verify(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, fmt.Errorf("nothing is signed: %s: %s; remove that record", r.name, plain(err))
	}
	if purpose == "" {
		purpose = r.Purpose()
	}
	if notAfter.IsZero() || r.retired {
		notAfter = r.NotAfter() // a retired record is not renewed
	}
	record, err := moduli.NewRecord(r.Result(), purpose, r.Created(), notAfter)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", r.name, plain(err))
	}
	for _, key := range slices.Backward(keys) { // the newest key whose window covers the record comes first
		signed, err := key.Sign(record)
		if !errors.Is(err, moduli.ErrUntrusted) {
			return signed, err
		}
	}
	return nil, fmt.Errorf("%s was created at %s, and no key in the file signs records of that time; the newest key signs records created %s: use a file with an older key, or make a key with another -not-before",
		r.name, r.Created().Format(time.RFC3339), window(keys[len(keys)-1].Public()))
}

// readPrivateKeys returns the signing keys of a file of examples/keys.
func readPrivateKeys(ctx context.Context, path, passphraseFile string) ([]*moduli.PrivateKey, error) {
	var passphrase []byte
	if passphraseFile != "" {
		var err error
		if passphrase, err = keyfile.ReadPassphrase(passphraseFile); err != nil {
			return nil, err
		}
	}
	keys, err := keyfile.Load(ctx, path, passphrase)
	_, public := readKeys(path) // a public key is the likely mistake
	switch {
	case public == nil, errors.Is(err, keyfile.ErrMalformed), err == nil && len(keys.Signing) == 0:
		return nil, fmt.Errorf("%s is not a file with a private key: keys make signing makes one", path)
	case err != nil:
		return nil, err
	}
	return keys.Signing, nil
}

// quoted lists texts that somebody else may have chosen, in quotes.
func quoted(texts map[string]bool) string {
	var all []string
	for text := range texts {
		all = append(all, fmt.Sprintf("%q", text))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
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

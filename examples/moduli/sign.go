package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/nescio-go/nescio/moduli"
)

const signUsage = `
-key FILE [-purpose TEXT] [-not-after DATE] [-replace] [-o FILE] POOL

Proves the moduli of a pool and signs the records that have no signature yet. With
-replace it signs all records. -purpose and -not-after change what the signed records
say. Rewrites the pool, or writes a new file if -o is given. A key signs only records
that were created after its -not-before, so make the key first.

To renew the records of a pool before they end:

  moduli sign -key FILE -replace -not-after DATE POOL
`

// maxKey is more than a private key has, in bytes of its text.
const maxKey = 4 << 10

func sign(ctx context.Context, args []string, out, errOut io.Writer) error {
	fs := newFlags("sign", signUsage)
	keyFile := fs.String("key", "", "`file` of the private key, as keygen wrote it")
	again := fs.Bool("replace", false, "also sign records that have a signature, and replace it")
	purpose := fs.String("purpose", "", "what the moduli are for (default what the records say)")
	notAfter := date{last: true}
	fs.Var(&notAfter, "not-after", "last `date` on which the moduli are chosen for new passwords (default what the records say)")
	file := fs.String("o", "", "`file` to write, which must not exist (default the pool itself)")
	if err := parse(fs, args, out); err != nil {
		return err
	}
	switch {
	case fs.NArg() != 1:
		return misuse(fs, "there must be one pool to sign")
	case *keyFile == "":
		return misuse(fs, "-key FILE is missing: keygen makes one")
	}
	key, err := readPrivateKey(*keyFile)
	if err != nil {
		return err
	}
	if *file != "" {
		if err := absent(*file); err != nil {
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
		if records[i].Record, err = signRecord(ctx, key, r, *purpose, notAfter.Time); err != nil {
			return err
		}
		signed++
	}
	m.clear()
	target, err := writePool(records, fs.Arg(0), *file)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %s signed by key %s, %d left as before\n",
		target, plural(signed, "record", "records"), key.Public().ID(), len(records)-signed)
	return err
}

// signRecord signs nothing that it has not proved.
func signRecord(ctx context.Context, key *moduli.PrivateKey, r listed, purpose string, notAfter time.Time) (*moduli.Record, error) {
	if err := r.Modulus().Verify(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s is not signed, nor is anything else: %s; remove it", r.name, plain(err))
	}
	if purpose == "" {
		purpose = r.Purpose()
	}
	if notAfter.IsZero() {
		notAfter = r.NotAfter()
	}
	record, err := moduli.NewRecord(r.Result(), purpose, r.Created(), notAfter)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", r.name, plain(err))
	}
	signed, err := key.Sign(record)
	if errors.Is(err, moduli.ErrUntrusted) {
		return nil, fmt.Errorf("%s was created at %s, and the key signs records created %s: sign it with the key of its time, or make one with another -not-before",
			r.name, r.Created().Format(time.RFC3339), window(key.Public()))
	}
	return signed, err
}

func readPrivateKey(path string) (*moduli.PrivateKey, error) {
	data, err := readFile(path, maxKey)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	key, err := moduli.ParsePrivateKey(strings.TrimSuffix(string(data), "\n"))
	if err != nil {
		return nil, fmt.Errorf("%s is not a private key: give the file that keygen wrote", path)
	}
	if info, err := os.Stat(path); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others: chmod 600 it, and consider whether anybody has", path)
	}
	return key, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/moduli"
)

const verifyUsage = `
[-key FILE] [-purpose TEXT] [-repeat] FILE...

Proves every modulus of pools and single records: N and (N-1)/2 are prime, and g
generates the whole group. Refuses a record whose start does not belong to its
label. -repeat also repeats the search from the label, which shows that N is the
first modulus and was not chosen. -key checks that every record is signed by a
key in the file. Prints one block for each record. If a record fails, the exit
status is 1.
`

func verify(ctx context.Context, args []string, out, errOut io.Writer) error {
	fs := program.Flags("verify", verifyUsage)
	keyFile := fs.String("key", "", "`file` of public keys, one on each line; one of them must have signed each record")
	purpose := fs.String("purpose", "", "purpose that all records must have (default any)")
	repeat := fs.Bool("repeat", false, "repeat the searches from labels")
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return cli.Misuse(fs, "a file is missing")
	}
	if *purpose != "" && *keyFile == "" {
		return cli.Misuse(fs, "-purpose needs -key, because only a signature protects the purpose")
	}
	v := verifier{out: out, purpose: *purpose, repeat: *repeat}
	if *keyFile != "" {
		keys, err := readKeys(*keyFile)
		if err != nil {
			return err
		}
		v.keys = keys
	}
	records, err := readPools(fs.Args())
	if err != nil {
		return err
	}
	m := newMeter(errOut)
	defer m.clear()
	failed := 0
	for i, r := range records {
		m.show("proving %d of %d", i+1, len(records))
		switch err := v.verify(ctx, r, m); {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, new(cli.WriteError)):
			return err // it is not an error of the record
		case err != nil:
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %s failed: do not use them", failed, plural(len(records), "record", "records"))
	}
	return nil
}

// verifier prints a block for each record.
type verifier struct {
	out     io.Writer
	keys    *moduli.Keys // nil: signatures are not checked
	purpose string
	repeat  bool
}

func (v verifier) verify(ctx context.Context, r listed, m *meter) error {
	begin := time.Now()
	proof := r.Modulus().Verify(ctx)
	took := time.Since(begin)
	if err := ctx.Err(); err != nil {
		return err
	}
	m.clear()
	bits := r.Modulus().Bits()
	fmt.Fprintf(v.out, "%s\n  bits: %d%s\n  origin: %s\n", r.name, bits, small(bits), origin(r.Record))
	if proof != nil {
		fmt.Fprintf(v.out, "  proof: FAILED: %s\n", plain(proof))
	} else {
		fmt.Fprintf(v.out, "  proof: N and (N-1)/2 are prime, and %d generates the whole group (%v)\n", r.Modulus().G, took.Round(time.Millisecond))
	}
	var search error
	if v.repeat && r.Result().Start.Label() != "" {
		m.show("repeating the search of %s", r.name)
		search = repeatSearch(ctx, r.Record)
		m.clear()
		if search == nil {
			fmt.Fprintln(v.out, "  search: repeated, with the same result")
		} else {
			fmt.Fprintf(v.out, "  search: FAILED: %s\n", plain(search))
		}
	}
	text, signature := v.signature(r.Record)
	fmt.Fprintf(v.out, "  signature: %s\n", text)
	err := errors.Join(proof, search, signature)
	if err != nil {
		fmt.Fprintf(v.out, "  result: FAILED\n\n")
		return err
	}
	result := "good"
	if _, signed := r.KeyID(); signed && v.keys == nil {
		result = "the modulus is good, the signature is not checked"
	}
	_, err = fmt.Fprintf(v.out, "  result: %s%s\n\n", result, standing(r))
	return err
}

// repeatSearch repeats the search of a record.
func repeatSearch(ctx context.Context, r *moduli.Record) error {
	found, err := moduli.Generate(ctx, r.Result().Start)
	switch {
	case err != nil:
		return err
	case !found.Equal(r.Modulus()):
		return fmt.Errorf("the first modulus is start + %d, and this one is start + %d", found.Offset, r.Result().Offset)
	case r.Result().Start.Counter() > 0:
		return errors.New("the counter is above 0, although a modulus of this size follows every start")
	}
	return nil
}

// origin describes the origin of a modulus.
func origin(r *moduli.Record) string {
	switch {
	case r.Result().Start.Label() != "":
		return fmt.Sprintf("%d after the start of the label %q, counter %d", r.Result().Offset, r.Result().Start.Label(), r.Result().Start.Counter())
	case r.Result().Offset == 0:
		return "unknown: made elsewhere"
	}
	return fmt.Sprintf("%d after a random start", r.Result().Offset)
}

// signature describes the signature of a record, and returns an error if it is
// not good.
func (v verifier) signature(r *moduli.Record) (string, error) {
	id, signed := r.KeyID()
	if v.keys == nil {
		if !signed {
			return "none", nil
		}
		return fmt.Sprintf("by key %s, not checked without -key FILE", id), nil
	}
	purpose := v.purpose
	if purpose == "" {
		purpose = r.Purpose()
	}
	if err := v.keys.Check(r, purpose); err != nil {
		return "FAILED: " + plain(err), err
	}
	return fmt.Sprintf("good, by key %s for %q", id, purpose), nil
}

// standing returns why a good record is not chosen for new passwords.
func standing(r listed) string {
	switch {
	case r.retired:
		return "; retired, only for accounts that have it"
	case time.Now().After(r.NotAfter()):
		return "; expired for new passwords, only for accounts that have it"
	}
	return ""
}

// readKeys reads public keys, one on each line.
func readKeys(path string) (*moduli.Keys, error) {
	data, err := cli.Read(path, moduli.MaxKeys)
	if err != nil {
		return nil, err
	}
	text := string(data)
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	first, _, _ := strings.Cut(text, "\n")
	if _, err := moduli.ParsePrivateKey(first); err == nil {
		return nil, fmt.Errorf("%s is a private key: use the public key, which keys make signing wrote to FILE.pub", path)
	}
	keys, err := moduli.ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s is not a file of public keys, one on each line: use a FILE.pub of keys make signing", path)
	}
	return keys, nil
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/moduli/openpgp"
)

const importUsage = `
-format FORMAT [-bits N] -o FILE FILE...

Proves moduli from other software and writes the good ones to a new pool of unsigned
records, which say nothing about their origin. Names the moduli that are refused, and
why. If there are any, the exit status is 1. The formats:

  openssh  a file like /etc/ssh/moduli, one modulus on each line
  pem      DH PARAMETERS, as in a file of openssl dhparam; openssl itself makes
           moduli whose g generates half of the group, and these are refused
  proton   a modulus that Proton signed; the signature is checked
  raw      the big-endian bytes of N alone; -g is the generator
`

// candidate is a modulus in a file of another format, or why there is none.
type candidate struct {
	name    string // file, or file:line
	modulus moduli.Modulus
	err     error
}

func importModuli(ctx context.Context, args []string, out, errOut io.Writer) error {
	var t terms
	fs := newFlags("import", importUsage)
	format := fs.String("format", "", "`format` of the files: openssh, pem, proton or raw")
	bits := fs.Int("bits", 0, "take moduli of this size alone (default all; a proof takes half a minute at 8192)")
	g := fs.Int("g", moduli.Generator, "generator of raw moduli")
	file := fs.String("o", "", "`file` to write, which must not exist")
	t.register(fs)
	if err := parse(fs, args, out); err != nil {
		return err
	}
	if err := t.check(fs); err != nil {
		return err
	}
	read := map[string]func(name string, data []byte) []candidate{
		"openssh": readOpenSSH,
		"pem":     readPEM,
		"proton":  readProton,
		"raw": func(name string, data []byte) []candidate {
			return []candidate{{name: name, modulus: moduli.Modulus{N: data, G: *g}}}
		},
	}[*format]
	switch {
	case read == nil:
		return misuse(fs, "-format is openssh, pem, proton or raw")
	case *g < 2 || *g > math.MaxInt32:
		return misuse(fs, "-g %d generates nothing", *g)
	case *file == "":
		return misuse(fs, "-o FILE is missing")
	case fs.NArg() == 0:
		return misuse(fs, "there is no file to import")
	}
	if err := absent(*file); err != nil {
		return err
	}
	candidates, err := readCandidates(fs.Args(), *bits, read)
	if err != nil {
		return err
	}
	pool, refused, err := proveAll(ctx, candidates, t, newMeter(errOut))
	if err != nil {
		return err
	}
	taken := len(pool.Records())
	if taken == 0 {
		return fmt.Errorf("nothing is written: of %s none is taken", plural(len(candidates), "modulus", "moduli"))
	}
	text, err := poolText(pool)
	if err != nil {
		return err
	}
	if err := create(*file, text, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %s, proved and unsigned\n", *file, plural(taken, "modulus", "moduli"))
	if refused > 0 {
		return fmt.Errorf("%s refused", plural(refused, "modulus was", "moduli were"))
	}
	return nil
}

// maxRefused is how many moduli are refused, one by one, before all are.
const maxRefused = 1000

// readCandidates reads files, and takes moduli of one size alone unless bits is 0.
func readCandidates(files []string, bits int, read func(name string, data []byte) []candidate) (all []candidate, err error) {
	for _, name := range files {
		data, err := readFile(name, moduli.MaxPool)
		if err != nil {
			return nil, err
		}
		for _, c := range read(name, data) {
			if c.err != nil || bits == 0 || c.modulus.Bits() == bits {
				all = append(all, c)
			}
		}
	}
	return all, nil
}

// proveAll returns the pool of those candidates that are what they claim to be,
// and the number of those that are not.
func proveAll(ctx context.Context, candidates []candidate, t terms, m *meter) (pool *moduli.Pool, refused int, err error) {
	defer m.clear()
	if pool, err = moduli.NewPool(); err != nil {
		return nil, 0, err
	}
	for i, c := range candidates {
		m.show("proving %d of %d: %s", i+1, len(candidates), c.name)
		if c.err == nil {
			c.err = c.modulus.Verify(ctx)
		}
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		if c.err == nil {
			var next *moduli.Pool
			if next, c.err = with(pool, c.modulus, t); c.err == nil {
				pool = next
				continue
			}
		}
		if refused++; refused > maxRefused {
			return nil, 0, fmt.Errorf("more than %d moduli were refused: is this the right format?", maxRefused)
		}
		m.say("%s is refused: %s", c.name, plain(c.err))
	}
	return pool, refused, nil
}

// with returns the pool with a record of the modulus.
func with(pool *moduli.Pool, n moduli.Modulus, t terms) (*moduli.Pool, error) {
	found, err := moduli.ImportedResult(n)
	if err != nil {
		return nil, err
	}
	record, err := t.record(found)
	if err != nil {
		return nil, err
	}
	return pool.With(record)
}

func readOpenSSH(name string, data []byte) (all []candidate) {
	bad := 0
	for line, err := range moduli.ReadOpenSSH(bytes.NewReader(data)) {
		all = append(all, candidate{fmt.Sprintf("%s:%d", name, line.Number), line.Modulus, err})
		if err != nil {
			if bad++; bad > maxRefused {
				break // proveAll will end there
			}
		}
	}
	return all
}

func readPEM(name string, data []byte) []candidate {
	n, err := moduli.ParsePEM(data)
	return []candidate{{name, n, err}}
}

func readProton(name string, data []byte) []candidate {
	key, err := openpgp.ParseKey(openpgp.ProtonKey)
	if err != nil {
		return []candidate{{name: name, err: err}}
	}
	n, err := key.Modulus(data)
	if errors.Is(err, openpgp.ErrUntrusted) {
		err = errors.New("not signed by Proton")
	}
	return []candidate{{name, moduli.Modulus{N: n, G: openpgp.Generator}, err}}
}

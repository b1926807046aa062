package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/moduli/openpgp"
)

const importUsage = `
-format FORMAT [-bits N] [-g N] -o FILE FILE...

Proves moduli from other software and writes them to a new pool of unsigned
records, whose origin is unknown. Names each modulus that is refused, and the
reason. If a modulus is refused, the exit status is 1. The formats:

  openssh  a file like /etc/ssh/moduli, one modulus on each line
  pem      DH PARAMETERS, as in a file of openssl dhparam
  proton   a modulus that Proton signed; the signature is checked
  raw      the big-endian bytes of N alone

A modulus whose g generates only half of the group is refused. OpenSSL 3 makes
such moduli with -2. The message names a g that generates the whole group. Use
it with -g. The g of moduli that Proton signed cannot be changed.
`

// candidate is a modulus in a file of another format, or an error.
type candidate struct {
	name    string // file, or file:line
	modulus moduli.Modulus
	err     error
}

func importModuli(ctx context.Context, args []string, out, errOut io.Writer) error {
	var t terms
	fs := program.Flags("import", importUsage)
	format := fs.String("format", "", "`format` of the files: openssh, pem, proton or raw")
	bits := fs.Int("bits", 0, "import only moduli of this size (default all; a proof takes half a minute at 8192)")
	g := fs.Int("g", moduli.Generator, "generator of the moduli (default the one in the file, and 2 for raw)")
	file := fs.String("o", "", "`file` to write, which must not exist")
	t.register(fs)
	if err := cli.Parse(fs, args, out); err != nil {
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
		return cli.Misuse(fs, "-format must be openssh, pem, proton or raw")
	case *g < 2 || *g > math.MaxInt32:
		return cli.Misuse(fs, "-g must be from 2 to %d", math.MaxInt32)
	case *file == "":
		return cli.Misuse(fs, "-o FILE is missing")
	case fs.NArg() == 0:
		return cli.Misuse(fs, "there is no file to import")
	}
	if cli.Given(fs, "g") && *format == "proton" {
		return cli.Misuse(fs, "-g cannot change a modulus that Proton signed")
	}
	if err := cli.Absent(*file); err != nil {
		return err
	}
	candidates, err := readCandidates(fs.Args(), *bits, read)
	if err != nil {
		return err
	}
	if cli.Given(fs, "g") {
		for i := range candidates {
			candidates[i].modulus.G = *g
		}
	}
	pool, refused, err := proveAll(ctx, candidates, t, newMeter(errOut))
	if err != nil {
		return err
	}
	taken := len(pool.Records())
	if taken == 0 {
		return fmt.Errorf("nothing is written: none of %s was accepted", plural(len(candidates), "modulus", "moduli"))
	}
	text, err := poolText(pool)
	if err != nil {
		return err
	}
	if err := cli.Create(*file, text, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %s, proved and unsigned\n", *file, plural(taken, "modulus", "moduli"))
	if refused > 0 {
		return fmt.Errorf("%s refused", plural(refused, "modulus was", "moduli were"))
	}
	return nil
}

// maxRefused bounds the refused moduli. After that, import stops.
const maxRefused = 1000

// readCandidates reads files. If bits is not 0, it drops moduli of other sizes.
func readCandidates(files []string, bits int, read func(name string, data []byte) []candidate) (all []candidate, err error) {
	for _, name := range files {
		data, err := cli.Read(name, moduli.MaxPool)
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

// proveAll returns a pool of the proved candidates, and the number of refused
// ones.
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
		m.say("%s is refused: %s", c.name, why(c))
	}
	return pool, refused, nil
}

// why returns why a candidate is refused, with advice about a wrong g.
func why(c candidate) string {
	if !errors.Is(c.err, moduli.ErrGenerator) {
		return plain(c.err)
	}
	if g := wholeGroup(c.modulus.N); g > 0 {
		return fmt.Sprintf("g = %d does not generate the whole group of N: try -g %d", c.modulus.G, g)
	}
	return plain(c.err)
}

// wholeGroup returns the least g above 1 that is not a square modulo N. If N is
// a safe prime, g generates its whole group. wholeGroup returns 0 if there is
// none below 1000.
func wholeGroup(n []byte) int {
	p := new(big.Int).SetBytes(n)
	if p.Bit(0) == 0 {
		return 0
	}
	for g := int64(2); g < 1000; g++ {
		if big.Jacobi(big.NewInt(g), p) == -1 {
			return int(g)
		}
	}
	return 0
}

// with returns the pool with a record of the modulus added.
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
				break // proveAll stops there
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

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/moduli"
)

const exportUsage = `
-format FORMAT [-record N | -retired] [-o FILE] POOL

Proves moduli of a pool and writes them in the format of other software, without
origin, purpose and signature. Omits retired records, unless -retired is given
or -record names one. The formats:

  openssh  lines of a file like /etc/ssh/moduli
  pem      DH PARAMETERS for openssl, of one modulus
  raw      the big-endian bytes of N alone, of one modulus
`

func export(ctx context.Context, args []string, out, errOut io.Writer) error {
	fs := program.Flags("export", exportUsage)
	format := fs.String("format", "", "`format` to write: openssh, pem or raw")
	number := fs.Int("record", 0, "`line` of the record in the pool (default all that are not retired)")
	retired := fs.Bool("retired", false, "write retired records too")
	file := fs.String("o", "", "`file` to write, which must not exist (default the standard output)")
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	write := map[string]func(*moduli.Record) ([]byte, error){
		"openssh": func(r *moduli.Record) ([]byte, error) { return r.Modulus().AppendOpenSSH(nil, time.Now()) },
		"pem":     func(r *moduli.Record) ([]byte, error) { return r.Modulus().PEM() },
		"raw":     func(r *moduli.Record) ([]byte, error) { return r.Modulus().N, nil },
	}[*format]
	switch {
	case write == nil:
		return cli.Misuse(fs, "-format must be openssh, pem or raw")
	case fs.NArg() != 1:
		return cli.Misuse(fs, "give one pool")
	}
	records, err := readRecords(fs.Arg(0))
	if err != nil {
		return err
	}
	switch {
	case *number < 0 || *number > len(records):
		return cli.Misuse(fs, "-record must be from 1 to %d", len(records))
	case *number > 0:
		records = records[*number-1 : *number]
	case !*retired:
		records = slices.DeleteFunc(records, func(r listed) bool { return r.retired })
	}
	switch {
	case len(records) == 0:
		return fmt.Errorf("all records of %s are retired: use -retired to write them", fs.Arg(0))
	case len(records) > 1 && *format != "openssh":
		return cli.Misuse(fs, "there are %d records to write, and a file of this format contains only one: choose it with -record", len(records))
	}
	if *file != "" {
		if err := cli.Absent(*file); err != nil {
			return err
		}
	}
	m := newMeter(errOut)
	defer m.clear()
	var data []byte
	for i, r := range records {
		m.show("proving %d of %d", i+1, len(records))
		if err := r.Modulus().Verify(ctx); err != nil {
			if ctx.Err() != nil {
				return err
			}
			return fmt.Errorf("nothing is written: %s: %s", r.name, plain(err))
		}
		text, err := write(r.Record)
		if err != nil {
			return fmt.Errorf("%s: %s", r.name, plain(err))
		}
		data = append(data, text...)
	}
	m.clear()
	return cli.Output(*file, data, out)
}

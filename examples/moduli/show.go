package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
)

const showUsage = `
FILE...

Prints the records of pools, one field on each line. It proves nothing. Use
verify for that.
`

func show(_ context.Context, args []string, out, _ io.Writer) error {
	fs := program.Flags("show", showUsage)
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return cli.Misuse(fs, "a file is missing")
	}
	records, err := readPools(fs.Args())
	if err != nil {
		return err
	}
	for i, r := range records {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if err := showRecord(out, r); err != nil {
			return err
		}
	}
	return nil
}

// showRecord quotes text that somebody else may have chosen, because it could
// control a terminal.
func showRecord(out io.Writer, r listed) error {
	n, start := r.Modulus(), r.Result().Start
	fmt.Fprintf(out, "record: %s\n", r.name)
	fmt.Fprintf(out, "bits: %d\n", n.Bits())
	fmt.Fprintf(out, "g: %d\n", n.G)
	fmt.Fprintf(out, "N: %x\n", n.N)
	fmt.Fprintf(out, "start: %x\n", start.Bytes())
	if start.Label() != "" {
		fmt.Fprintf(out, "label: %q\n", start.Label())
		fmt.Fprintf(out, "counter: %d\n", start.Counter())
	}
	fmt.Fprintf(out, "offset: %d\n", r.Result().Offset)
	fmt.Fprintf(out, "purpose: %q\n", r.Purpose())
	fmt.Fprintf(out, "created: %s\n", r.Created().Format(time.RFC3339))
	fmt.Fprintf(out, "not after: %s\n", r.NotAfter().Format(time.RFC3339))
	if r.retired {
		fmt.Fprintln(out, "retired: yes")
	}
	id, signed := r.KeyID()
	if !signed {
		_, err := fmt.Fprintln(out, "key: none")
		return err
	}
	_, err := fmt.Fprintf(out, "key: %s\n", id)
	return err
}

package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
)

const retireUsage = `
-record N[,N...] [-o FILE] POOL

Marks records of a pool as retired. Servers no longer choose them for new
passwords. They stay in the pool for the accounts that have them. Rewrites the
pool, or writes a new file if -o is given.

Clients do not see the pool. Until a retired record expires, a malicious server
can still offer it to them. Therefore sign does not renew retired records.
`

func retire(_ context.Context, args []string, out, _ io.Writer) error {
	fs := program.Flags("retire", retireUsage)
	numbers := fs.String("record", "", "`lines` of the records in the pool, separated by commas")
	file := fs.String("o", "", "`file` to write, which must not exist (default the pool itself)")
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	switch {
	case fs.NArg() != 1:
		return cli.Misuse(fs, "give one pool")
	case *numbers == "":
		return cli.Misuse(fs, "-record is missing: it names the lines of the records to retire")
	}
	records, err := readRecords(fs.Arg(0))
	if err != nil {
		return err
	}
	count := 0
	for text := range strings.SplitSeq(*numbers, ",") {
		i, err := strconv.Atoi(text)
		if err != nil || i < 1 || i > len(records) {
			return cli.Misuse(fs, "-record %s: the pool has the lines 1 to %d", cli.Quote(text), len(records))
		}
		if !records[i-1].retired {
			records[i-1].retired = true
			count++
		}
	}
	target, err := writePool(records, fs.Arg(0), *file)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %s retired, of %d\n", target, plural(count, "record", "records"), len(records))
	return err
}

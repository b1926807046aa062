package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/examples/service/store"
)

const initUsage = `
-db ADDRESS -secrets FILE

Makes the tables of an empty PostgreSQL database, and its secrets in a new file
that only its owner can read. Copy the file to all servers, and keep it apart
from backups of the database: nobody can log in without it. If the file exists,
it is used, for example because an earlier try stopped in the middle.
`

func initialize(ctx context.Context, args []string, out, _ io.Writer) error {
	f := program.Flags("init", initUsage)
	database := f.String("db", "", "`address` of PostgreSQL, as postgres://user@host/name")
	file := f.String("secrets", "", "`file` of the secrets")
	if err := cli.Parse(f, args, out); err != nil {
		return err
	}
	if *database == "" || *file == "" || f.NArg() > 0 {
		return cli.Misuse(f, "-db ADDRESS and -secrets FILE are required, and there are no arguments")
	}
	db, err := store.Open(ctx, *database)
	if err != nil {
		return err
	}
	defer db.Close()
	keys, err := keyfile.Load(ctx, *file, nil)
	if errors.Is(err, fs.ErrNotExist) {
		keys, err = makeSecrets(*file)
	}
	if err != nil {
		return err
	}
	if err := server.Init(ctx, db, keys); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "the database is ready for servers that have %s\n", *file)
	return err
}

const weightUsage = `
-db ADDRESS -kind KIND -weight N

Raises the weight of a kind of accounts: how often unknown names look like it.
It counts on all servers a few minutes later, and never falls. Raise only the
weight of the kind that is offered, as accounts of it become more.
`

func weight(ctx context.Context, args []string, out, _ io.Writer) error {
	f := program.Flags("weight", weightUsage)
	database := f.String("db", "", "`address` of PostgreSQL, or the file of SQLite")
	kind := f.String("kind", "", fmt.Sprintf("one of %v", server.Kinds))
	n := f.Uint("weight", 0, "weight, from 1 to 1048576")
	if err := cli.Parse(f, args, out); err != nil {
		return err
	}
	if *database == "" || *kind == "" || *n == 0 || *n > 1<<20 || f.NArg() > 0 {
		return cli.Misuse(f, "-db, -kind and -weight are required, and there are no arguments")
	}
	db, err := store.Open(ctx, *database)
	if err != nil {
		return err
	}
	defer db.Close()
	from, err := server.SetWeight(ctx, db, *kind, uint32(*n), time.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "the weight of %s is %d from %s on\n", *kind, *n, from.UTC().Format(time.RFC3339))
	return err
}

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
	if !strings.HasPrefix(*database, "postgres") {
		return cli.Misuse(f, "-db must be an address of PostgreSQL. SQLite is made at the first start")
	}
	db, err := store.Open(ctx, *database)
	if err != nil {
		return err
	}
	defer db.Close()
	keys, err := keyfile.Load(ctx, *file, nil)
	if errors.Is(err, fs.ErrNotExist) {
		var done bool
		if done, err = server.Initialized(ctx, db); err == nil && done {
			return fmt.Errorf("the database has secrets already, and %s does not exist", *file)
		}
		if err == nil {
			keys, err = makeSecrets(*file)
		}
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

const rotateUsage = `
[-folder FOLDER | -db ADDRESS -secrets FILE]

Drops all state keys and makes a new one. Use it when a state key may have
leaked. Logins in progress fail and have to begin again. Running servers need a
minute to notice. State keys are rotated daily without this command. After a
backup was put back, use the command restored.
`

func rotate(ctx context.Context, args []string, out, _ io.Writer) error {
	f := program.Flags("rotate", rotateUsage)
	var p place
	p.flags(f)
	if err := cli.Parse(f, args, out); err != nil {
		return err
	}
	if err := p.check(f); err != nil {
		return err
	}
	db, keys, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := server.ReplaceStateKeys(ctx, db, keys, time.Now()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "there is one new state key")
	return err
}

const weightUsage = `
-db ADDRESS [-kind KIND -weight N]

Prints how often unknown names look like each kind of accounts, or raises the
weight of a kind. A new weight counts on all servers a few minutes later, and
never falls. Raise only the weight of the kind that is offered, as more
accounts have it.
`

func weight(ctx context.Context, args []string, out, _ io.Writer) error {
	f := program.Flags("weight", weightUsage)
	database := f.String("db", "", "`address` of PostgreSQL, or the file of SQLite")
	kind := f.String("kind", "", "`kind` as it is printed, or proton or nescio")
	n := f.Uint("weight", 0, "weight, from 1 to 1048576")
	if err := cli.Parse(f, args, out); err != nil {
		return err
	}
	if *database == "" || (*kind == "") != (*n == 0) || *n > 1<<20 || f.NArg() > 0 {
		return cli.Misuse(f, "-db is required, -kind and -weight go together, and there are no arguments")
	}
	db, err := existing(ctx, *database)
	if err != nil {
		return err
	}
	defer db.Close()
	if *kind != "" {
		if err := server.SetWeight(ctx, db, *kind, uint32(*n), time.Now()); err != nil {
			return err
		}
	}
	weights, err := db.Weights(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%-8s %-22s %s\n", "weight", "from", "kind")
	for _, w := range weights {
		from := "always"
		if w.NotBefore.Unix() > 0 {
			from = w.NotBefore.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(out, "%-8d %-22s %s\n", w.Weight, from, w.Kind)
	}
	return nil
}

// existing opens a database, which must exist.
func existing(ctx context.Context, where string) (*store.DB, error) {
	if !strings.Contains(where, "://") {
		if _, err := os.Stat(where); err != nil {
			return nil, err
		}
	}
	return store.Open(ctx, where)
}

// place is where a command finds the database and its secrets.
type place struct{ database, folder, secrets string }

func (p *place) flags(f *flag.FlagSet) {
	f.StringVar(&p.database, "db", "", "`address` of PostgreSQL (default SQLite in the folder)")
	f.StringVar(&p.folder, "folder", "nescio-data", "`folder` of SQLite and its secrets")
	f.StringVar(&p.secrets, "secrets", "", "`file` of the secrets (default secrets.key in the folder)")
}

// check reports whether the flags name a place, and no arguments follow.
func (p *place) check(f *flag.FlagSet) error {
	if p.database != "" && p.secrets == "" {
		return cli.Misuse(f, "-secrets FILE is required with -db")
	}
	if f.NArg() > 0 {
		return cli.Misuse(f, "%s: there are no arguments", f.Arg(0))
	}
	return nil
}

func (p *place) open(ctx context.Context) (*store.DB, *keyfile.Keys, error) {
	where, file := p.database, p.secrets
	if where == "" {
		where = filepath.Join(p.folder, "nescio.db")
	}
	if file == "" {
		file = filepath.Join(p.folder, "secrets.key")
	}
	keys, err := keyfile.Load(ctx, file, nil)
	if err != nil {
		return nil, nil, err
	}
	db, err := existing(ctx, where)
	return db, keys, err
}

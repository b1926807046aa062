package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/server"
)

const backupUsage = `
-o FILE [-folder FOLDER]

Copies the SQLite database to a new file that only its owner can read. Servers
go on meanwhile. The file is useless without the secrets, so keep those
somewhere else. For PostgreSQL use pg_dump.
`

func backup(ctx context.Context, args []string, out, _ io.Writer) error {
	f := program.Flags("backup", backupUsage)
	database := f.String("db", "", "not for PostgreSQL: use pg_dump")
	folder := f.String("folder", "nescio-data", "`folder` of SQLite")
	file := f.String("o", "", "new `file`")
	if err := cli.Parse(f, args, out); err != nil {
		return err
	}
	if *database != "" || strings.Contains(*folder, "://") {
		return cli.Misuse(f, "PostgreSQL makes backups itself: use pg_dump")
	}
	if *file == "" || f.NArg() > 0 {
		return cli.Misuse(f, "-o FILE is required, and there are no arguments")
	}
	db, err := existing(ctx, filepath.Join(*folder, "nescio.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Backup(ctx, *file); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s is a copy of the database, without its secrets\n", *file)
	return err
}

const restoredUsage = `
-yes [-folder FOLDER | -db ADDRESS -secrets FILE] [-take-headers DURATION]

Prepares a database after a backup was put back. Run it before the first server
starts, and with -yes, which means that no server runs. It drops state keys, pending logins, all sessions, and claims.
All users have to log in again. Codes of second factors that may have been used
do not count.

With -take-headers, devices may give back keyrings that are newer than the
backup, for that time. They also need it to set a password again that was
changed after the backup.
`

func restored(ctx context.Context, args []string, out, _ io.Writer) error {
	f := program.Flags("restored", restoredUsage)
	var p place
	p.flags(f)
	yes := f.Bool("yes", false, "no server runs, and all sessions and claims may end")
	take := f.Duration("take-headers", 0, "`time` in which devices may give back newer keyrings, such as 336h")
	if err := cli.Parse(f, args, out); err != nil {
		return err
	}
	if err := p.check(f); err != nil {
		return err
	}
	if !*yes {
		return cli.Misuse(f, "nothing was done: stop all servers, and use -yes. All sessions and claims end")
	}
	if *take < 0 || *take > server.MaxTakeHeaders {
		return cli.Misuse(f, "-take-headers must be at most %v", server.MaxTakeHeaders)
	}
	db, keys, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	now := time.Now()
	if err := server.Restored(ctx, db, keys, now, *take); err != nil {
		return err
	}
	text := "Devices cannot give back newer keyrings."
	if *take > 0 {
		text = "Devices can give back newer keyrings until " + minute(now.Add(*take)) + " UTC."
	}
	_, err = fmt.Fprintf(out, "The database is ready for servers.\n%s\n", text)
	return err
}

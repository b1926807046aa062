package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// ErrBackup means that the database has its own program for backups.
var ErrBackup = errors.New("store: PostgreSQL makes backups with pg_dump")

// Backup copies a SQLite database to a new file that only its owner can read,
// while servers go on. The copy is the state of one moment.
func (d *DB) Backup(ctx context.Context, file string) error {
	if d.postgres {
		return ErrBackup
	}
	exists := fmt.Errorf("%s exists, and is not overwritten", file)
	if _, err := os.Lstat(file); err == nil {
		return exists
	}
	// A copy that stopped in the middle must not look like a backup.
	folder, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, filepath.Base(file)+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := d.exec(ctx, `VACUUM INTO $1`, f.Name()); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Link(f.Name(), file); errors.Is(err, fs.ErrExist) {
		return exists
	} else if err != nil {
		return err
	}
	names, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(names.Sync(), names.Close())
}

// Forget deletes what must not outlive the restore of a backup: state keys,
// pending logins, sessions and their devices, backup codes, and claims. It marks
// all steps of second factors up to step as used.
func (tx *Tx) Forget(ctx context.Context, step int64) error {
	for _, table := range []string{"state_keys", "logins", "step_ups", "sessions", "devices", "backup_codes", "asks", "claims", "notes"} {
		if _, err := tx.exec(ctx, `DELETE FROM `+table); err != nil {
			return err
		}
	}
	_, err := tx.exec(ctx, `UPDATE totp SET step = $1 WHERE step < $1`, step)
	return err
}

// metaHeaders is the name of a time in the table meta.
const metaHeaders = "headers until"

// TakeHeaders lets devices replace headers with newer ones until a time. The
// zero time ends that.
func (tx *Tx) TakeHeaders(ctx context.Context, until time.Time) error {
	if until.IsZero() {
		_, err := tx.exec(ctx, `DELETE FROM meta WHERE name = $1`, metaHeaders)
		return err
	}
	value := binary.BigEndian.AppendUint64(nil, uint64(millis(until)))
	return tx.one(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2`, metaHeaders, value)
}

// TakesHeaders reports whether devices may replace headers with newer ones.
func (q *queries) TakesHeaders(ctx context.Context, now time.Time) (bool, error) {
	value, err := q.Meta(ctx, metaHeaders, nil)
	if err == ErrNotFound {
		return false, nil
	}
	if err == nil && len(value) != 8 {
		err = fmt.Errorf("store: the value of %q is damaged", metaHeaders)
	}
	if err != nil {
		return false, err
	}
	return now.Before(at(int64(binary.BigEndian.Uint64(value)))), nil
}

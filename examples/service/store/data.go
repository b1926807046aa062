package store

import (
	"context"
	"errors"
	"math"
	"time"
)

// Header returns the stored header of an account, or nil, and its epoch.
func (q *queries) Header(ctx context.Context, account ID) (header []byte, epoch uint32, err error) {
	var e int64
	err = q.row(ctx, `SELECT header, epoch FROM headers WHERE account = $1`, []any{account[:]}, &header, &e)
	if err == ErrNotFound {
		err = nil
	}
	return header, uint32(e), err
}

// Number returns the number of an account's keyring, or nil. It is bytes 5 to 20
// of the header.
func (q *queries) Number(ctx context.Context, account ID) (number []byte, err error) {
	err = q.row(ctx, `SELECT substr(header, 6, 16) FROM headers WHERE account = $1`, []any{account[:]}, &number)
	if err == ErrNotFound {
		err = nil
	}
	return number, err
}

// SetHeader stores a header. The transaction has locked the account.
func (tx *Tx) SetHeader(ctx context.Context, account ID, header []byte, epoch uint32) error {
	return tx.one(ctx, `INSERT INTO headers (account, header, epoch) VALUES ($1, $2, $3)
		ON CONFLICT (account) DO UPDATE SET header = $2, epoch = $3`, account[:], header, int64(epoch))
}

// KeepOldHeader keeps a replaced header, which is sealed, for some time.
func (tx *Tx) KeepOldHeader(ctx context.Context, account ID, sealed []byte, expires time.Time) error {
	return tx.one(ctx, `INSERT INTO old_headers (account, header, expires) VALUES ($1, $2, $3)`, account[:], sealed, millis(expires))
}

// Item is an encrypted item.
type Item struct {
	ID       ID
	Version  int64
	Revision int64 // of the account
	Epoch    uint32
	Deleted  bool
	Key      []byte
	Body     []byte
}

// Size is what an item counts.
func (i Item) Size() int64 { return int64(len(i.Key) + len(i.Body)) }

const itemColumns = `id, version, revision, epoch, deleted, key, body`

func scanItem(scan func(...any) error) (i Item, err error) {
	var id []byte
	var epoch, deleted int64
	err = scan(&id, &i.Version, &i.Revision, &epoch, &deleted, &i.Key, &i.Body)
	copy(i.ID[:], id)
	i.Epoch, i.Deleted = uint32(epoch), deleted == 1
	return i, err
}

// Item returns an item of an account, or [ErrNotFound].
func (q *queries) Item(ctx context.Context, account, id ID) (i Item, err error) {
	found := false
	err = q.all(ctx, `SELECT `+itemColumns+` FROM items WHERE account = $1 AND id = $2`, []any{account[:], id[:]},
		func(scan func(...any) error) (err error) {
			found = true
			i, err = scanItem(scan)
			return err
		})
	if err == nil && !found {
		err = ErrNotFound
	}
	return i, err
}

// ItemsAfter returns at most count items that changed after a revision, in
// order. It stops after the item with which their size exceeds size.
func (q *queries) ItemsAfter(ctx context.Context, account ID, revision int64, count int, size int64) (items []Item, err error) {
	full := errors.New("full")
	err = q.all(ctx, `SELECT `+itemColumns+` FROM items WHERE account = $1 AND revision > $2 ORDER BY revision LIMIT $3`,
		[]any{account[:], revision, count}, func(scan func(...any) error) error {
			i, err := scanItem(scan)
			if err != nil {
				return err
			}
			items = append(items, i)
			if size -= i.Size(); size < 0 {
				return full
			}
			return nil
		})
	if err == full {
		err = nil
	}
	return items, err
}

// Usage is what the items of an account count.
type Usage struct{ Revision, Items, Bytes int64 }

// Usage returns what an account uses.
func (q *queries) Usage(ctx context.Context, account ID) (u Usage, err error) {
	err = q.row(ctx, `SELECT revision, items, bytes FROM accounts WHERE id = $1`, []any{account[:]}, &u.Revision, &u.Items, &u.Bytes)
	return u, err
}

// PutItem stores a version of an item, and what the account uses then. The
// transaction has locked the account.
func (tx *Tx) PutItem(ctx context.Context, account ID, i Item, u Usage) error {
	if err := tx.one(ctx, `INSERT INTO items (account, id, version, revision, epoch, deleted, key, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (account, id) DO UPDATE SET version = $3, revision = $4, epoch = $5, deleted = $6, key = $7, body = $8`,
		account[:], i.ID[:], i.Version, i.Revision, int64(i.Epoch), flag(i.Deleted), notNull(i.Key), notNull(i.Body)); err != nil {
		return err
	}
	return tx.one(ctx, `UPDATE accounts SET revision = $2, items = $3, bytes = $4 WHERE id = $1`, account[:], u.Revision, u.Items, u.Bytes)
}

// LowestEpoch returns the lowest epoch of an item that is not deleted.
func (tx *Tx) LowestEpoch(ctx context.Context, account ID) (uint32, error) {
	var lowest int64
	err := tx.row(ctx, `SELECT coalesce(min(epoch), $2) FROM items WHERE account = $1 AND deleted = 0`,
		[]any{account[:], int64(math.MaxUint32)}, &lowest)
	return uint32(lowest), err
}

func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

package server

import (
	"math"
	"strconv"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/recovery"
)

// Limits of the items of an account. Deleted items count as items.
const (
	maxItems = 10_000
	maxBytes = 64 << 20
	pageSize = 2 << 20 // of an answer, in bytes, and one item more
	maxPage  = 200
)

func (s *Server) items(c *call, _ none) (out api.Items, err error) {
	text, err := c.parameter("after")
	if err != nil {
		return out, err
	}
	after := int64(0)
	if text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			return out, errCode(api.Malformed, "after must be a revision")
		}
	}
	// An item that is stored between these statements is not missing: it is in
	// this answer or in the next.
	usage, err := s.db.Usage(c, c.session.Account)
	if err != nil {
		return out, err
	}
	found, err := s.db.ItemsAfter(c, c.session.Account, after, maxPage, pageSize)
	out.Revision, out.Items = usage.Revision, make([]api.Item, 0, len(found)) // lower than after if the database is an old backup
	for _, item := range found {
		out.Items, out.Revision = append(out.Items, itemOf(item)), item.Revision
	}
	out.More = out.Revision < usage.Revision
	return out, err
}

func itemOf(i store.Item) api.Item {
	return api.Item{ID: api.ID(i.ID), Version: i.Version, Revision: i.Revision, Deleted: i.Deleted, Key: i.Key, Body: i.Body}
}

// putItem stores the next version of an item, unless another device was
// quicker. It refuses keys of an epoch before the stored header's, in one
// transaction with it: a removed holder may know them.
func (s *Server) putItem(c *call, in api.PutItem) (out api.Item, err error) {
	id, err := c.id()
	if err != nil {
		return out, err
	}
	next := store.Item{ID: id, Deleted: in.Deleted, Key: in.Key, Body: in.Body}
	switch {
	case in.Previous < 0 || in.Previous == math.MaxInt64:
		return out, errCode(api.Malformed, "there is no such version")
	case len(in.Body) == 0 || len(in.Body) > api.MaxItem || len(in.Key) > api.MaxItemKey:
		return out, errCode(api.Malformed, "the item is empty or too large")
	}
	if next.Epoch, err = recovery.BlobEpoch(in.Key); err != nil {
		return out, err
	}
	err = s.db.Tx(c, func(tx *store.Tx) error {
		account, err := tx.LockAccount(c, c.session.Account)
		if err != nil {
			return err
		}
		if !account.Known {
			return store.ErrNotFound
		}
		header, epoch, err := tx.Header(c, account.ID)
		if err != nil {
			return err
		}
		if header == nil || next.Epoch > epoch {
			return errCode(api.Conflict, "the keyring is not stored yet")
		}
		if next.Epoch < epoch {
			return errCode(api.OldEpoch, "the item's key is of an earlier epoch: refresh the keyring")
		}
		stored, err := tx.Item(c, account.ID, id)
		if err != nil && err != store.ErrNotFound {
			return err
		}
		if stored.Version != in.Previous {
			e := errCode(api.Conflict, "another version is stored")
			if stored.Version > 0 {
				current := itemOf(stored)
				e.Current = &current
			}
			return e
		}
		usage, err := tx.Usage(c, account.ID)
		if err != nil {
			return err
		}
		usage.Revision++
		if in.Previous == 0 {
			usage.Items++
		}
		usage.Bytes += next.Size() - stored.Size()
		if usage.Items > maxItems || usage.Bytes > maxBytes {
			return errCode(api.Full, "the account has no more room")
		}
		next.Version, next.Revision = in.Previous+1, usage.Revision
		out = itemOf(next)
		return tx.PutItem(c, account.ID, next, usage)
	})
	return out, err
}

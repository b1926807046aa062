package client

import (
	"context"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
)

// remote is the server as the keyring's client sees it.
type remote struct{ c *Client }

func (r *remote) Fetch(ctx context.Context) ([]byte, error) {
	var out api.Keyring
	err := r.c.call(ctx, "GET", "/v1/keyring", nil, &out)
	return out.Header, err
}

// Swap sends a header. If the account has a password slot, and the header has
// another one, the server learns which.
func (r *remote) Swap(ctx context.Context, _ [32]byte, header []byte) error {
	h, err := recovery.ParseHeader(header)
	if err != nil {
		return err
	}
	in := api.NewKeyring{Header: header}
	if a := &r.c.account; a.Slot != nil || !a.OPAQUE {
		in.Slot = passwordSlot(h.Slots(), a.Slot)
	}
	err = r.c.call(ctx, "PUT", "/v1/keyring", in, nil)
	if hasCode(err, api.Conflict) {
		return recovery.ErrConflict
	}
	if err == nil && in.Slot != nil {
		next := r.c.account
		next.Slot = in.Slot
		return r.c.save(ctx, next)
	}
	return err
}

// passwordSlot returns the current password slot if the slots include it, and
// otherwise the first one.
func passwordSlot(slots []recovery.Slot, current *api.ID) (first *api.ID) {
	for _, s := range slots {
		if s.Type != "password" {
			continue
		}
		id := api.ID(s.ID)
		if current != nil && id == *current {
			return &id
		}
		if first == nil {
			first = &id
		}
	}
	return first
}

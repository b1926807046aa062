package client

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"

	"github.com/nescio-go/nescio/examples/service/api"
)

// Kinds of items that only the client uses. They reach the user's other devices
// with the others.
const (
	kindContact    = "contact"     // somebody whom the user has invited
	kindContactOf  = "contact of"  // somebody whose contact the user is
	kindContactKey = "contact key" // of the user as a contact
)

func hidden(kind string) bool {
	return kind == kindContact || kind == kindContactOf || kind == kindContactKey
}

// Fields of these items.
const (
	fieldInvitation  = "invitation"
	fieldSecret      = "secret"      // of an invitation's link, or of a key
	fieldFingerprint = "fingerprint" // of the contact's key
	fieldSlot        = "slot"
	fieldSplit       = "split" // fingerprint of the split
	fieldShare       = "share"
)

// hiddenItems returns the readable items of a kind, the newest first.
func (c *Client) hiddenItems(ctx context.Context, kind string) ([]Item, error) {
	if !c.open {
		return nil, ErrLocked
	}
	items, _ := c.list(ctx, func(k string) bool { return k == kind })
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(b.Changed.Compare(a.Changed), slices.Compare(a.ID[:], b.ID[:]))
	})
	return items, nil
}

// ofInvitation returns the items of an invitation. There are several if two
// devices have changed the same one.
func ofInvitation(items []Item, id api.ID) (found []Item) {
	for _, i := range items {
		if i.Fields[fieldInvitation] == id.String() {
			found = append(found, i)
		}
	}
	return found
}

func (i *Item) secret(field string) []byte {
	b, err := base64.RawStdEncoding.DecodeString(i.Fields[field])
	if err != nil {
		return nil
	}
	return b
}

func encodeSecret(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

package client

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

// Exported is everything that an account has.
type Exported struct {
	Made      time.Time `json:"made"`
	Server    string    `json:"server"`
	AccountID api.ID    `json:"account_id"`
	// Account, Sessions, Events, Claims and Contacts are what the server knows.
	// They are absent after ExportOffline.
	Account  *api.Account      `json:"account,omitempty"`
	Sessions []ExportedSession `json:"sessions,omitempty"`
	Events   []api.Event       `json:"events,omitempty"`
	Claims   []api.OwnClaim    `json:"claims,omitempty"`
	Contacts *api.Contacts     `json:"contacts,omitempty"`
	// Keyring is the number of the keyring, and Slots are its slots.
	Keyring recovery.AccountID `json:"keyring"`
	Slots   []ExportedSlot     `json:"slots"`
	// Items include settings, and what contacts have entrusted to the account.
	Items []ExportedItem `json:"items"`
}

// ExportedSession is a session with the name of its device.
type ExportedSession struct {
	api.Session
	Device string `json:"device,omitempty"`
}

// ExportedSlot is a slot without its secret.
type ExportedSlot struct {
	ID     recovery.SlotID `json:"id"`
	Type   string          `json:"type"`
	Born   uint32          `json:"born"` // the epoch in which it was made
	Family recovery.SlotID `json:"family"`
}

// ExportedItem is an item and its version.
type ExportedItem struct {
	ID      api.ID `json:"id"`
	Version int64  `json:"version"`
	Unsent  bool   `json:"unsent,omitempty"`
	Item    Item   `json:"item"`
}

// The format of an export is text. All lines end with a newline. The first line
// is
//
//	service.nescio/export/v1 FILE KDF
//
// FILE is 16 random bytes in hexadecimal, and KDF is the text of the parameters
// with which the password is stretched to 32 bytes. Package wrap derives a key
// from those with the label service.nescio/export/v1. Each other line is a chunk
// of the JSON form of Exported, wrapped with that key, in base64. All chunks
// except the last are 60 KiB long. The binding of a chunk has the same purpose.
// Its item is FILE and a byte, 1 for the last chunk and otherwise 0. Its epoch is
// the number of the chunk, from 0.
const (
	exportFormat = "service.nescio/export/v1"
	exportChunk  = 60 << 10
	exportHead   = 512       // longest first line
	maxExport    = 256 << 20 // bytes of JSON
)

var exportLine = base64.StdEncoding.EncodedLen(exportChunk + wrap.Overhead)

func exportBinding(file [16]byte, n int, last bool) wrap.Binding {
	b := wrap.Binding{Purpose: exportFormat, Item: append(file[:], 0), Epoch: uint64(n)}
	if last {
		b.Item[16] = 1
	}
	return b
}

func exportKey(ctx context.Context, f *kdf.Function, password []byte) (*wrap.Key, error) {
	prepared, err := prepare.Password(password)
	if err != nil {
		return nil, err
	}
	defer clear(prepared)
	stretched, err := f.Derive(ctx, prepared, 32)
	if err != nil {
		return nil, err
	}
	defer clear(stretched)
	return wrap.DeriveKey(stretched, nil, exportFormat)
}

// Export writes everything that the account has, encrypted under a password of
// its own. Anyone who has the file can guess that password offline. [ReadExport]
// reads the file without an account. After ErrUnreadable, the export is complete
// except for items that do not open.
func (c *Client) Export(ctx context.Context, w io.Writer, password []byte) error {
	e := new(Exported)
	if err := c.exportServer(ctx, e); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ready(); err != nil {
		return err
	}
	if err := c.keys.Refresh(ctx); err != nil {
		return err
	}
	unreadable, err := c.pull(ctx)
	if err != nil {
		return err
	}
	return errors.Join(unreadable, c.export(ctx, w, password, e))
}

// ExportOffline is Export of what this device has, without the server. The
// account may be gone there.
func (c *Client) ExportOffline(ctx context.Context, w io.Writer, password []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		return ErrLocked
	}
	return c.export(ctx, w, password, new(Exported))
}

// exportServer asks the server for what it knows.
func (c *Client) exportServer(ctx context.Context, e *Exported) error {
	account, err := c.Account(ctx)
	if err != nil {
		return err
	}
	e.Account = &account
	sessions, err := c.Sessions(ctx)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		e.Sessions = append(e.Sessions, ExportedSession{s.Session, s.Name})
	}
	for cursor, more := "", true; more; more = cursor != "" {
		page, err := c.EventsBefore(ctx, cursor)
		if err != nil {
			return err
		}
		e.Events = append(e.Events, page.Events...)
		if page.Before == cursor || len(page.Events) == 0 || len(e.Events) > maxExport/64 { // one takes more than 64 bytes
			break
		}
		cursor = page.Before
	}
	if e.Claims, err = c.OwnClaims(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e.Contacts = new(api.Contacts)
	return c.call(ctx, "GET", "/v1/contacts", nil, e.Contacts)
}

// export adds what the device has, and writes the file.
func (c *Client) export(ctx context.Context, w io.Writer, password []byte, e *Exported) error {
	e.Made, e.Server, e.AccountID = time.Now().UTC().Truncate(time.Second), c.cfg.Server, c.account.AccountID
	e.Keyring = c.keys.Account()
	for _, s := range c.keys.Slots() {
		e.Slots = append(e.Slots, ExportedSlot{s.ID, s.Type, s.Born, s.Family})
	}
	var unreadable error
	for text, i := range c.items.Items {
		if i.Deleted {
			continue
		}
		item, err := c.read(ctx, parseID(text), i)
		if err != nil {
			unreadable = errors.Join(unreadable, fmt.Errorf("%w: %s: %w", ErrUnreadable, text, err))
			continue
		}
		e.Items = append(e.Items, ExportedItem{item.ID, i.version(), i.Unsent, item})
	}
	slices.SortFunc(e.Items, func(a, b ExportedItem) int { return slices.Compare(a.ID[:], b.ID[:]) })
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	defer clear(b)
	if len(b) > maxExport {
		return errors.New("the account is too large to export")
	}
	cost := c.cfg.SlotCost
	if cost == (kdf.Params{}) {
		cost = kdf.Default()
	}
	c.cfg.Progress("Stretching the password of the export")
	if err := writeExport(ctx, w, password, b, cost.WithNewSalt(), c.cfg.KDFPolicy); err != nil {
		return err
	}
	return unreadable
}

func writeExport(ctx context.Context, w io.Writer, password, b []byte, params kdf.Params, policy kdf.Policy) error {
	function, err := kdf.New(params, policy)
	if err != nil {
		return err
	}
	key, err := exportKey(ctx, function, password)
	if err != nil {
		return err
	}
	defer key.Destroy()
	var file [16]byte
	rand.Read(file[:])
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s %x %s\n", exportFormat, file, params) // the writer remembers its error
	for n, last := 0, false; !last; n++ {
		chunk := b[n*exportChunk : min((n+1)*exportChunk, len(b))]
		last = (n+1)*exportChunk >= len(b)
		blob, err := key.Wrap(ctx, chunk, exportBinding(file, n, last))
		if err != nil {
			return err
		}
		fmt.Fprintln(out, base64.StdEncoding.EncodeToString(blob))
	}
	return out.Flush()
}

// parseHead reads the first line of an export.
func parseHead(line string, policy kdf.Policy) (file [16]byte, f *kdf.Function, err error) {
	var format, id, params string
	if n, err := fmt.Sscanf(line, "%s %s %s", &format, &id, &params); err != nil || n != 3 || format != exportFormat {
		return file, nil, errors.New("it is not an export of this service")
	}
	p, err := kdf.ParseParams(params)
	if err != nil {
		return file, nil, err
	}
	b, err := hex.DecodeString(id)
	if err != nil || len(b) != len(file) || line != fmt.Sprintf("%s %x %s", exportFormat, b, p) {
		return file, nil, cmp.Or(err, errors.New("the first line is not valid"))
	}
	copy(file[:], b)
	f, err = kdf.New(p, policy)
	return file, f, err
}

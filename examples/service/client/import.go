package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/wrap"
)

// ErrExport means a wrong password, or a file that is damaged, incomplete, or not
// an export.
var ErrExport = errors.New("the export does not open: the password is wrong, or the file is damaged")

func notExport(reason error) error { return fmt.Errorf("%w: %w", ErrExport, reason) }

// ReadExport reads a file that [Client.Export] has written. It needs no account
// and no server. The policy limits the cost that the file asks for.
func ReadExport(ctx context.Context, r io.Reader, password []byte, policy kdf.Policy) (*Exported, error) {
	in := bufio.NewReaderSize(r, exportLine+2)
	head, err := readLine(in, exportHead)
	if err != nil {
		return nil, err
	}
	file, function, err := parseHead(string(head), policy)
	if err != nil {
		return nil, notExport(err)
	}
	if _, err := prepare.Password(password); err != nil {
		return nil, err
	}
	key, err := exportKey(ctx, function, password)
	if err != nil {
		return nil, err
	}
	defer key.Destroy()
	b, err := readChunks(ctx, in, key, file)
	defer func() { clear(b) }()
	if err != nil {
		return nil, err
	}
	e := new(Exported)
	if err := json.Unmarshal(b, e); err != nil {
		return nil, notExport(err)
	}
	return e, nil
}

// readChunks reads all chunks. The last one is the one before the end.
func readChunks(ctx context.Context, in *bufio.Reader, key *wrap.Key, file [16]byte) (b []byte, err error) {
	for n, last := 0, false; !last; n++ {
		line, err := readLine(in, exportLine)
		if err != nil {
			return b, err
		}
		blob, err := base64.StdEncoding.Strict().AppendDecode(nil, line)
		if err != nil || bytes.ContainsAny(line, "\r\n") {
			return b, notExport(fmt.Errorf("line %d is not base64", n+2))
		}
		_, end := in.Peek(1)
		if end != nil && end != io.EOF {
			return b, end
		}
		last = end == io.EOF
		chunk, err := key.Unwrap(ctx, blob, exportBinding(file, n, last))
		if err != nil {
			return b, notExport(fmt.Errorf("line %d: %w", n+2, err))
		}
		if b = append(b, chunk...); len(b) > maxExport || !last && len(chunk) != exportChunk {
			return b, notExport(errors.New("it has another length"))
		}
		clear(chunk)
	}
	return b, nil
}

// readLine reads a line of at most n bytes, without its end.
func readLine(in *bufio.Reader, n int) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	switch {
	case err == io.EOF || err == bufio.ErrBufferFull || err == nil && len(line) > n+1:
		return nil, notExport(errors.New("it is incomplete, or a line is too long"))
	case err != nil:
		return nil, err
	}
	return line[:len(line)-1], nil
}

// Import keeps the notes and logins of an export as items of this account. Sync
// sends them. It returns the number of items that are new. An item that the
// account already has is left alone, and importing twice changes nothing. If the
// account has another version of an item, the exported one becomes an item of
// its own.
func (c *Client) Import(ctx context.Context, e *Exported) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fetch(ctx); err != nil { // another device may have imported them
		return 0, err
	}
	err = c.update(ctx, func(next *cache) error {
		n = 0
		for _, one := range e.Items {
			if one.Item.Kind != KindNote && one.Item.Kind != KindLogin {
				continue
			}
			added, err := c.importItem(ctx, next, one)
			if err != nil {
				return fmt.Errorf("item %s: %w", one.ID, err)
			}
			n += added
		}
		return nil
	})
	return n, err
}

// importItem keeps an item under its own id if that is free or deleted, and
// otherwise under an id that follows from its content.
func (c *Client) importItem(ctx context.Context, next *cache, one ExportedItem) (added int, err error) {
	item := one.Item
	for _, id := range []api.ID{one.ID, importedID(one)} {
		item.ID, item.Deleted = id, false
		old, there := next.Items[id.String()]
		if there && !old.Deleted {
			stored, err := c.read(ctx, id, old)
			if err != nil {
				return 0, err
			}
			if equal(stored, item) {
				return 0, nil
			}
			continue
		}
		sealed, err := c.seal(ctx, item, old.Base)
		sealed.Sent = old.Sent
		next.Items[id.String()] = sealed
		return 1, err
	}
	return 0, nil // the user has changed that one
}

// importedID returns the id of an exported item beside another version of it.
func importedID(one ExportedItem) (id api.ID) {
	b, err := json.Marshal(one.Item)
	if err != nil {
		panic(err) // it comes from JSON
	}
	h := sha256.New()
	h.Write([]byte("service.nescio/import/v1\x00"))
	h.Write(one.ID[:])
	h.Write(b)
	copy(id[:], h.Sum(nil))
	return id
}

//go:build !js

package client

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/recovery"
)

// Files is a Store in a folder that only its owner can read.
type Files struct{ folder string }

// NewFiles returns the Store in a folder. The first change makes the folder.
func NewFiles(folder string) *Files { return &Files{folder} }

const maxFile = 128 << 20

func (f *Files) path(key string) string { return filepath.Join(f.folder, key+".json") }

// Load implements Store.
func (f *Files) Load(_ context.Context, key string) ([]byte, error) {
	b, err := cli.Read(f.path(key), maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Swap implements Store. Processes that use the same folder wait for each other.
func (f *Files) Swap(ctx context.Context, key string, previous, next []byte) error {
	if err := os.MkdirAll(f.folder, 0o700); err != nil {
		return err
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	stored, err := f.Load(ctx, key)
	if err != nil {
		return err
	}
	if !bytes.Equal(stored, previous) {
		return recovery.ErrConflict
	}
	if next == nil {
		return os.Remove(f.path(key))
	}
	return cli.Replace(f.path(key), next, 0o600)
}

func (f *Files) lock(ctx context.Context) (unlock func(), err error) {
	for {
		unlock, err = cli.Lock(filepath.Join(f.folder, "store"))
		if !errors.Is(err, cli.ErrLocked) {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

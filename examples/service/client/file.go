package client

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"

	"github.com/nescio-go/nescio/recovery"
)

// MakeFile makes a recovery file, and returns its text for the user to keep. It
// opens nothing without the server, and without a wait. The account can have
// several files. After an error a slot may be stored whose file nobody has.
func (c *Client) MakeFile(ctx context.Context, password []byte) (text string, err error) {
	err = c.refreshed(ctx, password, func() error {
		file := recovery.NewFile()
		slot, err := c.keys.Seal(ctx, file)
		if err != nil {
			return err
		}
		proof, err := fileProof(file)
		if err != nil {
			return err
		}
		add := func(e *recovery.Edit) error { return e.Add(slot) }
		if err := c.changeWith(ctx, slot.ID(), part{half: file.ServerSecret(), proof: proof}, add); err != nil {
			return err
		}
		text = file.Text()
		return nil
	})
	return text, err
}

// fileProof returns what shows the server that somebody has a file. It tells
// nothing about what the file opens.
func fileProof(f *recovery.File) ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(f.Text()), nil, "service.nescio/file-claim/v1", 32)
}

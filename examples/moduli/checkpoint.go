package main

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/moduli"
)

// checkpoint is the state of generate: the moduli found so far, and the search
// for the next one. The first line of its file is the prefix below and the
// search in unpadded base64url. The records follow as a pool.
type checkpoint struct {
	search *moduli.Search
	found  []*moduli.Record
}

const checkpointPrefix = "nescio-moduli-checkpoint:"

// maxSearch is more than the line of a search at 8192 bits.
const maxSearch = 4 << 10

// save writes the checkpoint and replaces an older one.
func (c *checkpoint) save(path string) error {
	search, err := c.search.MarshalBinary()
	if err != nil {
		return err
	}
	pool, err := moduli.NewPool(c.found...)
	if err != nil {
		return err
	}
	return cli.Replace(path, []byte(checkpointPrefix+base64.RawURLEncoding.EncodeToString(search)+"\n"+pool.Text()), 0o644)
}

// loadCheckpoint reads the output of save.
func loadCheckpoint(path string) (*checkpoint, error) {
	data, err := cli.Read(path, moduli.MaxPool+maxSearch)
	if err != nil {
		return nil, err
	}
	first, rest, _ := strings.Cut(string(data), "\n")
	encoded, ok := strings.CutPrefix(first, checkpointPrefix)
	search, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	c := &checkpoint{search: new(moduli.Search)}
	if ok && err == nil {
		err = c.search.UnmarshalBinary(search)
	}
	pool, poolErr := moduli.ParsePool(rest)
	if !ok || err != nil || poolErr != nil {
		return nil, fmt.Errorf("%s is not a checkpoint of generate: name another file with -checkpoint, or remove it to start again", path)
	}
	c.found = pool.Records()
	return c, nil
}

// origin returns the size and the label of the run. An empty label means random
// starts.
func (c *checkpoint) origin() (bits int, label string) {
	start := c.search.Start()
	if len(c.found) > 0 {
		start = c.found[0].Result().Start
	}
	return start.Bits(), start.Label()
}

package main

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/moduli"
)

// checkpoint is what generate needs to go on: the moduli that it has found, and
// the search for the next one. Its file has the search on its first line, the
// prefix below and unpadded base64url, and behind it the records as a pool.
type checkpoint struct {
	search *moduli.Search
	found  []*moduli.Record
}

const checkpointPrefix = "nescio-moduli-checkpoint:"

// maxSearch is more than the line of a search at 8192 bits.
const maxSearch = 4 << 10

// save writes the checkpoint in the place of an older one.
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

// loadCheckpoint reads what save wrote.
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
		return nil, fmt.Errorf("%s is no checkpoint of generate: name another by -checkpoint, or remove it to begin anew", path)
	}
	c.found = pool.Records()
	return c, nil
}

// origin is the size and the label that a checkpoint was begun with; no label
// means random starts.
func (c *checkpoint) origin() (bits int, label string) {
	start := c.search.Start()
	if len(c.found) > 0 {
		start = c.found[0].Result().Start
	}
	return start.Bits(), start.Label()
}

// Package testvec holds what the tests of several packages share: one loader
// for vectors kept as JSON, sweeps over lengths and single bits for decoders,
// a deterministic stream for accumulated vectors, and a check that a type
// redacts what it holds, and one that a call returns. Only tests import it.
package testvec

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"iter"
	"testing"
)

// Load decodes the JSON vector file name of fsys, normally an embed.FS over
// testdata. It is strict: a field that T does not know, trailing data, or a
// missing statement of where the values come from (a string field "source")
// fails the test, so that no vector can be lost by a spelling mistake.
func Load[T any](t testing.TB, fsys fs.FS, name string) T {
	t.Helper()
	raw, err := fs.ReadFile(fsys, name)
	if err != nil {
		t.Fatalf("testvec: %v", err)
	}
	v, err := decode[T](raw)
	if err != nil {
		t.Fatalf("testvec: %s: %v", name, err)
	}
	return v
}

func decode[T any](raw []byte) (v T, err error) {
	var file struct {
		Source  string          `json:"source"`
		Vectors json.RawMessage `json:"vectors"`
	}
	if err := strict(raw, &file); err != nil {
		return v, err
	}
	if file.Source == "" {
		return v, errNoSource
	}
	if err := strict(file.Vectors, &v); err != nil {
		return v, err
	}
	return v, nil
}

func strict(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errTrailing
	}
	return nil
}

// Hex is a byte string written in JSON as hexadecimal digits.
type Hex []byte

// UnmarshalText decodes hexadecimal digits of either case.
func (h *Hex) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// MarshalText writes lower-case hexadecimal digits.
func (h Hex) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

// Base64 is a byte string written in JSON as standard base64 with padding.
type Base64 []byte

// UnmarshalText decodes standard base64 with padding, strictly.
func (b *Base64) UnmarshalText(text []byte) (err error) {
	*b, err = base64.StdEncoding.Strict().DecodeString(string(text))
	return err
}

// MarshalText writes standard base64 with padding.
func (b Base64) MarshalText() ([]byte, error) {
	return []byte(base64.StdEncoding.EncodeToString(b)), nil
}

// Lengths yields every proper prefix of valid, the empty one included, and
// then valid with 1 to 16 bytes appended, zero and non-zero. A decoder of
// fixed-length or self-delimiting values must refuse them all.
func Lengths(valid []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for n := range len(valid) {
			if !yield(bytes.Clone(valid[:n])) {
				return
			}
		}
		for extra := 1; extra <= 16; extra++ {
			for _, fill := range []byte{0x00, 0xa5} {
				if !yield(append(bytes.Clone(valid), bytes.Repeat([]byte{fill}, extra)...)) {
					return
				}
			}
		}
	}
}

// BitFlips yields every copy of b that differs from it in a single bit,
// together with the number of that bit. The slice is reused: a caller that
// keeps it clones it.
func BitFlips(b []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		flipped := bytes.Clone(b)
		for i := range 8 * len(b) {
			flipped[i/8] ^= 1 << (i % 8)
			if !yield(i, flipped) {
				return
			}
			flipped[i/8] ^= 1 << (i % 8)
		}
	}
}

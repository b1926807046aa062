package testvec

import (
	"crypto/sha3"
	"encoding/hex"
	"errors"
	"testing"
)

var (
	errNoSource = errors.New("no source is named")
	errTrailing = errors.New("data after the JSON value")
)

// Accumulated is an accumulated test vector: a SHAKE128 stream supplies the
// inputs of many runs, and a second one absorbs their outputs, so that one
// short digest stands for thousands of known answers.
type Accumulated struct {
	in, out *sha3.SHAKE
}

// NewAccumulated returns an accumulator whose inputs depend on label alone.
func NewAccumulated(label string) *Accumulated {
	a := &Accumulated{in: sha3.NewSHAKE128(), out: sha3.NewSHAKE128()}
	a.in.Write([]byte(label))
	return a
}

// Input returns the next n bytes of the input stream.
func (a *Accumulated) Input(n int) []byte {
	b := make([]byte, n)
	a.in.Read(b)
	return b
}

// Output absorbs one output of a run.
func (a *Accumulated) Output(b []byte) { a.out.Write(b) }

// Digest returns the hexadecimal digest, 32 bytes, of all outputs. It ends
// the accumulation.
func (a *Accumulated) Digest() string {
	d := make([]byte, 32)
	a.out.Read(d)
	return hex.EncodeToString(d)
}

// Check runs f 100 times, and 10,000 times in the long tests, and compares the
// digests of what it put out with those expected.
func Check(t *testing.T, label, want100, want10000 string, f func(a *Accumulated)) {
	t.Helper()
	a := NewAccumulated(label)
	for range 100 {
		f(a)
	}
	if got := a.Digest(); got != want100 {
		t.Errorf("digest of 100 runs: %s, want %s", got, want100)
	}
	if !Long {
		return
	}
	a = NewAccumulated(label)
	for range 10_000 {
		f(a)
	}
	if got := a.Digest(); got != want10000 {
		t.Errorf("digest of 10,000 runs: %s, want %s", got, want10000)
	}
}

package testvec

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
)

// Memory is the contents of all objects in memory.
type Memory []byte

// Heap returns the memory as it is, with objects that nobody holds any more and
// that the collector has not yet found.
func Heap(t testing.TB) Memory {
	t.Helper()
	path := filepath.Join(t.TempDir(), "heap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	debug.WriteHeapDump(f.Fd())
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	heap, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return heap
}

// Holds reports whether a secret is in memory, as it is or as a key of HMAC.
func (m Memory) Holds(secret []byte) bool {
	for _, pad := range []byte{0, 0x36, 0x5c} {
		padded := make([]byte, len(secret))
		for i, b := range secret {
			padded[i] = b ^ pad
		}
		if bytes.Contains(m, padded) {
			return true
		}
	}
	return false
}

// Elsewhere runs f on a stack that is gone afterwards, with what f leaves there.
func Elsewhere(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

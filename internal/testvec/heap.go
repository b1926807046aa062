package testvec

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
)

// Heap returns the contents of all objects in memory, those included that nobody
// holds any more and the collector has not yet found.
func Heap(t testing.TB) []byte {
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

package testvec

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// Write writes a file that Load reads, for a test that was asked to make new
// vectors.
func Write[T any](t testing.TB, name, source string, vectors T) {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(struct {
		Source  string `json:"source"`
		Vectors T      `json:"vectors"`
	}{source, vectors})
	if err == nil {
		err = os.WriteFile(name, b.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatalf("testvec: %v", err)
	}
}

package internal_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mapViolations compares ARCHITECTURE.md with the files below root. Every path in
// it must exist, and every file of a package that a row of the map lists files of
// must be in that row, except doc.go and errors.go.
func mapViolations(doc, root string) (bad []string) {
	exists := func(path string) bool {
		_, err := os.Stat(filepath.Join(root, path))
		return err == nil
	}
	for i, line := range strings.Split(doc, "\n") {
		cells, isRow := cellsOf(line)
		var packages []string
		if isRow {
			packages = codeSpans(cells[0])
		}
		named := make(map[string]bool)
		for _, span := range codeSpans(line) {
			switch {
			case strings.Contains(span, "/"), slices.Contains(packages, span):
				if !exists(span) {
					bad = append(bad, fmt.Sprintf("line %d: there is no %s", i+1, span))
				}
			case strings.HasSuffix(span, ".go") && len(packages) == 1:
				named[span] = true
				if !exists(filepath.Join(packages[0], span)) {
					bad = append(bad, fmt.Sprintf("line %d: %s has no %s", i+1, packages[0], span))
				}
			}
		}
		// The rows of the public packages are complete.
		if len(packages) != 1 || len(named) < 2 || strings.HasPrefix(packages[0], "internal") || strings.HasPrefix(packages[0], "examples") {
			continue
		}
		files, _ := filepath.Glob(filepath.Join(root, packages[0], "*.go"))
		there := make(map[string]bool)
		for _, f := range files {
			there[filepath.Base(f)] = true
		}
		for _, f := range slices.Sorted(maps.Keys(there)) {
			if !named[f] && !strings.HasSuffix(f, "_test.go") && f != "doc.go" && f != "errors.go" {
				bad = append(bad, fmt.Sprintf("line %d: %s/%s is not on the map", i+1, packages[0], f))
			}
		}
	}
	return bad
}

func TestArchitectureIsTheMap(t *testing.T) {
	doc, err := os.ReadFile("../ARCHITECTURE.md")
	require.NoError(t, err)
	for _, v := range mapViolations(string(doc), "..") {
		t.Error("ARCHITECTURE.md: " + v)
	}
}

func TestMapCheckerSees(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "p"), 0o700))
	for _, name := range []string{"doc.go", "a.go", "b.go", "a_test.go"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, "p", name), nil, 0o600))
	}
	for doc, want := range map[string]string{
		"| `p` | `a.go`, `b.go` |":         "",
		"see `p/a.go` and `Type.Method`":   "",
		"see `p/c.go`":                     "line 1: there is no p/c.go",
		"| `p` | `a.go`, `c.go` |":         "line 1: p has no c.go",
		"| `q` | `a.go` |":                 "line 1: there is no q",
		"| `p` | `a.go`, `doc.go` |":       "line 1: p/b.go is not on the map",
		"text\n| `p` | `a.go`, `doc.go` |": "line 2: p/b.go is not on the map",
	} {
		bad := mapViolations(doc, root)
		if want == "" {
			require.Empty(t, bad, doc)
			continue
		}
		require.Contains(t, bad, want, doc)
	}
}

package recovery_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSurface: the package has at most 60 exported names, methods and fields
// not counted, and a package comment of at most 1,500 words.
func TestSurface(t *testing.T) {
	var names []string
	words := 0
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		words += len(strings.Fields(file.Doc.Text()))
		for _, d := range file.Decls {
			names = append(names, exported(d)...)
		}
	}
	t.Logf("%d exported names, a package comment of %d words", len(names), words)
	require.Contains(t, names, "Keyring")
	require.Contains(t, names, "ErrMalformed")
	require.LessOrEqual(t, len(names), 60, names)
	require.Positive(t, words)
	require.LessOrEqual(t, words, 1500)
}

// exported returns the exported names that a declaration of a file makes,
// except methods.
func exported(d ast.Decl) (names []string) {
	add := func(id *ast.Ident) {
		if id.IsExported() {
			names = append(names, id.Name)
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			add(d.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				add(s.Name)
			case *ast.ValueSpec:
				for _, id := range s.Names {
					add(id)
				}
			}
		}
	}
	return names
}

func TestExported(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "some.go", `package p
const A, b = 1, 2
var (
	C = 1
	d, E int
)
type F struct{ Field int }
type (
	G int
	h int
)
func I() {}
func (f F) Method() {}
func j() {}
`, parser.SkipObjectResolution)
	require.NoError(t, err)
	var names []string
	for _, d := range file.Decls {
		names = append(names, exported(d)...)
	}
	require.Equal(t, []string{"A", "C", "E", "F", "G", "I"}, names)
}

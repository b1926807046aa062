package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hiddenConstants returns a line for each exported constant of a public package
// whose value go doc does not show, because an internal package has it.
func hiddenConstants(files []source) (bad []string) {
	for _, f := range files {
		if isIn(f.pkg, []string{"internal", "examples"}) {
			continue
		}
		internal := make(map[string]bool)
		for _, spec := range f.file.Imports {
			if p, err := strconv.Unquote(spec.Path.Value); err == nil && strings.HasPrefix(p, module+"internal/") {
				internal[path.Base(p)] = true
			}
		}
		for _, d := range f.file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				bad = append(bad, hiddenIn(f, g, internal)...)
			}
		}
	}
	return bad
}

func hiddenIn(f source, g *ast.GenDecl, internal map[string]bool) (bad []string) {
	for _, spec := range g.Specs {
		v := spec.(*ast.ValueSpec)
		if !v.Names[0].IsExported() {
			continue
		}
		for _, value := range v.Values {
			ast.Inspect(value, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if ok {
					if x, ok := s.X.(*ast.Ident); ok && internal[x.Name] {
						bad = append(bad, f.name+": "+v.Names[0].Name)
					}
				}
				return true
			})
		}
	}
	return bad
}

// TestConstantsShowTheirValues in go doc.
func TestConstantsShowTheirValues(t *testing.T) {
	require.Empty(t, hiddenConstants(moduleFiles(t)))
}

func TestConstantsCheckerSees(t *testing.T) {
	const imports = "import \"github.com/nescio-go/nescio/internal/seal\"\n"
	for src, bad := range map[string]int{
		"const Lifetime = seal.DefaultLifetime":               1,
		"const Lifetime = 2 * seal.DefaultLifetime":           1,
		"const (A = 1; B = seal.KeySize)":                     1,
		"const lifetime = seal.DefaultLifetime":               0,
		"const Lifetime = 60 * time.Second":                   0,
		"var Lifetime = seal.DefaultLifetime":                 0,
		"const (First Kind = iota; Second); var _ = seal.New": 0,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "some.go", "package p\n"+imports+src, parser.SkipObjectResolution)
		require.NoError(t, err)
		require.Len(t, hiddenConstants([]source{{"srp", "srp/some.go", f}}), bad, src)
	}
}

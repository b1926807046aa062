package server

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/stretchr/testify/require"
)

// sources are the functions and the errors of this package, as the source has
// them.
type sources struct {
	functions map[string]*ast.FuncDecl
	errors    map[string]api.Code // of variables
	codes     map[string]string   // values of the constants of package api
}

func readSources(t *testing.T) *sources {
	s := &sources{make(map[string]*ast.FuncDecl), make(map[string]api.Code), readDocs(t).values}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				s.functions[n.Name.Name] = n
				return false
			case *ast.ValueSpec:
				for i, value := range n.Values {
					if call, ok := value.(*ast.CallExpr); ok {
						if code := s.code(call); code != "" {
							s.errors[n.Names[i].Name] = code
						}
					}
				}
			}
			return true
		})
	}
	return s
}

// code returns the code of errCode(api.X, …), or nothing.
func (s *sources) code(call *ast.CallExpr) api.Code {
	if f, ok := call.Fun.(*ast.Ident); !ok || f.Name != "errCode" {
		return ""
	}
	if code, ok := call.Args[0].(*ast.SelectorExpr); ok {
		return api.Code(s.codes[code.Sel.Name])
	}
	return ""
}

// collect adds the codes of a function, and of those that it calls.
func (s *sources) collect(name string, seen map[string]bool, codes map[api.Code]bool) {
	f := s.functions[name]
	if f == nil || seen[name] {
		return
	}
	seen[name] = true
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if code := s.code(n); code != "" {
				codes[code] = true
			}
			switch f := n.Fun.(type) {
			case *ast.Ident:
				s.collect(f.Name, seen, codes)
			case *ast.SelectorExpr:
				if of, ok := f.X.(*ast.Ident); ok && slices.Contains([]string{"s", "c", "p"}, of.Name) {
					s.collect(f.Sel.Name, seen, codes)
				}
			}
		case *ast.Ident:
			if code, ok := s.errors[n.Name]; ok {
				codes[code] = true
			}
		case *ast.SelectorExpr: // errorOf maps what these return
			if slices.Contains([]string{"ErrState", "FinishLogin", "Verify"}, n.Sel.Name) {
				codes[api.LoginFailed] = true
			}
		}
		return true
	})
}

// TestErrorsAreDescribed: the errors of a route are those that its handler
// returns in the source, and those that all such routes have.
func TestErrorsAreDescribed(t *testing.T) {
	s := readSources(t)
	handlers := s.handlers(t)
	for _, r := range routes {
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			plain := route{method: r.method, path: "of no description", access: r.access, in: r.in}
			want := make(map[api.Code]bool)
			for _, code := range plain.errors() {
				want[code] = true
			}
			s.collect(handlers[r.method+" "+r.path], make(map[string]bool), want)
			require.ElementsMatch(t, slices.Collect(maps.Keys(want)), r.errors())
		})
	}
}

// handlers are the names of the handlers, by their routes.
func (s *sources) handlers(t *testing.T) map[string]string {
	f, err := parser.ParseFile(token.NewFileSet(), "routes.go", nil, 0)
	require.NoError(t, err)
	all := make(map[string]string)
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "on" {
			method, err1 := strconv.Unquote(call.Args[0].(*ast.BasicLit).Value)
			path, err2 := strconv.Unquote(call.Args[1].(*ast.BasicLit).Value)
			require.NoError(t, err1)
			require.NoError(t, err2)
			all[method+" "+path] = call.Args[3].(*ast.SelectorExpr).Sel.Name
		}
		return true
	})
	require.Len(t, all, len(routes))
	return all
}

package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// withoutExample lists exported functions that no Example reaches,
// with the reason.
var withoutExample = map[string]string{
	"moduli.NewPool":                    "a list of what ParsePool reads",
	"moduli.ParseOpenSSH":               "ReadOpenSSH calls it for each line of a file",
	"moduli.ParsePool":                  readsBack,
	"moduli.ParsePrivateKey":            readsBack,
	"moduli.ParsePublicKey":             "ParseKeys calls it for each line",
	"moduli.ParseRecordText":            readsBack,
	"recovery.BlobEpoch":                "one call of a server, beside Header_Follows",
	"recovery.ParseAccountID":           readsBack,
	"recovery.ParsePasswordSlot":        "for the list of slots that an application shows",
	"recovery/contacts.Fingerprint":     "one call on each of two screens, which are compared",
	"recovery/contacts.ParseKey":        readsBack,
	"recovery/proton.ImportFileSecret":  readsBack,
	"recovery/proton.ParsePhraseSecret": readsBack,
	"recovery/recoverytest.Split":       "a part of the malicious server, in its tests",
	"srp.AnyGroup":                      "a policy for tests and for peers without signatures",
	"srp.ParseProfile":                  readsBack,
	"srp.RFC5054SHA512":                 "as RFC5054SHA256",
}

// readsBack is the reason of functions that only reverse another one.
const readsBack = "it reads back what a method of the same type writes"

// reached returns the qualified names in the Examples below root, such as
// "srp.NewServer". The other functions of the files with Examples count too, and
// those of files whose names begin with example, unless they are tests.
func reached(t *testing.T, root string) map[string]bool {
	calls := make(map[string]bool)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		if slices.ContainsFunc(file.Decls, isExample) || strings.HasPrefix(d.Name(), "example") {
			addCalls(file, calls)
		}
		return nil
	})
	require.NoError(t, err)
	return calls
}

func isExample(decl ast.Decl) bool {
	f, ok := decl.(*ast.FuncDecl)
	return ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Example")
}

func addCalls(file *ast.File, calls map[string]bool) {
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && nameOfTest.MatchString(f.Name.Name) {
			continue
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok {
				calls[x.Name+"."+s.Sel.Name] = true
			}
			return true
		})
	}
}

// unreached returns the exported functions of a package that are not among the
// calls.
func unreached(at string, p documented, calls map[string]bool) (names []string) {
	functions := slices.Clone(p.doc.Funcs)
	for _, typ := range p.doc.Types {
		functions = append(functions, typ.Funcs...)
	}
	for _, f := range functions {
		if !calls[path.Base(at)+"."+f.Name] {
			names = append(names, at+"."+f.Name)
		}
	}
	slices.Sort(names)
	return names
}

// TestExamplesReachEverything that is exported, or there is a reason.
func TestExamplesReachEverything(t *testing.T) {
	calls := reached(t, "..")
	packages := publicPackages(t, "..")
	missing := make(map[string]bool)
	for _, at := range slices.Sorted(maps.Keys(packages)) {
		for _, name := range unreached(at, packages[at], calls) {
			missing[name] = true
			if withoutExample[name] == "" {
				t.Errorf("no Example reaches %s", name)
			}
		}
	}
	for name := range withoutExample {
		require.True(t, missing[name], "%s is reached", name)
	}
}

package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// nameOfTest matches what the go command takes for the name of a test.
var nameOfTest = regexp.MustCompile(`^(Test|Fuzz)([^\p{Ll}]|$)`)

// testedPackage lists the test files of one directory, and the tests and fuzz
// targets in them.
type testedPackage struct {
	files, tests []string
}

// hasTest reports whether p has the test of this name or, if name ends with an
// ellipsis, a test whose name continues the part before it.
func (p testedPackage) hasTest(name string) bool {
	prefix, isPrefix := strings.CutSuffix(name, "…")
	return slices.ContainsFunc(p.tests, func(test string) bool {
		return !isPrefix && test == name ||
			isPrefix && strings.HasPrefix(test, prefix) && test != prefix
	})
}

// testFunctions returns the names of the tests and fuzz targets that a file
// declares.
func testFunctions(file *ast.File) (names []string) {
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !nameOfTest.MatchString(f.Name.Name) || len(f.Type.Params.List) != 1 {
			continue
		}
		pointer, ok := f.Type.Params.List[0].Type.(*ast.StarExpr)
		if !ok {
			continue
		}
		// *testing.T for tests, *testing.F for fuzz targets
		if of, ok := pointer.X.(*ast.SelectorExpr); ok && of.Sel.Name == f.Name.Name[:1] {
			names = append(names, f.Name.Name)
		}
	}
	return names
}

// testedPackages parses the test files of all modules below root, whatever
// system they are for.
func testedPackages(t *testing.T, root string) map[string]testedPackage {
	packages := map[string]testedPackage{}
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != root && (strings.HasPrefix(entry.Name(), ".") ||
			slices.Contains([]string{"testdata", "node_modules"}, entry.Name())):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		dir, base := path.Split(filepath.ToSlash(below))
		p := packages[path.Clean(dir)]
		p.files = append(p.files, base)
		p.tests = append(p.tests, testFunctions(file)...)
		packages[path.Clean(dir)] = p
		return nil
	})
	require.NoError(t, err)
	return packages
}

func TestTestFunctions(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "some_test.go", `package p
func TestA(t *testing.T) {}
func Test(t *testing.T) {}
func Test_1(t *testing.T) {}
func FuzzA(f *testing.F) {}
func Testify(t *testing.T) {}
func TestMain(m *testing.M) {}
func TestHelper(t testing.TB) {}
func TestOf(t *testing.T, name string) {}
func (s suite) TestMethod(t *testing.T) {}
func BenchmarkA(b *testing.B) {}
var TestVar = 1
`, parser.SkipObjectResolution)
	require.NoError(t, err)
	require.Equal(t, []string{"TestA", "Test", "Test_1", "FuzzA"}, testFunctions(file))
}

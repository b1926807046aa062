// Package internal_test checks the module as a whole: which package may import
// which, what is imported nowhere, that none of its types shows a secret, that
// packages srp and opaque keep what they promise about each other, and that the
// tests named in SECURITY.md exist.
package internal_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/nescio-go/nescio/"

// arrows lists, for every public package, which other public packages of this
// module it may import. A sub-package may also import its parent and what its
// parent may. Everything may import internal packages; those import no public
// one.
var arrows = map[string][]string{
	"kdf":      nil,
	"wrap":     nil,
	"moduli":   nil,
	"srp":      {"kdf"},
	"opaque":   {"kdf"},
	"recovery": {"wrap", "kdf"},
}

// only lists imports, by prefix, that are reserved to some packages.
var only = []struct {
	prefix  string
	allowed []string
}{
	{"github.com/ProtonMail/go-crypto", []string{"recovery/proton", "moduli/openpgp"}},
	{"github.com/cloudflare/circl", []string{"moduli", "recovery/contacts"}},
	{"filippo.io/bigmod", []string{"internal/modexp", "internal/oprf"}},
	{"filippo.io/nistec", []string{"internal/oprf"}},
	{"github.com/gtank/ristretto255", []string{"internal/oprf", "opaque"}},
	{"filippo.io/edwards25519", []string{"internal/oprf", "opaque"}},
	{"golang.org/x/text/secure", []string{"kdf/prepare"}},
	{"github.com/stretchr/testify", nil},
	{"testing", []string{"internal/testvec", "opaque/replaytest"}},
	{"net/http", nil},
	{"database/sql", nil},
	{"log", []string{"internal/testvec"}},                     // log/slog, to see that types redact themselves there
	{"os", []string{"internal/testvec", "internal/memlimit"}}, // to search the memory for secrets; to read its limits
}

// constantTime lists the packages, with those below them, that compute on
// secrets: variable-time arithmetic and comparison have no place in them.
var constantTime = []string{"srp", "opaque", "internal/modexp", "internal/oprf"}

// source is one non-test file of one package, the package named by its path
// below the module.
type source struct {
	pkg, name string
	file      *ast.File
}

// violations returns one line, which names the file, for each import or use
// that the rules above do not allow.
func violations(files []source) (bad []string) {
	for _, f := range files {
		for _, spec := range f.file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				bad = append(bad, fmt.Sprintf("%s: %v", f.name, err))
				continue
			}
			if why := forbidden(f.pkg, path); why != "" {
				bad = append(bad, fmt.Sprintf("%s: imports %s: %s", f.name, path, why))
			}
		}
		if isIn(f.pkg, constantTime) && usesBytesEqual(f.file) {
			bad = append(bad, f.name+": bytes.Equal is not constant time")
		}
	}
	return bad
}

// forbidden says why pkg may not import path, or nothing if it may.
func forbidden(pkg, path string) string {
	if rest, ours := strings.CutPrefix(path, module); ours {
		return forbiddenArrow(pkg, rest)
	}
	if isIn(pkg, []string{"examples"}) {
		if strings.Contains(strings.Split(path, "/")[0], ".") && path != "golang.org/x/term" {
			return "examples use the standard library and golang.org/x/term"
		}
		return ""
	}
	if path == "math/big" && isIn(pkg, constantTime) {
		return "it is not constant time"
	}
	for _, r := range only {
		if isIn(path, []string{r.prefix}) && !slices.Contains(r.allowed, pkg) {
			return "reserved to " + fmt.Sprint(r.allowed)
		}
	}
	return ""
}

func forbiddenArrow(pkg, imported string) string {
	if isIn(pkg, []string{"examples"}) || isIn(imported, []string{"internal"}) {
		return ""
	}
	top, _, isSub := strings.Cut(pkg, "/")
	if isSub && imported == top {
		return ""
	}
	if slices.Contains(arrows[top], imported) {
		return ""
	}
	return "no arrow leads there"
}

// isIn reports whether path is one of the roots or below one of them.
func isIn(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return path == root || strings.HasPrefix(path, root+"/")
	})
}

func usesBytesEqual(f *ast.File) (found bool) {
	name := ""
	for _, spec := range f.Imports {
		if spec.Path.Value != `"bytes"` {
			continue
		}
		name = "bytes"
		if spec.Name != nil {
			name = spec.Name.Name
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			found = found || ok && x.Name == name && n.Sel.Name == "Equal"
		case *ast.Ident:
			found = found || name == "." && n.Name == "Equal"
		}
		return true
	})
	return found
}

// moduleFiles parses all non-test files of the module, those for other
// systems included, as the go command lists them.
func moduleFiles(t *testing.T) (files []source) {
	list := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,IgnoredGoFiles,CgoFiles", module+"...")
	list.Stderr = os.Stderr
	out, err := list.Output()
	require.NoError(t, err)
	fset := token.NewFileSet()
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Dir                   string
			GoFiles, IgnoredGoFiles, CgoFiles []string
		}
		err := d.Decode(&p)
		if err == io.EOF {
			return files
		}
		require.NoError(t, err)
		for _, name := range slices.Concat(p.GoFiles, p.IgnoredGoFiles, p.CgoFiles) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			path := filepath.Join(p.Dir, name)
			file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			files = append(files, source{strings.TrimPrefix(p.ImportPath, module), path, file})
		}
	}
}

func TestArchitecture(t *testing.T) {
	files := moduleFiles(t)
	require.NotEmpty(t, files)
	for _, v := range violations(files) {
		t.Error(v)
	}
}

func TestArchitectureCheckerSees(t *testing.T) {
	for _, c := range []struct {
		pkg, src string
		bad      bool
	}{
		{"srp", `import "github.com/nescio-go/nescio/kdf"`, false},
		{"srp", `import "github.com/nescio-go/nescio/internal/seal"`, false},
		{"srp", `import "github.com/nescio-go/nescio/moduli"`, true},
		{"srp", `import "github.com/nescio-go/nescio/moduli/openpgp"`, true},
		{"srp", `import "math/big"`, true},
		{"srp", `import "net/http"`, true},
		{"srp", `import "log/slog"`, true},
		{"srp", `import "os"`, true},
		{"srp", `import "os/exec"`, true},
		{"srp", `import "filippo.io/bigmod"`, true},
		{"srp", `import "testing"`, true},
		{"srp", `import "bytes"; var _ = bytes.Equal`, true},
		{"srp", `import b "bytes"; var _ = b.Equal`, true},
		{"srp", `import . "bytes"; var _ = Equal`, true},
		{"srp", `import "bytes"; var _ = bytes.Clone`, false},
		{"wrap", `import "bytes"; var _ = bytes.Equal`, false},
		{"wrap", `import "github.com/nescio-go/nescio/kdf"`, true},
		{"kdf/prepare", `import "golang.org/x/text/secure/precis"`, false},
		{"kdf/prepare", `import "github.com/nescio-go/nescio/kdf"`, false},
		{"kdf/prepare", `import "github.com/nescio-go/nescio/wrap"`, true},
		{"kdf", `import "golang.org/x/text/secure/precis"`, true},
		{"kdf", `import "github.com/nescio-go/nescio/kdf/prepare"`, true},
		{"srp", `import "github.com/nescio-go/nescio/kdf/prepare"`, true},
		{"wrap/sjcl", `import "github.com/nescio-go/nescio/wrap"`, false},
		{"recovery/proton", `import "github.com/nescio-go/nescio/kdf"`, false},
		{"recovery/proton", `import "github.com/ProtonMail/go-crypto/openpgp"`, false},
		{"recovery", `import "github.com/ProtonMail/go-crypto/openpgp"`, true},
		{"recovery", `import "github.com/nescio-go/nescio/recovery/proton"`, true},
		{"moduli/openpgp", `import "github.com/ProtonMail/go-crypto/openpgp"`, false},
		{"moduli/openpgp", `import "github.com/nescio-go/nescio/srp"`, true},
		{"moduli", `import "github.com/cloudflare/circl/sign"`, false},
		{"opaque", `import "github.com/cloudflare/circl/oprf"`, true},
		{"opaque", `import "testing"`, true},
		{"opaque", `import "github.com/nescio-go/nescio/opaque/replaytest"`, true},
		{"opaque/replaytest", `import "testing"`, false},
		{"opaque/replaytest", `import "github.com/nescio-go/nescio/opaque"`, false},
		{"opaque/replaytest", `import "github.com/nescio-go/nescio/srp"`, true},
		{"internal/seal", `import "github.com/nescio-go/nescio/srp"`, true},
		{"internal/safeprime", `import "math/big"`, false},
		{"internal/safeprime", `import "github.com/stretchr/testify/require"`, true},
		{"internal/modexp", `import "math/big"`, true},
		{"internal/modexp", `import "filippo.io/bigmod"`, false},
		{"examples/quickstart", `import "net/http"`, false},
		{"examples/quickstart", `import "golang.org/x/term"`, false},
		{"examples/quickstart", `import "golang.org/x/crypto/argon2"`, true},
		{"examples/quickstart", `import "github.com/nescio-go/nescio/srp"`, false},
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "some.go", "package p\n"+c.src, parser.SkipObjectResolution)
		require.NoError(t, err)
		got := violations([]source{{c.pkg, c.pkg + "/some.go", f}})
		if !c.bad {
			require.Empty(t, got, "%s: %s", c.pkg, c.src)
			continue
		}
		require.Len(t, got, 1, "%s: %s", c.pkg, c.src)
		require.Contains(t, got[0], c.pkg+"/some.go")
	}
}

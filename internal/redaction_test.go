package internal_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// redactionRow is a value of a type that redacts itself, and what must not show
// of it.
type redactionRow struct {
	value   any
	secrets [][]byte
	// exception is why the type holds its secrets in exported fields, where they
	// can only be redacted by Format. It is empty for all other types.
	exception string
}

// configuration is the exception of structs that callers fill in.
const configuration = "configuration, plain data with exported fields"

func redactionRows(t *testing.T) []redactionRow {
	return slices.Concat(wrapRows(), moduliRows(t), srpRows(t), opaqueRows(t), recoveryRows(t), contactsRows(t), protonRows(t))
}

func wrapRows() []redactionRow {
	kek := randomBytes(wrap.KeySize)
	return []redactionRow{{value: wrap.ImportKey([wrap.KeySize]byte(kek)), secrets: [][]byte{kek}}}
}

func moduliRows(t *testing.T) []redactionRow {
	key, err := moduli.GenerateKey(time.Now(), time.Time{})
	require.NoError(t, err)
	_, body, _ := strings.Cut(key.Text(), ":")
	b, err := base64.RawURLEncoding.DecodeString(body)
	require.NoError(t, err)
	seeds := b[len(b)-64:] // Ed25519's and ML-DSA's
	return []redactionRow{{value: key, secrets: [][]byte{seeds[:32], seeds[32:], []byte(body[len(body)-40:])}}}
}

// TestRedaction: no type of the module shows its secrets, however it is held and
// whatever prints it.
func TestRedaction(t *testing.T) {
	for _, r := range redactionRows(t) {
		t.Run(typeName(r.value), func(t *testing.T) {
			if r.exception != "" {
				testvec.RedactedByFormat(t, r.value, r.secrets...)
			} else {
				testvec.Redacted(t, r.value, r.secrets...)
			}
			placeholder := path.Base(typeName(r.value)) + "(redacted)"
			require.Equal(t, placeholder, fmt.Sprint(r.value))
			requireNotEmptied(t, r.value, placeholder)
		})
	}
}

// requireNotEmptied: JSON is refused, or is a placeholder. An empty object would
// be stored without anyone noticing that nothing is in it.
func requireNotEmptied(t *testing.T, v any, placeholder string) {
	for _, x := range []any{v, []any{v}, map[string]any{"held": v}, struct{ Held any }{v}} {
		b, err := json.Marshal(x)
		if err == nil {
			require.Contains(t, string(b), `"`+placeholder+`"`, "%T", x)
		}
	}
}

// typeName is the path of a type below the module: "recovery/proton.Key".
func typeName(v any) string {
	typ := reflect.TypeOf(v)
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	return strings.TrimPrefix(typ.PkgPath(), module) + "." + typ.Name()
}

// TestRedactionIsComplete: every type that redacts itself is in the table, and no
// other.
func TestRedactionIsComplete(t *testing.T) {
	tested := make(map[string]bool)
	for _, r := range redactionRows(t) {
		tested[typeName(r.value)] = true
	}
	require.Equal(t, redactingTypes(moduleFiles(t)), slices.Sorted(maps.Keys(tested)))
}

// redactingTypes returns the exported types of public packages that have a Format
// method or hold a secret.Value, by their names as typeName has them, sorted.
func redactingTypes(files []source) []string {
	public := slices.Collect(maps.Keys(arrows))
	found := make(map[string]bool)
	add := func(f source, name string) {
		if ast.IsExported(name) && isIn(f.pkg, public) {
			found[f.pkg+"."+name] = true
		}
	}
	for _, f := range files {
		for _, d := range f.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil && isFormat(d) {
					add(f, receiver(d))
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if spec, ok := spec.(*ast.TypeSpec); ok && holdsSecret(spec.Type) {
						add(f, spec.Name.Name)
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// isFormat reports whether a method is fmt.Formatter's.
func isFormat(d *ast.FuncDecl) bool {
	params := d.Type.Params.List
	return d.Name.Name == "Format" && len(params) == 2 && isSelector(params[0].Type, "fmt", "State")
}

func receiver(d *ast.FuncDecl) string {
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if generic, ok := typ.(*ast.IndexExpr); ok {
		typ = generic.X
	}
	return typ.(*ast.Ident).Name
}

// holdsSecret reports whether a type mentions secret.Value.
func holdsSecret(typ ast.Expr) (found bool) {
	ast.Inspect(typ, func(n ast.Node) bool {
		x, ok := n.(ast.Expr)
		found = found || ok && isSelector(x, "secret", "Value")
		return true
	})
	return found
}

func isSelector(x ast.Expr, pkg, name string) bool {
	s, ok := x.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	id, ok := s.X.(*ast.Ident)
	return ok && id.Name == pkg && s.Sel.Name == name
}

func TestRedactionCheckerSees(t *testing.T) {
	for _, c := range []struct {
		pkg, src string
		want     []string
	}{
		{"srp", `type Login struct{ s secret.Value[[]byte] }`, []string{"srp.Login"}},
		{"srp", `type Login struct{ s, u secret.Value[secrets] }`, []string{"srp.Login"}},
		{"srp", `type Login struct{ s *secret.Value[secrets] }`, []string{"srp.Login"}},
		{"srp", `type Login struct{ s map[string]secret.Value[secrets] }`, []string{"srp.Login"}},
		{"srp", `type Login secret.Value[secrets]`, []string{"srp.Login"}},
		{"srp", `type (A int; Login struct{ secret.Value[int] })`, []string{"srp.Login"}},
		{"srp", `type Login struct{}; func (l *Login) Format(f fmt.State, verb rune) {}`, []string{"srp.Login"}},
		{"srp", `type Login struct{}; func (Login) Format(fmt.State, rune) {}`, []string{"srp.Login"}},
		{"recovery/contacts", `type Key[T any] struct{}; func (k Key[T]) Format(f fmt.State, _ rune) {}`, []string{"recovery/contacts.Key"}},
		{"srp", `type B struct{ secret.Value[int] }; type A struct{ secret.Value[int] }`, []string{"srp.A", "srp.B"}},
		{"srp", `type login struct{ s secret.Value[[]byte] }; func (login) Format(fmt.State, rune) {}`, nil},
		{"internal/seal", `type Box struct{ s secret.Value[[]byte] }`, nil},
		{"examples/quickstart", `type Box struct{ s secret.Value[[]byte] }`, nil},
		{"srp", `type Login struct{}; func (Login) Format(layout string) string { return "" }`, nil},
		{"srp", `func Format(fmt.State, rune) {}`, nil},
		{"srp", `type Login struct{ s other.Value[int]; u secret.Other }`, nil},
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "some.go", "package p\n"+c.src, parser.SkipObjectResolution)
		require.NoError(t, err)
		require.Equal(t, c.want, redactingTypes([]source{{c.pkg, "some.go", f}}), c.src)
	}
}

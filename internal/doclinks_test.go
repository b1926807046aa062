package internal_test

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// documented is a public package and the symbols that a link can name: "Open",
// or "Keyring.Wrap".
type documented struct {
	doc     *doc.Package
	symbols map[string]bool
}

// publicPackages parses the public packages below root, whatever system their
// files are for. The keys are paths below the module.
func publicPackages(t *testing.T, root string) map[string]documented {
	packages := map[string]documented{}
	err := filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		switch name := d.Name(); {
		case dir != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")),
			slices.Contains([]string{"testdata", "internal", "examples"}, name):
			return filepath.SkipDir
		}
		fset := token.NewFileSet()
		var files []*ast.File
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
			require.NoError(t, err)
			if !isForOthers(file) {
				files = append(files, file)
			}
		}
		if len(files) == 0 || files[0].Name.Name == "main" {
			return nil
		}
		at, err := filepath.Rel(root, dir)
		require.NoError(t, err)
		at = filepath.ToSlash(at)
		p, err := doc.NewFromFiles(fset, files, module+at)
		require.NoError(t, err)
		packages[at] = documented{p, symbolsOf(p)}
		return nil
	})
	require.NoError(t, err)
	require.Contains(t, packages, "recovery/contacts")
	return packages
}

// isForOthers reports whether a file is for systems other than Linux.
func isForOthers(file *ast.File) bool {
	for _, group := range file.Comments {
		for _, line := range group.List {
			if x, err := constraint.Parse(line.Text); err == nil && constraint.IsGoBuild(line.Text) {
				return !x.Eval(func(tag string) bool { return tag == "linux" || tag == "unix" || tag == "amd64" })
			}
		}
	}
	return false
}

func symbolsOf(p *doc.Package) map[string]bool {
	symbols := make(map[string]bool)
	values := func(values []*doc.Value) {
		for _, v := range values {
			for _, name := range v.Names {
				symbols[name] = true
			}
		}
	}
	functions := func(prefix string, functions []*doc.Func) {
		for _, f := range functions {
			symbols[prefix+f.Name] = true
		}
	}
	values(p.Consts)
	values(p.Vars)
	functions("", p.Funcs)
	for _, typ := range p.Types {
		symbols[typ.Name] = true
		values(typ.Consts)
		values(typ.Vars)
		functions("", typ.Funcs)
		functions(typ.Name+".", typ.Methods)
	}
	maps.DeleteFunc(symbols, func(name string, _ bool) bool { return !ast.IsExported(name) })
	return symbols
}

// docComment is one comment of the documentation, and what it documents.
type docComment struct{ subject, text string }

func commentsOf(p *doc.Package) (all []docComment) {
	add := func(subject, text string) {
		if strings.TrimSpace(text) != "" {
			all = append(all, docComment{subject, text})
		}
	}
	values := func(values []*doc.Value) {
		for _, v := range values {
			add(v.Names[0], v.Doc)
			for _, spec := range v.Decl.Specs {
				if s := spec.(*ast.ValueSpec); s.Names[0].IsExported() {
					add(s.Names[0].Name, s.Doc.Text()+s.Comment.Text())
				}
			}
		}
	}
	functions := func(prefix string, functions []*doc.Func) {
		for _, f := range functions {
			add(prefix+f.Name, f.Doc)
		}
	}
	add("package "+p.Name, p.Doc)
	values(p.Consts)
	values(p.Vars)
	functions("", p.Funcs)
	for _, typ := range p.Types {
		add(typ.Name, typ.Doc)
		values(typ.Consts)
		values(typ.Vars)
		functions("", typ.Funcs)
		functions(typ.Name+".", typ.Methods)
		ast.Inspect(typ.Decl, func(n ast.Node) bool {
			if f, ok := n.(*ast.Field); ok && (len(f.Names) == 0 || f.Names[0].IsExported()) {
				name := typ.Name
				if len(f.Names) > 0 {
					name += "." + f.Names[0].Name
				}
				add(name, f.Doc.Text()+f.Comment.Text())
			}
			return true
		})
	}
	return all
}

var (
	// looksLikeLink is what stays in a text if a link's name does not exist.
	looksLikeLink = regexp.MustCompile(`\[\*?[A-Za-z_][\w./]*\]`)
	// identifier is a word, with what it is qualified with.
	identifier = regexp.MustCompile(`[A-Za-z_][\w]*(\.[A-Za-z_]\w*)*`)
	// camelCase words are no English.
	camelCase = regexp.MustCompile(`[a-z][A-Z]|[A-Z]{2}[a-z]|[a-z][0-9]|[A-Za-z]_`)
)

// names are identifiers of this module that are also names of something else.
var names = []string{"HomeKit", "Argon2id"}

// linkViolations returns a line for each link in the documentation that leads
// nowhere, and for each exported symbol of the module that stands there without a
// link: in another form than English, or qualified.
func linkViolations(at string, packages map[string]documented) (bad []string) {
	p := packages[at]
	for _, c := range commentsOf(p.doc) {
		report := func(format string, args ...any) {
			bad = append(bad, fmt.Sprintf("%s: %s: ", at, c.subject)+fmt.Sprintf(format, args...))
		}
		var texts func(all []comment.Text)
		texts = func(all []comment.Text) {
			for _, text := range all {
				switch text := text.(type) {
				case *comment.DocLink:
					if why := deadEnd(text, at, packages); why != "" {
						report("%s", why)
					}
				case *comment.Italic:
					texts([]comment.Text{comment.Plain(*text)})
				case comment.Plain:
					for _, link := range looksLikeLink.FindAllString(string(text), -1) {
						report("%s leads nowhere", link)
					}
					for _, word := range identifier.FindAllString(string(text), -1) {
						if isSymbol(word, c.subject, at, packages) {
							report("%s has no link", word)
						}
					}
				}
			}
		}
		var blocks func(all []comment.Block)
		blocks = func(all []comment.Block) {
			for _, block := range all {
				switch block := block.(type) {
				case *comment.Paragraph:
					texts(block.Text)
				case *comment.List:
					for _, item := range block.Items {
						blocks(item.Content)
					}
				}
			}
		}
		blocks(p.doc.Parser().Parse(c.text).Content)
	}
	return bad
}

// deadEnd says why a link leads nowhere, or nothing.
func deadEnd(link *comment.DocLink, at string, packages map[string]documented) string {
	target := at
	if link.ImportPath != "" {
		rest, ours := strings.CutPrefix(link.ImportPath, module)
		if !ours {
			return ""
		}
		target = rest
	}
	p, ok := packages[target]
	if !ok {
		return fmt.Sprintf("[%s] is no public package", link.ImportPath)
	}
	name := link.Name
	if link.Recv != "" {
		name = strings.TrimPrefix(link.Recv, "*") + "." + name
	}
	if name != "" && !p.symbols[name] {
		return fmt.Sprintf("[%s] leads nowhere", path.Base(target)+"."+name)
	}
	return ""
}

// isSymbol reports whether a word in plain text is a symbol that needs a link.
func isSymbol(word, subject, at string, packages map[string]documented) bool {
	if word == subject || strings.HasPrefix(subject, word+".") || slices.Contains(names, word) {
		return false
	}
	if _, method, ok := strings.Cut(subject, "."); ok && word == method {
		return false
	}
	if packages[at].symbols[word] {
		return strings.Contains(word, ".") || camelCase.MatchString(word)
	}
	pkg, name, qualified := strings.Cut(word, ".")
	if !qualified {
		return false
	}
	for other, p := range packages {
		if path.Base(other) == pkg && p.symbols[name] {
			return true
		}
	}
	return false
}

func TestDocLinks(t *testing.T) {
	packages := publicPackages(t, "..")
	for _, at := range slices.Sorted(maps.Keys(packages)) {
		for _, v := range linkViolations(at, packages) {
			t.Error(v)
		}
	}
}

func TestDocLinkCheckerSees(t *testing.T) {
	const source = `// Package p has a [Type] and [Type.Do].
package p
%s
type Type struct{
	Field int
	// Other is set by NewType.
	%s
}

func NewType() *Type { return nil }
func (*Type) Do() {}
var ErrGone error
`
	for comment, want := range map[string]string{
		"// Type is made by [NewType] and returns [ErrGone]. See [Type.Do].": "",
		"// Type is made by NewType.":                                        "p: Type: NewType has no link",
		"// Type returns ErrGone, see Type.Do.":                              "p: Type: ErrGone has no link",
		"// Type is made by [MakeType].":                                     "p: Type: [MakeType] leads nowhere",
		"// Type uses [Type.Undo].":                                          "p: Type: [Type.Undo] leads nowhere",
		"// Type comes from q.Open.":                                         "p: Type: q.Open has no link",
		"// Type comes from [" + module + "sub/q.Open].":                     "",
		"// Type comes from [" + module + "sub/q.Close].":                    "p: Type: [q.Close] leads nowhere",
		"// Type comes from [" + module + "sub/r].":                          "p: Type: [" + module + "sub/r] is no public package",
		"// Type is a Type, a []byte and [32]byte.\n//\n//\tNewType()":       "",
	} {
		parse := func(name, text string) documented {
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, name+".go", text, parser.ParseComments)
			require.NoError(t, err)
			p, err := doc.NewFromFiles(fset, []*ast.File{file}, module+name)
			require.NoError(t, err)
			return documented{p, symbolsOf(p)}
		}
		packages := map[string]documented{
			"p":     parse("p", fmt.Sprintf(source, comment, "Other int")),
			"sub/q": parse("sub/q", "package q\nfunc Open() {}\n"),
		}
		bad := linkViolations("p", packages)
		require.Contains(t, bad, "p: Type.Other: NewType has no link", "of a field")
		bad = slices.DeleteFunc(bad, func(v string) bool { return strings.HasPrefix(v, "p: Type.Other") })
		if want == "" {
			require.Empty(t, bad, comment)
			continue
		}
		require.Contains(t, bad, want, comment)
	}
}

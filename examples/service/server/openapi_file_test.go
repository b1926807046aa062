package server

import (
	"bytes"
	"cmp"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/stretchr/testify/require"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, part := range []any{m.name, m.value} {
			if j == 1 {
				b.WriteByte(':')
			}
			text, err := json.Marshal(part)
			if err != nil {
				return nil, err
			}
			b.Write(text)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// with adds a member, unless its value is empty.
func (o object) with(name string, value any) object {
	if v := reflect.ValueOf(value); !v.IsValid() || v.IsZero() && v.Kind() != reflect.Bool {
		return o
	}
	return append(o, member{name, value})
}

// docs are the comments of package api, by "Type" and "Type.Field".
type docs struct {
	text   map[string]string
	values map[string]string // of constants
	codes  []api.Code        // in order
	enums  map[string][]enum // by the type of the constants
}

// enum is a value of a type that has few of them.
type enum struct{ value, text string }

func readDocs(t *testing.T) docs {
	d := docs{text: make(map[string]string), values: make(map[string]string), enums: make(map[string][]enum)}
	files, err := filepath.Glob("../api/*.go")
	require.NoError(t, err)
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, decl := range f.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					d.addType(spec, cmp.Or(spec.Doc.Text(), g.Doc.Text()))
				case *ast.ValueSpec:
					d.addConst(t, spec)
				}
			}
		}
	}
	for key, text := range d.text {
		d.text[key] = d.plain(text)
	}
	return d
}

func (d *docs) addType(spec *ast.TypeSpec, doc string) {
	d.text[spec.Name.Name] = doc
	s, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range s.Fields.List {
		for _, name := range field.Names {
			d.text[spec.Name.Name+"."+name.Name] = cmp.Or(field.Doc.Text(), field.Comment.Text())
		}
	}
}

func (d *docs) addConst(t *testing.T, spec *ast.ValueSpec) {
	literal, ok := spec.Values[0].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return
	}
	value, err := strconv.Unquote(literal.Value)
	require.NoError(t, err)
	d.values[spec.Names[0].Name] = value
	kind, ok := spec.Type.(*ast.Ident)
	if !ok || kind.Name != "Code" {
		if ok {
			d.enums[kind.Name] = append(d.enums[kind.Name], enum{value, strings.TrimSpace(spec.Comment.Text())})
		}
		return
	}
	number, text, _ := strings.Cut(strings.TrimSpace(spec.Comment.Text()), ":")
	d.codes = append(d.codes, api.Code(value))
	d.text[value] = cmp.Or(text, value)
	require.Equal(t, strconv.Itoa(status[api.Code(value)]), strings.Split(number, ",")[0], "the comment of %s", spec.Names[0])
}

var docLink = regexp.MustCompile(`\[(\w+)\]`)

// plain returns a comment on one line. Links to constants become their values.
func (d *docs) plain(comment string) string {
	return docLink.ReplaceAllStringFunc(strings.Join(strings.Fields(comment), " "), func(link string) string {
		name := link[1 : len(link)-1]
		return cmp.Or(d.values[name], name)
	})
}

// description collects the schemas of messages.
type description struct {
	docs
	schemas   map[string]object
	responses map[string]object
	strict    map[reflect.Type]bool // bodies of requests
}

func ref(kind, name string) object { return object{{"$ref", "#/components/" + kind + "/" + name}} }

func (d *description) schema(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[[]byte]():
		return object{{"type", "string"}, {"contentEncoding", "base64"}}
	case t.Kind() == reflect.Pointer:
		return d.schema(t.Elem())
	case t == reflect.TypeFor[api.ID]():
		d.schemas[t.Name()] = object{{"type", "string"}, {"pattern", "^[0-9a-f]{32}$"}, {"description", d.text[t.Name()]}}
	case t == reflect.TypeFor[api.Code]():
		statuses := make(map[api.Code]int)
		for _, code := range d.codes {
			statuses[code] = status[code]
		}
		d.schemas[t.Name()] = object{{"type", "string"}, {"enum", d.codes}, {"description", d.text[t.Name()]}, {"x-statuses", statuses}}
	case d.enums[t.Name()] != nil:
		var values, texts []string
		for _, one := range d.enums[t.Name()] {
			values = append(values, one.value)
			if one.text != "" {
				texts = append(texts, one.value+": "+one.text)
			}
		}
		text := strings.TrimSpace(d.text[t.Name()] + " " + strings.Join(texts, "; "))
		d.schemas[t.Name()] = object{{"type", "string"}, {"enum", values}, {"description", text}}
	case t.Kind() == reflect.Slice:
		return object{{"type", "array"}, {"items", d.schema(t.Elem())}}
	case t.Kind() == reflect.Struct:
		if _, done := d.schemas[t.Name()]; !done {
			d.schemas[t.Name()] = nil // Error has an Item
			d.schemas[t.Name()] = d.message(t)
		}
	default:
		return map[reflect.Kind]object{
			reflect.String: {{"type", "string"}},
			reflect.Bool:   {{"type", "boolean"}},
			reflect.Int:    {{"type", "integer"}, {"format", "int64"}},
			reflect.Int64:  {{"type", "integer"}, {"format", "int64"}},
		}[t.Kind()]
	}
	return ref("schemas", t.Name())
}

func (d *description) message(t reflect.Type) object {
	properties, required := d.fields(t)
	o := object{{"type", "object"}}.with("description", d.text[t.Name()]).with("properties", properties).with("required", required)
	if d.strict[t] {
		o = append(o, member{"additionalProperties", false})
	}
	return o
}

// fields flattens embedded messages, as encoding/json does.
func (d *description) fields(t reflect.Type) (properties object, required []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			more, also := d.fields(f.Type)
			properties, required = append(properties, more...), append(required, also...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		schema := d.schema(f.Type)
		if t == reflect.TypeFor[api.BeginStepUp]() && f.Name == "Operation" {
			schema = schema.with("enum", operations)
		}
		properties = append(properties, member{name, schema.with("description", strings.TrimSpace(d.text[t.Name()+"."+f.Name]))})
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	return properties, required
}

func content(schema object) object {
	return object{{"application/json", object{{"schema", schema}}}}
}

// parameters are those of the path, the query, headers and cookies.
func (d *description) parameters(r route) (all []object) {
	add := func(in, name string, required bool, text string, schema object) {
		all = append(all, object{{"name", name}, {"in", in}, {"required", required}, {"description", text}, {"schema", schema}})
	}
	if strings.Contains(r.path, "{id}") {
		add("path", "id", true, "The number of the session or of the item, 32 hexadecimal digits.", d.schema(reflect.TypeFor[api.ID]()))
	}
	if r.method+" "+r.path == "GET /v1/items" {
		add("query", "after", false, "The revision of the last answer.", object{{"type", "integer"}, {"format", "int64"}, {"minimum", 0}, {"default", 0}})
	}
	if of := r.method + " " + r.path; of == "GET /v1/events" || of == "GET /v1/asks" {
		add("query", "before", false, "The member before of the last page.", object{{"type", "string"}, {"pattern", "^[0-9]+-[0-9a-f]{32}$"}})
	}
	if r.stepUp != "" {
		add("header", api.StepUpHeader, true, "The token of a step-up for the operation "+r.stepUp+" and the SHA-256 of this body.", object{{"type", "string"}})
	}
	if of, ok := sometimes[r.method+" "+r.path]; ok {
		add("header", api.StepUpHeader, false, "For "+of[1]+": the token of a step-up for the operation "+of[0]+" and the SHA-256 of this body.", object{{"type", "string"}})
	}
	if reflect.TypeOf(r.in) == reflect.TypeFor[api.BeginLogin]() {
		add("cookie", cookieDevice, false, "The device, if the body does not name it.", object{{"type", "string"}})
	}
	return all
}

// answers are the success and the errors by their status. The name of a
// refusal in the components is its codes.
func (d *description) answers(r route) (all object) {
	all = object{{"200", object{{"description", "success"}, {"content", content(d.schema(reflect.TypeOf(r.out)))}}}}
	codes := r.errors()
	for len(codes) > 0 {
		n := 1
		for n < len(codes) && status[codes[n]] == status[codes[0]] {
			n++
		}
		var names, texts []string
		for _, code := range codes[:n] {
			names, texts = append(names, string(code)), append(texts, string(code)+": "+strings.TrimSpace(d.text[string(code)]))
		}
		refusal := object{{"description", strings.Join(texts, "; ")}}
		if codes[0] == api.RateLimited {
			refusal = refusal.with("headers", object{{"Retry-After", object{{"description", "in seconds"}, {"schema", object{{"type", "integer"}}}}}})
		}
		name := strings.Join(names, ".")
		d.responses[name] = refusal.with("content", content(ref("schemas", "Error")))
		all = append(all, member{strconv.Itoa(status[codes[0]]), ref("responses", name)})
		codes = codes[n:]
	}
	return all
}

func (d *description) operation(t *testing.T, r route) object {
	texts, ok := described[r.method+" "+r.path]
	require.True(t, ok, "%s %s has no summary", r.method, r.path)
	o := object{{"operationId", texts.id}, {"summary", texts.summary}}
	var security []object
	for _, scheme := range securities[r.access] {
		security = append(security, object{{scheme, []string{}}})
	}
	o = o.with("security", security)
	if all := d.parameters(r); len(all) > 0 {
		o = o.with("parameters", all)
	}
	if r.hasBody() {
		o = o.with("requestBody", object{{"required", true}, {"content", content(d.schema(reflect.TypeOf(r.in)))}})
	}
	return o.with("responses", d.answers(r))
}

func describe(t *testing.T) []byte {
	d := &description{readDocs(t), make(map[string]object), make(map[string]object), make(map[reflect.Type]bool)}
	for _, r := range routes {
		d.strict[reflect.TypeOf(r.in)] = true
	}
	d.schema(reflect.TypeFor[api.Error]())
	var paths object
	for _, r := range routes {
		i := slices.IndexFunc(paths, func(m member) bool { return m.name == r.path })
		if i < 0 {
			i, paths = len(paths), append(paths, member{r.path, object(nil)})
		}
		paths[i].value = paths[i].value.(object).with(strings.ToLower(r.method), d.operation(t, r))
	}
	document := object{
		{"openapi", "3.1.0"},
		{"info", object{
			{"title", "Nescio account service"},
			{"version", "1"},
			{"description", strings.Join([]string{
				"Bodies are JSON. A request with an unknown or repeated field is refused. Every answer that is not a success has the form of Error, whose code goes with one HTTP status.",
				"Messages of logins and registrations are those of the packages opaque and srp, with the framed wire; FORMAT.md of each package has their bytes. Identities are empty, and the identity of the server is nescio/examples/service unless its operator has chosen another one. A header is of package recovery, and key is a blob of its keyring.",
				"A client registers with register/begin and register/finish, logs in with login/begin, login/finish and, if code is true, login/code. It then reads and writes the keyring and the items. The first message of SRP is always the bytes 53 01. The first byte of a response names the protocol that the server has chosen.",
				"A session has one of three grades. One that has logged in with the password may do everything. One of an approved device reads and writes items, grants the questions of owners whose contact the account is, and claims a password. One that recovers the account lasts an hour: it reads, and stores a new password together with the keyring, in PUT /v1/keyring. A claim gets into an account without its password; its token is the only key to it, and the answers to a wrong claim are those to a right one that waits.",
				"A request with a step-up has the token of step-up/finish in the header Nescio-Step-Up. The context of that login is the text service.nescio/step-up/v1, a zero byte, the session, the SHA-256 of the body of the request, and the operation. Profiles of Proton have no context.",
				"GET /healthz tells that the process runs, and GET /readyz that it may get requests. The test of package server writes this file.",
			}, "\n\n")},
		}},
		{"security", []object{}},
		{"paths", paths},
		{"components", object{
			{"schemas", d.schemas},
			{"responses", d.responses},
			{"securitySchemes", securitySchemes()},
		}},
	}
	text, err := json.Marshal(document)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, json.Indent(&b, text, "", "  "))
	b.WriteByte('\n')
	return b.Bytes()
}

package server

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/stretchr/testify/require"
)

// strictMessages are the bodies of all routes.
var strictMessages = func() (all []any) {
	for _, r := range routes {
		if r.hasBody() && !slices.ContainsFunc(all, func(in any) bool { return reflect.TypeOf(in) == reflect.TypeOf(r.in) }) {
			all = append(all, r.in)
		}
	}
	return all
}()

// FuzzStrictObject: a body is accepted if and only if it is one object whose
// members are fields of the message, occur once and have the field's type. The
// message then has these values.
func FuzzStrictObject(f *testing.F) {
	for _, text := range []string{
		`{}`, ` {} `, `{`, `}`, ``, `null`, `[]`, `[{}]`, `{}{}`, `{} x`, `{"name":"a"}`, `{"name":"a",}`, `{"name" "a"}`, `{"name":}`,
		`{"name":"a","name":"a"}`, `{"name":"a","n\u0061me":"b"}`, `{"Name":"a"}`, `{"other":1}`, `{"name":null}`, `{"name":{}}`, `{"name":["a"]}`,
		`{"opaque":"AA=="}`, `{"opaque":"AA"}`, `{"opaque":[65]}`, `{"opaque":[]}`, `{"opaque":"A\nA=="}`, `{"srp":"AA==","ſrp":"AAA="}`,
		`{"token":"a","final":"AA==","cookie":true}`, `{"cookie":"true"}`, `{"cookie":1}`, `{"names":["a","b"]}`, `{"names":[]}`,
		`{"names":[null]}`, `{"names":["a",1]}`, `{"names":"a"}`, `{"slot":"000102030405060708090a0b0c0d0e0f"}`,
		`{"slot":"000102030405060708090A0B0C0D0E0F"}`, `{"slot":""}`, `{"previous":1}`, `{"previous":1.0}`, `{"previous":1e3}`, `{"previous":-0}`,
		`{"previous":9223372036854775807}`, `{"previous":9223372036854775808}`, `{"previous":"1"}`, `{"former":1}`, `{"former":-1}`,
		`{"former":1.0}`, `{"former":true}`, `{"phrase":true}`, `{"phrase":"AA=="}`, `{"way":"file"}`, `{"way":"other","text":"a"}`, `{"way":1}`,
		`{"claim":"000102030405060708090a0b0c0d0e0f"}`, `{"claim":""}`, `{"claim":1}`, `{"invitation":"000102030405060708090a0b0c0d0e0f","slot":"0"}`,
		`{"half":"AA==","reset_factors":true}`, `{"a":[[[[{"b":"}"}]]]]}`, "{\"name\":\"\xff\"}", "\ufeff{}",
	} {
		for i, message := range strictMessages {
			if i == 0 || fits(reflect.TypeOf(message), text) {
				f.Add(byte(i), []byte(text))
			}
		}
	}
	f.Fuzz(func(t *testing.T, message byte, body []byte) {
		of := reflect.TypeOf(strictMessages[int(message)%len(strictMessages)])
		got := reflect.New(of)
		err := decode(body, got.Interface())
		want, ok := modelOf(of, body)
		require.Equal(t, ok, err == nil, "%q in %s", body, of)
		if ok {
			require.Equal(t, want.Interface(), got.Elem().Interface())
		} else {
			require.ErrorIs(t, err, &api.Error{Code: api.Malformed})
		}
	})
}

// fits reports whether a text has the name of a field.
func fits(of reflect.Type, text string) bool {
	return slices.ContainsFunc(reflect.VisibleFields(of), func(f reflect.StructField) bool {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name != "" && strings.Contains(text, `{"`+name+`"`)
	})
}

// modelOf decodes a body in another way: as a map, whose size is the number of
// members that the text has.
func modelOf(of reflect.Type, body []byte) (out reflect.Value, ok bool) {
	var members map[string]json.RawMessage
	out = reflect.New(of).Elem()
	if json.Unmarshal(body, &members) != nil || members == nil || len(members) != countMembers(body) {
		return out, false
	}
	for _, f := range reflect.VisibleFields(of) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		raw, there := members[name]
		if f.Anonymous || !there {
			continue
		}
		delete(members, name)
		if !setModel(out.FieldByIndex(f.Index), raw) {
			return out, false
		}
	}
	return out, len(members) == 0
}

// countMembers counts the colons of a valid object, without inner ones.
func countMembers(body []byte) (n int) {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ':' && depth == 1:
			n++
		}
	}
	return n
}

// setModel sets a field to a value of its JSON type.
func setModel(field reflect.Value, raw json.RawMessage) bool {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return false
	}
	if s, ok := v.(string); ok && strings.ContainsAny(s, "\r\n") {
		return false
	}
	switch field.Interface().(type) {
	case string, api.Way:
		s, ok := v.(string)
		field.SetString(s)
		return ok
	case bool:
		b, ok := v.(bool)
		field.SetBool(b)
		return ok
	case int, int64:
		n, err := strconv.ParseInt(string(raw), 10, 64)
		field.SetInt(n)
		return err == nil
	case []byte:
		s, ok := v.(string)
		b, err := base64.StdEncoding.DecodeString(s)
		field.SetBytes(b)
		return ok && err == nil
	case api.ID:
		s, ok := v.(string)
		id := new(api.ID)
		err := id.UnmarshalText([]byte(s))
		field.Set(reflect.ValueOf(*id))
		return ok && err == nil
	case *api.ID:
		s, ok := v.(string)
		id := new(api.ID)
		field.Set(reflect.ValueOf(id))
		return ok && id.UnmarshalText([]byte(s)) == nil
	}
	list, ok := v.([]any)
	names := make([]string, len(list))
	for i, one := range list {
		if names[i], ok = one.(string); !ok {
			return false
		}
	}
	field.Set(reflect.ValueOf(names))
	return ok && len(names) > 0
}

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/stretchr/testify/require"
)

// headerForms are a request with other headers.
func headerForms(route server.Route, r client.Request) (forms []form) {
	add := func(name, header, value string, code api.Code) {
		forms = append(forms, form{name, with(r, header, value), code})
	}
	if route.In != nil {
		for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "a/b/c"} {
			add("as "+media, "Content-Type", media, api.MediaType)
		}
	}
	if route.Method != http.MethodGet {
		for _, site := range []string{"cross-site", "same-site", "x"} {
			add("from "+site, "Sec-Fetch-Site", site, api.CrossOrigin)
		}
		for _, origin := range []string{"https://example.org", "null", "http://127.0.0.1"} {
			add("from "+origin, "Origin", origin, api.CrossOrigin)
		}
	}
	if route.Access != "anyone" {
		for _, value := range []string{"", "Bearer ", "Bearer x", "Basic eDp5", "Bearer " + strings.ToLower(r.Header["Authorization"]), r.Header["Authorization"] + "x"} {
			add("authorized by "+value, "Authorization", value, api.Unauthenticated)
		}
	}
	if route.StepUp != "" {
		for _, value := range []string{"", "x", r.Header[api.StepUpHeader] + "x"} {
			add("step-up "+value, api.StepUpHeader, value, api.StepUpRequired)
		}
		other := r
		other.Body = append([]byte(" "), r.Body...)
		forms = append(forms, form{"another body than the step-up's", other, api.StepUpRequired})
	}
	if strings.HasSuffix(route.Path, "{id}") {
		prefix, id := r.Path[:len(r.Path)-32], r.Path[len(r.Path)-32:]
		for _, other := range []string{id[1:], id + "0", "0x" + id[2:], strings.Repeat("A", 32), "%00", "a%2F" + id[3:]} {
			broken := r
			broken.Path = prefix + other
			forms = append(forms, form{"id " + other, broken, api.NotFound})
		}
	}
	if route.Path == "/v1/items" {
		for _, query := range []string{"?after=x", "?after=-1", "?after=1.0", "?after=9223372036854775808", "?after=1&after=1", "?after=1&x=1", "?After=1", "?after=%zz", "?after=1;x=1"} {
			broken := r
			broken.Path = route.Path + query
			forms = append(forms, form{query, broken, api.Malformed})
		}
	}
	return forms
}

// sessionForms are a request out of order, and in sessions that are not the
// client's.
func (b *breaker) sessionForms(route server.Route, r client.Request) (forms []form) {
	add := func(name, token, path string, code api.Code) {
		other := with(r, "Authorization", "Bearer "+token)
		other.Path = path
		forms = append(forms, form{name, other, code})
	}
	for who, token := range b.others {
		switch {
		case who == "half" && route.Access == "session":
			add("in a half session", token, r.Path, api.CodeRequired)
		case who == "half":
		case route.Access == "half":
			add("in a full session of "+who, token, r.Path, api.Conflict)
		case route.StepUp != "":
			add("with the step-up of another session, by "+who, token, r.Path, api.StepUpRequired)
		case route.Path == "/v1/step-up/finish":
			add("a step-up of another session, by "+who, token, r.Path, api.LoginFailed)
		case route.Path == "/v1/login/finish":
			add("a login as a step-up, by "+who, token, "/v1/step-up/finish", api.LoginFailed)
		case who == "alice": // what follows belongs to the account
		case route.Path == "/v1/move/begin" || route.Path == "/v1/move/finish":
			add("a move by "+who, token, r.Path, api.Conflict)
		case route.Path == "/v1/totp/confirm":
			add("without a begin, by "+who, token, r.Path, api.Conflict)
		case route.Path == "/v1/session/code":
			add("a code of another account, by "+who, token, r.Path, api.WrongCode)
		case route.Method == "DELETE" && strings.HasSuffix(route.Path, "{id}"):
			add("a session of another account, by "+who, token, r.Path, api.NotFound)
		case route.Method == "PUT" && route.Path == "/v1/keyring":
			add("a keyring of another account, by "+who, token, r.Path, api.Conflict)
		}
	}
	if route.Path == "/v1/step-up/finish" {
		other := r
		other.Path = "/v1/login/finish"
		forms = append(forms, form{"a step-up as a login", other, api.LoginFailed})
	}
	if route.In != nil && bytes.Contains(r.Body, []byte(`"token":`)) {
		made := r
		made.Body = replaceField(b, r.Body, "token", `"AAAAAAAAAAAAAAAAAAAAAAAAAA"`)
		forms = append(forms, form{"without a begin", made, api.LoginFailed})
	}
	return forms
}

// bodyForms are a request with other bodies.
func bodyForms(t testing.TB, route server.Route, r client.Request) (forms []form) {
	add := func(name, body string, code api.Code) {
		other := r
		other.Body = []byte(body)
		forms = append(forms, form{name, other, code})
	}
	if route.In == nil {
		for _, body := range []string{"{}", " ", "x", "null"} {
			add("a body", body, api.Malformed)
		}
		return forms
	}
	text := string(r.Body)
	for _, body := range []string{
		"", " ", "null", "1", `"x"`, "true", "[]", "[" + text + "]", "{" + text + "}", text + "x", text + " {}", text + text, text + "null", text + ",",
		text[:1], text[:len(text)/3], text[:len(text)/2], text[:len(text)-1], "\ufeff" + text, text[1:], strings.TrimSuffix(text, "}") + "]",
		strings.TrimSuffix(text, "}") + ",}", strings.Repeat("[", 20_000), strings.Repeat(`{"a":`, 20_000), "\x00" + text, "\xff\xfe",
	} {
		add("body "+shortly(body), body, api.Malformed)
	}
	add("oversized", text+strings.Repeat(" ", api.MaxBody+1-len(text)), api.TooLarge)
	add("oversized from its first byte", strings.Repeat(" ", api.MaxBody)+text, api.TooLarge)
	members := fieldsOf(t, r.Body)
	if len(members) > 0 {
		add("no fields", "{}", withoutFields(route))
	}
	for _, extra := range []string{`"surplus":1`, `"":1`, `"__proto__":{}`} {
		add("unknown "+extra, joined(append(members, extra)), api.Malformed)
	}
	for name, kind := range fieldTypes(reflect.TypeOf(route.In)) {
		rest := slices.DeleteFunc(slices.Clone(members), func(m string) bool { return strings.HasPrefix(m, strconv.Quote(name)+":") })
		for _, value := range wrongValues(kind) {
			add("field "+name+" "+value, joined(append(slices.Clone(rest), strconv.Quote(name)+":"+value)), api.Malformed)
		}
		if len(rest) == len(members) {
			continue
		}
		member := members[slices.IndexFunc(members, func(m string) bool { return strings.HasPrefix(m, strconv.Quote(name)+":") })]
		value := member[len(strconv.Quote(name)):]
		for _, other := range []string{
			name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:], strings.Replace(name, "s", "ſ", 1), strings.Replace(name, "k", "\u212a", 1),
		} {
			add("field "+name+" twice, as "+other, joined(append(slices.Clone(members), strconv.Quote(other)+value)), api.Malformed)
			if other != name {
				add("field "+name+" as "+other, joined(append(slices.Clone(rest), strconv.Quote(other)+value)), api.Malformed)
			}
		}
		escaped := fmt.Sprintf(`"\u%04x%s"`, name[0], name[1:])
		add("field "+name+" twice, escaped", joined(append(slices.Clone(members), escaped+value)), api.Malformed)
	}
	return forms
}

// withoutFields is how a route refuses a message without fields.
func withoutFields(route server.Route) api.Code {
	types := fieldTypes(reflect.TypeOf(route.In))
	switch {
	case route.StepUp != "":
		return api.StepUpRequired
	case types["token"] != nil || types["message"] != nil:
		return api.LoginFailed
	case types["code"] != nil:
		return api.WrongCode
	}
	return api.Malformed
}

func shortly(s string) string { return fmt.Sprintf("%.20q of %d bytes", s, len(s)) }

func joined(members []string) string { return "{" + strings.Join(members, ",") + "}" }

// fieldsOf returns the members of an object as text, in order.
func fieldsOf(t testing.TB, body []byte) (members []string) {
	d := json.NewDecoder(bytes.NewReader(body))
	_, err := d.Token()
	require.NoError(t, err)
	for d.More() {
		name, err := d.Token()
		require.NoError(t, err)
		var value json.RawMessage
		require.NoError(t, d.Decode(&value))
		members = append(members, strconv.Quote(name.(string))+":"+string(value))
	}
	return members
}

func replaceField(t testing.TB, body []byte, name, value string) []byte {
	members := fieldsOf(t, body)
	for i, m := range members {
		if strings.HasPrefix(m, strconv.Quote(name)+":") {
			members[i] = strconv.Quote(name) + ":" + value
		}
	}
	return []byte(joined(members))
}

func fieldTypes(message reflect.Type) map[string]reflect.Type {
	types := make(map[string]reflect.Type)
	for _, f := range reflect.VisibleFields(message) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); !f.Anonymous {
			types[name] = f.Type
		}
	}
	return types
}

// wrongValues are what no field of a type takes.
func wrongValues(kind reflect.Type) []string {
	wrong := []string{"null", "{}", `{"a":1}`, "[]", "[[]]", "[null]", "[{}]", "[1]", "01", "x", "'a'", `"a`, `"\x"`, "1.5", "1e400", ""}
	switch kind {
	case reflect.TypeFor[string]():
		return append(wrong, "1", "true", `["a"]`)
	case reflect.TypeFor[[]byte]():
		return append(wrong, "1", "true", `["AA=="]`, `"*"`, `"A"`, `"AA"`, `"AA="`, `"AA==AA=="`, `"-_-_"`, `" AA=="`)
	case reflect.TypeFor[bool]():
		return append(wrong, "1", "0", `"true"`, "[true]", "True")
	case reflect.TypeFor[int64]():
		return append(wrong, "true", `"1"`, "-1", "9223372036854775807", "9223372036854775808", "1e2")
	case reflect.TypeFor[*api.ID]():
		return append(wrong, "1", "true", `""`, `"00"`, `"`+strings.Repeat("A", 32)+`"`, `"`+strings.Repeat("g", 32)+`"`, `"`+strings.Repeat("0", 33)+`"`, "["+strings.Repeat("0,", 15)+"0]")
	case reflect.TypeFor[[]string]():
		return append(wrong, "1", "true", `"a"`, `["a",1]`, `["a",null]`, `[""]`, `["a","a"]`, `["a","A"]`, `["a","b","c","d","e"]`, `["a b"]`)
	}
	panic(kind)
}

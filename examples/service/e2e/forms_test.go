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
	if route.StepUp != "" || r.Header[api.StepUpHeader] != "" { // some requests need it sometimes
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
	for _, query := range brokenQueries[route.Path] {
		broken := r
		broken.Path = route.Path + query
		forms = append(forms, form{query, broken, api.Malformed})
	}
	return forms
}

const anID = "00112233445566778899aabbccddeeff"

// brokenQueries are what no route with a parameter takes.
var brokenQueries = map[string][]string{
	"/v1/items": {"?after=x", "?after=-1", "?after=1.0", "?after=9223372036854775808", "?after=1&after=1", "?after=1&x=1", "?After=1", "?after=%zz", "?after=1;x=1"},
	"/v1/events": {
		"?before=x", "?before=1", "?before=" + anID, "?before=-" + anID, "?before=-1-" + anID, "?before=1.0-" + anID, "?before=9223372036854775808-" + anID,
		"?before=1-" + anID + "0", "?before=1-" + anID[1:], "?before=1-" + "AA" + anID[2:], "?before=1-" + anID + "&before=1-" + anID, "?Before=1-" + anID,
		"?before=1-" + anID + "&x=1", "?before=%zz", "?before=1-" + anID + ";x=1",
	},
}

// grades are the kinds of sessions that are enough for an access.
var grades = map[string]string{
	"half": "half", "session": "password", "writer": "password approved", "device": "approved", "reset": "password recovered", "reader": "password approved recovered",
}

// sessionForms are a request out of order, and in sessions that are not the
// client's. A session of the wrong grade never gets to the handler.
func (b *breaker) sessionForms(route server.Route, r client.Request) (forms []form) {
	add := func(name, token, path string, code api.Code) {
		other := with(r, "Authorization", "Bearer "+token)
		other.Path = path
		forms = append(forms, form{name, other, code})
	}
	for who, token := range b.others {
		grade := who
		if who == "alice" || who == "bob" {
			grade = "password"
		}
		switch {
		case route.Path == "/v1/login/finish" && grade == "password":
			add("a login as a step-up, by "+who, token, "/v1/step-up/finish", api.LoginFailed)
		case route.Access == "anyone":
		case route.Access == "half" && grade != "half":
			add("in a full session of "+who, token, r.Path, api.Conflict)
		case route.Access != "half" && grade == "half":
			add("in a half session", token, r.Path, api.CodeRequired)
		case !slices.Contains(strings.Fields(grades[route.Access]), grade):
			add("in a session of the wrong grade, "+who, token, r.Path, api.NotAllowed)
		case grade == "half":
		case route.StepUp != "":
			add("with the step-up of another session, by "+who, token, r.Path, api.StepUpRequired)
		case route.Path == "/v1/step-up/finish":
			add("a step-up of another session, by "+who, token, r.Path, api.LoginFailed)
		case who != "alice": // what follows belongs to the account
			if code := foreign(route, r, grade); code != "" {
				add("in a session of another account, by "+who, token, r.Path, code)
			}
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
		code := api.LoginFailed
		if strings.HasPrefix(route.Path, "/v1/claims/") {
			code = api.NotFound
		}
		forms = append(forms, form{"without a begin", made, code})
	}
	return forms
}

// foreign is how the server refuses a request that belongs to another account
// than the session's. Other requests would succeed.
func foreign(route server.Route, r client.Request, grade string) api.Code {
	upload := bytes.Contains(r.Body, []byte(`"upload":`))
	switch {
	case route.Path == "/v1/sessions/{id}" && grade != "password", route.Method == "PUT" && route.Path == "/v1/keyring" && upload != (grade == "recovered"):
		return api.NotAllowed
	}
	return map[string]api.Code{
		"POST /v1/move/begin": api.Conflict, "POST /v1/move/finish": api.Conflict, "POST /v1/totp/confirm": api.Conflict, "POST /v1/session/code": api.WrongCode,
		"PUT /v1/session/slot": api.Conflict, "PUT /v1/keyring": api.Conflict, "DELETE /v1/sessions/{id}": api.NotFound,
		"POST /v1/claims/delay": api.NotFound, "POST /v1/asks/answer": api.NotFound, "POST /v1/asks/grant": api.NotFound,
		"POST /v1/contacts/deliver": api.NotFound, "POST /v1/contacts/received": api.NotFound,
	}[route.Method+" "+route.Path]
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
	case route.Path == "/v1/claims/ask" || route.Path == "/v1/claims/reveal" || route.Path == "/v1/contacts/deliver":
		return api.Malformed
	case route.Path == "/v1/claims/status" || route.Path == "/v1/claims/open" || route.Path == "/v1/claims/delay" || route.Path == "/v1/contacts/received":
		return api.NotFound
	case route.Path == "/v1/session/slot":
		return api.Conflict
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
	case reflect.TypeFor[string](), reflect.TypeFor[api.Way]():
		return append(wrong, "1", "true", `["a"]`)
	case reflect.TypeFor[[]byte]():
		return append(wrong, "1", "true", `["AA=="]`, `"*"`, `"A"`, `"AA"`, `"AA="`, `"AA==AA=="`, `"-_-_"`, `" AA=="`)
	case reflect.TypeFor[bool]():
		return append(wrong, "1", "0", `"true"`, "[true]", "True")
	case reflect.TypeFor[int64](), reflect.TypeFor[int]():
		return append(wrong, "true", `"1"`, "-1", "9223372036854775807", "9223372036854775808", "1e2")
	case reflect.TypeFor[*api.ID](), reflect.TypeFor[api.ID]():
		return append(wrong, "1", "true", `""`, `"00"`, `"`+strings.Repeat("A", 32)+`"`, `"`+strings.Repeat("g", 32)+`"`, `"`+strings.Repeat("0", 33)+`"`, "["+strings.Repeat("0,", 15)+"0]")
	case reflect.TypeFor[[]string]():
		return append(wrong, "1", "true", `"a"`, `["a",1]`, `["a",null]`, `[""]`, `["a","a"]`, `["a","A"]`, `["a","b","c","d","e"]`, `["a b"]`)
	}
	panic(kind)
}

package testvec

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// minRedacted is the length in bytes of the shortest secret that Redacted looks
// for. A shorter one would be found by chance.
const minRedacted = 8

// Redacted fails the test if one of the secrets shows in anything that package
// fmt, log/slog or an encoder makes of v. It tries v, pointers to v and what v
// points to. It tries each of them alone, in slices, maps and interfaces, and in
// exported and unexported fields of structs. Secrets are 8 bytes or longer. A
// secret shows if its first 8 bytes do, in any common notation.
func Redacted(t testing.TB, v any, secrets ...[]byte) {
	t.Helper()
	redacted(t, v, secrets, func(string, string) bool { return true })
}

// RedactedByFormat is Redacted for plain structs with exported secrets, such as
// a server's configuration. It leaves out what Format and MarshalJSON cannot
// change: the unexported fields of other structs, %p, %w for a value that is not
// an error, XML and gob.
func RedactedByFormat(t testing.TB, v any, secrets ...[]byte) {
	t.Helper()
	redacted(t, v, secrets, func(where, how string) bool {
		return !strings.Contains(where, "unexported") && !slices.Contains([]string{"%p", "error %w", "xml", "gob"}, how)
	})
}

// redacted looks at the places and renderings that tries selects.
func redacted(t testing.TB, v any, secrets [][]byte, tries func(where, how string) bool) {
	t.Helper()
	if len(secrets) == 0 {
		t.Fatalf("testvec: no secrets to look for")
	}
	var searches []search
	for i, s := range secrets {
		if len(s) < minRedacted {
			t.Fatalf("testvec: secret %d is shorter than %d bytes", i, minRedacted)
		}
		searches = append(searches, newSearch(s))
	}
	shown := make([]int, len(searches)) // how often
	places := holders(v)
	for _, where := range slices.Sorted(maps.Keys(places)) {
		for how, text := range renderings(places[where]) {
			if !tries(where, how) {
				continue
			}
			h := newHaystack(text)
			for i, s := range searches {
				if !s.in(h) {
					continue
				}
				if shown[i]++; shown[i] == 1 {
					t.Errorf("secret %d of %T shows in %s, %s: %.200q", i, v, where, how, text)
				}
			}
		}
	}
	for i, n := range shown {
		if n > 1 {
			t.Errorf("secret %d of %T shows in %d other texts", i, v, n-1)
		}
	}
}

// formats are the verbs of package fmt, one that it does not have, and flags.
var formats = []string{
	"%v", "%+v", "%#v", "%08v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%c", "%U", "%t", "%e", "%p", "%T", "%z",
}

// renderings returns the texts that fmt, log/slog and the encoders make of v,
// each by the name of what wrote it.
func renderings(v any) map[string]string {
	out := make(map[string]string)
	for _, f := range formats {
		out[f] = fmt.Sprintf(f, v)
	}
	for _, f := range []string{"%v", "%w", "%s"} {
		out["error "+f] = fmt.Errorf("wrapped: "+f, v).Error()
	}
	out["print"] = fmt.Sprint(v)

	var text, js, stream bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "v", v)
	slog.New(slog.NewJSONHandler(&js, nil)).Info("m", "v", v)
	out["slog text"], out["slog json"] = text.String(), js.String()

	// An encoder that refuses may have written a part of v before.
	b, _ := json.Marshal(v)
	out["json"] = string(b)
	b, _ = xml.Marshal(v)
	out["xml"] = string(b)
	if !isNil(v) { // for which package gob panics
		_ = gob.NewEncoder(&stream).Encode(v)
	}
	out["gob"] = stream.String()
	return out
}

func isNil(v any) bool {
	x := reflect.ValueOf(v)
	for x.Kind() == reflect.Pointer && !x.IsNil() {
		x = x.Elem()
	}
	return x.Kind() == reflect.Pointer
}

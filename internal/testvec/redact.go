package testvec

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// Redacted fails the test if one of the secrets shows in anything that
// formatting, logging or JSON makes of v: by itself, behind a pointer, in a
// slice, or in an exported field.
func Redacted(t testing.TB, v any, secrets ...[]byte) {
	t.Helper()
	for where, text := range renderings(v) {
		for i, s := range secrets {
			if len(s) < 4 {
				t.Fatalf("testvec: secret %d is too short to look for", i)
			}
			if shows(text, s) {
				t.Errorf("secret %d shows in %s: %.200q", i, where, text)
			}
		}
	}
}

func renderings(v any) map[string]string {
	out := make(map[string]string)
	held := struct{ Held any }{v}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d"} {
		out[verb] = fmt.Sprintf(verb, v)
		out["slice "+verb] = fmt.Sprintf(verb, []any{v})
		out["field "+verb] = fmt.Sprintf(verb, held)
		out["pointer "+verb] = fmt.Sprintf(verb, &held)
	}
	out["error"] = fmt.Errorf("wrapped: %v", v).Error()
	for where, x := range map[string]any{"json": v, "field json": held} {
		if b, err := json.Marshal(x); err == nil {
			out[where] = string(b)
		}
	}
	var text, js bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "v", v, "held", held)
	slog.New(slog.NewJSONHandler(&js, nil)).Info("m", "v", v, "held", held)
	out["slog text"], out["slog json"] = text.String(), js.String()
	return out
}

// shows reports whether text holds secret as it is or in a form that fmt and
// encoding/json give to byte slices. Four bytes of it are enough.
func shows(text string, secret []byte) bool {
	s := secret[:4]
	lower := strings.ToLower(text)
	dec := strings.Trim(fmt.Sprint(s), "[]")
	return strings.Contains(text, string(s)) ||
		strings.Contains(lower, hex.EncodeToString(s)) ||
		strings.Contains(text, base64.StdEncoding.EncodeToString(secret[:3])) ||
		strings.Contains(text, dec) ||
		strings.Contains(text, strings.ReplaceAll(dec, " ", ",")) ||
		strings.Contains(lower, strings.Trim(fmt.Sprintf("%#v", s), "[]byte{}"))
}

package testvec_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

var hiddenText = []byte("a secret of thirty-two bytes, so")

func caught(v any, secrets ...[]byte) bool {
	return failed(func(t testing.TB) { testvec.Redacted(t, v, secrets...) })
}

// formatted redacts itself where fmt can call it, which is not in the unexported
// fields of another struct.
type formatted struct{ key []byte }

func (formatted) Format(f fmt.State, _ rune)   { f.Write([]byte("redacted")) }
func (formatted) MarshalJSON() ([]byte, error) { return []byte(`"redacted"`), nil }
func (formatted) LogValue() slog.Value         { return slog.StringValue("redacted") }

// pointerFormatted has its methods on the pointer.
type pointerFormatted struct{ key []byte }

func (*pointerFormatted) Format(f fmt.State, _ rune)   { f.Write([]byte("redacted")) }
func (*pointerFormatted) MarshalJSON() ([]byte, error) { return []byte(`"redacted"`), nil }

// held keeps its secret in a func and redacts nothing else.
type held struct{ key secret.Value[[]byte] }

var quiet = held{secret.New(hiddenText)}

type leaksInJSON struct{ held }

func (leaksInJSON) MarshalJSON() ([]byte, error) { return json.Marshal(hiddenText) }

type leaksInText struct{ held }

func (leaksInText) MarshalText() ([]byte, error) { return hiddenText, nil }

type leaksInGob struct{ held }

func (leaksInGob) GobEncode() ([]byte, error) { return append([]byte{1}, hiddenText...), nil }

type leaksInLogs struct{ held }

func (leaksInLogs) LogValue() slog.Value { return slog.AnyValue(hiddenText) }

type leaksInOneVerb struct{ held }

func (leaksInOneVerb) Format(f fmt.State, verb rune) {
	if verb == 'b' {
		fmt.Fprintf(f, "%b", hiddenText)
	}
}

type array struct{ key [32]byte }

type exportedArray struct{ Key [32]byte }

func TestRedactedCatches(t *testing.T) {
	for name, v := range map[string]any{
		"bytes":                          hiddenText,
		"a string":                       string(hiddenText),
		"an array":                       [32]byte(hiddenText),
		"an error":                       errors.New(string(hiddenText)),
		"an exported field":              struct{ Key []byte }{hiddenText},
		"an unexported field":            struct{ key []byte }{hiddenText},
		"an unexported string":           struct{ key string }{string(hiddenText)},
		"an unexported array":            array{[32]byte(hiddenText)},
		"a pointer to unexported array":  &array{[32]byte(hiddenText)},
		"an exported array":              exportedArray{[32]byte(hiddenText)},
		"a field of a field":             struct{ outer *array }{&array{[32]byte(hiddenText)}},
		"Format alone":                   formatted{hiddenText},
		"Format alone, by pointer":       &formatted{hiddenText},
		"Format of the pointer":          &pointerFormatted{hiddenText},
		"Format of the pointer, a value": pointerFormatted{hiddenText},
		"JSON":                           leaksInJSON{quiet},
		"text":                           leaksInText{quiet},
		"gob":                            leaksInGob{quiet},
		"slog":                           leaksInLogs{quiet},
		"one verb":                       leaksInOneVerb{quiet},
	} {
		require.True(t, caught(v, hiddenText), name)
		require.True(t, caught(v, []byte("another one"), hiddenText), name)
		require.False(t, caught(v, []byte("another one")), name)
	}
}

// TestRedactedCatchesFormatByPointer: the leak that Format cannot close. fmt
// follows a pointer in an unexported field for %s, though not for %v.
func TestRedactedCatchesFormatByPointer(t *testing.T) {
	session := struct{ key *formatted }{&formatted{hiddenText}}
	shown := strings.Trim(fmt.Sprint(hiddenText), "[]")
	require.Contains(t, fmt.Sprintf("%s", session), shown)
	require.NotContains(t, fmt.Sprintf("%v", session), shown)
	require.True(t, caught(session.key, hiddenText))
}

func TestRedactedByFormat(t *testing.T) {
	byFormat := func(v any) bool {
		return failed(func(t testing.TB) { testvec.RedactedByFormat(t, v, hiddenText) })
	}
	require.False(t, byFormat(formatted{hiddenText}))
	require.False(t, byFormat(&formatted{hiddenText}))
	require.True(t, byFormat(pointerFormatted{hiddenText}))
	require.True(t, byFormat(struct{ Secrets struct{ Key []byte } }{struct{ Key []byte }{hiddenText}}))
	require.True(t, byFormat(leaksInJSON{quiet}))
	require.True(t, byFormat(leaksInOneVerb{quiet}))
}

func TestRedactedPasses(t *testing.T) {
	v := secret.New(hiddenText)
	p := secret.New([32]byte(hiddenText))
	for name, v := range map[string]any{
		"nothing":         nil,
		"a nil pointer":   (*held)(nil),
		"a Value":         v,
		"a Value, array":  p,
		"a struct":        held{v},
		"by pointer":      &held{v},
		"in a struct":     struct{ session *held }{&held{v}},
		"an exported one": struct{ Key secret.Value[[]byte] }{v},
	} {
		require.False(t, caught(v, hiddenText), name)
	}
}

// TestRedactedFindsEveryNotation that fmt and the encoders have, of secrets that
// are text and of others, wherever they stand.
func TestRedactedFindsEveryNotation(t *testing.T) {
	binary := []byte{0x00, 0x0b, 0xff, 0x80, '"', '\n', 0xc3, 0xa4, 0x01, 0x0d, 0x7f, 0xfe}
	for _, key := range [][]byte{hiddenText, binary, binary[1:], binary[2:]} {
		fixed := [12]byte{}
		copy(fixed[:], key)
		for _, f := range []string{
			"%v", "%#v", "%s", "%q", "%+q", "%x", "%X", "% x", "% X", "%#x", "%# x", "%d", "%o", "%#o", "%O", "%b", "%#b", "%c", "%U", "%t", "%e", "%f",
		} {
			for _, v := range []any{key, fixed, &fixed, struct{ key []byte }{key}, struct{ key [12]byte }{fixed}} {
				require.True(t, testvec.Shows(fmt.Sprintf("before 7 "+f+" 7 behind", v), key), "%s of %#v", f, v)
			}
		}
		for before := range 3 {
			b, err := json.Marshal(append(make([]byte, before), key...))
			require.NoError(t, err)
			require.True(t, testvec.Shows(string(b), key), "base64 after %d bytes", before)
		}
		b, err := json.Marshal(fixed)
		require.NoError(t, err)
		require.True(t, testvec.Shows(string(b), key), "a list in JSON")
		require.False(t, testvec.Shows("1 2 3 97 32 115 101 61 20 73 00 0b ff 80", key))
	}
}

func TestRedactedWantsSecrets(t *testing.T) {
	require.True(t, caught(held{}))
	require.True(t, caught(held{}, []byte("7 bytes")))
	require.False(t, caught(held{}, []byte("8 bytes.")))
}

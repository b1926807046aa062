package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

const exportPassword = "a password of its own"

// testExport writes an export with items of some size.
func testExport(t testing.TB, items int) (text string, e *Exported, policy kdf.Policy) {
	cheap, err := kdf.NewArgon2id(8, 1, 1)
	require.NoError(t, err)
	policy = kdf.FixedPolicy(cheap.WithNewSalt())
	e = &Exported{Server: "https://example.org", AccountID: api.ID{1}, Keyring: recovery.AccountID{2}, Slots: []ExportedSlot{}, Items: []ExportedItem{}}
	for i := range items {
		e.Items = append(e.Items, ExportedItem{
			ID: api.ID{0: byte(i), 1: 1}, Version: 1, Item: Item{Kind: KindNote, Title: fmt.Sprint(i), Text: strings.Repeat("x", 50<<10)},
		})
	}
	return wrapExport(t, e, cheap, policy), e, policy
}

func wrapExport(t testing.TB, e any, cost kdf.Params, policy kdf.Policy) string {
	b, err := json.Marshal(e)
	require.NoError(t, err)
	out := new(bytes.Buffer)
	require.NoError(t, writeExport(t.Context(), out, []byte(exportPassword), b, cost.WithNewSalt(), policy))
	return out.String()
}

func readExport(ctx context.Context, text string, policy kdf.Policy) (*Exported, error) {
	return ReadExport(ctx, strings.NewReader(text), []byte(exportPassword), policy)
}

// TestExportFormat: an export opens with its password, and not if it was changed,
// cut, reordered or mixed.
func TestExportFormat(t *testing.T) {
	ctx := t.Context()
	for _, n := range []int{0, 1, 2, 7} {
		text, e, policy := testExport(t, n)
		got, err := readExport(ctx, text, policy)
		require.NoError(t, err)
		require.Equal(t, e, got)
		require.NotContains(t, text, "example.org")
	}
	text, _, policy := testExport(t, 7)
	other, _, _ := testExport(t, 7)
	lines, others := strings.SplitAfter(text, "\n"), strings.SplitAfter(other, "\n")
	lines, others = lines[:len(lines)-1], others[:len(others)-1]
	require.Len(t, lines, 7)
	join := func(lines ...string) string { return strings.Join(lines, "") }
	end := len(lines) - 1
	bad := map[string]string{
		"nothing":                   "",
		"no end of line":            text[:len(text)-1],
		"another end of line":       text[:len(text)-1] + "\r\n",
		"an empty line":             text + "\n",
		"more":                      text + "more",
		"no chunks":                 lines[0],
		"the last is missing":       join(lines[:end]...),
		"the first is missing":      join(lines[0], join(lines[2:]...)),
		"one is missing":            join(join(lines[:2]...), join(lines[3:]...)),
		"one is there twice":        join(join(lines[:2]...), join(lines[1:]...)),
		"exchanged":                 join(lines[0], lines[2], lines[1], join(lines[3:]...)),
		"the last in the middle":    join(lines[0], lines[end], join(lines[2:]...)),
		"another file's chunk":      join(lines[0], others[1], join(lines[2:]...)),
		"another file's first line": join(others[0], join(lines[1:]...)),
		"another file's number":     join(strings.Fields(others[0])[0]+" "+strings.Fields(others[0])[1]+" "+strings.Fields(lines[0])[2]+"\n", join(lines[1:]...)),
		"a space":                   " " + text,
		"two spaces":                strings.Replace(text, " ", "  ", 1),
		"upper case":                strings.ToUpper(lines[0]) + join(lines[1:]...),
		"another format":            strings.Replace(text, "/v1", "/v2", 1),
		"a tab":                     strings.Replace(text, " ", "\t", 1),
		"a long first line":         strings.Repeat("x", 1<<20),
		"a long line":               lines[0] + strings.Repeat("A", 1<<20) + "\n",
		"a longer line":             lines[0] + strings.Repeat("A", exportLine+4) + "\n",
		"not base64":                lines[0] + "?" + lines[1][1:] + join(lines[2:]...),
		"an expensive KDF":          "service.nescio/export/v1 " + strings.Repeat("0", 32) + " $argon2id$v=19$m=4194304,t=64,p=1$AAAAAAAAAAAAAAAAAAAAAA\n" + join(lines[1:]...),
	}
	for what, text := range bad {
		_, err := readExport(ctx, text, policy)
		require.ErrorIs(t, err, ErrExport, what)
		_, err = ReadExport(ctx, iotest.OneByteReader(strings.NewReader(text)), []byte(exportPassword), policy)
		require.ErrorIs(t, err, ErrExport, what)
	}
	_, err := ReadExport(ctx, strings.NewReader(text), []byte("another password"), policy)
	require.ErrorIs(t, err, ErrExport)
	_, err = ReadExport(ctx, strings.NewReader(text), []byte(exportPassword), kdf.Policy{})
	require.ErrorIs(t, err, ErrExport)
	require.ErrorIs(t, err, kdf.ErrWeak)
	_, err = ReadExport(ctx, iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(text))), []byte(exportPassword), policy)
	require.ErrorIs(t, err, iotest.ErrTimeout, "an error of the reader is not the file's")
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = readExport(ended, text, policy)
	require.ErrorIs(t, err, context.Canceled)
	cheap, err := kdf.NewArgon2id(8, 1, 1)
	require.NoError(t, err)
	for _, content := range []any{"text", []int{1}, map[string]any{"items": 1}} {
		_, err = readExport(ctx, wrapExport(t, content, cheap, policy), policy)
		require.ErrorIs(t, err, ErrExport)
	}
}

// TestExportWriter: an error of the writer is returned.
func TestExportWriter(t *testing.T) {
	cheap, err := kdf.NewArgon2id(8, 1, 1)
	require.NoError(t, err)
	full := errors.New("the disk is full")
	err = writeExport(t.Context(), writer(func([]byte) (int, error) { return 0, full }), []byte(exportPassword), []byte("{}"), cheap.WithNewSalt(), kdf.FixedPolicy(cheap.WithNewSalt()))
	require.ErrorIs(t, err, full)
	err = writeExport(t.Context(), new(bytes.Buffer), nil, []byte("{}"), cheap.WithNewSalt(), kdf.FixedPolicy(cheap.WithNewSalt()))
	require.Error(t, err, "no password")
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// stored is an export of an earlier run.
func stored(t testing.TB) string {
	b, err := os.ReadFile(filepath.Join("testdata", "export-v1.txt"))
	require.NoError(t, err)
	return string(b)
}

// TestStoredExport: the format stays.
func TestStoredExport(t *testing.T) {
	_, _, policy := testExport(t, 0)
	e, err := readExport(t.Context(), stored(t), policy)
	require.NoError(t, err)
	require.Equal(t, "https://example.org", e.Server)
	require.Len(t, e.Items, 1)
	require.Equal(t, "The spare key is under the third pot.", e.Items[0].Item.Text)
}

// FuzzReadExport: a reader accepts only what Export has written.
func FuzzReadExport(f *testing.F) {
	text := stored(f)
	_, _, policy := testExport(f, 0)
	for _, seed := range []string{text, text[:len(text)/2], "", "service.nescio/export/v1 ", strings.Replace(text, "\n", "\n\n", 1), text + text} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := ReadExport(t.Context(), bytes.NewReader(b), []byte(exportPassword), policy)
		if genuine := string(b) == text; genuine != (err == nil) || err != nil && !errors.Is(err, ErrExport) {
			t.Fatal(len(b), err)
		}
	})
}

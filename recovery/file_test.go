package recovery_test

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// newFile is a file with a slot in a keyring.
func newFile(t testing.TB) (*recovery.File, *recovery.Keyring) {
	f := recovery.NewFile()
	require.Empty(t, f.Text())
	require.Zero(t, f.ID())
	require.Len(t, f.ServerSecret(), 32)
	k := create(t, f)
	require.Equal(t, k.Slots()[0].ID, f.ID())
	return f, k
}

func TestFile(t *testing.T) {
	f, k := newFile(t)
	text := f.Text()
	block, rest := pem.Decode([]byte(text))
	require.Empty(t, rest)
	require.Equal(t, "NESCIO RECOVERY FILE", block.Type)
	require.Len(t, block.Bytes, 53)
	id := f.ID()
	require.Equal(t, append([]byte{1}, id[:]...), block.Bytes[:17])
	require.False(t, bytes.Contains(block.Bytes, account[:4]), "no account")
	require.False(t, bytes.Contains(block.Bytes, f.ServerSecret()[:4]), "no secret of the server's")

	read, err := recovery.ParseFile(text)
	require.NoError(t, err)
	require.Equal(t, id, read.ID())
	require.Equal(t, text, read.Text())
	require.Nil(t, read.ServerSecret())
	require.ErrorIs(t, openErr(t, k.Bytes(), read, pin(t, k)), recovery.ErrPolicy, "the server's half is missing")

	whole, err := read.WithServerSecret(f.ServerSecret())
	require.NoError(t, err)
	require.Equal(t, f.ServerSecret(), whole.ServerSecret())
	requireSame(t, k, open(t, k.Bytes(), whole, pin(t, k)), 1)
	require.Nil(t, read.ServerSecret(), "the one without it stays as it was")

	wrong := f.ServerSecret()
	wrong[0] ^= 1
	require.NotEqual(t, wrong, f.ServerSecret(), "a copy")
	other, err := read.WithServerSecret(wrong)
	require.NoError(t, err)
	require.Equal(t, recovery.ErrNotMine, openErr(t, k.Bytes(), other, pin(t, k)))
	for _, secret := range [][]byte{nil, {}, make([]byte, 32), wrong[:31], append(wrong, 0)} {
		_, err := read.WithServerSecret(secret)
		require.Equal(t, recovery.ErrMalformed, err)
	}

	f2, k2 := newFile(t)
	require.Equal(t, recovery.ErrNotMine, openErr(t, k.Bytes(), f2, pin(t, k)), "another file")
	mixed, err := read.WithServerSecret(f2.ServerSecret())
	require.NoError(t, err)
	require.Equal(t, recovery.ErrNotMine, openErr(t, k2.Bytes(), mixed, pin(t, k2)), "another's secret")
}

// TestFileOnce: a file is for one slot.
func TestFileOnce(t *testing.T) {
	f, k := newFile(t)
	before := k.Bytes()
	_, err := k.Add(t.Context(), f)
	require.Equal(t, recovery.ErrUsed, err)
	_, err = recovery.Create(t.Context(), account, f)
	require.Equal(t, recovery.ErrUsed, err)
	require.Equal(t, before, k.Bytes())
	read, err := recovery.ParseFile(f.Text())
	require.NoError(t, err)
	for _, again := range []*recovery.File{read, f} {
		again, err := again.WithServerSecret(f.ServerSecret())
		require.NoError(t, err)
		_, err = k.Add(t.Context(), again)
		require.Equal(t, recovery.ErrUsed, err)
	}
	_, err = k.Add(t.Context(), read)
	require.Equal(t, recovery.ErrUsed, err)
}

// TestFileAsKept: what mail programs, editors and input fields do to text.
func TestFileAsKept(t *testing.T) {
	f, _ := newFile(t)
	text := f.Text()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	require.Len(t, lines, 4)
	for name, kept := range map[string]string{
		"CRLF":             strings.ReplaceAll(text, "\n", "\r\n"),
		"CR":               strings.ReplaceAll(text, "\n", "\r"),
		"no last newline":  strings.TrimSpace(text),
		"indented":         "  " + strings.Join(lines, "\n\t  "),
		"trailing space":   strings.ReplaceAll(text, "\n", "  \n"),
		"empty lines":      strings.ReplaceAll(text, "\n", "\n\n"),
		"one line":         strings.Join(lines, " "),
		"no lines":         strings.Join(lines, ""),
		"other lines":      lines[0] + "\n" + lines[1][:7] + "\n" + lines[1][7:] + lines[2] + "\n" + lines[3],
		"no-break spaces":  strings.ReplaceAll(text, "\n", "\u00a0\n\u00a0"),
		"byte order mark":  "\ufeff" + text,
		"no width":         invisible + strings.Join(strings.Split(text, ""), "\u200b") + invisible,
		"spaces of a kind": strings.ReplaceAll(text, " ", "\u202f"),
		"text around it":   "Keep this file.\n\n" + text + "\nBest wishes\n-----\n",
		"another block":    "-----BEGIN OTHER-----\nAAAA\n-----END OTHER-----\n" + text,
		"a block after it": text + "-----BEGIN OTHER-----\nAAAA\n-----END OTHER-----\n",
		"as long as it is": strings.Repeat(" ", 64<<10-len(text)) + text,
	} {
		read, err := recovery.ParseFile(kept)
		require.NoError(t, err, name)
		require.Equal(t, text, read.Text(), name)
		require.Equal(t, f.ID(), read.ID(), name)
	}
}

func TestFileDamaged(t *testing.T) {
	f, _ := newFile(t)
	text := strings.TrimSpace(f.Text())
	refuse := func(text, why string) {
		read, err := recovery.ParseFile(text)
		require.Equal(t, recovery.ErrMalformed, err, why)
		require.Nil(t, read)
	}
	for i := range len(text) {
		others := "Aa0/+=- \n:\x00\xff"
		if !testing.Short() || text[i] == '=' || i > len(text)-40 {
			others += "BCDEFGHIJKLMNOPQRSTUVWXYZbcdefghijklmnopqrstuvwxyz123456789"
		}
		for j := range len(others) {
			wrong := text[:i] + others[j:j+1] + text[i+1:]
			if strings.Join(strings.Fields(wrong), "") != strings.Join(strings.Fields(text), "") {
				refuse(wrong, wrong)
			}
		}
		refuse(text[:i], "truncated")
		if text[i] != '\n' {
			refuse(text[:i]+text[i+1:], "a character less")
			if j := i + 1; j < len(text) && text[j] != text[i] && text[j] != '\n' {
				refuse(text[:i]+text[j:j+1]+text[i:i+1]+text[j+1:], "neighbours")
			}
		}
	}

	block, _ := pem.Decode([]byte(text))
	armor := func(kind string, headers map[string]string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Headers: headers, Bytes: b}))
	}
	const kind = "NESCIO RECOVERY FILE"
	require.Equal(t, f.Text(), armor(kind, nil, block.Bytes))
	refuse("", "nothing")
	refuse(armor(kind, map[string]string{"Account": "alice"}, block.Bytes), "headers")
	refuse(armor("NESCIO KEY", nil, block.Bytes), "another type")
	refuse(f.Text()+f.Text(), "two")
	refuse(f.Text()+"\n-----BEGIN "+kind+"-----", "one and a half")
	refuse("-----BEGIN "+kind+"-----\n"+f.Text(), "a half and one")
	refuse(strings.Repeat(" ", 64<<10-len(text)+1)+text, "more than 64 KiB")
	seal := func(change func(b []byte) []byte) string {
		b := change(bytes.Clone(block.Bytes[:49]))
		return armor(kind, nil, append(b, recovery.FileCheck(b)...))
	}
	require.Equal(t, f.Text(), seal(func(b []byte) []byte { return b }))
	refuse(seal(func(b []byte) []byte { b[0] = 2; return b }), "another version")
	refuse(seal(func(b []byte) []byte { clear(b[1:17]); return b }), "no id")
	refuse(seal(func(b []byte) []byte { clear(b[17:]); return b }), "no F")
	refuse(seal(func(b []byte) []byte { return b[:48] }), "too short")
	refuse(seal(func(b []byte) []byte { return append(b, 0) }), "too long")
	refuse(seal(func(b []byte) []byte { return nil }), "empty")
	loose := base64.StdEncoding.EncodeToString(block.Bytes)
	last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", loose[70])
	loose = loose[:70] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[last|1]) + "="
	refuse("-----BEGIN "+kind+"-----\n"+loose+"\n-----END "+kind+"-----\n", "unused bits")
}

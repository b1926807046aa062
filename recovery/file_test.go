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
	t.Helper()
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
	text, id, account := f.Text(), f.ID(), k.Account()
	block, rest := pem.Decode([]byte(text))
	require.Empty(t, rest)
	require.Equal(t, "NESCIO RECOVERY FILE", block.Type)
	require.Len(t, block.Bytes, 53)
	require.Equal(t, append([]byte{1}, id[:]...), block.Bytes[:17])
	require.False(t, bytes.Contains(block.Bytes, account[:4]), "no account")
	require.False(t, bytes.Contains(block.Bytes, f.ServerSecret()[:4]), "no secret of the server")
	require.Equal(t, refFileText(id[:], block.Bytes[17:49]), text)

	read, err := recovery.ParseFile(text)
	require.NoError(t, err)
	require.Equal(t, id, read.ID())
	require.Equal(t, text, read.Text())
	require.Nil(t, read.ServerSecret())
	require.ErrorIs(t, openErr(t, k.Header(), read, k.Checkpoint()), recovery.ErrPolicy, "the server's half is missing")

	whole, err := read.WithServerSecret(f.ServerSecret())
	require.NoError(t, err)
	require.Equal(t, f.ServerSecret(), whole.ServerSecret())
	requireOpens(t, k, whole)
	requireOpens(t, k, f)
	require.Nil(t, read.ServerSecret(), "the file without the half is unchanged")

	wrong := f.ServerSecret()
	wrong[0] ^= 1
	require.NotEqual(t, wrong, f.ServerSecret(), "a copy")
	other, err := read.WithServerSecret(wrong)
	require.NoError(t, err)
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), other, k.Checkpoint()))
	for _, secret := range [][]byte{nil, {}, make([]byte, 32), wrong[:31], append(wrong, 0)} {
		_, err := read.WithServerSecret(secret)
		require.Equal(t, recovery.ErrMalformed, err)
	}

	f2, k2 := newFile(t)
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), f2, k.Checkpoint()), "another file")
	mixed, err := read.WithServerSecret(f2.ServerSecret())
	require.NoError(t, err)
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, k2.Header(), mixed, k2.Checkpoint()), "the secret of another file")
}

// TestFileIsForOneSlot: sealing again returns ErrPolicy, also in a keyring that
// does not have the slot.
func TestFileIsForOneSlot(t *testing.T) {
	f, k := newFile(t)
	read := must(recovery.ParseFile(f.Text()))
	sealers := []*recovery.File{f, read}
	for _, file := range []*recovery.File{read, f} {
		sealers = append(sealers, must(file.WithServerSecret(f.ServerSecret())))
	}
	for _, file := range sealers {
		_, err := k.Seal(t.Context(), file)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		_, err = recovery.Create(t.Context(), file)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		_, err = k.RotateLineage(t.Context(), file)
		require.ErrorIs(t, err, recovery.ErrPolicy)
	}
	requireOpens(t, k, f)
}

// TestNewFileHasItsOwnSecret: a new file does not take a secret from elsewhere.
func TestNewFileHasItsOwnSecret(t *testing.T) {
	_, err := recovery.NewFile().WithServerSecret(bytes.Repeat([]byte{1}, 32))
	require.ErrorIs(t, err, recovery.ErrPolicy)
}

// TestFileAsKept: mail programs, editors and input fields change text.
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
		"other spaces":     strings.ReplaceAll(text, " ", "\u202f"),
		"text around it":   "Keep this file.\n\n" + text + "\nBest wishes\n-----\n",
		"another block":    "-----BEGIN OTHER-----\nAAAA\n-----END OTHER-----\n" + text,
		"a block after it": text + "-----BEGIN OTHER-----\nAAAA\n-----END OTHER-----\n",
		"of the limit":     strings.Repeat(" ", 64<<10-len(text)) + text,
	} {
		read, err := recovery.ParseFile(kept)
		require.NoError(t, err, name)
		require.Equal(t, text, read.Text(), name)
		require.Equal(t, f.ID(), read.ID(), name)
	}
}

func refuseFile(t testing.TB, text, why string) {
	t.Helper()
	read, err := recovery.ParseFile(text)
	require.Equal(t, recovery.ErrMalformed, err, why)
	require.Nil(t, read)
}

func TestFileDamaged(t *testing.T) {
	f, _ := newFile(t)
	text := strings.TrimSpace(f.Text())
	for i := range len(text) {
		others := "Aa0/+=- \n:\x00\xff"
		if !testing.Short() || text[i] == '=' || i > len(text)-40 {
			others += "BCDEFGHIJKLMNOPQRSTUVWXYZbcdefghijklmnopqrstuvwxyz123456789"
		}
		for j := range len(others) {
			wrong := text[:i] + others[j:j+1] + text[i+1:]
			if strings.Join(strings.Fields(wrong), "") != strings.Join(strings.Fields(text), "") {
				refuseFile(t, wrong, wrong)
			}
		}
		refuseFile(t, text[:i], "truncated")
		if text[i] != '\n' {
			refuseFile(t, text[:i]+text[i+1:], "a character less")
			if j := i + 1; j < len(text) && text[j] != text[i] && text[j] != '\n' {
				refuseFile(t, text[:i]+text[j:j+1]+text[i:i+1]+text[j+1:], "neighbours")
			}
		}
	}
}

// TestFileForm refuses texts of another form, also with a right checksum.
func TestFileForm(t *testing.T) {
	f, _ := newFile(t)
	text := f.Text()
	const kind = "NESCIO RECOVERY FILE"
	block, _ := pem.Decode([]byte(text))
	armor := func(kind string, headers map[string]string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Headers: headers, Bytes: b}))
	}
	require.Equal(t, text, armor(kind, nil, block.Bytes))
	refuseFile(t, "", "nothing")
	refuseFile(t, armor(kind, map[string]string{"Account": "alice"}, block.Bytes), "headers")
	refuseFile(t, armor("NESCIO KEY", nil, block.Bytes), "another type")
	refuseFile(t, text+text, "two")
	refuseFile(t, text+"\n-----BEGIN "+kind+"-----", "one and a half")
	refuseFile(t, "-----BEGIN "+kind+"-----\n"+text, "a half and one")
	refuseFile(t, strings.Repeat(" ", 64<<10-len(text)+1)+text, "more than 64 KiB")
	sealed := func(change func(b []byte) []byte) string {
		b := change(bytes.Clone(block.Bytes[:49]))
		return armor(kind, nil, append(b, recovery.FileCheck(b)...))
	}
	require.Equal(t, text, sealed(func(b []byte) []byte { return b }))
	refuseFile(t, sealed(func(b []byte) []byte { b[0] = 2; return b }), "another version")
	refuseFile(t, sealed(func(b []byte) []byte { clear(b[1:17]); return b }), "no id")
	refuseFile(t, sealed(func(b []byte) []byte { clear(b[17:]); return b }), "no F")
	refuseFile(t, sealed(func(b []byte) []byte { return b[:48] }), "too short")
	refuseFile(t, sealed(func(b []byte) []byte { return append(b, 0) }), "too long")
	refuseFile(t, sealed(func(b []byte) []byte { return nil }), "empty")

	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	loose := base64.StdEncoding.EncodeToString(block.Bytes)
	last := strings.IndexByte(alphabet, loose[70])
	loose = loose[:70] + string(alphabet[last|1]) + "="
	refuseFile(t, "-----BEGIN "+kind+"-----\n"+loose+"\n-----END "+kind+"-----\n", "unused bits")
}

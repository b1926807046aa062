package proton

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// MaxText is the maximum size of a file or an armored key in bytes.
const MaxText = 1 << 20

// The kinds of armor.
const (
	armorMessage    = "PGP MESSAGE"
	armorSignature  = "PGP SIGNATURE"
	armorPrivateKey = "PGP PRIVATE KEY BLOCK"
)

// dearmor decodes the only block in a text, which must be of the given kind
// (RFC 9580, Section 6.2). The text around the block and the headers of the
// block may be anything. The checksum is ignored, as Section 6.1 requires.
// Package armor is not strict enough: it takes the first block, ends it at the
// checksum, and ignores the rest.
func dearmor(text, kind string) ([]byte, error) {
	if len(text) > MaxText {
		return nil, errTooLarge
	}
	if strings.Count(text, "-----BEGIN ") != 1 || strings.Count(text, "-----END ") != 1 {
		return nil, ErrMalformed
	}
	_, body, begins := strings.Cut(text, "-----BEGIN "+kind+"-----")
	body, _, ends := strings.Cut(body, "-----END "+kind+"-----")
	if !begins || !ends {
		return nil, ErrMalformed
	}
	lines := strings.Split(strings.TrimRight(body, " \t\r\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	if lines[0] != "" { // the rest of the line with BEGIN
		return nil, ErrMalformed
	}
	for lines = lines[1:]; len(lines) > 0 && strings.Contains(lines[0], ":"); {
		lines = lines[1:]
	}
	if len(lines) == 0 || lines[0] != "" {
		return nil, ErrMalformed
	}
	lines = lines[1:]
	if n := len(lines); n > 0 && strings.HasPrefix(lines[n-1], "=") {
		lines = lines[:n-1]
	}
	b, err := base64.StdEncoding.Strict().DecodeString(strings.Join(lines, ""))
	if err != nil {
		return nil, ErrMalformed
	}
	return b, nil
}

// enarmor writes a block with a checksum, which older programs require.
func enarmor(b []byte, kind string) (string, error) {
	var text bytes.Buffer
	w, err := armor.Encode(&text, kind, nil)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(b); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return text.String() + "\n", nil
}

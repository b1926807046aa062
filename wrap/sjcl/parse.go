package sjcl

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"strconv"
)

// MaxMessage is the maximum size in bytes of a text for [Parse].
const MaxMessage = 16 << 20

const maxSalt = 64 // bytes

// fields is the JSON object, in the order in which SJCL writes it.
type fields struct {
	iv           []byte
	v            int
	iter, ks, ts int
	mode         string
	adata        []byte
	cipher       string
	salt         []byte // optional: SJCL writes it with a password only
	ct           []byte
}

var required = []string{"iv", "v", "iter", "ks", "ts", "mode", "adata", "cipher", "ct"}

// Parse reads the JSON that FORMAT.md defines, without a key. It returns
// [ErrMalformed] or [ErrUnsupported].
func Parse(text []byte) (*Message, error) {
	f, err := read(text)
	if err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return &Message{iv: f.iv, adata: f.adata, ct: f.ct, tagSize: f.ts / 8}, nil
}

func (f *fields) check() error {
	switch {
	case f.v != 1:
		return errVersion
	case f.mode != "gcm":
		return errMode
	case f.cipher != "aes":
		return errCipher
	case len(f.iv) != 12 && len(f.iv) != 16:
		return errIV
	case f.iter < 1:
		return errIter
	case f.ks != 128 && f.ks != 192 && f.ks != 256:
		return errKS
	case f.ts != 64 && f.ts != 96 && f.ts != 128:
		return errTS
	case len(f.salt) > maxSalt:
		return errSalt
	case len(f.ct) < f.ts/8:
		return errCT
	}
	return nil
}

// read reads the object token by token. json.Unmarshal ignores the case of
// field names and accepts a field twice.
func read(text []byte) (*fields, error) {
	if len(text) > MaxMessage {
		return nil, errLong
	}
	if hasEscape(text) {
		return nil, errEscape
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errObject
	}
	f := new(fields)
	seen := make(map[string]bool)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, errObject
		}
		value, err := d.Token()
		if err != nil {
			return nil, errObject
		}
		name, _ := token.(string)
		if seen[name] || !f.set(name, value) {
			return nil, errField
		}
		seen[name] = true
	}
	if _, err := d.Token(); err != nil {
		return nil, errObject
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errObject
	}
	for _, name := range required {
		if !seen[name] {
			return nil, errAbsent
		}
	}
	return f, nil
}

// hasEscape reports whether there is an escape other than "\/". SJCL writes
// none, and other encoders write a slash of base64 so. Without the others a
// field name has one spelling, and no string can contain a line break, which
// package base64 would skip.
func hasEscape(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return false
		}
		text = text[i+1:]
		if len(text) == 0 || text[0] != '/' {
			return true
		}
	}
}

// set stores one field. It reports whether the field is known and its value of
// the right type.
func (f *fields) set(name string, value json.Token) (ok bool) {
	switch name {
	case "iv":
		f.iv, ok = binary(value)
	case "v":
		f.v, ok = number(value)
	case "iter":
		f.iter, ok = number(value)
	case "ks":
		f.ks, ok = number(value)
	case "ts":
		f.ts, ok = number(value)
	case "mode":
		f.mode, ok = value.(string)
	case "adata":
		f.adata, ok = binary(value)
	case "cipher":
		f.cipher, ok = value.(string)
	case "salt":
		f.salt, ok = binary(value)
	case "ct":
		f.ct, ok = binary(value)
	}
	return ok
}

// number reads digits without sign, fraction or exponent, up to 2^31−1.
func number(value json.Token) (n int, ok bool) {
	text, ok := value.(json.Number)
	u, err := strconv.ParseUint(string(text), 10, 31)
	return int(u), ok && err == nil
}

func binary(value json.Token) (b []byte, ok bool) {
	text, ok := value.(string)
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	return b, ok && err == nil
}

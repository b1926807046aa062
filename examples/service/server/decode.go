package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/nescio-go/nescio/examples/service/api"
)

// read reads the body.
func (c *call) read() error {
	if c.r.Method != http.MethodPost && c.r.Method != http.MethodPut {
		if n, _ := io.ReadFull(c.r.Body, make([]byte, 1)); n != 0 {
			return errCode(api.Malformed, "this request has no body")
		}
		return nil
	}
	media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return errCode(api.MediaType, "the body must be application/json")
	}
	c.body, err = io.ReadAll(http.MaxBytesReader(nil, c.r.Body, api.MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errCode(api.TooLarge, "the body is too large")
	}
	if err != nil {
		return errCode(api.Malformed, "the body could not be read")
	}
	return nil
}

// decode reads the only JSON value of a body, strictly: it has no unknown and
// no repeated fields.
func decode(body []byte, in any) error {
	if _, empty := in.(*none); empty {
		return nil
	}
	malformed := errCode(api.Malformed, "the body is not a valid request")
	if !strictObject(body) {
		return malformed
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		return malformed
	}
	return nil
}

// none is the message of a request without a body.
type none struct{}

// strictObject reports whether a body is one JSON object whose names occur once
// and whose values are no objects and not null. Names have ASCII letters in
// lower case, because encoding/json ignores the case.
func strictObject(body []byte) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok || seen[name] || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
			return false
		}
		seen[name] = true
		var value json.RawMessage
		if d.Decode(&value) != nil || !strictValue(value) {
			return false
		}
	}
	if _, err := d.Token(); err != nil {
		return false
	}
	_, err := d.Token()
	return err == io.EOF
}

// strictValue reports whether a value is a string, a number, a boolean, or a
// list of strings. Strings have no line ends, which base64 would ignore.
func strictValue(value json.RawMessage) bool {
	switch value[0] {
	case '{', 'n':
		return false
	case '[':
		var list []*string
		return json.Unmarshal(value, &list) == nil && len(list) > 0 && !slices.Contains(list, nil)
	case '"':
		var text string
		return json.Unmarshal(value, &text) == nil && !strings.ContainsAny(text, "\r\n")
	}
	return true
}

// both requires the first messages of both protocols, whichever is used.
func both(r api.Requests) error {
	if len(r.OPAQUE) == 0 || len(r.SRP) == 0 {
		return errCode(api.Malformed, "the first messages of both protocols are required")
	}
	return nil
}

package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/nescio-go/nescio/examples/service/api"
)

// read reads the body.
func (c *call) read() error {
	if c.r.Method == http.MethodGet || c.r.Method == http.MethodDelete {
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
// and are in lower case, because encoding/json ignores the case.
func strictObject(body []byte) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok || seen[name] || name != strings.ToLower(name) {
			return false
		}
		seen[name] = true
		var value json.RawMessage
		if d.Decode(&value) != nil || bytes.HasPrefix(value, []byte("{")) || bytes.Equal(value, []byte("null")) {
			return false // no message has an object in it
		}
	}
	if _, err := d.Token(); err != nil {
		return false
	}
	_, err := d.Token()
	return err == io.EOF
}

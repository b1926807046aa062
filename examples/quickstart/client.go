package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
	"github.com/nescio-go/nescio/wrap"
)

type client struct {
	url    string
	srp    *srp.Client
	opaque *opaque.Client
	moved  map[string]bool // names whose logins used OPAQUE; a real client stores them
}

func newClient(url string) *client {
	proton := must(openpgp.ParseKey(openpgp.ProtonKey))
	return &client{
		url: url,
		srp: must(srp.NewClient(srp.ClientConfig{ // moduli that Proton signed, and no others
			Profiles: []srp.Profile{srp.Proton(4)}, GroupPolicy: proton.GroupPolicy(), ServerIdentity: serverIdentity,
		})),
		opaque: must(opaque.NewClient(opaque.ClientConfig{ServerIdentity: serverIdentity})),
		moved:  make(map[string]bool),
	}
}

// post makes one call. A status other than 200 is an error.
func (c *client) post(path string, in message) (out message, err error) {
	response, err := http.Post(c.url+path, "application/json", bytes.NewReader(must(json.Marshal(in))))
	if err != nil {
		return out, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return out, errors.New(response.Status)
	}
	return out, json.NewDecoder(io.LimitReader(response.Body, maxBody)).Decode(&out)
}

// register makes the two calls of a registration. Between them finish uses the password.
func (c *client) register(ctx context.Context, name string, request []byte, finish func(context.Context, []byte) ([]byte, error)) (message, error) {
	begun, err := c.post("/register/begin", message{Name: name, Message: request})
	if err != nil {
		return message{}, err
	}
	upload, err := finish(ctx, begun.Message)
	if err != nil {
		return message{}, err
	}
	return c.post("/register/finish", message{Name: name, Message: upload})
}

type session struct {
	token string
	key   *wrap.Key // only the client knows it; nil after a login with SRP
}

// login does not know which protocol the account has. It sends the first messages
// of both, and the server answers one of them.
func (c *client) login(ctx context.Context, name, password string) (*session, error) {
	name, err := prepare.Username(name) // one spelling; a real client prepares passwords too
	o, request, err1 := c.opaque.Login(nil, []byte(password))
	s, other, err2 := c.srp.Login(nil, []byte(password))
	if err := errors.Join(err, err1, err2); err != nil {
		return nil, err
	}
	defer o.Discard()
	defer s.Discard()
	begun, err := c.post("/login/begin", message{Name: name, Message: request, Other: other})
	if err != nil {
		return nil, err
	}
	respond, finish := o.Respond, o.Finish
	// No server leads an account that has used OPAQUE back to SRP.
	isSRP := bytes.HasPrefix(begun.Message, []byte("S")) && !c.moved[name]
	if isSRP {
		respond, finish = s.Respond, s.Finish
	}
	final, err := respond(ctx, begun.Message)
	if err != nil {
		return nil, err
	}
	done, err := c.post("/login/finish", message{Name: name, Token: begun.Token, Message: final})
	if err != nil {
		return nil, err
	}
	if _, err := finish(done.Message); err != nil || isSRP { // the server has proved itself
		return &session{token: done.Token}, err
	}
	c.moved[name] = true
	exportKey, err := o.ExportKey() // the same at every login
	if err != nil {
		return nil, err
	}
	key, err := wrap.DeriveKey(exportKey, nil, "example.org/note-key/v1")
	return &session{done.Token, key}, err
}

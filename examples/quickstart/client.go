package main

import (
	"bytes"
	"context"
	"errors"

	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/srp"
)

type client struct {
	server *server // reached through a network in a real client
	srp    *srp.Client
	opaque *opaque.Client
	moved  map[string]bool // names whose logins used OPAQUE; a real client stores them
}

func newClient(s *server) *client {
	proton := must(openpgp.ParseKey(openpgp.ProtonKey))
	return &client{
		server: s,
		srp: must(srp.NewClient(srp.ClientConfig{ // accepts only moduli that Proton signed
			Profiles: []srp.Profile{srp.Proton(4)}, GroupPolicy: proton.GroupPolicy(), ServerIdentity: serverIdentity,
		})),
		opaque: must(opaque.NewClient(opaque.ClientConfig{ServerIdentity: serverIdentity})),
		moved:  make(map[string]bool),
	}
}

// register makes the two calls of a registration. finish uses the password.
func (c *client) register(ctx context.Context, name string, request []byte, finish func(context.Context, []byte) ([]byte, error)) error {
	begun, err := c.server.call(ctx, "/register/begin", message{Name: name, Message: request})
	if err != nil {
		return err
	}
	upload, err := finish(ctx, begun.Message)
	if err == nil {
		_, err = c.server.call(ctx, "/register/finish", message{Name: name, Message: upload})
	}
	return err
}

type session struct {
	token             string
	exportKey, record []byte // only the client knows the key; both are nil after a login with SRP
}

// remote is the server, as the client of a keyring sees it.
type remote struct {
	*client
	message
}

func (r remote) Fetch(ctx context.Context) ([]byte, error) {
	out, err := r.server.call(ctx, "/header", r.message)
	return out.Header, err
}

func (r remote) Swap(ctx context.Context, _ [32]byte, header []byte) error {
	r.Header = header // the header names its predecessor
	_, err := r.server.call(ctx, "/header", r.message)
	return err
}

// local is the storage of a device. A real device uses a file.
type local struct{ value []byte }

func (l *local) Load(context.Context) ([]byte, error) { return l.value, nil }

func (l *local) Swap(_ context.Context, previous, next []byte) error {
	if !bytes.Equal(l.value, previous) {
		return recovery.ErrConflict
	}
	l.value = next
	return nil
}

func (c *client) keyring(name string, s *session) *recovery.Client {
	return recovery.NewClient(new(local), remote{c, message{Name: name, Token: s.token}})
}

// login does not know the protocol of the account. It sends the first messages
// of both protocols, and the server answers one of them.
func (c *client) login(ctx context.Context, name, password string) (*session, error) {
	name, err := prepare.Username(name) // one spelling; a real client prepares passwords too
	o, request, err1 := c.opaque.Login(nil, []byte(password))
	s, other, err2 := c.srp.Login(nil, []byte(password))
	if err := errors.Join(err, err1, err2); err != nil {
		return nil, err
	}
	defer o.Discard()
	defer s.Discard()
	begun, err := c.server.call(ctx, "/login/begin", message{Name: name, Message: request, Other: other})
	if err != nil {
		return nil, err
	}
	respond, finish := o.Respond, o.Finish
	// A malicious server must not lead an account from OPAQUE back to SRP.
	isSRP := bytes.HasPrefix(begun.Message, []byte("S")) && !c.moved[name]
	if isSRP {
		respond, finish = s.Respond, s.Finish
	}
	final, err := respond(ctx, begun.Message)
	if err != nil {
		return nil, err
	}
	done, err := c.server.call(ctx, "/login/finish", message{Name: name, Token: begun.Token, Message: final})
	if err != nil {
		return nil, err
	}
	if _, err := finish(done.Message); err != nil || isSRP { // the server has proved itself
		return &session{token: done.Token}, err
	}
	c.moved[name] = true
	exportKey, err1 := o.ExportKey() // the same at every login
	record, err2 := o.Record()
	return &session{done.Token, exportKey, record}, errors.Join(err1, err2)
}

package opaque_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
)

// eitherServer has the methods of a service. Both servers satisfy it.
type eitherServer interface {
	BeginRegistration(ctx context.Context, id, request []byte) (response []byte, err error)
	FinishRegistration(identity, upload []byte) (record []byte, err error)
	BeginLogin(ctx context.Context, id, record, request []byte) (response, pending []byte, err error)
	FinishLogin(ctx context.Context, id, record, pending, final []byte) (reply, key []byte, err error)
	NeedsRegistration(record []byte) bool
}

var (
	_ eitherServer = (*srp.Server)(nil)
	_ eitherServer = (*opaque.Server)(nil)
)

// eitherLogin and eitherRegistration have the methods of an application, for
// both protocols.
type eitherLogin interface {
	Respond(ctx context.Context, response []byte) (final []byte, err error)
	Finish(reply []byte) (key []byte, err error)
	Discard()
}

type eitherRegistration interface {
	Finish(ctx context.Context, response []byte) (upload []byte, err error)
	Discard()
}

// eitherClient is satisfied by both adaptors below.
type eitherClient interface {
	Login(identity, password []byte) (eitherLogin, []byte, error)
	Register(identity, password []byte) (eitherRegistration, []byte, error)
}

type srpClient struct{ *srp.Client }

func (c srpClient) Login(identity, password []byte) (eitherLogin, []byte, error) {
	return c.Client.Login(identity, password)
}

func (c srpClient) Register(identity, password []byte) (eitherRegistration, []byte, error) {
	return c.Client.Register(identity, password)
}

type opaqueClient struct{ *opaque.Client }

func (c opaqueClient) Login(identity, password []byte) (eitherLogin, []byte, error) {
	return c.Client.Login(identity, password)
}

func (c opaqueClient) Register(identity, password []byte) (eitherRegistration, []byte, error) {
	return c.Client.Register(identity, password)
}

// The first byte of messages and records names the protocol.
const protocolSRP, protocolOPAQUE = 'S', 'O'

// service has accounts of both protocols, and one handler for each message.
type service struct {
	srp     *srp.Server
	opaque  *opaque.Server
	records map[string][]byte
	pending map[string]attempt // by an unguessable cookie
}

type attempt struct {
	id, state []byte
	protocol  byte
}

func (s *service) server(protocol byte) eitherServer {
	if protocol == protocolSRP {
		return s.srp
	}
	return s.opaque
}

// protocolOf returns the protocol of a record. Without a record it returns the
// protocol that the unknown name seems to have.
func (s *service) protocolOf(id, record []byte) byte {
	asSRP := s.opaque.AnswersAsSRP(id) // for every name, so that all take the same time
	switch {
	case len(record) > 0:
		return record[0]
	case asSRP:
		return protocolSRP
	}
	return protocolOPAQUE
}

// begin answers one of a client's two requests.
func (s *service) begin(ctx context.Context, cookie string, id []byte, requests map[byte][]byte) ([]byte, error) {
	record := s.records[string(id)]
	protocol := s.protocolOf(id, record)
	response, state, err := s.server(protocol).BeginLogin(ctx, id, record, requests[protocol])
	if err != nil {
		return nil, err
	}
	s.pending[cookie] = attempt{id, state, protocol}
	return response, nil
}

func (s *service) finish(ctx context.Context, cookie string, final []byte) (reply, key []byte, err error) {
	a := s.pending[cookie]
	delete(s.pending, cookie)
	return s.server(a.protocol).FinishLogin(ctx, a.id, s.records[string(a.id)], a.state, final)
}

// messages are the two calls of a login.
type messages interface {
	begin(ctx context.Context, cookie string, id []byte, requests map[byte][]byte) (response []byte, err error)
	finish(ctx context.Context, cookie string, final []byte) (reply, key []byte, err error)
}

// loggedIn is a finished login, with the keys of both sides.
type loggedIn struct {
	login          eitherLogin
	key, serverKey []byte
	protocol       byte
}

// logIn does not know the protocol. It sends the first messages of both and
// continues with the protocol of the response.
func logIn(ctx context.Context, s messages, cookie string, clients map[byte]eitherClient, id, password []byte) (l loggedIn, err error) {
	logins, requests := make(map[byte]eitherLogin), make(map[byte][]byte)
	for protocol, client := range clients {
		identity := id
		if protocol == protocolOPAQUE {
			identity = nil // Identities of the server's kind is false
		}
		login, request, err := client.Login(identity, password)
		if err != nil {
			return loggedIn{}, err
		}
		logins[protocol], requests[protocol] = login, request
	}
	response, err := s.begin(ctx, cookie, id, requests) // → id and requests, ← response
	if err != nil {
		return loggedIn{}, err
	}
	l.protocol = response[0]
	l.login = logins[l.protocol]
	for protocol, login := range logins {
		if protocol != l.protocol {
			login.Discard()
		}
	}
	if l.login == nil {
		return l, errors.New("the server answers with a protocol that was not asked for")
	}
	final, err := l.login.Respond(ctx, response)
	if err != nil {
		return l, err
	}
	reply, serverKey, err := s.finish(ctx, cookie, final) // → final, ← reply
	if err != nil {
		return l, err
	}
	l.serverKey = serverKey
	l.key, err = l.login.Finish(reply)
	return l, err
}

// newService makes a service whose two servers share keys and know each other's
// kinds. A service stores its secrets instead of drawing them at every start.
func newService() *service {
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	check(err)
	srpKind, opaqueKind := srp.DefaultKind(), opaque.Kind{Setup: 1}
	srpKind.Weight, opaqueKind.Weight = 60, 40 // of 100 accounts
	srpWeights, err := srp.Weights(srpKind)
	check(err)
	opaqueWeights, err := opaque.Weights(opaqueKind)
	check(err)
	var decoyKey [32]byte
	var stateKey srp.StateKey
	rand.Read(decoyKey[:])
	rand.Read(stateKey.Key[:])
	s := &service{records: make(map[string][]byte), pending: make(map[string]attempt)}
	s.srp, err = srp.NewServer(srp.ServerConfig{
		DecoyKey:  decoyKey,
		StateKeys: []srp.StateKey{stateKey},
		Offer:     srpKind,
		Others:    opaqueWeights,
	})
	check(err)
	s.opaque, err = opaque.NewServer(opaque.ServerConfig{
		DecoyKey:  decoyKey,
		StateKeys: []opaque.StateKey{opaque.StateKey(stateKey)},
		Setups:    map[uint16]*opaque.Setup{1: setup},
		Offer:     opaqueKind,
		Others:    srpWeights,
	})
	check(err)
	return s
}

// newClients makes the clients of both protocols.
func newClients() map[byte]eitherClient {
	srpOne, err := srp.NewClient(srp.ClientConfig{})
	if err != nil {
		log.Fatal(err)
	}
	opaqueOne, err := opaque.NewClient(opaque.ClientConfig{})
	if err != nil {
		log.Fatal(err)
	}
	return map[byte]eitherClient{protocolSRP: srpClient{srpOne}, protocolOPAQUE: opaqueClient{opaqueOne}}
}

// A service has accounts of both protocols behind one interface. The client
// does not know which one an account has. Nothing tells an unknown name from an
// account.
//
// Once a client has seen OPAQUE for an account, it must send only OPAQUE for it.
// Otherwise an attacker who answers with SRP makes it use the weaker protocol.
// To end registrations with SRP, send none to its server, and keep its kinds and
// weights: unknown names still answer with them.
func Example_bothProtocols() {
	ctx := context.Background()
	s, clients := newService(), newClients()
	for protocol, name := range map[byte]string{protocolSRP: "alice", protocolOPAQUE: "bob"} {
		id, identity := []byte(name), []byte(nil)
		if protocol == protocolSRP {
			identity = id
		}
		registration, request, err := clients[protocol].Register(identity, []byte("correct horse"))
		if err != nil {
			log.Fatal(err)
		}
		response, err := s.server(protocol).BeginRegistration(ctx, id, request) // → request, ← response
		if err != nil {
			log.Fatal(err)
		}
		upload, err := registration.Finish(ctx, response)
		if err != nil {
			log.Fatal(err)
		}
		s.records[name], err = s.server(protocol).FinishRegistration(identity, upload) // → upload
		if err != nil {
			log.Fatal(err)
		}
	}

	for _, name := range []string{"alice", "bob"} {
		l, err := logIn(ctx, s, "cookie", clients, []byte(name), []byte("correct horse"))
		fmt.Printf("%s: protocol %c, keys equal: %t, %v\n", name, l.protocol, bytes.Equal(l.key, l.serverKey), err)
	}
	_, err := logIn(ctx, s, "cookie", clients, []byte("nobody"), []byte("correct horse"))
	fmt.Println("nobody:", errors.Is(err, srp.ErrAuthentication), errors.Is(err, opaque.ErrAuthentication))
	// Output:
	// alice: protocol S, keys equal: true, <nil>
	// bob: protocol O, keys equal: true, <nil>
	// nobody: true true
}

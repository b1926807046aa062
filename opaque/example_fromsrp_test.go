package opaque_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/wrap"
)

// movingService is the service of the example for both protocols, and also moves
// accounts from SRP to OPAQUE. In a database each of its methods ends with one
// transaction, which compares the record once more.
type movingService struct {
	*service
	accounts map[string]*movingAccount
	pending  map[string]movingLogin // by an unguessable cookie
}

type movingAccount struct {
	record, next   []byte                   // next: no login has used it yet
	blob, nextBlob []byte                   // the data key under the export keys of record and next
	sessions       map[string]movingSession // by cookie
}

// movingSession has a Migration if the login was with SRP and no upload was made.
type movingSession struct{ migration *opaque.Migration }

type movingLogin struct {
	attempt
	next bool // the login is for the new record
}

// begin answers with the new record if the client sent an OPAQUE request, and
// otherwise with the old one.
func (s *movingService) begin(ctx context.Context, cookie string, id []byte, requests map[byte][]byte) ([]byte, error) {
	a := s.accounts[string(id)]
	if a == nil {
		a = new(movingAccount) // an unknown name
	}
	next := len(a.next) > 0 && requests[protocolOPAQUE] != nil
	record := a.stored(next)
	protocol := s.protocolOf(id, record)
	response, state, err := s.server(protocol).BeginLogin(ctx, id, record, requests[protocol])
	if err != nil {
		return nil, err
	}
	s.pending[cookie] = movingLogin{attempt{id, state, protocol}, next}
	return response, nil
}

func (a *movingAccount) stored(next bool) []byte {
	if next {
		return a.next
	}
	return a.record
}

// finish gives FinishLogin the record of the login as it is stored now. The
// first login with OPAQUE makes the new record the only one.
func (s *movingService) finish(ctx context.Context, cookie string, final []byte) (reply, key []byte, err error) {
	p := s.pending[cookie]
	delete(s.pending, cookie)
	a := s.accounts[string(p.id)]
	if a == nil {
		a = new(movingAccount)
	}
	reply, key, err = s.server(p.protocol).FinishLogin(ctx, p.id, a.stored(p.next), p.state, final)
	if err != nil {
		return nil, nil, err
	}
	if p.next { // this also ends all sessions of SRP
		*a = movingAccount{record: a.next, blob: a.nextBlob, sessions: make(map[string]movingSession)}
	}
	var opened movingSession
	if p.protocol == protocolSRP && len(a.next) == 0 { // the application tells the client that it may move
		if opened.migration, err = opaque.NewMigration(key, p.id); err != nil {
			return nil, nil, err
		}
	}
	a.sessions[cookie] = opened
	return reply, key, nil
}

// request is the first message of a move, inside a session.
func (s *movingService) request(ctx context.Context, cookie string, id, protected []byte) (response []byte, err error) {
	m, err := s.migration(cookie, id)
	if err != nil {
		return nil, err
	}
	request, err := m.Verify(opaque.MigrateRequest, protected)
	if err != nil {
		return nil, err
	}
	if response, err = s.opaque.BeginRegistration(ctx, id, request); err != nil {
		return nil, err
	}
	return m.Protect(opaque.MigrateResponse, response)
}

// upload is the last message. It stores the new record and its blob beside the
// old ones. A session makes one upload.
func (s *movingService) upload(cookie string, id, protected, blob []byte) error {
	m, err := s.migration(cookie, id)
	if err != nil {
		return err
	}
	upload, err := m.Verify(opaque.MigrateUpload, protected)
	if err != nil {
		return err
	}
	record, err := s.opaque.FinishRegistration(nil, upload)
	if err != nil {
		return err
	}
	a := s.accounts[string(id)]
	a.next, a.nextBlob = record, blob
	a.sessions[cookie] = movingSession{} // the Migration is forgotten
	return nil
}

var errMove = errors.New("the session cannot move the account")

func (s *movingService) migration(cookie string, id []byte) (*opaque.Migration, error) {
	a := s.accounts[string(id)]
	if a == nil || len(a.next) > 0 || a.sessions[cookie].migration == nil {
		return nil, errMove
	}
	return a.sessions[cookie].migration, nil
}

// move registers for OPAQUE with the key of a finished login of SRP, without
// asking the user. The data key is wrapped under the new export key first.
func move(ctx context.Context, s *movingService, cookie string, client *opaque.Client, key, id, password, dataKey []byte) error {
	m, err := opaque.NewMigration(key, id)
	if err != nil {
		return err
	}
	registration, request, err := client.Register(nil, password)
	if err != nil {
		return err
	}
	defer registration.Discard()
	protected, err := m.Protect(opaque.MigrateRequest, request)
	if err != nil {
		return err
	}
	if protected, err = s.request(ctx, cookie, id, protected); err != nil { // → and ← protected
		return err
	}
	response, err := m.Verify(opaque.MigrateResponse, protected)
	if err != nil {
		return err
	}
	upload, err := registration.Finish(ctx, response)
	if err != nil {
		return err
	}
	exportKey, err := registration.ExportKey()
	if err != nil {
		return err
	}
	blob, err := wrapDataKey(ctx, exportKey, dataKey)
	if err != nil {
		return err
	}
	if protected, err = m.Protect(opaque.MigrateUpload, upload); err != nil {
		return err
	}
	return s.upload(cookie, id, protected, blob) // → protected, blob
}

var dataKeyBinding = wrap.Binding{Purpose: "example.org/data-key/v1", Account: []byte("account 17"), Epoch: 1}

func wrapDataKey(ctx context.Context, exportKey, dataKey []byte) (blob []byte, err error) {
	kek, err := wrap.DeriveKey(exportKey, nil, "example.org/export-key/v1")
	if err != nil {
		return nil, err
	}
	return kek.Wrap(ctx, dataKey, dataKeyBinding)
}

func unwrapDataKey(ctx context.Context, exportKey, blob []byte) (dataKey []byte, err error) {
	kek, err := wrap.DeriveKey(exportKey, nil, "example.org/export-key/v1")
	if err != nil {
		return nil, err
	}
	return kek.Unwrap(ctx, blob, dataKeyBinding)
}

// An account moves from SRP to OPAQUE inside a login with SRP, without asking
// the user. The server:
//
//  1. It tells clients of SRP, after their login, that the account may move.
//     Clients of OPAQUE learn it from Login.NeedsRegistration.
//  2. It refuses a registration while the account has an unused new record.
//  3. It accepts one upload per session, and then forgets the Migration, because
//     a protected message verifies any number of times.
//  4. It keeps both records until the first login with the new one. It gives
//     BeginLogin the new record if the client sent an OPAQUE request of its
//     suite, and otherwise the old record.
//  5. It notes beside the pending state which record it was, and gives
//     FinishLogin this record as it is stored then. If another login has made
//     the new record the only one, FinishLogin returns ErrState, and the client
//     logs in again.
//  6. In the transaction of the first login with the new record it deletes the
//     old record and the blobs of its export key, and ends the account's
//     sessions of SRP.
//  7. When the password changes with the old record, it deletes the unused new
//     record and its blobs.
//
// The client:
//
//  1. Before the upload it wraps every key that the old export key protects
//     under the new export key. It sends these blobs with the upload, and the
//     server stores them beside the new record. After SRP there is no old export
//     key. The client wraps the keys that it has.
//  2. After its first login with OPAQUE it notes that the account has OPAQUE.
//     From then on it refuses SRP for the account before the password is used.
func ExampleMigration_fromSRP() {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	s := &movingService{newService(), make(map[string]*movingAccount), make(map[string]movingLogin)}
	id, password, dataKey := []byte("alice"), []byte("correct horse"), make([]byte, 32)
	rand.Read(dataKey)
	both := newClients()
	older := map[byte]eitherClient{protocolSRP: both[protocolSRP]} // on a device that has no OPAQUE yet
	registration, request, err := both[protocolSRP].Register(id, password)
	check(err)
	response, err := s.srp.BeginRegistration(ctx, id, request)
	check(err)
	upload, err := registration.Finish(ctx, response)
	check(err)
	record, err := s.srp.FinishRegistration(id, upload)
	check(err)
	s.accounts["alice"] = &movingAccount{record: record, sessions: make(map[string]movingSession)}

	l, err := logIn(ctx, s, "cookie 1", both, id, password)
	fmt.Printf("before the move: protocol %c, %v\n", l.protocol, err)
	client := both[protocolOPAQUE].(opaqueClient).Client
	check(move(ctx, s, "cookie 1", client, l.key, id, password, dataKey))
	fmt.Println("a second move:", move(ctx, s, "cookie 1", client, l.key, id, password, dataKey))
	l.login.Discard()

	l, err = logIn(ctx, s, "cookie 2", older, id, password)
	fmt.Printf("an older client: protocol %c, %v\n", l.protocol, err)
	login, request, err := older[protocolSRP].Login(id, password) // and begins another login
	check(err)
	response, err = s.begin(ctx, "cookie 3", id, map[byte][]byte{protocolSRP: request})
	check(err)
	final, err := login.Respond(ctx, response)
	check(err)

	l, err = logIn(ctx, s, "cookie 4", both, id, password)
	fmt.Printf("after the move: protocol %c, %v, sessions: %d\n", l.protocol, err, len(s.accounts["alice"].sessions))
	delete(both, protocolSRP) // the client refuses SRP for this account from now on
	exportKey, err := l.login.(*opaque.Login).ExportKey()
	check(err)
	opened, err := unwrapDataKey(ctx, exportKey, s.accounts["alice"].blob)
	fmt.Println("the data key:", string(opened) == string(dataKey), err)

	_, _, err = s.finish(ctx, "cookie 3", final)
	fmt.Println("the login with SRP that began before:", err)
	// Output:
	// before the move: protocol S, <nil>
	// a second move: the session cannot move the account
	// an older client: protocol S, <nil>
	// after the move: protocol O, <nil>, sessions: 1
	// the data key: true <nil>
	// the login with SRP that began before: nescio: no such login in progress
}

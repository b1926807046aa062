package opaque_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log"
	"sync"

	"github.com/nescio-go/nescio/opaque"
)

// changingService lets accounts change their passwords. In a database, each
// block under mu is one transaction.
type changingService struct {
	server   *opaque.Server
	mu       sync.Mutex
	accounts map[string]changingAccount
	pending  map[string]passwordChange // by an unguessable cookie
}

type changingAccount struct {
	record, blob []byte          // the blob is the data key under the export key
	next         []byte          // the record of a Migration that nobody has used yet
	sessions     map[string]bool // by cookie
}

// passwordChange is stored beside the pending state.
type passwordChange struct {
	id, state, upload, blob []byte
}

// context names the change and the account, and hashes everything that will be
// stored. Each side makes it from its own values.
func (c *passwordChange) context() []byte {
	b := []byte("example.org/password-change/v1")
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(c.id))), c.id...)
	for _, value := range [][]byte{c.upload, c.blob} {
		digest := sha256.Sum256(value)
		b = append(b, digest[:]...)
	}
	return b
}

func (s *changingService) account(id []byte) changingAccount {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accounts[string(id)]
}

// begin starts the login with the old password that confirms a change. The id
// is the account of the web session that asks.
func (s *changingService) begin(ctx context.Context, cookie string, c passwordChange, request []byte) (response []byte, err error) {
	if _, err := s.server.FinishRegistration(nil, c.upload); err != nil {
		return nil, err
	}
	server, err := s.server.WithContext(c.context())
	if err != nil {
		return nil, err
	}
	if response, c.state, err = server.BeginLogin(ctx, c.id, s.account(c.id).record, request); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending[cookie] = c
	return response, nil
}

// finish makes the change if the login for it succeeds.
func (s *changingService) finish(ctx context.Context, cookie string, final []byte) (reply []byte, err error) {
	s.mu.Lock()
	c := s.pending[cookie]
	delete(s.pending, cookie)
	s.mu.Unlock()
	server, err := s.server.WithContext(c.context())
	if err != nil {
		return nil, err
	}
	old := s.account(c.id).record
	if reply, _, err = server.FinishLogin(ctx, c.id, old, c.state, final); err != nil {
		return nil, err
	}
	record, err := s.server.FinishRegistration(nil, c.upload)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !bytes.Equal(s.accounts[string(c.id)].record, old) {
		return nil, opaque.ErrState
	}
	// Without the unused record of a Migration, and with this session alone.
	s.accounts[string(c.id)] = changingAccount{record: record, blob: c.blob, sessions: map[string]bool{cookie: true}}
	return reply, nil
}

// changePassword is the client's side, inside a session that has the data key.
func changePassword(ctx context.Context, s *changingService, cookie string, client *opaque.Client, id, oldPassword, newPassword, dataKey []byte) error {
	registration, request, err := client.Register(nil, newPassword)
	if err != nil {
		return err
	}
	defer registration.Discard()
	response, err := s.server.BeginRegistration(ctx, id, request) // → request, ← response
	if err != nil {
		return err
	}
	c := passwordChange{id: id}
	if c.upload, err = registration.Finish(ctx, response); err != nil {
		return err
	}
	exportKey, err := registration.ExportKey()
	if err != nil {
		return err
	}
	if c.blob, err = wrapDataKey(ctx, exportKey, dataKey); err != nil {
		return err
	}

	confirming, err := client.WithContext(c.context())
	if err != nil {
		return err
	}
	login, request, err := confirming.Login(nil, oldPassword)
	if err != nil {
		return err
	}
	defer login.Discard()
	if response, err = s.begin(ctx, cookie, c, request); err != nil { // → upload, blob and request, ← response
		return err
	}
	final, err := login.Respond(ctx, response)
	if err != nil {
		return err
	}
	reply, err := s.finish(ctx, cookie, final) // → final, ← reply
	if err != nil {
		return err
	}
	_, err = login.Finish(reply)
	return err
}

// A user changes the password:
//
//  1. The client registers the new password up to the upload.
//  2. It logs in with the old password. The context of this login names the
//     account and hashes the upload and all blobs that change.
//  3. In one transaction the server compares the old record once more, stores
//     the new record and blobs, deletes an unused record of a Migration, and
//     ends all other sessions.
//
// A login with the old password that began before the change then returns
// ErrState.
func Example_passwordChange() {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	client, server, record := exampleAccount(exampleConfig())
	id, oldPassword, newPassword := []byte("alice"), []byte("correct horse"), []byte("battery staple")
	dataKey := make([]byte, 32)
	rand.Read(dataKey)
	s := &changingService{server: server, pending: make(map[string]passwordChange), accounts: map[string]changingAccount{
		"alice": {record: record, next: []byte("a record"), sessions: map[string]bool{"this device": true, "another device": true}},
	}}
	// begin starts an ordinary login.
	begin := func(password []byte) (login *opaque.Login, pending, final []byte) {
		login, request, err := client.Login(nil, password)
		check(err)
		response, pending, err := server.BeginLogin(ctx, id, s.account(id).record, request)
		check(err)
		final, err = login.Respond(ctx, response)
		check(err)
		return login, pending, final
	}
	_, oldPending, oldFinal := begin(oldPassword)

	err := changePassword(ctx, s, "this device", client, id, []byte("a guess"), newPassword, dataKey)
	fmt.Println("without the old password:", err, "- sessions:", len(s.account(id).sessions))
	err = changePassword(ctx, s, "this device", client, id, oldPassword, newPassword, dataKey)
	fmt.Println("with the old password:", err, "- sessions:", len(s.account(id).sessions), "- unused records:", len(s.account(id).next))

	_, _, err = server.FinishLogin(ctx, id, s.account(id).record, oldPending, oldFinal)
	fmt.Println("a login with the old password that began before:", err)

	login, pending, final := begin(newPassword)
	reply, _, err := server.FinishLogin(ctx, id, s.account(id).record, pending, final)
	check(err)
	_, err = login.Finish(reply)
	check(err)
	exportKey, err := login.ExportKey()
	check(err)
	opened, err := unwrapDataKey(ctx, exportKey, s.account(id).blob)
	fmt.Println("the data key under the new password:", bytes.Equal(opened, dataKey), err)
	// Output:
	// without the old password: nescio: authentication failed - sessions: 2
	// with the old password: <nil> - sessions: 1 - unused records: 0
	// a login with the old password that began before: nescio: no such login in progress
	// the data key under the new password: true <nil>
}

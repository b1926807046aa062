package main

import (
	"bytes"
	"context"
	"crypto/rand"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
)

// protocol is what an account logs in by.
type protocol string

const (
	bySRP    protocol = "srp"
	byOPAQUE protocol = "opaque"
)

// loginServer is what the two protocols have in common on the server's side: all
// that is below needs no more of them.
type loginServer interface {
	Begin(ctx context.Context, id, record, request []byte) (response, pending []byte, err error)
	Finish(ctx context.Context, id, pending, final []byte) (reply, key []byte, err error)
}

var (
	_ loginServer = (*srp.Server)(nil)
	_ loginServer = (*opaque.Server)(nil)
)

func (s *server) loginServer(p protocol) loginServer {
	if p == byOPAQUE {
		return s.opaque
	}
	return s.srp
}

// begin answers the first message of one protocol out of those that the client
// sent.
func (s *server) begin(ctx context.Context, in beginRequest) (beginResponse, error) {
	id := canonical(in.Username)
	p, record := s.choose(id, in.Requests)
	response, state, err := s.loginServer(p).Begin(ctx, []byte(id), record, in.Requests[p])
	if err != nil {
		return beginResponse{}, err
	}
	return beginResponse{p, response, s.keep(pending{p, record, state})}, nil
}

// choose returns the protocol of a login, and the account's record for it. A
// stranger sees the choice, so there is one for unknown names too, by a draw that
// is fixed for the name: the share of them that answers by SRP is that of the
// accounts, and while it falls a name goes over to OPAQUE once and stays.
func (s *server) choose(id string, requests map[protocol][]byte) (p protocol, record []byte) {
	unknown := byOPAQUE
	draw := s.secrets.Draw([]byte(id))
	s.mu.Lock()
	defer s.mu.Unlock()
	if draw < s.share {
		unknown = bySRP
	}
	var records map[protocol][]byte // of an unknown name: none
	if a := s.accounts[id]; a != nil {
		records = a.records
	}
	switch {
	case len(requests[byOPAQUE]) == 0:
		p = bySRP // an old client, whoever asks
	case len(records[byOPAQUE]) > 0:
		p = byOPAQUE
	case len(records[bySRP]) > 0:
		p = bySRP
	default:
		p = unknown
	}
	return p, records[p]
}

// finish ends a login, for better or worse, in the protocol that it began in.
func (s *server) finish(ctx context.Context, in finishRequest) (finishResponse, error) {
	id := canonical(in.Username)
	p := s.take(in.Session)
	reply, key, err := s.loginServer(p.protocol).Finish(ctx, []byte(id), p.state, in.Final)
	if err != nil {
		return finishResponse{}, err
	}
	on := newSession(id, p.protocol)
	if p.protocol == bySRP {
		if on.migration, err = opaque.NewMigration(key, []byte(id)); err != nil {
			return finishResponse{}, err
		}
	}
	token := rand.Text()

	// From here on it is one transaction of the database.
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[id]
	if !bytes.Equal(a.records[p.protocol], p.record) { // as in auth
		return finishResponse{}, srp.ErrAuthentication
	}
	if p.protocol == byOPAQUE {
		delete(a.records, bySRP) // it works: now the verifier has served
	}
	a.key = key
	s.sessions[token] = on
	return finishResponse{reply, token}, nil
}

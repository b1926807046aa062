package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
)

// protocol has the methods of *srp.Server and *opaque.Server that handlers need.
type protocol interface {
	BeginRegistration(ctx context.Context, id, request []byte) (response []byte, err error)
	FinishRegistration(identity, upload []byte) (record []byte, err error)
	BeginLogin(ctx context.Context, id, record, request []byte) (response, pending []byte, err error)
	FinishLogin(ctx context.Context, id, record, pending, final []byte) (reply, key []byte, err error)
}

// Records and messages begin with the letter of their protocol.
const protocolSRP, protocolOPAQUE = byte('S'), byte('O')

// protocols are the servers of both protocols, with the state keys and weights
// of a moment.
type protocols struct {
	srp    *srp.Server
	opaque *opaque.Server
	moduli [][]byte // for new passwords with proton-4
}

func (p *protocols) of(letter byte) protocol {
	if letter == protocolSRP {
		return p.srp
	}
	return p.opaque
}

// in returns the server of a protocol for logins in a context. The profiles of
// Proton have no contexts: a login then proves only that the user is there.
func (p *protocols) in(record, context []byte) (protocol, error) {
	if len(record) == 0 || record[0] == protocolOPAQUE {
		return p.opaque.WithContext(context)
	}
	r, err := srp.ParseRecord(record)
	if err != nil {
		return nil, err
	}
	if r.Profile() != srp.Nescio() {
		return p.srp, nil
	}
	return p.srp.WithContext(context)
}

// newProtocols makes both servers. The proofs of the pool's moduli take 0.2 s
// each, once in a process.
func (s *Server) newProtocols(keys []opaque.StateKey, weights map[string]uint32) (*protocols, error) {
	nescio := srp.DefaultKind()
	nescio.Weight = weights[kindNescio]
	if s.Pool == nil && (weights[kindProton] > 0 || slices.ContainsFunc(s.knownKinds, isProton)) {
		return nil, errors.New("this database has accounts with Proton's protocol: their pool of moduli is missing")
	}
	fresh, past, err := s.groups()
	if err != nil {
		return nil, err
	}
	kinds := []srp.Kind{nescio}
	for _, groups := range [][]*srp.Group{past, fresh} {
		if len(groups) > 0 {
			kinds = append(kinds, srp.Kind{Profile: srp.Proton(4), Groups: groups, Weight: weights[kindProton]})
		}
	}
	srpConfig := srp.ServerConfig{
		DecoyKey: *s.Keys.Decoy, Replay: s.db, ServerIdentity: []byte(s.Identity), Offer: nescio, Old: kinds[1:],
	}
	if len(fresh) > 0 {
		last := len(kinds) - 1
		srpConfig.Offer, srpConfig.Old = kinds[last], kinds[:last]
	}
	for _, k := range keys {
		srpConfig.StateKeys = append(srpConfig.StateKeys, srp.StateKey(k))
	}
	offered := s.offered()
	offered.Weight = weights[nameOf(offered)]
	accept, old, err := s.otherKinds(offered, weights)
	if err != nil {
		return nil, err
	}
	opaqueConfig := opaque.ServerConfig{
		DecoyKey: *s.Keys.Decoy, StateKeys: keys, Setups: s.Keys.Setups, Replay: s.db,
		ServerIdentity: []byte(s.Identity), Offer: offered, Accept: accept, Old: old,
	}
	var p protocols
	for _, g := range fresh {
		p.moduli = append(p.moduli, g.Unverified().N)
	}
	if opaqueConfig.Others, err = srp.Weights(kinds...); err != nil {
		return nil, err
	}
	if srpConfig.Others, err = opaque.Weights(slices.Concat([]opaque.Kind{offered}, accept, old)...); err != nil {
		return nil, err
	}
	if p.srp, err = srp.NewServer(srpConfig); err != nil {
		return nil, err
	}
	p.opaque, err = opaque.NewServer(opaqueConfig)
	return &p, err
}

func isProton(record []byte) bool {
	r, err := srp.ParseRecord(record)
	return err == nil && r.Profile() == srp.Proton(4)
}

// groups returns the groups of the pool for new passwords, and the others.
func (s *Server) groups() (fresh, past []*srp.Group, err error) {
	if s.Pool == nil {
		return nil, nil, nil
	}
	for _, r := range s.Pool.Records() {
		m := r.Modulus()
		g, err := srp.NewGroup(m.N, m.G)
		if err == nil {
			g, err = g.WithCertificate(r.Bytes())
		}
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("the pool: %w", err)
		case s.Pool.Retired(m.N) || !s.now().Before(r.NotAfter()):
			past = append(past, g)
		default:
			fresh = append(fresh, g)
		}
	}
	if len(fresh) == 0 && s.Offer == OfferProton {
		return nil, nil, errors.New("the pool: all moduli are retired or have ended")
	}
	return fresh, past, nil
}

// checkRecords reports whether the configuration can serve all accounts. It
// checks one record of each kind.
func (s *Server) checkRecords(ctx context.Context) error {
	p := s.protocols.Load()
	for _, record := range s.knownKinds {
		var err error
		if record[0] == protocolSRP {
			err = p.srp.Check(record)
		} else {
			err = p.opaque.Check(record)
		}
		if err != nil {
			return fmt.Errorf("accounts could not log in with this configuration: %w", err)
		}
	}
	return nil
}

// shouldMove reports whether the client should register again.
func (s *Server) shouldMove(p *protocols, record []byte) bool {
	if s.Offer == OfferProton {
		return false
	}
	return record[0] == protocolSRP || p.opaque.NeedsRegistration(record)
}

// registers returns the protocol of the next record of an account. An account
// of OPAQUE stays with it, because its devices refuse SRP.
func (s *Server) registers(record []byte) byte {
	if s.Offer == OfferProton && (len(record) == 0 || record[0] == protocolSRP) {
		return protocolSRP
	}
	return protocolOPAQUE
}

// beginRegistration answers the request for a new record. The record before, if
// any, decides about the modulus: a new password gets another one.
func (s *Server) beginRegistration(ctx context.Context, id store.ID, before []byte, opaqueRequest, srpRequest []byte) ([]byte, error) {
	p, letter := s.protocols.Load(), s.registers(before)
	if letter == protocolOPAQUE {
		return p.opaque.BeginRegistration(ctx, id[:], opaqueRequest)
	}
	n := modulusOf(before)
	for {
		response, err := p.srp.BeginRegistration(ctx, id[:], srpRequest)
		if err != nil || !p.hasOther(n) || !bytes.Contains(response, n) {
			return response, err
		}
	}
}

// hasOther reports whether a new password can get another modulus than n, which
// is nil for the first password.
func (p *protocols) hasOther(n []byte) bool {
	return n != nil && slices.ContainsFunc(p.moduli, func(m []byte) bool { return !bytes.Equal(m, n) })
}

// accepts reports whether a record of a protocol may follow another record. The
// other protocol may have been offered by a server with another -offer.
func (p *protocols) accepts(before []byte, letter byte) bool {
	if letter == protocolSRP {
		return len(p.moduli) > 0 && (len(before) == 0 || before[0] == protocolSRP)
	}
	return letter == protocolOPAQUE
}

// finishRegistration checks an upload, in another modulus than before.
func (s *Server) finishRegistration(before, upload []byte) ([]byte, error) {
	p := s.protocols.Load()
	if len(upload) == 0 || !p.accepts(before, upload[0]) {
		return nil, srp.ErrMalformed
	}
	record, err := p.of(upload[0]).FinishRegistration(nil, upload)
	if n := modulusOf(before); err == nil && p.hasOther(n) && bytes.Equal(modulusOf(record), n) {
		err = srp.ErrPolicy
	}
	if errors.Is(err, srp.ErrRecord) {
		err = srp.ErrMalformed // it is the client's
	}
	return record, err
}

// modulusOf returns N of a record of SRP, otherwise nil.
func modulusOf(record []byte) []byte {
	if len(record) == 0 || record[0] != protocolSRP {
		return nil
	}
	r, err := srp.ParseRecord(record)
	if err != nil {
		return nil
	}
	return r.Group().N
}

// falseID returns the id of an unknown name, or of a former account that does not
// exist.
func (p *protocols) falseID(name []byte, former int) store.ID {
	return p.decoy("service.nescio/account/v1", name, former)
}

// falseNumber returns the number of a keyring that does not exist.
func (p *protocols) falseNumber(name []byte, former int) store.ID {
	return p.decoy("service.nescio/number/v1", name, former)
}

func (p *protocols) decoy(label string, name []byte, former int) (id store.ID) {
	d := p.opaque.Decoy(label, append(name[:len(name):len(name)], byte(former)))
	copy(id[:], d[:])
	return id
}

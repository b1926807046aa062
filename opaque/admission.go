package opaque

import (
	"bytes"
	"context"
	"crypto/subtle"
	"slices"
)

// BeginRegistration answers a client's request to register. The id, 1 to 1,024
// bytes, is the name that the account will be looked up by at every login, in
// the same spelling. A registration under one id cannot be used under another.
// The answer is for the kind that is offered. If the request has another suite,
// it is for the first accepted kind of that suite.
//
// It returns [ErrMalformed] for an invalid request, a suite that no
// admitted kind has, or an id of invalid length, or an error of the
// [KeyService] or of ctx.
//
// With an answer the client can test one password against what a login under
// the same id has shown, as with [Server.BeginLogin]. So count each call as a
// try, under the same limits. If the id is taken, refuse the request unless the
// owner is logged in.
func (s *Server) BeginRegistration(ctx context.Context, id, request []byte) (response []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !validID(id) {
		return nil, ErrMalformed
	}
	suite, blinded, ok := s.wire.parseRequest(request, s.kinds[0].suite)
	if !ok {
		return nil, ErrMalformed
	}
	k, ok := s.kindOfSuite(suite)
	if !ok {
		return nil, ErrMalformed
	}
	st, setup := suite.definition(), s.setups[k.setup]
	key := make([]byte, st.oprf.Group.ScalarSize())
	defer clear(key)
	h := st.oprf.NewHash()
	defer h.Clear()
	if err := setup.oprfKey(ctx, h, key, id); err != nil {
		return nil, err
	}
	evaluated := make([]byte, st.element)
	if err := st.oprf.BlindEvaluate(evaluated, key, blinded); err != nil {
		return nil, ErrMalformed
	}
	if s.wire == WireFramed {
		response = append([]byte{protocol, version}, k.encoded...)
	}
	return append(append(response, evaluated...), setup.publicKey...), nil
}

// kindOfSuite returns the first kind of Offer and Accept that has the suite.
func (s *Server) kindOfSuite(suite Suite) (k *serverKind, ok bool) {
	for i := range s.kinds[:s.admitted] {
		if s.kinds[i].suite == suite {
			return &s.kinds[i], true
		}
	}
	return nil, false
}

// admits reports whether h is one of Offer and Accept.
func (s *Server) admits(h *head) bool { return lists(s.kinds[:s.admitted], h) }

// lists reports whether h is one of kinds.
func lists(kinds []serverKind, h *head) bool {
	return slices.ContainsFunc(kinds, func(k serverKind) bool { return k.is(h) })
}

// FinishRegistration checks the upload that ends a registration and returns the
// record to store. Store it byte for byte. The identity is what the account
// must have, empty if accounts have none, and must equal the client's. On
// [WireFramed] the upload is a record. On [WireRFC9807] it is RFC 9807's bytes
// alone, and becomes a record of the offered kind with this identity. Nothing
// there shows whether the client used the same identity and KSF.
//
// It returns [ErrRecord] for an upload that is not a record, or whose setup is
// another one than the server has under its number. It returns [ErrPolicy] for
// a kind that is neither offered nor accepted, because a client must not choose
// its own, and for another identity.
func (s *Server) FinishRegistration(identity, upload []byte) (record []byte, err error) {
	if len(identity) > MaxIdentity {
		return nil, errIdentity
	}
	if s.wire == WireRFC9807 {
		k := &s.kinds[0]
		r, err := ImportRecord(k.setup, s.setups[k.setup], k.ksf, identity, upload)
		if err != nil {
			return nil, err
		}
		return r.Bytes(), nil
	}
	r, ok := readRecord(upload)
	switch {
	case !ok:
		return nil, ErrRecord
	case !s.admits(&r.head):
		return nil, errNotAdmitted
	case subtle.ConstantTimeCompare(r.identity, identity) != 1:
		return nil, errOtherName
	case r.fingerprint != s.setups[r.setup].fingerprint:
		return nil, errOtherSetup
	case !r.suite.definition().validClientKey(r.raw):
		return nil, ErrRecord
	}
	return bytes.Clone(upload), nil
}

// NeedsRegistration reports whether the account of a record should register
// again: whether the record is of a kind that is neither offered nor accepted,
// or not a record of this server at all. On [WireFramed] the client learns it
// from [Login.NeedsRegistration] when it has logged in.
func (s *Server) NeedsRegistration(record []byte) bool {
	r, ok := readRecord(record)
	return !ok || s.needsRegistration(&r)
}

func (s *Server) needsRegistration(r *record) bool {
	return !s.admits(&r.head) || r.fingerprint != s.setups[r.setup].fingerprint
}

// Check reports whether this server is configured for a stored record. Test
// stored records with it when the service starts. Check returns [ErrRecord],
// with the reason in its text:
//
//   - The record is not valid.
//   - The setup that it names is not in Setups of [ServerConfig], or has another
//     fingerprint.
//   - Its kind is not in Offer, Accept or Old. The account can log in, but a
//     stranger can tell it from unknown names, which never have this kind. Add
//     the kind to Old.
func (s *Server) Check(record []byte) error {
	r, err := ParseRecord(record)
	if err != nil {
		return err
	}
	in := r.content.Get()
	if _, err := s.setupOf(in); err != nil {
		return err
	}
	if !lists(s.kinds, &in.head) {
		return errUnlisted
	}
	return nil
}

// setupOf returns the setup that a record names, or ErrRecord.
func (s *Server) setupOf(r *record) (*Setup, error) {
	setup := s.setups[r.setup]
	switch {
	case setup == nil:
		return nil, errSetupGone
	case setup.suite != r.suite, setup.fingerprint != r.fingerprint:
		return nil, errOtherSetup
	}
	return setup, nil
}

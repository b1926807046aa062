package opaque

import (
	"bytes"
	"context"
	"crypto/subtle"
	"slices"
)

// BeginRegistration answers a request to register, or returns [ErrMalformed].
// Refuse requests for a taken id unless its owner is logged in.
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

// FinishRegistration returns the record to store, [ErrRecord] or [ErrPolicy].
// The identity must equal the client's. [WireRFC9807] cannot check it.
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

// NeedsRegistration reports whether a record is not of a kind in Offer
// or Accept.
func (s *Server) NeedsRegistration(record []byte) bool {
	r, ok := readRecord(record)
	return !ok || s.needsRegistration(&r)
}

func (s *Server) needsRegistration(r *record) bool {
	return !s.admits(&r.head) || r.fingerprint != s.setups[r.setup].fingerprint
}

// Check returns [ErrRecord], with a reason, for a record that the server cannot
// use or whose kind it does not list. Call it for all records at start-up.
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

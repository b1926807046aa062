package srp

import (
	"context"
	"math/rand/v2"
)

// BeginRegistration answers a client's request to register with a response to
// send: the kind that the server offers, and of a pool one group at random. The
// id, 1 to 1,024 bytes, is the name that the account will be looked up by.
//
// It returns [ErrMalformed] for a request that no client sends and for an id of
// another length, or the error of ctx.
func (s *Server) BeginRegistration(ctx context.Context, id, request []byte) (response []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(id) == 0 || len(id) > MaxID || !parseRequest(request) {
		return nil, ErrMalformed
	}
	return s.kinds[rand.IntN(s.offered)].offer.bytes()
}

// FinishRegistration checks the upload that ends a registration and returns the
// record to store, byte for byte. The identity is the one that the account must
// have: the name that this application gives its clients as identity, or nothing.
//
// It returns [ErrRecord] for an upload that is not a record. It returns
// [ErrPolicy] for a record with another identity, and for one whose kind is
// neither offered nor accepted: a client must not choose what the server
// computes, nor stand out among its accounts.
//
// The certificate of the record's group is the server's own, whatever the upload
// contains.
//
// FinishRegistration does not know the account. Refuse an id that is taken, and
// replace a record only after a fresh login for that change.
func (s *Server) FinishRegistration(identity, upload []byte) (record []byte, err error) {
	r, err := readRecord(upload)
	if err != nil {
		return nil, err
	}
	k := s.admittedKind(&r)
	switch {
	case k == nil:
		return nil, errKind
	case string(r.identity) != string(identity):
		return nil, errWrongName
	}
	if err := r.check(); err != nil { // its group is verified, being the kind's
		return nil, err
	}
	r.group = k.offer.group
	return r.bytes(), nil
}

// NeedsRegistration reports whether a record is of another kind than the server
// offers or accepts, or is not a record at all. The user of such an account need
// not notice: when a login has finished, and the password is at hand, register
// again inside the session.
func (s *Server) NeedsRegistration(record []byte) bool {
	r, err := readRecord(record)
	return err != nil || s.admittedKind(&r) == nil
}

// Check reports whether the account of a stored record can log in at this server
// as the others do, so that a service can test its records when it starts. It
// returns [ErrRecord], with a reason, if the record is not valid, or if its kind is
// in none of Offer, Accept and Old: an unknown name never answers as such a kind,
// so that the account can be told from one. Check proves no group: [CheckRecord]
// does.
func (s *Server) Check(record []byte) error {
	r, err := readRecord(record)
	if err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	if kindOf(&r, s.kinds) == nil {
		return errUnlisted
	}
	return nil
}

// admittedKind returns the kind of a record if it is offered or accepted, and
// otherwise nil. It compares, and does no arithmetic.
func (s *Server) admittedKind(r *recordFields) *serverKind {
	if r.profile.spec().loginOnly {
		return nil
	}
	return kindOf(r, s.kinds[:s.admitted])
}

// kindOf returns the one of the kinds that a record is of, or nil.
func kindOf(r *recordFields, kinds []serverKind) *serverKind {
	for i := range kinds {
		o := &kinds[i].offer
		if r.profile == o.profile && r.kdf == o.kdf && len(r.salt) == o.saltSize &&
			r.group.G == o.group.G && string(r.group.N) == string(o.group.N) {
			return &kinds[i]
		}
	}
	return nil
}

package srp

import (
	"context"
	"math/rand/v2"
)

// BeginRegistration answers a request with the offered kind. It returns
// [ErrMalformed] or the error of ctx.
func (s *Server) BeginRegistration(ctx context.Context, id, request []byte) (response []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(id) == 0 || len(id) > MaxID || !parseRequest(request) {
		return nil, ErrMalformed
	}
	return s.kinds[rand.IntN(s.offered)].offer.bytes()
}

// FinishRegistration checks an upload and returns the record to store, with the
// server's certificate. It returns [ErrRecord], or [ErrPolicy] for another
// identity or a kind that is neither offered nor accepted.
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

// NeedsRegistration reports whether an account should register again, because
// its kind is neither offered nor accepted.
func (s *Server) NeedsRegistration(record []byte) bool {
	r, err := readRecord(record)
	return err != nil || s.admittedKind(&r) == nil
}

// Check returns [ErrRecord] for a stored record that is invalid, or whose kind
// is not in Offer, Accept or Old, which a stranger can see.
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

// kindOf returns the kind in kinds that the record has, or nil.
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

package srp

import (
	"context"

	"github.com/nescio-go/nescio/internal/seal"
)

// BeginLogin answers a request. It returns the response, and sealed pending
// state of at most 4 KiB. The record is what the look-up found. If it is empty,
// answer and work are as for an account. BeginLogin returns [ErrMalformed],
// [ErrRecord], [ErrBusy], [ErrPolicy] for a context without [Nescio], or the
// error of ctx.
func (s *Server) BeginLogin(ctx context.Context, id, record, request []byte) (response, pending []byte, err error) {
	if !parseRequest(request) {
		return nil, nil, ErrMalformed
	}
	c, pending, err := s.Challenge(ctx, id, record)
	if err != nil {
		return nil, nil, err
	}
	response, err = encodeResponse(c)
	if err != nil {
		return nil, nil, ErrRecord
	}
	return response, pending, nil
}

// Challenge is [Server.BeginLogin] in typed form.
func (s *Server) Challenge(ctx context.Context, id, record []byte) (Challenge, []byte, error) {
	if err := ctx.Err(); err != nil {
		return Challenge{}, nil, err
	}
	if len(id) == 0 || len(id) > MaxID {
		return Challenge{}, nil, ErrMalformed
	}
	ticket, err := s.box.Reserve()
	if err != nil {
		return Challenge{}, nil, ErrBusy
	}
	c, pending, err := s.challenge(ticket, id, record)
	if err != nil {
		s.box.Release(ticket)
		return Challenge{}, nil, err
	}
	return c, pending, nil
}

func (s *Server) challenge(ticket seal.Ticket, id, record []byte) (Challenge, []byte, error) {
	r, unknown, err := s.selectRecord(id, record)
	if err != nil {
		return Challenge{}, nil, err
	}
	sp, g := r.profile.spec(), r.params
	if len(s.context) > 0 && !sp.coversContext {
		return Challenge{}, nil, errNoContext
	}
	k, err := sp.reducedMultiplier(g)
	if err != nil {
		return Challenge{}, nil, ErrRecord
	}
	v, err := sp.decode(g, r.verifier)
	if err != nil {
		return Challenge{}, nil, ErrRecord
	}
	defer v.Clear()
	prefix, err := sp.prefix(g, &parties{I: r.identity, server: s.identity, context: s.context, salt: r.salt, kdf: r.kdf})
	if err != nil {
		return Challenge{}, nil, ErrRecord
	}
	var B []byte
	b := s.exponent(g.exponentSize(), func(b []byte) bool {
		B = sp.encode(g, serverPublic(g, k, v, b))
		return sp.maySend(B)
	})
	defer clear(b)
	p := pendingLogin{
		recordDigest: s.recordDigest(id, record),
		profile:      r.profile,
		group:        g,
		prefix:       prefix,
		salt:         r.salt,
		v:            r.verifier,
		b:            b,
		B:            B,
	}
	body, err := p.bytes()
	if err != nil {
		return Challenge{}, nil, ErrRecord
	}
	defer clear(body)
	pending, err := s.box.Seal(ticket, id, s.binding(), seal.State{Fake: unknown, Body: body})
	if err != nil {
		return Challenge{}, nil, ErrRecord
	}
	return Challenge{Profile: r.profile, Group: r.group.clone(), Salt: append([]byte(nil), r.salt...), KDF: r.kdf, B: B}, pending, nil
}

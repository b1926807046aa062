package opaque

import (
	"context"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/kdf"
)

// DefaultKSF returns the key stretching function of new registrations:
// kdf.Default, Argon2id with 64 MiB, 3 passes and 4 lanes, which is also what
// @serenity-kit/opaque has. RFC 9807, Section 7, recommends
// [kdf.RFC9807Argon2id] with its 2 GiB.
func DefaultKSF() kdf.Params { return kdf.Default() }

// validKSF reports whether p can be a KSF: complete, and without a salt, which is
// fixed.
func validKSF(p kdf.Params) bool { return p.Cost() > 0 && len(p.Salt()) == 0 }

// stretcher is a KSF of certain parameters. kdf.Function is one, and the Identity
// of RFC 9807's vectors, which only the tests can reach.
type stretcher interface {
	Derive(ctx context.Context, password []byte, n int) ([]byte, error)
}

// allowedKSF returns the KSF of p, with RFC 9807's salt of 16 zero bytes, if the
// policy allows it.
func allowedKSF(p kdf.Params, policy kdf.Policy) (stretcher, error) {
	p, err := p.WithSalt(make([]byte, 16))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	f, err := kdf.New(p, policy)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	return f, nil
}

// randomizePassword fills out with randomized_password, RFC 9807, Sections 5.2.3
// and 6.3.2.2: Extract("", oprf_output ‖ Stretch(oprf_output)). Its error is
// ErrMalformed for an evaluated element that is none, or comes from the KSF, which
// runs last.
func (s *suite) randomizePassword(ctx context.Context, h *oprf.Hash, f stretcher, out, password, blind, evaluated []byte) error {
	output := make([]byte, s.nh)
	defer clear(output)
	if err := s.oprf.Finalize(h, output, password, blind, evaluated); err != nil {
		return ErrMalformed
	}
	stretched, err := f.Derive(ctx, output, s.nh)
	if err != nil {
		return stretchError(ctx, err)
	}
	defer clear(stretched)
	h.Extract(out, output, stretched)
	return nil
}

// stretchError passes on the end of ctx as it is.
func stretchError(ctx context.Context, err error) error {
	if c := ctx.Err(); c != nil && errors.Is(err, c) {
		return c
	}
	return fmt.Errorf("opaque: KSF: %w", err)
}

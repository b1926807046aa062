package opaque

import (
	"context"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/kdf"
)

// DefaultKSF returns [kdf.Default], Argon2id with 64 MiB, 3 passes and 4 lanes.
func DefaultKSF() kdf.Params { return kdf.Default() }

// validKSF reports whether p can be a KSF. It must be complete, and without a
// salt, because the salt is fixed.
func validKSF(p kdf.Params) bool { return p.Cost() > 0 && len(p.Salt()) == 0 }

// stretcher is a KSF with its parameters, such as a kdf.Function. Only tests
// have the Identity of RFC 9807's vectors.
type stretcher interface {
	Derive(ctx context.Context, password []byte, n int) ([]byte, error)
}

// newStretcher returns the KSF of p with RFC 9807's salt of 16 zero bytes, or
// ErrPolicy if the policy does not allow it.
func newStretcher(p kdf.Params, policy kdf.Policy) (stretcher, error) {
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

// randomizePassword fills out with randomized_password, RFC 9807, Sections
// 5.2.3 and 6.3.2.2: Extract("", oprf_output ‖ Stretch(oprf_output)). Its error
// is ErrMalformed for an invalid evaluated element, or comes from the KSF,
// which runs last.
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

// stretchError returns the error of ctx as it is.
func stretchError(ctx context.Context, err error) error {
	if c := ctx.Err(); c != nil && errors.Is(err, c) {
		return c
	}
	return fmt.Errorf("opaque: KSF: %w", err)
}

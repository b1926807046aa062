package srp

import (
	"bytes"
	"errors"
	"fmt"
)

// GroupPolicy decides whether a client may use a group, before the proof. A
// proof does not show that nobody has computed logarithms in the group. Several
// goroutines call it at once.
type GroupPolicy func(n []byte, g int, certificate []byte) error

// RFC5054Groups accepts RFC 5054's groups of 2048 to 4096 bits without a
// certificate.
func RFC5054Groups(n []byte, g int, certificate []byte) error {
	if bits := rfc5054Number(n, g); bits == 0 || bits > 4096 || len(certificate) != 0 {
		return errOrigin
	}
	return nil
}

// AnyGroup accepts groups of at most maxBits bits: see [NewGroup].
func AnyGroup(maxBits int) GroupPolicy {
	return func(n []byte, _ int, _ []byte) error {
		if len(n) > maxBits/8 {
			return errGroupSize
		}
		return nil
	}
}

// AnyOf accepts what one of the policies accepts.
func AnyOf(policies ...GroupPolicy) GroupPolicy {
	return func(n []byte, g int, certificate []byte) error {
		errs := []error{errOrigin}
		for _, accept := range policies {
			if accept == nil {
				continue
			}
			err := accept(bytes.Clone(n), g, bytes.Clone(certificate))
			if err == nil {
				return nil
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
}

// ask returns ErrPolicy, which wraps the policy's error, unless the policy
// accepts the group.
func (accept GroupPolicy) ask(g UnverifiedGroup) error {
	switch err := accept(bytes.Clone(g.N), g.G, bytes.Clone(g.Certificate)); {
	case errors.Is(err, ErrPolicy):
		return err
	case err != nil:
		return fmt.Errorf("%w: GroupPolicy: %w", ErrPolicy, err)
	}
	return nil
}

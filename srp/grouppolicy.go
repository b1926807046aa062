package srp

import (
	"bytes"
	"errors"
	"fmt"
)

// GroupPolicy decides whether a client may use a group, before the group is
// proved and before the password is touched. It gets copies: n is big-endian,
// and certificate is what the server says vouches for the group. An error
// refuses the group; it can be found in the [ErrPolicy] that follows.
//
// A proof shows that a group is sound, but not that nobody spent years on
// logarithms in it. That is why a group needs an origin.
//
// A policy is called by several goroutines at once, without a lock held.
// Packages moduli and moduli/openpgp have policies for signed moduli; [AnyOf]
// combines several.
type GroupPolicy func(n []byte, g int, certificate []byte) error

// RFC5054Groups is the policy of a client that names none: the groups of
// RFC 5054 of 2048 to 4096 bits, without a certificate.
func RFC5054Groups(n []byte, g int, certificate []byte) error {
	if bits := rfc5054Number(n, g); bits == 0 || bits > 4096 || len(certificate) != 0 {
		return errOrigin
	}
	return nil
}

// AnyGroup returns a policy that accepts every group of at most maxBits bits.
// The client still proves each group. The time of a proof grows with the third
// power of the size, and the server chooses the size.
func AnyGroup(maxBits int) GroupPolicy {
	return func(n []byte, _ int, _ []byte) error {
		if len(n) > maxBits/8 {
			return errGroupSize
		}
		return nil
	}
}

// AnyOf returns a policy that accepts a group if one of the given policies does.
// It asks them in their order and ignores nil. Without policies it accepts nothing.
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

// ask returns ErrPolicy unless the policy accepts the group.
func (accept GroupPolicy) ask(g UnverifiedGroup) error {
	switch err := accept(bytes.Clone(g.N), g.G, bytes.Clone(g.Certificate)); {
	case errors.Is(err, ErrPolicy):
		return err
	case err != nil:
		return fmt.Errorf("%w: GroupPolicy: %w", ErrPolicy, err)
	}
	return nil
}

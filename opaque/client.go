package opaque

import (
	"bytes"
	"crypto/subtle"
	"slices"

	"github.com/nescio-go/nescio/kdf"
)

// ClientConfig configures [NewClient]. It states what the client insists on,
// whatever a server asks for. The zero value is a good one.
type ClientConfig struct {
	// Suite must be the suite of the server's setup. Zero means [Ristretto255].
	Suite Suite

	// KSFPolicy bounds what a server may ask of the key stretching function. It
	// is applied before the password is used. The zero Policy is a safe
	// default. On [WireRFC9807] only its Gate is used.
	KSFPolicy kdf.Policy

	// ServerPublicKeys are the public keys that the server may have, at
	// registration and at every login: the [Setup.PublicKey] of each of its
	// setups, including a coming one. If empty, any key is accepted.
	// Applications that ship the keys need not trust the server during
	// registration.
	ServerPublicKeys [][]byte

	// ServerIdentity names the server, a domain name for example. It must
	// be the same as in [ServerConfig], at registration and at every login.
	// It has at most [MaxIdentity] bytes. If empty, the server's public key
	// is the identity.
	ServerIdentity []byte

	// Wire must be the same as in [ServerConfig]. Zero means [WireFramed].
	Wire Wire

	// FixedKSF is the key stretching function on [WireRFC9807], where messages
	// do not state it. It is used whatever the limits of KSFPolicy. It has no
	// salt. Zero means [DefaultKSF]. On [WireFramed] it must be zero.
	FixedKSF kdf.Params
}

// Client starts logins and registrations. It holds no secrets, is immutable,
// and is safe for concurrent use.
type Client struct {
	suite    Suite
	policy   kdf.Policy
	pins     [][]byte
	server   []byte // its identity
	wire     Wire
	fixedKSF kdf.Params
	context  []byte
	random   randomness
	stretch  func(kdf.Params, kdf.Policy) (stretcher, error) // newStretcher; tests have others
}

// NewClient returns a client, or [ErrPolicy] if a value in cfg is out of range.
func NewClient(cfg ClientConfig) (*Client, error) {
	c := &Client{
		suite:    cfg.Suite,
		policy:   cfg.KSFPolicy,
		server:   bytes.Clone(cfg.ServerIdentity),
		wire:     cfg.Wire,
		fixedKSF: cfg.FixedKSF,
		random:   systemRandom,
		stretch:  newStretcher,
	}
	if c.suite == 0 {
		c.suite = Ristretto255
	}
	if c.wire == WireRFC9807 && c.fixedKSF == (kdf.Params{}) {
		c.fixedKSF = DefaultKSF()
	}
	switch {
	case !c.suite.Valid():
		return nil, errSuite
	case c.wire > WireRFC9807:
		return nil, errOtherWire
	case len(c.server) > MaxIdentity:
		return nil, errIdentity
	case c.wire != WireRFC9807 && c.fixedKSF != kdf.Params{}:
		return nil, errFixedKSF
	case c.wire == WireRFC9807 && !validKSF(c.fixedKSF):
		return nil, errKSF
	}
	for _, pk := range cfg.ServerPublicKeys {
		if !c.suite.definition().validPublicKey(pk) {
			return nil, errPublicKeys
		}
		c.pins = append(c.pins, bytes.Clone(pk))
	}
	return c, nil
}

// WithContext returns a copy of the client whose logins prove that they are for
// the given context, 1 to 60,000 bytes, on [WireRFC9807] up to 65,535, where it
// is the RFC's context. Another length returns [ErrPolicy]. Only a server with
// the same context can finish these logins (see [Server.WithContext]). It is
// how a sensitive change is confirmed: with a new login whose context describes
// the change. Registrations have no context.
func (c *Client) WithContext(context []byte) (*Client, error) {
	if !c.wire.validContext(context) {
		return nil, errContext
	}
	other := *c
	other.context = bytes.Clone(context)
	return &other, nil
}

// ksf returns the key stretching function that a response states, or the fixed
// one on the RFC's wire.
func (c *Client) ksf(h head) (stretcher, error) {
	if c.wire == WireRFC9807 {
		policy := kdf.FixedPolicy(c.fixedKSF)
		policy.Gate = c.policy.Gate
		return c.stretch(c.fixedKSF, policy)
	}
	return c.stretch(h.ksf, c.policy)
}

// parseResponse splits a response into its head, empty on the RFC's wire, and
// the RFC's message of the given size. It checks only the form.
func (c *Client) parseResponse(response []byte, size int) (h head, message []byte, ok bool) {
	message = response
	if c.wire == WireFramed {
		s, ok := openMessage(response)
		if !ok {
			return head{}, nil, false
		}
		if h, ok = readHead(&s); !ok || h.suite != c.suite {
			return head{}, nil, false
		}
		message = s
	}
	return h, message, len(message) == size
}

// pinned reports whether the server may have this public key.
func (c *Client) pinned(pk []byte) bool {
	return len(c.pins) == 0 || slices.ContainsFunc(c.pins, func(pin []byte) bool {
		return subtle.ConstantTimeCompare(pin, pk) == 1
	})
}

func checkLengths(identity, password []byte) error {
	if len(identity) > MaxIdentity {
		return errIdentity
	}
	if len(password) == 0 || len(password) > MaxPassword {
		return errPassword
	}
	return nil
}

// blindPassword is the OPRF's Blind with a new blind.
func (c *Client) blindPassword(password []byte) (blindScalar, blinded []byte, err error) {
	s := c.suite.definition()
	blindScalar, blinded = make([]byte, s.oprf.Group.ScalarSize()), make([]byte, s.element)
	h := s.oprf.NewHash()
	defer h.Clear()
	c.random(s, blind, blindScalar)
	return blindScalar, blinded, s.oprf.Blind(h, blinded, blindScalar, password)
}

// isReflected reports whether an evaluated element is the blinded one. The OPRF
// key would be 1, and the password alone would decide the output.
func isReflected(evaluated, blinded []byte) bool { return string(evaluated) == string(blinded) }

package opaque

import (
	"bytes"
	"crypto/subtle"
	"slices"

	"github.com/nescio-go/nescio/kdf"
)

// ClientConfig configures [NewClient]. The zero value is safe. Applications
// that ship ServerPublicKeys need not trust the server during registration.
type ClientConfig struct {
	Suite            Suite      // 0 means [Ristretto255]
	KSFPolicy        kdf.Policy // limits what servers may ask of the KSF
	ServerPublicKeys [][]byte   // if empty, any key is accepted
	ServerIdentity   []byte     // as in [ServerConfig]
	Wire             Wire       // as in [ServerConfig]
	FixedKSF         kdf.Params // for [WireRFC9807]; zero means [DefaultKSF]
}

// Client starts logins and registrations.
type Client struct {
	suite    Suite
	policy   kdf.Policy
	pins     [][]byte
	server   []byte // its identity
	wire     Wire
	fixedKSF kdf.Params
	context  []byte
	random   randomness
	stretch  func(kdf.Params, kdf.Policy) (stretcher, error) // newStretcher, except in tests
}

// NewClient returns [ErrPolicy] for an invalid value in cfg.
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

// WithContext returns a copy for logins in a context: see [Server.WithContext].
func (c *Client) WithContext(context []byte) (*Client, error) {
	if !c.wire.validContext(context) {
		return nil, errContext
	}
	other := *c
	other.context = bytes.Clone(context)
	return &other, nil
}

// ksf returns the KSF that a response states, on the RFC's wire the fixed KSF.
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

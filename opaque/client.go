package opaque

import (
	"bytes"
	"crypto/subtle"
	"slices"

	"github.com/nescio-go/nescio/kdf"
)

// ClientConfig is what a client insists on, whatever a server asks for. The zero
// value is a good one.
type ClientConfig struct {
	// Suite is the one that the server's setup has. 0: Ristretto255.
	Suite Suite

	// KSF bounds what a server may ask of the key stretching function, before the
	// password is touched. The zero Policy is the safe default. On the RFC's wire only
	// its Gate counts.
	KSF kdf.Policy

	// ServerPublicKeys are those that the server may have, when it registers an
	// account and at every login: the PublicKey of its setups, a coming one's
	// included. Empty: any. Who ships them with the application need not trust whoever answers a
	// registration.
	ServerPublicKeys [][]byte

	// ServerIdentity names the server that the client means, the same as in
	// ServerConfig, at registration and at every login, up to 65,535 bytes: a
	// domain name, for example. Empty: the server's public key.
	ServerIdentity []byte

	// Wire is how messages are put on the wire. The zero value is this package's
	// own, Framed.
	Wire Wire

	// FixedKSF is the key stretching function on the RFC's wire, where the server
	// does not say it: exactly this, whatever KSF's limits. Without a salt; zero:
	// DefaultKSF. On the framed wire it must be zero.
	FixedKSF kdf.Params
}

// Client starts logins and registrations. It holds no secrets, is immutable
// and safe for concurrent use.
type Client struct {
	suite      Suite
	policy     kdf.Policy
	pins       [][]byte
	server     []byte // its identity
	wire       Wire
	fixedKSF   kdf.Params
	context    []byte
	allowedKSF func(kdf.Params, kdf.Policy) (stretcher, error)
}

// NewClient returns a client, or ErrPolicy if something in cfg is out of range.
func NewClient(cfg ClientConfig) (*Client, error) {
	c := &Client{
		suite:      cfg.Suite,
		policy:     cfg.KSF,
		server:     bytes.Clone(cfg.ServerIdentity),
		wire:       cfg.Wire,
		fixedKSF:   cfg.FixedKSF,
		allowedKSF: allowedKSF,
	}
	if c.suite == 0 {
		c.suite = Ristretto255
	}
	if c.wire == RFC && c.fixedKSF == (kdf.Params{}) {
		c.fixedKSF = DefaultKSF()
	}
	switch {
	case !c.suite.Valid():
		return nil, errSuite
	case c.wire > RFC:
		return nil, errOtherWire
	case len(c.server) > MaxIdentity:
		return nil, errIdentity
	case c.wire != RFC && c.fixedKSF != kdf.Params{}:
		return nil, errFixedKSF
	case c.wire == RFC && !validKSF(c.fixedKSF):
		return nil, errKSF
	}
	for _, pk := range cfg.ServerPublicKeys {
		if !c.suite.of().validPublicKey(pk) {
			return nil, errPublicKeys
		}
		c.pins = append(c.pins, bytes.Clone(pk))
	}
	return c, nil
}

// WithContext returns a copy of the client whose logins prove that they are for
// the given context, 1 to 60,000 bytes, on the RFC's wire 65,535, where it is the
// RFC's context. Only a server with the same one can finish them (see
// [Server.WithContext]). It is how a sensitive change is confirmed: a fresh login
// whose context describes the change. Registrations have no context.
func (c *Client) WithContext(context []byte) (*Client, error) {
	if !c.wire.validContext(context) {
		return nil, errContext
	}
	other := *c
	other.context = bytes.Clone(context)
	return &other, nil
}

// ksf returns the key stretching function of a response's head, on the RFC's wire
// the fixed one.
func (c *Client) ksf(h responseHead) (stretcher, error) {
	if c.wire == RFC {
		exactly := kdf.FixedPolicy(c.fixedKSF)
		exactly.Gate = c.policy.Gate
		return c.allowedKSF(c.fixedKSF, exactly)
	}
	return c.allowedKSF(h.ksf, c.policy)
}

// parseResponse splits a response into its head, empty on the RFC's wire, and
// the RFC's message of the given size. It judges nothing.
func (c *Client) parseResponse(response []byte, size int) (h responseHead, message []byte, ok bool) {
	message = response
	if c.wire == Framed {
		if h, message, ok = parseResponse(response); !ok || h.suite != c.suite {
			return responseHead{}, nil, false
		}
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

package srp

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/kdf"
)

// ClientConfig configures [NewClient].
type ClientConfig struct {
	Profiles       []Profile   // servers choose among them; default: [Nescio]
	KDFPolicy      kdf.Policy  // for Nescio; the zero value is safe
	GroupPolicy    GroupPolicy // default: [RFC5054Groups]
	ServerIdentity []byte      // as in [ServerConfig]; only Nescio covers it
}

// Client starts registrations and logins.
type Client struct {
	profiles    []Profile
	kdfPolicy   kdf.Policy
	groupPolicy GroupPolicy
	server      []byte // its identity
	context     []byte
	exponent    exponentSource
}

// NewClient returns a client, or [ErrPolicy].
func NewClient(cfg ClientConfig) (*Client, error) {
	c := &Client{
		profiles:    slices.Clone(cfg.Profiles),
		kdfPolicy:   cfg.KDFPolicy,
		groupPolicy: cfg.GroupPolicy,
		server:      bytes.Clone(cfg.ServerIdentity),
		exponent:    drawExponent,
	}
	if len(c.profiles) == 0 {
		c.profiles = []Profile{Nescio()}
	}
	for _, p := range c.profiles {
		if !p.Valid() {
			return nil, errProfile
		}
	}
	if len(c.server) > MaxIdentity {
		return nil, errServerName
	}
	if c.groupPolicy == nil {
		c.groupPolicy = RFC5054Groups
	}
	return c, nil
}

// WithContext returns a copy of the client whose logins only a server with the
// same context, 1 to 60,000 bytes, can finish. For another length and without
// [Nescio] it returns [ErrPolicy].
func (c *Client) WithContext(context []byte) (*Client, error) {
	if len(context) == 0 || len(context) > maxContext {
		return nil, errContext
	}
	other := *c
	other.context = bytes.Clone(context)
	other.profiles = slices.DeleteFunc(slices.Clone(c.profiles), func(p Profile) bool { return !p.spec().coversContext })
	if len(other.profiles) == 0 {
		return nil, errNoContext
	}
	return &other, nil
}

// userInput is what the user of a client typed. The code that takes it clears
// it.
type userInput struct {
	identity []byte
	password []byte
}

func newUserInput(identity, password []byte) (secret.Value[userInput], error) {
	if len(identity) > MaxIdentity {
		return nil, errIdentity
	}
	if len(password) == 0 || len(password) > MaxPassword {
		return nil, errPassword
	}
	return secret.New(userInput{bytes.Clone(identity), bytes.Clone(password)}), nil
}

// take returns what the user typed and empties u.
func (u *userInput) take() userInput {
	taken := *u
	*u = userInput{}
	return taken
}

func (u *userInput) clear() {
	clear(u.password)
	u.password = nil
}

// allowedGroup returns the group if the client may use it with the profile. It
// checks what costs least first: the client's own list, the form, the policy.
// The caller proves the group, which takes longer than all of these checks,
// before it uses the password.
func (c *Client) allowedGroup(ctx context.Context, p Profile, g UnverifiedGroup) (*groupParams, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !slices.Contains(c.profiles, p) {
		return nil, errNotListed
	}
	if len(g.Certificate) > MaxCertificate {
		return nil, errCertificate
	}
	params, err := newGroupParams(g.N, g.G)
	if err != nil {
		return nil, err
	}
	if !p.spec().runsIn(params) {
		return nil, errGroupFit
	}
	return params, c.groupPolicy.ask(g)
}

// allowedKDF returns the function for p and the salt if the client's policy
// allows it, or nil if p is zero.
func (c *Client) allowedKDF(p kdf.Params, salt []byte) (*kdf.Function, error) {
	if p == (kdf.Params{}) {
		return nil, nil
	}
	p, err := p.WithSalt(salt)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	f, err := kdf.New(p, c.kdfPolicy)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	return f, nil
}

// forceNonZero makes the first byte of a salt 1 if it is 0, in constant time.
// Peers that take salts for integers drop leading zeros.
func forceNonZero(salt []byte) {
	if len(salt) > 0 {
		salt[0] |= byte((uint32(salt[0]) - 1) >> 31)
	}
}

package srp

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/kdf"
)

// ClientConfig is what a client insists on, whatever a server asks for.
type ClientConfig struct {
	// Profiles are those that the client logs in and registers with. Empty:
	// Nescio alone. List as few as possible, since a server chooses among them.
	Profiles []Profile

	// KDF bounds what a server may ask of the password's hash, before the
	// password is touched. The zero Policy is the safe default. Only Nescio has
	// KDF parameters; the other profiles fix their hash.
	KDF kdf.Policy

	// AcceptGroup decides whether a group may be used, before it is proved and
	// before the password is touched: n is big-endian, and credential is what
	// the server says vouches for it. A proof shows that a group is sound, but
	// not that nobody spent years on logarithms in it, which is why a group
	// needs an origin. It gets copies and is called from several goroutines;
	// an error of its own can be found in the ErrPolicy that follows from it.
	//
	// Nil is [RFC5054Groups]. For Proton's signed moduli it is the AcceptGroup of a
	// key of package moduli/openpgp, for those of package moduli that of its Keys;
	// [AnyOf] combines several, as accounts that move from one kind of group to
	// another need them, and [AnyGroup] accepts all.
	AcceptGroup func(n []byte, g int, credential []byte) error

	// ServerIdentity names the server that the client means, the same as in
	// ServerConfig, up to 1024 bytes: a domain name, for example. Nescio's
	// proofs hold it, so that a login relayed to another server fails there; those
	// of other profiles do not.
	ServerIdentity []byte
}

// Client starts logins and registrations. It holds no secrets, is immutable
// and safe for concurrent use.
type Client struct {
	profiles    []Profile
	policy      kdf.Policy
	acceptGroup func(n []byte, g int, credential []byte) error
	server      []byte // its identity
	context     []byte
}

// NewClient returns a client, or ErrPolicy if Profiles lists one that is not
// valid or ServerIdentity is too long.
func NewClient(cfg ClientConfig) (*Client, error) {
	c := &Client{
		profiles:    slices.Clone(cfg.Profiles),
		policy:      cfg.KDF,
		acceptGroup: cfg.AcceptGroup,
		server:      bytes.Clone(cfg.ServerIdentity),
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
	if c.acceptGroup == nil {
		c.acceptGroup = RFC5054Groups
	}
	return c, nil
}

// WithContext returns a copy of the client whose logins prove that they are for
// the given context, 1 to 60,000 bytes, and can be finished by a server with the
// same one only (see [Server.WithContext]). It is how a sensitive change is
// confirmed: a fresh login whose context describes the change.
//
// The copy logs in with those of the client's profiles whose proofs hold a
// context, which is Nescio; it returns ErrPolicy if there is none.
func (c *Client) WithContext(context []byte) (*Client, error) {
	if len(context) == 0 || len(context) > maxContext {
		return nil, errContext
	}
	other := *c
	other.context = bytes.Clone(context)
	other.profiles = slices.DeleteFunc(slices.Clone(c.profiles), func(p Profile) bool { return !p.scheme().bindsContext() })
	if len(other.profiles) == 0 {
		return nil, errNoContext
	}
	return &other, nil
}

// Register makes the record of a new account, or of an old one whose password
// changes, under what the server offered: a new salt, and v = g^x. The client
// sends the record's Bytes, or its parts, over an authenticated and encrypted
// channel.
//
// The password, 1 to 1024 bytes, is used as given: normalising it, for which
// RFC 8265 has OpaqueString, is the caller's. [Proton] reads only the first 72
// bytes. The identity, up to 1024 bytes, is the name that the protocol hashes;
// the package documentation says how it goes with the server's id.
//
// Register returns ErrPolicy for an offer or a length that it refuses, or the
// error of ctx, which it looks at before it starts, while it waits for the first
// proof of a modulus (see [NewGroup]) and before the password's hash, not during
// it.
func (c *Client) Register(ctx context.Context, o Offer, identity, password []byte) (*Record, error) {
	if err := checkLengths(identity, password); err != nil {
		return nil, err
	}
	if _, err := o.check(); err != nil {
		return nil, err
	}
	salt := make([]byte, o.saltSize())
	rand.Read(salt)
	forceNonZero(salt)
	d, err := c.allowedDomain(ctx, o.Profile, o.Group)
	if err != nil {
		return nil, err
	}
	f, err := c.allowedKDF(o.kdf(), salt)
	if err != nil {
		return nil, err
	}
	if err := d.prove(ctx, safeprime.ProveOrTrust); err != nil {
		return nil, err
	}
	return register(ctx, d, f, o, identity, password, salt)
}

func register(ctx context.Context, d *domain, f *kdf.Function, o Offer, identity, password, salt []byte) (*Record, error) {
	s := o.Profile.scheme()
	x, err := s.privateKey(ctx, d, f, identity, password, salt)
	if err != nil {
		return nil, err
	}
	defer clear(x)
	v := d.mod().Exp(d.generator(), x)
	defer v.Clear()
	return NewRecord(o, identity, salt, encode(s, d, v))
}

// allowedDomain returns the group if the client may use it with the profile, in
// the order of cost: its own lists, form, policy. The caller proves it, which
// takes longer than all else, before it touches the password.
func (c *Client) allowedDomain(ctx context.Context, p Profile, g GroupRef) (*domain, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !slices.Contains(c.profiles, p) {
		return nil, errNotListed
	}
	if len(g.Credential) > MaxCredential {
		return nil, errCredential
	}
	d, err := newDomain(g.N, g.G)
	if err != nil {
		return nil, err
	}
	if !p.scheme().accepts(d) {
		return nil, errGroupFit
	}
	switch err := c.acceptGroup(bytes.Clone(g.N), g.G, bytes.Clone(g.Credential)); {
	case errors.Is(err, ErrPolicy):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: AcceptGroup: %w", ErrPolicy, err)
	}
	return d, nil
}

// allowedKDF returns the function that p and the salt describe if the client's
// policy allows it; nil if there are no parameters.
func (c *Client) allowedKDF(p kdf.Params, salt []byte) (*kdf.Function, error) {
	if p == (kdf.Params{}) {
		return nil, nil
	}
	p, err := p.WithSalt(salt)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	f, err := kdf.New(p, c.policy)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	return f, nil
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

// forceNonZero makes the first byte of a salt 1 if it is 0, in constant time:
// peers that take salts for integers drop leading zeros.
func forceNonZero(salt []byte) {
	if len(salt) > 0 {
		salt[0] |= byte((uint32(salt[0]) - 1) >> 31)
	}
}

// Login begins a login and returns it together with the request to send, a
// message of two bytes that is the same for everyone: the id that the server
// looks up travels beside it. It keeps a copy of the password until
// [Login.Respond], [Login.Answer] or [Login.Discard]. It returns ErrPolicy for a
// password or an identity of a length that Register refuses.
func (c *Client) Login(identity, password []byte) (login *Login, request []byte, err error) {
	if err := checkLengths(identity, password); err != nil {
		return nil, nil, err
	}
	return &Login{
		client:   c,
		identity: bytes.Clone(identity),
		password: bytes.Clone(password),
	}, appendHello(), nil
}

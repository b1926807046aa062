package main

import (
	_ "embed"
	"fmt"
	"time"

	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/srp"
)

// signedModulus is one of the moduli that Proton hands out, as it signed it.
//
//go:embed modulus.asc
var signedModulus string

// pool is three moduli of the service itself, signed. They were found from the
// labels nescio/quickstart/1 to 3, so that anyone can find them again:
//
//	go run ./examples/moduli show examples/quickstart/moduli.pool
//
//go:embed moduli.pool
var pool string

// poolKey is the public key of who signed the pool.
//
//go:embed moduli.key.pub
var poolKey string

const purpose = "example.org/srp"

// origins are those from whom a client takes a modulus, and whose word it does
// not take for its being a safe prime: package srp proves that.
type origins struct {
	proton *openpgp.Key
	own    *moduli.Keys
}

func newOrigins() (o origins, err error) {
	if o.proton, err = openpgp.ParseKey(openpgp.ProtonKey); err != nil {
		return origins{}, err
	}
	o.own, err = moduli.ParseKeys(poolKey)
	return o, err
}

// group reads a modulus as it travels: Proton's message, or a record's text.
func (o origins) group(message string) (srp.GroupRef, error) {
	if r, err := moduli.ParseRecordText(message); err == nil {
		m := r.Modulus()
		return srp.GroupRef{N: m.N, G: m.G, Credential: r.Bytes()}, o.own.Check(r, purpose)
	}
	n, err := o.proton.Modulus([]byte(message))
	return srp.GroupRef{N: n, G: openpgp.Generator, Credential: []byte(message)}, err
}

// AcceptGroup is the group policy of logins: either origin will do.
func (o origins) AcceptGroup(n []byte, g int, credential []byte) error {
	return srp.AnyOf(o.proton.GroupPolicy(), o.own.GroupPolicy(purpose))(n, g, credential)
}

// AcceptNewGroup is that of new passwords, for which a record must not have
// expired.
func (o origins) AcceptNewGroup(n []byte, g int, credential []byte) error {
	return srp.AnyOf(o.proton.GroupPolicy(), o.own.RegistrationPolicy(purpose))(n, g, credential)
}

// message is how a group's modulus travels: group reads it.
func message(g srp.GroupRef) string {
	if r, err := moduli.ParseRecord(g.Credential); err == nil {
		return r.Text()
	}
	return string(g.Credential)
}

// catalogue is the moduli that the server has accounts on, each of them proved: a
// safe prime of which 2 generates the whole group.
type catalogue struct {
	own    *moduli.Keys
	pool   *moduli.Pool
	first  *srp.Group            // Proton's, for new accounts
	groups map[string]*srp.Group // by modulusID
}

// newCatalogue loads Proton's modulus and a pool's. Retired ones are there too: who
// has one logs in with it.
func newCatalogue(poolText string) (*catalogue, error) {
	o, err := newOrigins()
	if err != nil {
		return nil, err
	}
	c := &catalogue{own: o.own, groups: make(map[string]*srp.Group)}
	if c.pool, err = moduli.ParsePool(poolText); err != nil {
		return nil, err
	}
	if c.first, err = c.add(o, signedModulus); err != nil {
		return nil, err
	}
	for _, r := range c.pool.Records() {
		if _, err := c.add(o, r.Text()); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *catalogue) add(o origins, message string) (*srp.Group, error) {
	ref, err := o.group(message)
	if err != nil {
		return nil, err
	}
	g, err := srp.NewGroup(ref.N, ref.G)
	if err != nil {
		return nil, err
	}
	if g, err = g.WithCredential(ref.Credential); err != nil { // so that clients can verify it too
		return nil, err
	}
	c.groups[modulusID(g)] = g
	return g, nil
}

// next is for a new password: a modulus of the pool at random, other than that of
// the old one, so that none holds too many accounts for too long.
func (c *catalogue) next(old []byte) (*srp.Group, error) {
	r, err := c.pool.Retire(old).Pick(c.own, purpose, time.Now())
	if err != nil {
		return nil, err
	}
	g, err := srp.NewGroup(r.Modulus().N, r.Modulus().G) // proved before: this takes a microsecond
	if err != nil {
		return nil, err
	}
	return c.groups[modulusID(g)], nil
}

// modulusID names a group on the wire.
func modulusID(g *srp.Group) string {
	digest := g.Digest()
	return fmt.Sprintf("%x", digest[:8])
}

package main

import (
	_ "embed"
	"fmt"
	"strings"

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
//go:embed moduli.key
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
	key, err := moduli.ParsePublicKey(strings.TrimSpace(poolKey))
	if err != nil {
		return origins{}, err
	}
	o.own = moduli.NewKeys(key)
	return o, nil
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

// AcceptGroup is the group policy of the client: either origin will do.
func (o origins) AcceptGroup(n []byte, g int, credential []byte) error {
	if o.proton.AcceptGroup(n, g, credential) == nil {
		return nil
	}
	return o.own.AcceptGroup(purpose)(n, g, credential)
}

// message is how a group's modulus travels: group reads it.
func message(g srp.GroupRef) string {
	if r, err := moduli.ParseRecord(g.Credential); err == nil {
		return r.Text()
	}
	return string(g.Credential)
}

// loadGroups returns Proton's modulus and those of the pool, each of them proved:
// a safe prime of which 2 generates the whole group.
func loadGroups() (groups []*srp.Group, err error) {
	o, err := newOrigins()
	if err != nil {
		return nil, err
	}
	p, err := moduli.ParsePool(pool)
	if err != nil {
		return nil, err
	}
	messages := []string{signedModulus}
	for _, r := range p.Records() {
		messages = append(messages, r.Text())
	}
	for _, m := range messages {
		ref, err := o.group(m)
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
		groups = append(groups, g)
	}
	return groups, nil
}

// modulusID names a group on the wire.
func modulusID(g *srp.Group) string {
	digest := g.Digest()
	return fmt.Sprintf("%x", digest[:8])
}

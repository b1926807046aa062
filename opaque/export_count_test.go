package opaque

import (
	"github.com/nescio-go/nescio/internal/oprf"
)

// CountOperations returns the group operations that f makes in a suite, in
// their order.
func CountOperations(s Suite, f func()) (log []string) {
	original := suites[s]
	defer func() { suites[s] = original }()
	c, o := *original, *original.oprf
	o.Group = countingGroup{o.Group, &log}
	c.oprf = &o
	if c.shared {
		c.ake = primeOrder{&o}
	} else {
		c.ake = countingDH{c.ake, &log}
	}
	suites[s] = &c
	f()
	return log
}

type countingGroup struct {
	oprf.Group
	log *[]string
}

func (g countingGroup) Multiply(terms ...oprf.Term) error {
	count(g.log, "", terms)
	return g.Group.Multiply(terms...)
}

func (g countingGroup) MapMultiply(out, scalar, uniform []byte) error {
	*g.log = append(*g.log, "map")
	return g.Group.MapMultiply(out, scalar, uniform)
}

func (g countingGroup) Reduce(out, uniform []byte) error {
	*g.log = append(*g.log, "reduce")
	return g.Group.Reduce(out, uniform)
}

type countingDH struct {
	diffieHellman
	log *[]string
}

func (d countingDH) multiply(terms ...oprf.Term) error {
	count(d.log, "x25519 ", terms)
	return d.diffieHellman.multiply(terms...)
}

func count(log *[]string, prefix string, terms []oprf.Term) {
	for _, t := range terms {
		if t.Element == nil {
			*log = append(*log, prefix+"base")
		} else {
			*log = append(*log, prefix+"multiply")
		}
	}
}

package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
)

// The names of kinds that weights have. A kind of OPAQUE is named after its
// setup and KSF, as opaque:1:PARAMETERS.
const (
	kindOPAQUE = "opaque:"
	kindProton = "proton" // profile proton-4, in the moduli of the pool
	kindNescio = "nescio" // profile nescio, of accounts that were imported
)

// offered is the kind of new accounts with OPAQUE, without its weight.
func (s *Server) offered() opaque.Kind {
	k := opaque.Kind{Suite: s.Keys.Setups[s.Setup].Suite(), Setup: s.Setup, KSF: s.KSF}
	if k.KSF == (kdf.Params{}) {
		k.KSF = opaque.DefaultKSF()
	}
	return k
}

func nameOf(k opaque.Kind) string { return fmt.Sprintf("%s%d:%s", kindOPAQUE, k.Setup, k.KSF) }

// parseName reads the name of a kind of OPAQUE.
func (s *Server) parseName(name string) (k opaque.Kind, err error) {
	number, params, _ := strings.Cut(strings.TrimPrefix(name, kindOPAQUE), ":")
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return k, err
	}
	setup := s.Keys.Setups[uint16(n)]
	if setup == nil {
		return k, fmt.Errorf("setup %d is missing: %w", n, opaque.ErrRecord)
	}
	k = opaque.Kind{Suite: setup.Suite(), Setup: uint16(n)}
	k.KSF, err = kdf.ParseParams(params)
	return k, err
}

// otherKinds are the kinds of OPAQUE that accounts or unknown names have,
// except the offered kind. A later setup or a higher cost is accepted: another
// server already offers it. The others are old.
func (s *Server) otherKinds(offered opaque.Kind, weights map[string]uint32) (accept, old []opaque.Kind, err error) {
	names := make(map[string]opaque.Kind)
	for name := range weights {
		if !strings.HasPrefix(name, kindOPAQUE) {
			continue
		}
		if names[name], err = s.parseName(name); err != nil {
			return nil, nil, err
		}
	}
	for _, record := range s.knownKinds {
		if r, err := opaque.ParseRecord(record); err == nil && s.Keys.Setups[r.Setup()] != nil {
			k := opaque.Kind{Suite: r.Suite(), Setup: r.Setup(), KSF: r.KSF()}
			names[nameOf(k)] = k
		}
	}
	delete(names, nameOf(offered))
	for name, k := range names {
		k.Weight = weights[name]
		if k.Setup > offered.Setup || k.Setup == offered.Setup && k.KSF.Cost() >= offered.KSF.Cost() {
			accept = append(accept, k)
		} else {
			old = append(old, k)
		}
	}
	return accept, old, nil
}

// noteKind stores an example of a record's kind. It is made up, because records
// of deleted accounts must not stay.
func (s *Server) noteKind(ctx context.Context, tx *store.Tx, record []byte) error {
	kind, example, err := s.example(record)
	if err != nil {
		return err
	}
	d := sha256.Sum256([]byte(kind))
	return tx.AddKind(ctx, d[:16], example)
}

func (s *Server) example(record []byte) (kind string, example []byte, err error) {
	if record[0] == protocolSRP {
		r, err := srp.ParseRecord(record)
		if err != nil {
			return "", nil, err
		}
		group, salt := r.Group(), make([]byte, len(r.Salt()))
		verifier := make([]byte, len(group.N))
		rand.Read(salt)
		rand.Read(verifier)
		verifier[0], verifier[len(verifier)-1] = 0, 0 // below N in both byte orders
		made, err := srp.NewRecord(r.Profile(), group, r.KDF(), nil, salt, verifier)
		if err != nil {
			return "", nil, err
		}
		return fmt.Sprintf("%s %x %d %s", r.Profile(), group.N, len(salt), r.KDF()), made.Bytes(), nil
	}
	r, err := opaque.ParseRecord(record)
	if err != nil {
		return "", nil, err
	}
	setup := s.Keys.Setups[r.Setup()]
	if setup == nil {
		return "", nil, opaque.ErrRecord
	}
	raw := make([]byte, len(r.Raw()))
	rand.Read(raw)
	copy(raw, setup.PublicKey()) // a valid public key of a client
	made, err := opaque.ImportRecord(r.Setup(), setup, r.KSF(), nil, raw)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("%d %x %s", r.Setup(), setup.Fingerprint(), r.KSF()), made.Bytes(), nil
}

// weightsAt returns the weights that count at a time. A weight never falls.
func weightsAt(all []store.Weight, now time.Time) map[string]uint32 {
	weights := make(map[string]uint32)
	for _, w := range all {
		if !w.NotBefore.After(now) {
			weights[w.Kind] = max(weights[w.Kind], w.Weight)
		}
	}
	return weights
}

// SetWeight raises the weight of a kind on all servers, some minutes from now.
func SetWeight(ctx context.Context, db *store.DB, kind string, weight uint32, now time.Time) error {
	if weight == 0 || weight > 1<<20 {
		return fmt.Errorf("a weight is from 1 to %d", 1<<20)
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockFleet(ctx); err != nil {
			return err
		}
		weights, err := tx.Weights(ctx)
		if err != nil {
			return err
		}
		old := uint32(0)
		known := []string{kindProton, kindNescio}
		for _, w := range weights {
			known = append(known, w.Kind)
			if w.Kind == kind {
				old = max(old, w.Weight)
			}
		}
		switch {
		case !slices.Contains(known, kind):
			return fmt.Errorf("there is no kind %q", kind)
		case old >= weight:
			return fmt.Errorf("the weight is %d, and never falls: answers for unknown names would change", old)
		}
		return tx.AddWeight(ctx, store.Weight{Kind: kind, Weight: weight, NotBefore: now.Add(notice)})
	})
}

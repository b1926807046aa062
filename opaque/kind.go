package opaque

import (
	"crypto/sha256"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/nescio-go/nescio/kdf"
)

// Kind is what a stranger sees of an account.
type Kind struct {
	Suite      Suite      // 0 means [Ristretto255]
	Setup      uint16     // number in Setups of [ServerConfig]
	KSF        kdf.Params // within the policies of all clients; zero means [DefaultKSF]
	Weight     uint32     // relative number of accounts, 0 to 2^20
	Identities bool       // accounts have their id as identity, instead of none
}

// KindWeight is a kind for the other server.
type KindWeight = decoy.KindWeight

// Weights returns kinds for [github.com/nescio-go/nescio/srp.ServerConfig], or
// [ErrPolicy].
func Weights(kinds ...Kind) ([]KindWeight, error) {
	weights := make([]KindWeight, len(kinds))
	for i, k := range kinds {
		if k == (Kind{}) {
			return nil, errDefaultKind
		}
		h, err := k.head()
		if err != nil {
			return nil, err
		}
		if k.Weight > decoy.MaxWeight {
			return nil, refused(decoy.ErrWeight.Error())
		}
		weights[i] = KindWeight{Digest: h.digest(), Weight: k.Weight}
	}
	return weights, nil
}

// head returns the head of the kind's responses and records, with the defaults
// filled in, or ErrPolicy.
func (k Kind) head() (head, error) {
	if k.Suite == 0 {
		k.Suite = Ristretto255
	}
	if k.KSF == (kdf.Params{}) {
		k.KSF = DefaultKSF()
	}
	if !k.Suite.Valid() {
		return head{}, errSuite
	}
	if !validKSF(k.KSF) {
		return head{}, errKSF
	}
	h, err := newHead(k.Suite, k.Setup, k.KSF)
	if err != nil {
		return head{}, errKSF
	}
	return h, nil
}

// digest identifies a kind in the draw that both protocols share:
//
//	SHA-256("nescio/kind/v1" ‖ 00 ‖ 'O' ‖ head)
func (h *head) digest() [sha256.Size]byte {
	return sha256.Sum256(append([]byte("nescio/kind/v1\x00O"), h.encoded...))
}

// is reports whether two heads are the same kind.
func (h *head) is(other *head) bool {
	return h.setup == other.setup && h.suite == other.suite && h.ksf == other.ksf
}

// serverKind is a Kind with what the server derives from it.
type serverKind struct {
	head
	identities bool
	sample     []byte // a record of this kind, all zero after its fingerprint
}

// identity returns the identity that an unknown name has.
func (k *serverKind) identity(id []byte) []byte {
	if k.identities {
		return id
	}
	return nil
}

// addKinds sets the server's own kinds and the draw, by Offer, Accept, Old and
// Others, in this order.
func (s *Server) addKinds(cfg *ServerConfig) error {
	offer, err := s.offer(cfg.Offer)
	if err != nil {
		return err
	}
	own := append(append([]Kind{offer}, cfg.Accept...), cfg.Old...)
	s.admitted = 1 + len(cfg.Accept)
	var weights []KindWeight
	for _, k := range own {
		h, err := k.head()
		if err != nil {
			return err
		}
		setup, ok := s.setups[k.Setup]
		switch {
		case !ok:
			return errNoSetup
		case setup.suite != h.suite:
			return errKindSuite
		}
		sample := record{head: h, fingerprint: setup.fingerprint, raw: make([]byte, h.suite.definition().recordSize())}
		s.kinds = append(s.kinds, serverKind{h, k.Identities, sample.bytes()})
		weights = append(weights, KindWeight{Digest: h.digest(), Weight: k.Weight})
	}
	weights = append(weights, cfg.Others...)
	if len(weights) == 1 && weights[0].Weight == 0 {
		weights[0].Weight = 1 // alone it is always drawn
	}
	in := s.secrets.Get()
	if in.draw, err = decoy.NewDraw(in.decoyKey, weights); err != nil {
		return refused(err.Error())
	}
	return nil
}

// offer returns the kind that is offered. The zero Kind is the only setup's,
// with DefaultKSF.
func (s *Server) offer(k Kind) (Kind, error) {
	if k != (Kind{}) {
		return k, nil
	}
	if len(s.setups) > 1 {
		return Kind{}, errManySetups
	}
	for number, setup := range s.setups {
		k = Kind{Suite: setup.suite, Setup: number}
	}
	return k, nil
}

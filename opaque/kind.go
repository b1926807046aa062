package opaque

import (
	"crypto/sha256"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/nescio-go/nescio/kdf"
)

// Kind is a kind of account that a server has: what a stranger sees of an
// account before authentication. The setup and the KSF that an account was
// registered under decide its kind.
type Kind struct {
	// Suite is the setup's suite. Zero means [Ristretto255].
	Suite Suite
	// Setup is the setup's number in Setups of [ServerConfig].
	Setup uint16
	// KSF is the key stretching function, without a salt. Zero means
	// [DefaultKSF]. It must be within the policies of all clients. [NewServer]
	// does not judge it by a policy. Clients with the default policy refuse
	// [kdf.RFC9807Argon2id], which takes 2 GiB.
	KSF kdf.Params
	// Weight is the share of this kind among all accounts of the service,
	// including its accounts in package srp, in any unit: 0 to 2^20. Unknown
	// names have this kind with the same share. If there is only one kind, its
	// weight counts as 1.
	Weight uint32
	// Identities states that accounts of this kind register with their id
	// as identity. An unknown name then does the same. Otherwise accounts
	// have no identity.
	Identities bool
}

// KindWeight is a kind of account as the other protocol's server needs to know
// it: Digest, 32 bytes that name the kind, and Weight. It is the same type as
// [github.com/nescio-go/nescio/srp.KindWeight].
type KindWeight = decoy.KindWeight

// Weights returns kinds for Others of
// [github.com/nescio-go/nescio/srp.ServerConfig]. It returns [ErrPolicy] for an
// invalid suite or KSF, a weight above 2^20, and the zero [Kind], whose setup
// is not known here.
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

package opaque

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"

	"github.com/nescio-go/nescio/internal/oprf"
)

// account is a stored record, or the record that an unknown name seems to have.
type account struct {
	record
	setup   *Setup
	digest  [sha256.Size]byte // of the record as it was passed in
	unknown int               // 1 if there is no record, otherwise 0
}

// selectRecord returns the account that a name has or seems to have. Known and
// unknown names take the same path. For both it makes a decoy, and then selects
// the record or the decoy.
func (s *Server) selectRecord(run *loginRun, h *oprf.Hash, id, stored []byte) (a account, err error) {
	in := s.secrets.Get()
	kind := s.drawn(id)
	a.unknown = absent(stored)
	a.digest = recordDigest(stored, kind.sample)
	var ok bool
	if a.record, ok = readRecord([2][]byte{stored, kind.sample}[a.unknown]); !ok {
		return account{}, ErrRecord
	}
	if a.setup, err = s.setupOf(&a.record); err != nil {
		return account{}, err
	}
	st := a.suite.definition()
	substitute := run.record[:st.recordSize()] // its envelope is all zero
	copy(substitute, a.setup.secrets.Get().decoyKey)
	if h.Size() != sha512.Size {
		h = oprf.NewSHA512()
		defer h.Clear()
	}
	h.MAC(run.masking[:], in.decoyKey[:], decoyMasking, id) // D("masking", id)
	copy(substitute[st.npk:st.npk+st.nh], run.masking[:])
	subtle.ConstantTimeCopy(1-a.unknown, substitute, a.raw)
	a.raw = substitute
	a.identity = [2][]byte{a.identity, kind.identity(id)}[a.unknown]
	return a, nil
}

// drawn returns the kind that this server shows for a name if it is unknown.
func (s *Server) drawn(id []byte) *serverKind {
	if len(s.kinds) == 1 {
		return &s.kinds[0]
	}
	return &s.kinds[s.secrets.Get().draw.PickAmong(id, len(s.kinds))]
}

// absent returns 1 if there is no record, otherwise 0.
func absent(stored []byte) int { return subtle.ConstantTimeEq(int32(min(len(stored), 1)), 0) }

var noRecord = sha256.Sum256(nil)

// recordDigest returns SHA-256 of a record as it was passed in, or of the empty
// string if there is none. Without a record it hashes the sample, for the same
// work.
func recordDigest(stored, sample []byte) [sha256.Size]byte {
	none := absent(stored)
	digest := sha256.Sum256([2][]byte{stored, sample}[none])
	subtle.ConstantTimeCopy(none, digest[:], noRecord[:])
	return digest
}

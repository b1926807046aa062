package srp

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"

	"github.com/nescio-go/nescio/internal/decoy"
)

// selectRecord returns the record of a known id, or the record that an unknown
// id seems to have, and which of the two it is. Known and unknown ids take one
// path. Both make a decoy of the kind that the answer shows, because the time
// would show work that depended on another kind. One of the two is selected.
func (s *Server) selectRecord(id, record []byte) (r recordFields, unknown int, err error) {
	unknown = subtle.ConstantTimeEq(int32(min(len(record), 1)), 0)
	shown, err := readRecord([2][]byte{record, s.drawn(id).sample}[unknown])
	if err != nil {
		return recordFields{}, 0, err
	}
	if k := kindOf(&shown, s.kinds); k != nil {
		// The certificate that the server has now. The record may contain one
		// whose key is no longer trusted.
		shown.group, shown.params = k.offer.group, k.params
	}
	substitute, err := shown.decoy(&s.secrets.Get().decoyKey, id)
	if err != nil {
		return recordFields{}, 0, err
	}
	r = [2]recordFields{shown, substitute}[unknown]
	return r, unknown, r.check()
}

// drawn returns the kind that a name has at this server if the name has no
// account.
func (s *Server) drawn(id []byte) *serverKind {
	return &s.kinds[s.secrets.Get().draw.PickAmong(id, len(s.kinds))]
}

// recordDigest returns SHA-256 of a record as it was passed in, of the empty
// string if there is none. In that case it also hashes a record of the kind
// that the name seems to have, to do the same work.
func (s *Server) recordDigest(id, record []byte) [sha256.Size]byte {
	none := subtle.ConstantTimeEq(int32(min(len(record), 1)), 0)
	digest, empty := sha256.Sum256([2][]byte{record, s.drawn(id).sample}[none]), sha256.Sum256(nil)
	subtle.ConstantTimeCopy(none, digest[:], empty[:])
	return digest
}

// decoy returns the record of the same kind that an unknown id seems to have,
// always the same one. Salt and verifier depend on the kind. A name that kept
// its salt when all accounts of its kind moved to another would give itself
// away.
func (r *recordFields) decoy(key *[decoy.KeySize]byte, id []byte) (recordFields, error) {
	digest := r.offer().digest()
	salt, err := decoyBytes(key, "salt", id, digest, len(r.salt))
	if err != nil {
		return recordFields{}, err
	}
	forceNonZero(salt)
	wide, err := decoyBytes(key, "verifier", id, digest, len(r.params.n)+16)
	if err != nil {
		return recordFields{}, err
	}
	fake := *r
	fake.identity, fake.salt = id, salt
	fake.verifier = r.profile.spec().encode(r.params, r.params.mod().Reduce(wide))
	return fake, nil
}

// decoyBytes is HKDF-Expand with SHA-512 of D(label, id) and the digest of a
// kind.
func decoyBytes(key *[decoy.KeySize]byte, label string, id []byte, digest [32]byte, n int) ([]byte, error) {
	prk := decoy.Bytes(key, label, id)
	return hkdf.Expand(sha512.New, prk[:], string(digest[:]), n)
}

// AnswersAsSRP reports whether an unknown id seems to have an account of this
// package, not of opaque. Call it for known names too, because it takes time.
func (s *Server) AnswersAsSRP(id []byte) bool {
	return s.secrets.Get().draw.Pick(id) < len(s.kinds)
}

// Decoy returns 32 bytes, fixed for a label and an id, for anything else that a
// stranger may ask about an unknown name.
func (s *Server) Decoy(label string, id []byte) [32]byte {
	return decoy.Application(&s.secrets.Get().decoyKey, label, id)
}

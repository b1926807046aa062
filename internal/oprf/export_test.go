package oprf

import "hash"

// State returns the hash state that h shares.
func (h *Hash) State() hash.Hash { return h.state }

// Kept returns the buffers of h.
func (h *Hash) Kept() [][]byte { return [][]byte{h.block[:], h.inner[:], h.chain[:], h.uniform[:]} }

// HashToGroupDST returns DST_prime of HashToGroup.
func (s *Suite) HashToGroupDST() []byte { return s.hashToGroupDST }

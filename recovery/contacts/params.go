package contacts

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"slices"

	"github.com/nescio-go/nescio/recovery"
)

const (
	maxContacts = 32
	saltSize    = 32
	paramsHead  = saltSize + 2 // salt, k and n
	digestSize  = sha256.Size
	commitLabel = "nescio/contacts/commit/v1"
	splitLabel  = "nescio/contacts/split/v1"
)

// params are the parameters of a slot: salt 32 ‖ k u8 ‖ n u8 ‖ n × C_i, where
// C_i is a commitment to the share of contact i.
type params []byte

func validThreshold(k, n int) bool { return 1 <= k && k <= n && n <= maxContacts }

// newParams draws a salt and commits to the values f(1) to f(n).
func newParams(account recovery.AccountID, slot recovery.SlotID, k int, values [][]byte) params {
	p := make(params, saltSize, paramsHead+len(values)*digestSize)
	rand.Read(p)
	p = append(p, byte(k), byte(len(values)))
	for i, value := range values {
		c := commitment(account, slot, i+1, value)
		p = append(p, c[:]...)
	}
	return p
}

// parseParams returns a copy of b.
func parseParams(b []byte) (params, bool) {
	if len(b) < paramsHead {
		return nil, false
	}
	p := params(bytes.Clone(b))
	return p, validThreshold(p.k(), p.n()) && len(p) == paramsHead+p.n()*digestSize
}

func (p params) k() int { return p.number(saltSize) }
func (p params) n() int { return p.number(saltSize + 1) }

// number returns 0 for the params of the zero Collection.
func (p params) number(at int) int {
	if p == nil {
		return 0
	}
	return int(p[at])
}

// split returns the digest that identifies a split, which all its shares carry.
func (p params) split(account recovery.AccountID, slot recovery.SlotID) [digestSize]byte {
	return digest(splitLabel, account[:], slot[:], p)
}

// check returns ErrSplit for a share of another split, and ErrWrong for one
// that does not fit the commitment to it. Account and slot are the share's own.
func (p params) check(s *Share) error {
	split := p.split(s.account, s.slot)
	if s.k != p.k() || s.n != p.n() || subtle.ConstantTimeCompare(s.split[:], split[:]) == 0 {
		return ErrSplit
	}
	// ParseShare has checked that 1 ≤ index ≤ s.n, which is p.n.
	want := p[paramsHead+(s.index-1)*digestSize:][:digestSize]
	got := commitment(s.account, s.slot, s.index, s.value.Get()[:])
	if subtle.ConstantTimeCompare(got[:], want) == 0 {
		return ErrWrong
	}
	return nil
}

// commitment is C_i = SHA-256("nescio/contacts/commit/v1" ‖ 00 ‖ account ‖ slot
// ‖ i ‖ f(i)). The scalar is uniform and cannot be guessed. The hash needs no
// blinding.
func commitment(account recovery.AccountID, slot recovery.SlotID, index int, value []byte) [digestSize]byte {
	return digest(commitLabel, account[:], slot[:], []byte{byte(index)}, value)
}

// digest is SHA-256(label ‖ 00 ‖ parts).
func digest(label string, parts ...[]byte) [digestSize]byte {
	b := slices.Concat(append([][]byte{[]byte(label), {0}}, parts...)...)
	defer clear(b)
	return sha256.Sum256(b)
}

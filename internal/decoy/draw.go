package decoy

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/nescio-go/nescio/internal/secret"
)

const (
	// MaxKinds is the largest number of kinds in a [Draw].
	MaxKinds = 256
	// MaxWeight is the largest weight of a kind.
	MaxWeight = 1 << 20
)

// NewDraw returns these errors. They have no package prefix because callers
// wrap them in their own errors.
var (
	ErrZeroKey       = errors.New("the decoy key is all zero")
	ErrKindCount     = errors.New("need 1 to 256 kinds")
	ErrWeight        = errors.New("a weight is above 2^20")
	ErrNoWeight      = errors.New("the weights of all kinds are 0")
	ErrDuplicateKind = errors.New("two kinds are the same")
)

// KindWeight is a kind of account as the draw sees it.
type KindWeight struct {
	Digest [sha256.Size]byte // a digest of everything that makes the kind
	Weight uint32            // its share of the names; 0: never drawn
}

// Draw assigns kinds of account to names by weighted rendezvous hashing. Every
// kind gets a score that depends on the key, the name and the kind's digest,
// and the best score wins. The scores of two kinds do not depend on the other
// kinds, nor on the order of the list. Therefore:
//
//   - A name has each kind with a probability in proportion to its weight.
//   - Adding a kind moves only names that land on it.
//   - Removing a kind moves only names that were on it. Removing one of weight
//     0 moves none.
//   - Raising a weight moves names only to that kind.
//
// A Draw does not change and is safe for concurrent use. The work depends on
// the kinds and on the length of the name, not on the kind that wins.
type Draw struct {
	key    secret.Value[[KeySize]byte]
	sorted []entrant // by digest
}

type entrant struct {
	KindWeight
	index int // in the caller's list
}

// NewDraw returns the draw among kinds. It returns [ErrZeroKey], [ErrKindCount],
// [ErrWeight], [ErrNoWeight] or [ErrDuplicateKind].
func NewDraw(key [KeySize]byte, kinds []KindWeight) (*Draw, error) {
	if subtle.ConstantTimeCompare(key[:], make([]byte, KeySize)) == 1 {
		return nil, ErrZeroKey
	}
	if len(kinds) == 0 || len(kinds) > MaxKinds {
		return nil, ErrKindCount
	}
	d := &Draw{key: secret.New(key), sorted: make([]entrant, len(kinds))}
	for i, k := range kinds {
		if k.Weight > MaxWeight {
			return nil, ErrWeight
		}
		d.sorted[i] = entrant{k, i}
	}
	if !slices.ContainsFunc(kinds, func(k KindWeight) bool { return k.Weight > 0 }) {
		return nil, ErrNoWeight
	}
	compare := func(a, b entrant) int { return bytes.Compare(a.Digest[:], b.Digest[:]) }
	slices.SortFunc(d.sorted, compare)
	for i := range d.sorted[1:] {
		if compare(d.sorted[i], d.sorted[i+1]) == 0 {
			return nil, ErrDuplicateKind
		}
	}
	return d, nil
}

// Pick returns the index of the kind that the name id seems to have.
func (d *Draw) Pick(id []byte) (index int) { return d.PickAmong(id, len(d.sorted)) }

// PickAmong returns the kind that [Draw.Pick] would return if only the first n
// kinds of the list existed. If those all have weight 0, it draws as if each
// had weight 1. It panics if n is less than 1 or above the number of kinds.
func (d *Draw) PickAmong(id []byte, n int) (index int) {
	if n < 1 || n > len(d.sorted) {
		panic("decoy: number of kinds out of range")
	}
	var floor uint32 = 1
	for _, k := range d.sorted {
		if k.index < n && k.Weight > 0 {
			floor = 0
		}
	}
	name := Bytes(d.key.Get(), "kind", id)
	mac := hmac.New(sha256.New, name[:])
	sum := make([]byte, 0, sha256.Size)
	best, bestWeight := uint64(maxE), uint64(1) // loses to every kind
	index = -1
	for i := range d.sorted {
		k := &d.sorted[i]
		weight := uint64(max(k.Weight, floor))
		if k.index >= n || weight == 0 {
			continue
		}
		mac.Reset()
		mac.Write(k.Digest[:])
		e := exponential(binary.BigEndian.Uint64(mac.Sum(sum[:0])))
		better := smaller(e, weight, best, bestWeight)
		mask := -better
		best ^= (best ^ e) & mask
		bestWeight ^= (bestWeight ^ weight) & mask
		index = subtle.ConstantTimeSelect(int(better), k.index, index)
	}
	return index
}

// smaller returns 1 if e/w < e2/w2, otherwise 0. Of kinds with equal scores the
// one that came first stays, which has the smaller digest.
//
// The cross products cannot overflow: E is at most 65·2^32 < 2^39 and a weight
// at most 2^20, so both products are below 2^59. Their difference has its top
// bit set if and only if it is negative.
func smaller(e, w, e2, w2 uint64) uint64 { return (e*w2 - e2*w) >> 63 }

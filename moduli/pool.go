package moduli

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math/big"
	"slices"
	"strings"
	"time"
)

// Pool is a set of records.
type Pool struct {
	entries []entry
}

type entry struct {
	record  *Record
	retired bool
}

// NewPool returns a pool, or [ErrMalformed] if two records have the same N.
func NewPool(records ...*Record) (*Pool, error) {
	p := new(Pool)
	return p.With(records...)
}

// With returns a pool with more records, or errors like [NewPool].
func (p *Pool) With(records ...*Record) (*Pool, error) {
	q := &Pool{slices.Clone(p.entries)}
	seen := make(map[string]bool, len(p.entries))
	for _, e := range p.entries {
		seen[string(e.record.result.N)] = true
	}
	for _, r := range records {
		if seen[string(r.result.N)] {
			return nil, errDuplicate
		}
		seen[string(r.result.N)] = true
		q.entries = append(q.entries, entry{record: r})
	}
	return q, nil
}

// Retire returns a pool in which these N are not chosen. Clients still accept
// their records for new passwords until they expire.
func (p *Pool) Retire(n ...[]byte) *Pool {
	retire := make(map[string]bool, len(n))
	for _, n := range n {
		retire[string(n)] = true
	}
	q := &Pool{slices.Clone(p.entries)}
	for i := range q.entries {
		e := &q.entries[i]
		e.retired = e.retired || retire[string(e.record.result.N)]
	}
	return q
}

// Records returns all records.
func (p *Pool) Records() []*Record {
	records := make([]*Record, len(p.entries))
	for i, e := range p.entries {
		records[i] = e.record
	}
	return records
}

// Find returns the record of N, or nil.
func (p *Pool) Find(n []byte) *Record {
	for _, e := range p.entries {
		if bytes.Equal(e.record.result.N, n) {
			return e.record
		}
	}
	return nil
}

// Retired reports whether N is retired.
func (p *Pool) Retired(n []byte) bool {
	for _, e := range p.entries {
		if e.retired && bytes.Equal(e.record.result.N, n) {
			return true
		}
	}
	return false
}

// Pick returns a random record that is not retired and passes [Keys.CheckNew],
// or [ErrEmpty] with the reasons.
func (p *Pool) Pick(keys *Keys, purpose string, now time.Time) (*Record, error) {
	// The order is random. All usable records have the same chance, and few
	// signatures are verified.
	order, err := permutation(len(p.entries))
	if err != nil {
		return nil, err
	}
	reasons := []error{ErrEmpty}
	for _, i := range order {
		e := p.entries[i]
		if e.retired {
			continue
		}
		err := keys.CheckNew(e.record, purpose, now)
		if err == nil {
			return e.record, nil
		}
		if !slices.Contains(reasons, err) {
			reasons = append(reasons, err)
		}
	}
	return nil, errors.Join(reasons...)
}

// permutation returns the numbers below n in random order.
func permutation(n int) ([]int, error) {
	order := make([]int, n)
	for i := range order {
		j, err := rand.Int(rand.Reader, big.NewInt(int64(i)+1))
		if err != nil {
			return nil, err
		}
		order[i] = order[j.Int64()]
		order[j.Int64()] = i
	}
	return order, nil
}

// retiredMark precedes a retired record in the text of a pool.
const retiredMark = "retired "

// Text returns a line for each record.
func (p *Pool) Text() string {
	var b strings.Builder
	for _, e := range p.entries {
		if e.retired {
			b.WriteString(retiredMark)
		}
		b.WriteString(e.record.Text())
		b.WriteByte('\n')
	}
	return b.String()
}

// ParsePool reads [Pool.Text].
func ParsePool(text string) (*Pool, error) {
	if len(text) > MaxPool || text != "" && !strings.HasSuffix(text, "\n") {
		return nil, ErrMalformed
	}
	p := new(Pool)
	seen := make(map[string]bool)
	for line := range strings.Lines(text) {
		line, retired := strings.CutPrefix(strings.TrimSuffix(line, "\n"), retiredMark)
		r, err := ParseRecordText(line)
		if err != nil {
			return nil, err
		}
		if seen[string(r.result.N)] {
			return nil, errDuplicate
		}
		seen[string(r.result.N)] = true
		p.entries = append(p.entries, entry{r, retired})
	}
	return p, nil
}

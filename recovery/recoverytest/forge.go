package recoverytest

import (
	"context"
	"crypto/rand"
	"maps"
	"math"
	"slices"
)

// Forgeries returns headers that the holder and the server can make together,
// by descriptions. Each header claims to follow the stored one, has a slot of
// the holder, and is as authentic as the holder's keys can make it. A client
// that has seen the removal of the holder's slot refuses all of them. Forgeries
// returns an error unless [Holder.Learn] ran before the removal.
func (h *Holder) Forgeries(stored []byte) (map[string][]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.Masters) == 0 {
		return nil, errClosed
	}
	known := slices.Max(slices.Collect(maps.Keys(h.Masters)))
	p, err := Split(stored)
	if err != nil {
		return nil, err
	}
	now, old, own, own2 := p.Epoch, h.Masters[known], random(), random()
	out := make(map[string][]byte)
	for what, f := range map[string]forgery{
		"the last master key that they know":          {known, 1, h.Masters},
		"that master key in the present epoch":        {now, 1, map[uint32][]byte{now: old}},
		"a master key of theirs in the present epoch": {now, 1, map[uint32][]byte{now: own}},
		"a new epoch behind that master key":          {now + 1, 1, map[uint32][]byte{now: old, now + 1: own}},
		"a new epoch behind a master key of theirs":   {now + 1, 1, map[uint32][]byte{now: own, now + 1: own2}},
		"a new epoch without a history":               {now + 1, 1, map[uint32][]byte{now + 1: own}},
		"a new epoch behind everything they know":     {known + 1, 1, with(h.Masters, known+1, own)},
		"two epochs in one revision":                  {now + 2, 1, map[uint32][]byte{now + 2: own}},
		"many epochs in as many revisions":            {now + maxHistory + 1, maxHistory + 1, map[uint32][]byte{now + maxHistory + 1: own}},
		"a slot under the lineage key alone":          {now, 1, nil},
		"the last of all epochs":                      {math.MaxUint32, math.MaxUint64, map[uint32][]byte{math.MaxUint32: own}},
	} {
		if out[what], err = h.forge(stored, f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// forgery describes a header: its epoch, how many revisions it is later, and
// its master keys. If they are nil, the stored header's master keys stay.
type forgery struct {
	epoch   uint32
	later   uint64
	masters map[uint32][]byte
}

func (h *Holder) forge(stored []byte, f forgery) ([]byte, error) {
	p, err := Split(stored)
	if err != nil {
		return nil, err
	}
	if err := p.Follow(stored); err != nil {
		return nil, err
	}
	if f.later--; p.Revision > math.MaxUint64-f.later {
		p.Revision = math.MaxUint64
	} else {
		p.Revision += f.later
	}
	p.Floor = min(max(p.Floor, oldest(f.epoch)), f.epoch)
	if _, err := p.AddSlot(context.Background(), nil, h.Seed, h.Lineage); err != nil {
		return nil, err
	}
	if f.masters == nil {
		return p.Sign(h.Lineage, nil), nil
	}
	if err := p.Rekey(f.epoch, f.masters); err != nil {
		return nil, err
	}
	for i := range p.Slots {
		p.Slots[i].Born = min(p.Slots[i].Born, f.epoch)
	}
	return p.Sign(h.Lineage, f.masters[f.epoch]), nil
}

func with(masters map[uint32][]byte, epoch uint32, key []byte) map[uint32][]byte {
	out := maps.Clone(masters)
	out[epoch] = key
	return out
}

func random() []byte {
	b := make([]byte, 32)
	rand.Read(b)
	return b
}

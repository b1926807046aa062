package recovery

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// Checkpoint is what a device remembers of a header. Anyone who can change it
// can deceive the device. Without a [Client], see [Draft].
type Checkpoint struct {
	account  AccountID
	revision uint64 // 0 if only the account is known
	digest   [sha256.Size]byte
	epoch    uint32
	floor    uint32
	mkID     [mkIDSize]byte
	slots    []slotMark  // by id
	old      *Checkpoint // of an unconfirmed checkpoint, the confirmed one
}

// slotMark names a slot and its content.
type slotMark struct {
	id     SlotID
	digest [slotDigestSize]byte
}

// TrustOnFirstUse makes [Open] accept any header that opens, even an old or
// forged one. Ask the user.
func TrustOnFirstUse(account AccountID) Checkpoint { return Checkpoint{account: account} }

// newCheckpoint returns the checkpoint of a header and its master key.
func newCheckpoint(h *Header, master *[keySize]byte) (Checkpoint, error) {
	id, err := mkID(master)
	if err != nil {
		return Checkpoint{}, err
	}
	s := &h.state
	return Checkpoint{
		account:  s.account,
		revision: s.revision,
		digest:   h.Digest(),
		epoch:    s.epoch,
		floor:    s.floor,
		mkID:     id,
		slots:    s.marks(),
	}, nil
}

func (h *header) marks() []slotMark {
	marks := make([]slotMark, len(h.slots))
	for i := range h.slots {
		marks[i] = slotMark{h.slots[i].ID, h.slots[i].digest()}
	}
	return marks
}

// unconfirmed returns the checkpoint of a device that does not know whether the
// server has stored the candidate.
func unconfirmed(old, candidate Checkpoint) Checkpoint {
	candidate.old = &old
	return candidate
}

// Account returns the account's number.
func (c Checkpoint) Account() AccountID { return c.account }

// Revision returns the header's revision.
func (c Checkpoint) Revision() uint64 { return c.revision }

// removes reports whether an unconfirmed checkpoint's candidate has removed
// something: the old checkpoint has a slot that the candidate lacks.
func (c *Checkpoint) removes() bool {
	return slices.ContainsFunc(c.old.slots, func(m slotMark) bool { return !slices.Contains(c.slots, m) })
}

// find returns the mark of a slot id.
func (c *Checkpoint) find(id SlotID) (slotMark, bool) {
	i := slices.IndexFunc(c.slots, func(m slotMark) bool { return m.id == id })
	if i < 0 {
		return slotMark{}, false
	}
	return c.slots[i], true
}

// bases returns the checkpoints from which a header may follow, in order of
// preference.
func (c *Checkpoint) bases(h *Header) []*Checkpoint {
	if c.old == nil {
		return []*Checkpoint{c}
	}
	candidate := *c
	candidate.old = nil
	// After a removal, only the old header itself is accepted beside the
	// candidate, because a removed holder can make headers that follow from it.
	if !c.removes() || c.old.revision > 0 && h.Digest() == c.old.digest {
		return []*Checkpoint{&candidate, c.old}
	}
	return []*Checkpoint{&candidate}
}

// precede makes the checks that are possible before a header is opened.
func (c *Checkpoint) precede(h *Header) error {
	s := &h.state
	if c.account == (AccountID{}) {
		return ErrNoCheckpoint
	}
	if s.account != c.account {
		return ErrOtherAccount
	}
	if c.revision == 0 {
		return nil
	}
	switch {
	case s.revision < c.revision || s.epoch < c.epoch || s.floor < c.floor:
		return ErrRollback
	case s.revision == c.revision && h.Digest() != c.digest,
		s.revision == c.revision+1 && s.prev != c.digest,
		s.epoch == c.epoch && c.lost(s):
		return ErrFork
	case uint64(s.epoch-c.epoch) > s.revision-c.revision:
		return errEpochJump
	}
	return nil
}

// lost reports whether the header lacks a slot of the checkpoint, or has
// another slot with its id.
func (c *Checkpoint) lost(s *header) bool {
	marks := s.marks()
	return slices.ContainsFunc(c.slots, func(m slotMark) bool { return !slices.Contains(marks, m) })
}

// allows reports whether a slot may be given to an Opener. A slot with a known
// id and other content may not.
func (c *Checkpoint) allows(s *sealedSlot) bool {
	m, ok := c.find(s.ID)
	return !ok || m.digest == s.digest()
}

// confirm checks the master key of the checkpoint's epoch.
func (c *Checkpoint) confirm(h *header, master *[keySize]byte) error {
	if c.revision == 0 {
		return nil
	}
	if c.epoch < oldest(h.epoch) {
		return errUnreachable
	}
	key, err := h.masterOf(master, c.epoch)
	if err != nil {
		return err
	}
	defer clear(key[:])
	id, err := mkID(&key)
	if err != nil {
		return err
	}
	if id != c.mkID {
		return errOtherKey
	}
	return nil
}

const (
	checkpointKind  = 'N'
	unconfirmedKind = 'U'
	maxCheckpoint   = 2 + 16 + 8 + sha256.Size + 4 + 4 + mkIDSize + 1 + maxSlots*(16+slotDigestSize)
	maxUnconfirmed  = 2 + 2*maxCheckpoint
)

// MarshalBinary returns at most 1,704 bytes.
func (c Checkpoint) MarshalBinary() ([]byte, error) {
	if c.old == nil {
		return c.append(nil)
	}
	b, err := c.old.append([]byte{unconfirmedKind, version})
	if err != nil {
		return nil, err
	}
	return c.append(b)
}

// append appends the form without the old checkpoint.
func (c *Checkpoint) append(to []byte) ([]byte, error) {
	if c.revision == 0 {
		return nil, ErrNoCheckpoint
	}
	b := cryptobyte.NewBuilder(to)
	b.AddBytes([]byte{checkpointKind, version})
	b.AddBytes(c.account[:])
	b.AddUint64(c.revision)
	b.AddBytes(c.digest[:])
	b.AddUint32(c.epoch)
	b.AddUint32(c.floor)
	b.AddBytes(c.mkID[:])
	b.AddUint8(uint8(len(c.slots)))
	for _, m := range c.slots {
		b.AddBytes(m.id[:])
		b.AddBytes(m.digest[:])
	}
	return b.Bytes()
}

// UnmarshalBinary reverses [Checkpoint.MarshalBinary].
func (c *Checkpoint) UnmarshalBinary(b []byte) error {
	s := cryptobyte.String(b)
	var read Checkpoint
	if bytes.HasPrefix(b, []byte{unconfirmedKind, version}) {
		var old Checkpoint
		if !s.Skip(2) || !old.read(&s) || !read.read(&s) || old.account != read.account {
			return ErrMalformed
		}
		read.old = &old
	} else if !read.read(&s) {
		return ErrMalformed
	}
	if !s.Empty() {
		return ErrMalformed
	}
	*c = read
	return nil
}

// read reads the form without an old checkpoint.
func (c *Checkpoint) read(s *cryptobyte.String) bool {
	var start []byte
	var n uint8
	if !s.ReadBytes(&start, 2) || start[0] != checkpointKind || start[1] != version ||
		!s.CopyBytes(c.account[:]) || !s.ReadUint64(&c.revision) || !s.CopyBytes(c.digest[:]) ||
		!s.ReadUint32(&c.epoch) || !s.ReadUint32(&c.floor) || !s.CopyBytes(c.mkID[:]) || !s.ReadUint8(&n) {
		return false
	}
	if c.account == (AccountID{}) || c.revision == 0 || c.epoch == 0 || uint64(c.epoch) > c.revision || n == 0 || n > maxSlots ||
		c.floor < oldest(c.epoch) || c.floor > c.epoch {
		return false
	}
	for i := range int(n) {
		var m slotMark
		if !s.CopyBytes(m.id[:]) || m.id == (SlotID{}) || !s.CopyBytes(m.digest[:]) ||
			i > 0 && bytes.Compare(c.slots[i-1].id[:], m.id[:]) >= 0 {
			return false
		}
		c.slots = append(c.slots, m)
	}
	return true
}

// MarshalText returns base64.
func (c Checkpoint) MarshalText() ([]byte, error) {
	b, err := c.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText reverses [Checkpoint.MarshalText].
func (c *Checkpoint) UnmarshalText(text []byte) error {
	if len(text) > base64.StdEncoding.EncodedLen(maxUnconfirmed) {
		return ErrMalformed
	}
	b, err := base64.StdEncoding.Strict().AppendDecode(nil, text)
	if err != nil || base64.StdEncoding.EncodedLen(len(b)) != len(text) {
		return ErrMalformed // line ends too, which package base64 skips
	}
	return c.UnmarshalBinary(b)
}

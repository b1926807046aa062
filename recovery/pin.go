package recovery

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"github.com/nescio-go/nescio/kdf"
	"golang.org/x/crypto/cryptobyte"
)

// Pin is what a device remembers of a keyring, so that a server cannot hand out an
// older one, or one that somebody else made. It holds no secret, but whoever can
// change it can undo that protection: keep it as you would a certificate. The zero
// Pin is none, and Open refuses it.
//
// A Pin is written before the header that it pins is uploaded, beside the one
// before it, and takes its place when the upload has succeeded. Take a new one at
// every opening, too: an old pin forbids less.
type Pin struct {
	account  [16]byte
	first    bool // pins nothing but the account
	revision uint64
	digest   [sha256.Size]byte
	epoch    uint32
	mkID     [mkIDSize]byte
	costs    []pinnedCost // of slots with a password, in the order of their ids
}

// pinnedCost is what the KDF of a slot cost, which may not become less.
type pinnedCost struct {
	id        SlotID
	algorithm kdf.Algorithm
	cost      uint64
}

// FirstUse is the pin of a device that has none: it trusts whatever header of the
// account opens. So it sees no rollback, and none that was made by someone who was
// once in and works together with the server. Ask for the user's consent, and keep
// the keyring's own Pin from then on. The account is known from elsewhere, such as
// another device; if from nowhere but the server, [Header.Account] does, and the server
// can then present any account that the secret opens. Open returns ErrPin if it is not
// 16 bytes.
func FirstUse(account []byte) Pin {
	if len(account) != 16 || isZero(account) {
		return Pin{}
	}
	return Pin{account: [16]byte(account), first: true}
}

// Pin returns the pin of the keyring as Bytes returns it. It returns ErrUsed after
// Destroy.
func (k *Keyring) Pin() (Pin, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pin()
}

// pin is Pin under the lock.
func (k *Keyring) pin() (Pin, error) {
	if !k.live {
		return Pin{}, ErrUsed
	}
	id, err := mkID(&k.secrets.Get().master)
	if err != nil {
		return Pin{}, err
	}
	k.seen = true
	p := Pin{
		account:  k.state.account,
		revision: k.state.revision,
		digest:   sha256.Sum256(k.encoded),
		epoch:    k.state.epoch,
		mkID:     id,
	}
	for i := range k.state.slots {
		if s := &k.state.slots[i]; s.Type == SlotPassword {
			params, _ := s.kdf()
			p.costs = append(p.costs, pinnedCost{s.ID, params.Algorithm(), params.Cost()})
		}
	}
	return p, nil
}

// Account returns the number of the account that is pinned.
func (p Pin) Account() [16]byte { return p.account }

// Revision returns the revision that is pinned, 0 for FirstUse.
func (p Pin) Revision() uint64 { return p.revision }

const pinKind = 'N'

// MarshalBinary returns the canonical binary form, at most 179 bytes:
//
//	'N' ‖ version 01 ‖ account 16 ‖ revision u64 ‖ digest 32 ‖ epoch u32 ‖ mkID 16 ‖ u8 n ‖ n × (slot id 16 ‖ KDF algorithm u8 ‖ cost u64)
//
// where mkID is HKDF-SHA256(master key of the epoch, "", "nescio/mk-id/v1", 16), and
// algorithm and cost are those of package kdf, for each slot with a password.
// It returns ErrPin for the zero Pin and that of FirstUse, which are not to be
// kept.
func (p Pin) MarshalBinary() ([]byte, error) {
	if p.revision == 0 {
		return nil, ErrPin
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddBytes([]byte{pinKind, version})
	b.AddBytes(p.account[:])
	b.AddUint64(p.revision)
	b.AddBytes(p.digest[:])
	b.AddUint32(p.epoch)
	b.AddBytes(p.mkID[:])
	b.AddUint8(uint8(len(p.costs)))
	for _, c := range p.costs {
		b.AddBytes(c.id[:])
		b.AddUint8(uint8(c.algorithm))
		b.AddUint64(c.cost)
	}
	return b.Bytes()
}

// UnmarshalBinary reads what MarshalBinary returned, strictly: anything else is
// ErrMalformed, and p stays as it was.
func (p *Pin) UnmarshalBinary(b []byte) error {
	s := cryptobyte.String(b)
	var start, account, digest, id []byte
	var n uint8
	var q Pin
	if !s.ReadBytes(&start, 2) || start[0] != pinKind || start[1] != version ||
		!s.ReadBytes(&account, 16) || !s.ReadUint64(&q.revision) || !s.ReadBytes(&digest, len(q.digest)) ||
		!s.ReadUint32(&q.epoch) || !s.ReadBytes(&id, mkIDSize) || !s.ReadUint8(&n) || n > MaxPasswords {
		return ErrMalformed
	}
	q.account, q.digest, q.mkID = [16]byte(account), [sha256.Size]byte(digest), [mkIDSize]byte(id)
	for i := range int(n) {
		var c pinnedCost
		var algorithm uint8
		if !s.ReadBytes(&id, 16) || !s.ReadUint8(&algorithm) || !s.ReadUint64(&c.cost) {
			return ErrMalformed
		}
		c.id, c.algorithm = SlotID(id), kdf.Algorithm(algorithm)
		if c.algorithm < kdf.PBKDF2SHA512 || c.algorithm > kdf.Scrypt || c.cost == 0 {
			return ErrMalformed
		}
		if i > 0 && bytes.Compare(q.costs[i-1].id[:], c.id[:]) >= 0 {
			return ErrMalformed
		}
		q.costs = append(q.costs, c)
	}
	if !s.Empty() || q.account == ([16]byte{}) || q.revision == 0 || q.epoch == 0 {
		return ErrMalformed
	}
	*p = q
	return nil
}

// maxPin is the size of one with all slots that can have a password.
const maxPin = 2 + 16 + 8 + sha256.Size + 4 + mkIDSize + 1 + MaxPasswords*(16+1+8)

// MarshalText returns MarshalBinary's form in base64, for JSON and its like.
func (p Pin) MarshalText() ([]byte, error) {
	b, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText reads what MarshalText returned, or returns ErrMalformed.
func (p *Pin) UnmarshalText(text []byte) error {
	if len(text) > base64.StdEncoding.EncodedLen(maxPin) {
		return ErrMalformed
	}
	b, err := base64.StdEncoding.Strict().AppendDecode(nil, text)
	if err != nil || base64.StdEncoding.EncodedLen(len(b)) != len(text) {
		return ErrMalformed // line ends too, which package base64 skips
	}
	return p.UnmarshalBinary(b)
}

// precede judges what can be told of a header before it is opened, in the order of
// the design: account, age, fork, costs.
func (p Pin) precede(h *Header) error {
	if p.account == ([16]byte{}) {
		return errPinZero
	}
	s := &h.state
	if s.account != p.account {
		return ErrReset
	}
	if p.first {
		return nil
	}
	switch {
	case s.revision < p.revision || s.epoch < p.epoch:
		return ErrRollback
	case s.revision == p.revision && h.Digest() != p.digest:
		return ErrFork
	case s.revision == p.revision+1 && s.prev != p.digest:
		return ErrFork
	}
	for i := range s.slots {
		slot := &s.slots[i]
		at := slices.IndexFunc(p.costs, func(c pinnedCost) bool { return c.id == slot.ID })
		if at < 0 {
			continue
		}
		params, ok := slot.kdf()
		if !ok || params.Algorithm() != p.costs[at].algorithm || params.Cost() < p.costs[at].cost {
			return errWeaker
		}
	}
	return nil
}

// confirm judges an open keyring: its master key of the pinned epoch must be the
// pinned one.
func (p Pin) confirm(h *header, master [keySize]byte) error {
	if p.first {
		return nil
	}
	key, err := h.key(master, p.epoch)
	if err == ErrEpoch {
		return errPinForgotten
	}
	if err != nil {
		return err
	}
	defer clear(key[:])
	id, err := mkID(&key)
	if err != nil {
		return err
	}
	if id != p.mkID {
		return ErrUntrusted
	}
	return nil
}

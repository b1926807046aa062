package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
)

// remote is the server as the keyring's client sees it.
type remote struct {
	c     *Client
	parts map[recovery.SlotID]part // of slots that are not stored yet
	// restores means that the header is newer than the server's record. Another
	// password slot may then belong to the record.
	restores bool
	password []byte // confirms changes of the ways into the account, while it is set
}

// part is what the server stores together with a new slot. It is not kept on the
// device. If the program stops, the server refuses the header without it, and
// the change is dropped.
type part struct {
	phrase      []byte
	half, proof []byte  // of a file
	upload      []byte  // of a new password, with what follows
	slot        *api.ID // unless the export key opens the slot
	opaque      bool
	reset       bool // the second factor
}

// changeWith changes the keyring by an edit that adds a slot with its part.
func (c *Client) changeWith(ctx context.Context, slot recovery.SlotID, p part, edit func(*recovery.Edit) error) error {
	c.remote.parts[slot] = p
	err := c.keys.Change(ctx, edit)
	mayRepeat := errors.Is(err, recovery.ErrUnconfirmed) || errors.Is(err, recovery.ErrOvertaken)
	if p.upload == nil || !mayRepeat {
		delete(c.remote.parts, slot)
	}
	return err
}

func (r *remote) Fetch(ctx context.Context) ([]byte, error) {
	var out api.Keyring
	err := r.c.call(ctx, "GET", "/v1/keyring", nil, &out)
	return out.Header, err
}

// Swap sends a header with the parts of its new slots. The server learns which
// password slot belongs to the record, with the first header and with a restored
// one.
func (r *remote) Swap(ctx context.Context, _ [32]byte, header []byte) error {
	h, err := recovery.ParseHeader(header)
	if err != nil {
		return err
	}
	a := &r.c.account
	in, sent, opaque := r.message(h)
	switch {
	case in.Upload != nil:
	case !a.mayChange():
		return r.settled(ctx, header)
	case a.Slot == nil && !a.OPAQUE, a.Slot != nil && r.restores:
		in.Slot = passwordSlot(h.Slots(), a.Slot)
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	token := ""
	if r.password != nil && (r.restores || changesWays(r.c.keys.Slots(), h.Slots())) {
		var s secrets
		if token, s, err = r.c.stepUp(ctx, r.password, api.OpKeyring, body); err != nil {
			return err
		}
		s.clear()
	}
	err = r.c.callWith(ctx, "PUT", "/v1/keyring", a.Token, token, body, nil)
	if hasCode(err, api.Conflict) || hasCode(err, api.StepUpRequired) { // without its part or password it will never be stored
		return recovery.ErrConflict
	}
	if err != nil {
		return err
	}
	for _, id := range sent {
		delete(r.parts, id)
	}
	if in.Upload == nil && in.Slot == nil {
		return nil
	}
	next := *a
	next.Slot, next.OPAQUE = in.Slot, next.OPAQUE || opaque
	return r.c.save(ctx, next)
}

// message returns the request with a header and the parts of its new slots.
func (r *remote) message(h *recovery.Header) (in api.NewKeyring, sent []recovery.SlotID, opaque bool) {
	in.Header = h.Bytes()
	stored, recovered := r.c.keys.Slots(), r.c.account.Recovered
	for _, s := range h.Slots() {
		p, ok := r.parts[s.ID]
		if !ok {
			continue
		}
		sent = append(sent, s.ID)
		switch {
		case slices.ContainsFunc(stored, func(old recovery.Slot) bool { return old.ID == s.ID }):
		case p.phrase != nil:
			in.Phrase = p.phrase
		case p.half != nil:
			in.Half, in.Proof = p.half, p.proof
		case recovered: // otherwise the server refuses it, and the change is dropped
			in.Upload, in.Slot, in.ResetFactors, opaque = p.upload, p.slot, p.reset, p.opaque
		}
	}
	return in, sent, opaque
}

// changesWays reports whether the server wants the password for a change of
// slots. Logins add devices, and change passwords, without it.
func changesWays(before, after []recovery.Slot) bool {
	lacks := func(slots []recovery.Slot, id recovery.SlotID) bool {
		return !slices.ContainsFunc(slots, func(s recovery.Slot) bool { return s.ID == id })
	}
	for _, s := range after {
		if s.Type != "device" && api.IsWay(s.Type) && lacks(before, s.ID) {
			return true
		}
	}
	return slices.ContainsFunc(before, func(s recovery.Slot) bool { return api.IsWay(s.Type) && lacks(after, s.ID) })
}

// settled answers for a session that may not change the keyring. A change from
// before is stored, or it is dropped.
func (r *remote) settled(ctx context.Context, header []byte) error {
	stored, err := r.Fetch(ctx)
	if err == nil && !bytes.Equal(stored, header) {
		err = recovery.ErrConflict
	}
	return err
}

// passwordSlot returns the current password slot if the slots include it, and
// otherwise the first one.
func passwordSlot(slots []recovery.Slot, current *api.ID) (first *api.ID) {
	for _, s := range slots {
		if s.Type != "password" {
			continue
		}
		id := api.ID(s.ID)
		if current != nil && id == *current {
			return &id
		}
		if first == nil {
			first = &id
		}
	}
	return first
}

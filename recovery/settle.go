package recovery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
)

// How a client keeps Local, the server and its keyring in step. All functions
// here run inside run.
//
// A change is saved as the candidate before it is uploaded, and is promoted
// when it is known to be stored. Until then the same bytes are uploaded again.

var (
	// errStale means that another process has changed Local.
	errStale = errors.New("recovery: another process was quicker")
	// errLost means that another change was stored instead of the candidate,
	// which removed nothing. The client then has the other change.
	errLost = errors.New("recovery: another change was quicker")
)

const maxTries = 16 // how often a change is made again after another was quicker

// run loads the state and calls f, again if another process changes Local. One
// call at a time does this.
func (c *Client) run(ctx context.Context, f func() error) error {
	if c.local == nil || c.remote == nil {
		return errNoClient
	}
	select {
	case c.op <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-c.op }()
	for range maxTries {
		if err := c.load(ctx); err != nil {
			return err
		}
		if err := f(); err != errStale {
			if errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnconfirmed) {
				c.owed = [32]byte{}
			}
			return err
		}
	}
	if c.owed != ([32]byte{}) {
		return unconfirmedBecause(errBusy)
	}
	return ErrConflict
}

// load reads Local, and brings the keyring to what another process has
// confirmed.
func (c *Client) load(ctx context.Context) error {
	raw, err := c.local.Load(ctx)
	if err != nil {
		return err
	}
	if bytes.Equal(raw, c.raw) {
		return nil
	}
	state, err := parseState(raw)
	if err != nil {
		return err
	}
	c.setState(raw, state)
	var k *Keyring
	if c.ring != nil && state.header != nil {
		// Without an error, the slot that opened the keyring is still there.
		// Otherwise, and after another process has joined or signed out, Open
		// is needed.
		if k, err = c.follow(state.header, c.ring.checkpoint); err != nil {
			k = nil
		}
	}
	c.setRing(k)
	if c.draft != nil && (state.candidate == nil || state.next.digest != c.draft.Checkpoint().digest) {
		c.setDraft(nil)
	}
	c.setWon(nil)
	return nil
}

// save stores a state in Local, before the client uses it.
func (c *Client) save(ctx context.Context, next *localState) error {
	raw, err := next.marshal()
	if err != nil {
		return err
	}
	if _, err := parseState(raw); err != nil {
		return errInternal // what cannot be read again is not written
	}
	if err := c.local.Swap(ctx, c.raw, raw); err != nil {
		if errors.Is(err, ErrConflict) {
			return errStale
		}
		return err
	}
	c.setState(raw, next)
	return nil
}

// saveOutcome saves the outcome of a candidate, which stays pending if Local
// fails.
func (c *Client) saveOutcome(ctx context.Context, next *localState) error {
	err := c.save(ctx, next)
	if err == nil || err == errStale {
		return err
	}
	return unconfirmedBecause(err)
}

func unconfirmedBecause(err error) error { return fmt.Errorf("%w: %w", ErrUnconfirmed, err) }

func (c *Client) setState(raw []byte, s *localState) {
	c.raw = raw
	switch {
	case s.candidate != nil:
		c.owed = s.next.digest
	case s.empty() || s.header == nil || slices.Contains(s.digests, c.owed):
		c.owed = [32]byte{} // stored, or another account or approval
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = s
}

// setRing replaces the keyring, and clears the old one.
func (c *Client) setRing(k *Keyring) { c.replace(&c.ring, k) }

// setWon replaces the keyring of the change that overtook the candidate.
func (c *Client) setWon(k *Keyring) { c.replace(&c.won, k) }

// setDraft replaces the draft of the candidate.
func (c *Client) setDraft(d *Draft) {
	old := c.draft
	c.draft = d
	if old != nil {
		c.clear(old.keyring)
	}
}

func (c *Client) replace(at **Keyring, k *Keyring) {
	c.mu.Lock()
	old := *at
	*at = k
	c.mu.Unlock()
	c.clear(old)
}

// clear destroys a keyring that is not used any more.
func (c *Client) clear(k *Keyring) {
	if k != nil && k != c.ring && k != c.won && (c.draft == nil || k != c.draft.keyring) {
		k.Destroy()
	}
}

// follow opens a header without a secret, with one of the keyrings that the
// client has.
func (c *Client) follow(h *Header, base Checkpoint) (*Keyring, error) {
	var have []*Keyring
	if c.draft != nil {
		have = append(have, c.draft.keyring)
	}
	err := error(errNotOpen)
	for _, k := range append(have, c.won, c.ring) {
		if k == nil {
			continue
		}
		var next *Keyring
		if k.header.Digest() == h.Digest() {
			next, err = k, k.follows(base)
		} else {
			next, err = k.Follow(h, base)
		}
		if err == nil {
			return next, nil
		}
	}
	return nil, err
}

// opener opens a header that must follow from a checkpoint.
type opener func(*Header, Checkpoint) (*Keyring, error)

// fetch returns the stored header, or nil.
func (c *Client) fetch(ctx context.Context) (*Header, error) {
	b, err := c.remote.Fetch(ctx)
	if err != nil || b == nil {
		return nil, err
	}
	return ParseHeader(b)
}

// settle finishes a pending change. It returns errLost if another change was
// stored instead.
func (c *Client) settle(ctx context.Context, open opener) error {
	if c.state.candidate == nil {
		return nil
	}
	err := c.remote.Swap(ctx, c.state.candidate.Previous(), c.state.candidate.Bytes())
	if err == nil {
		return c.promote(ctx)
	}
	if !errors.Is(err, ErrConflict) {
		return unconfirmedBecause(err)
	}
	stored, err := c.fetch(ctx)
	if err != nil {
		return unconfirmedBecause(err)
	}
	return c.compare(ctx, stored, open)
}

// settleEarlier is settle for a change of an earlier call. It returns
// ErrConflict if that change was lost.
func (c *Client) settleEarlier(ctx context.Context, open opener) error {
	if c.state.candidate == nil && c.owed != ([32]byte{}) {
		return ErrConflict // another process or an earlier call has dropped it
	}
	err := c.settle(ctx, open)
	if err == errLost {
		return ErrConflict
	}
	return err
}

// compare determines the outcome of a candidate that the server refused, from
// the header that is stored.
func (c *Client) compare(ctx context.Context, stored *Header, open opener) error {
	s := c.state
	switch {
	case stored == nil && s.confirmed.revision > 0:
		return ErrRollback
	case stored != nil && stored.Digest() == s.next.digest:
		return c.promote(ctx)
	case s.confirmed.revision == 0 || stored.Digest() == s.confirmed.digest:
		// The server still has what it had before. For Create that is nothing,
		// or the header of another sign-up.
		if err := c.saveOutcome(ctx, s.withoutCandidate()); err != nil {
			return err
		}
		c.setDraft(nil)
		return ErrConflict
	}
	k, err := open(stored, s.checkpoint())
	if err != nil {
		return c.overtaken(stored, open, err)
	}
	next, lost := s.withHeader(stored, k.checkpoint), !s.precedes(k)
	if !lost {
		next = s.promoted().withHeader(stored, k.checkpoint)
	}
	if err := c.saveOutcome(ctx, next); err != nil {
		c.clear(k)
		return err
	}
	c.use(k)
	if lost {
		return errLost
	}
	return nil
}

// precedes reports whether the candidate was stored before a header that
// followed from it or from the confirmed one.
func (s *localState) precedes(k *Keyring) bool {
	if k.header.Previous() == s.next.digest {
		return true // it says so, and follows
	}
	if s.next.precede(k.header) != nil || s.next.confirm(&k.header.state, &k.secrets.Get().master) != nil {
		return false
	}
	if s.next.epoch > s.confirmed.epoch {
		return true // the candidate's own master key is in the history
	}
	for _, m := range s.next.slots {
		if !slices.Contains(s.confirmed.slots, m) && !slices.Contains(k.checkpoint.slots, m) {
			return false
		}
	}
	return true
}

// overtaken returns the error for a header that does not follow from a
// candidate. It keeps the header's keyring for Resolve.
func (c *Client) overtaken(stored *Header, open opener, refusal error) error {
	checkpoint := c.state.checkpoint()
	if checkpoint.old == nil || !checkpoint.removes() {
		return refusal
	}
	k, err := open(stored, c.state.confirmed)
	if err != nil {
		return refusal
	}
	c.setWon(k)
	return ErrOvertaken
}

// promote confirms the candidate.
func (c *Client) promote(ctx context.Context) error {
	if err := c.saveOutcome(ctx, c.state.promoted()); err != nil {
		return err
	}
	k, err := c.follow(c.state.header, c.state.confirmed)
	if err != nil {
		k = nil // Open is needed
	}
	c.use(k)
	return nil
}

// use makes a keyring the client's, after its header was confirmed.
func (c *Client) use(k *Keyring) {
	c.setRing(k)
	c.setDraft(nil)
	c.setWon(nil)
}

// catchUp opens what the server has, with a state that has no candidate.
func (c *Client) catchUp(ctx context.Context, open opener) error {
	stored, err := c.fetch(ctx)
	if err != nil {
		return err
	}
	if stored == nil {
		return ErrRollback
	}
	k, err := open(stored, c.state.confirmed)
	if err != nil {
		return err
	}
	if c.state.header == nil || c.state.header.Digest() != stored.Digest() {
		if err := c.save(ctx, c.state.withHeader(stored, k.checkpoint)); err != nil {
			c.clear(k)
			return err
		}
	}
	c.use(k)
	return nil
}

// commit stores a draft, on top of a state that has its base. It returns
// errLost if another change was quicker.
func (c *Client) commit(ctx context.Context, state *localState, d *Draft) error {
	if err := c.save(ctx, state.withCandidate(d)); err == errStale || err == errInternal {
		return err
	} else if err != nil {
		return unconfirmedBecause(err) // Local may have it
	}
	if c.won != nil && c.won.checkpoint.digest == state.confirmed.digest {
		c.setRing(c.won)
	}
	c.setDraft(d)
	digest := d.Checkpoint().digest
	err := c.settle(ctx, c.follow)
	for range maxTries {
		if err != errStale {
			return err
		}
		// Another process has written since, and may have settled this change.
		if err := c.load(ctx); err != nil {
			return unconfirmedBecause(err)
		}
		if slices.Contains(c.state.digests, digest) {
			return nil
		}
		if c.state.candidate == nil || c.state.next.digest != digest {
			if c.state.empty() || c.state.header == nil {
				return unconfirmedBecause(errBusy)
			}
			if !d.removes() {
				c.owed = [32]byte{} // it is made again
			}
			return errStale
		}
		err = c.settle(ctx, c.follow)
	}
	return unconfirmedBecause(errBusy)
}

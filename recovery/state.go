package recovery

import (
	"crypto/sha256"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// localState is what a [Client] keeps in its [Local]. It never changes: a
// client makes a new one. FORMAT.md has the format.
type localState struct {
	confirmed Checkpoint // zero before the first header is confirmed
	header    *Header    // of confirmed, nil after Join
	next      Checkpoint // of candidate
	candidate *Header    // uploaded or about to be, nil if there is none
	seen      []slotMark // what the user knows of
	digests   [][sha256.Size]byte
}

const (
	stateKind  = 'L'
	maxDigests = 64
	maxSeen    = 255
	maxState   = 2 + 2*(2+maxCheckpoint) + 2*(3+MaxHeader) + 1 + maxSeen*(16+slotDigestSize) + 1 + maxDigests*sha256.Size
)

// empty reports whether the device has no state of an account.
func (s *localState) empty() bool { return s.confirmed.revision == 0 && s.candidate == nil }

// checkpoint returns what a header must follow from.
func (s *localState) checkpoint() Checkpoint {
	switch {
	case s.candidate == nil:
		return s.confirmed
	case s.confirmed.revision == 0:
		return s.next
	}
	return unconfirmed(s.confirmed, s.next)
}

// withCandidate returns the state before the upload of a draft.
func (s *localState) withCandidate(d *Draft) *localState {
	out := *s
	out.candidate, out.next = d.Header(), d.Checkpoint()
	return &out
}

// withoutCandidate returns the state after a candidate was dropped.
func (s *localState) withoutCandidate() *localState {
	out := *s
	out.candidate, out.next = nil, Checkpoint{}
	return &out
}

// promoted returns the state after the candidate is confirmed. The user knows
// the slots that it added and removed.
func (s *localState) promoted() *localState {
	out := s.withHeader(s.candidate, s.next)
	for _, m := range s.next.slots {
		if !slices.Contains(s.confirmed.slots, m) {
			out.seen = see(out.seen, m)
		}
	}
	for _, m := range s.confirmed.slots {
		if !slices.Contains(s.next.slots, m) {
			out.seen = forget(out.seen, m)
		}
	}
	return out
}

// withHeader returns the state after a header is confirmed.
func (s *localState) withHeader(h *Header, c Checkpoint) *localState {
	out := s.withoutCandidate()
	out.header, out.confirmed = h, c // h is nil after Join
	if !slices.Contains(s.digests, c.digest) {
		out.digests = append(slices.Clone(s.digests), c.digest)
		out.digests = out.digests[max(0, len(out.digests)-maxDigests):]
	}
	return out
}

// unseen reports whether there are slots that the user has not been shown.
func (s *localState) unseen() bool {
	return slices.ContainsFunc(s.confirmed.slots, func(m slotMark) bool { return !slices.Contains(s.seen, m) })
}

// see adds a mark. If there is no room, the oldest goes.
func see(seen []slotMark, m slotMark) []slotMark {
	if slices.Contains(seen, m) {
		return seen
	}
	seen = append(slices.Clone(seen), m)
	return seen[max(0, len(seen)-maxSeen):]
}

func forget(seen []slotMark, m slotMark) []slotMark {
	return slices.DeleteFunc(slices.Clone(seen), func(other slotMark) bool { return other == m })
}

func (s *localState) marshal() ([]byte, error) {
	if s.empty() {
		return nil, nil
	}
	b := cryptobyte.NewBuilder([]byte{stateKind, version})
	for _, c := range []struct {
		checkpoint *Checkpoint
		header     *Header
	}{{&s.confirmed, s.header}, {&s.next, s.candidate}} {
		var encoded []byte
		if c.checkpoint.revision > 0 {
			var err error
			if encoded, err = c.checkpoint.append(nil); err != nil {
				return nil, err
			}
		}
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(encoded) })
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
			if c.header != nil {
				b.AddBytes(c.header.encoded)
			}
		})
	}
	b.AddUint8(uint8(len(s.seen)))
	for _, m := range s.seen {
		b.AddBytes(m.id[:])
		b.AddBytes(m.digest[:])
	}
	b.AddUint8(uint8(len(s.digests)))
	for _, d := range s.digests {
		b.AddBytes(d[:])
	}
	return b.Bytes()
}

// parseState reads the form that marshal returns, or returns ErrMalformed.
func parseState(b []byte) (*localState, error) {
	out := new(localState)
	if len(b) == 0 {
		return out, nil
	}
	s := cryptobyte.String(b)
	var start []byte
	if len(b) > maxState || !s.ReadBytes(&start, 2) || start[0] != stateKind || start[1] != version ||
		!readPair(&s, &out.confirmed, &out.header) || !readPair(&s, &out.next, &out.candidate) ||
		!out.readMarks(&s) || !s.Empty() || !out.valid() {
		return nil, ErrMalformed
	}
	return out, nil
}

// readPair reads a checkpoint and its header. Either may be missing.
func readPair(s *cryptobyte.String, c *Checkpoint, h **Header) bool {
	var checkpoint, encoded cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&checkpoint) || !s.ReadUint24LengthPrefixed(&encoded) {
		return false
	}
	if len(checkpoint) > 0 && (!c.read(&checkpoint) || !checkpoint.Empty()) {
		return false
	}
	if len(encoded) == 0 {
		return true
	}
	parsed, err := ParseHeader(encoded)
	*h = parsed
	return err == nil && parsed.Digest() == c.digest && parsed.state.account == c.account && slices.Equal(parsed.state.marks(), c.slots)
}

func (s *localState) readMarks(in *cryptobyte.String) bool {
	var n uint8
	if !in.ReadUint8(&n) {
		return false
	}
	for range int(n) {
		var m slotMark
		if !in.CopyBytes(m.id[:]) || !in.CopyBytes(m.digest[:]) {
			return false
		}
		s.seen = append(s.seen, m)
	}
	if !in.ReadUint8(&n) || n > maxDigests {
		return false
	}
	for range int(n) {
		var d [sha256.Size]byte
		if !in.CopyBytes(d[:]) {
			return false
		}
		s.digests = append(s.digests, d)
	}
	return true
}

// valid reports whether the parts belong together.
func (s *localState) valid() bool {
	if (s.candidate == nil) != (s.next.revision == 0) || s.empty() {
		return false
	}
	return s.candidate == nil || s.confirmed.revision == 0 ||
		s.next.account == s.confirmed.account && s.candidate.Previous() == s.confirmed.digest
}

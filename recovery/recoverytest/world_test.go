package recoverytest_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// note is what the tests wrap. Its secret names the epoch.
var note = wrap.Binding{Purpose: "example.org/note/v1", Item: []byte("a note")}

func secretOf(epoch uint32) []byte { return fmt.Appendf(nil, "the secret of epoch %d", epoch) }

// world is an account, all that its server ever stored, and its devices.
type world struct {
	account recovery.AccountID
	ways    map[string]recovery.Opener
	file    *recovery.File
	headers [][]byte              // by revision, from 1
	seen    []recovery.Checkpoint // of a device that saw the header of the same index
	blobs   map[uint32][]byte     // one of every epoch
	rings   map[string]*recovery.Keyring
	// lenient is for headers that somebody with access made, who may give the
	// past other keys. It must not show them as the account's.
	lenient bool
	// A phrase had a slot in the revisions 2 and 3. This is what its holder
	// learned then.
	gone     recovery.Opener
	goneKnew *recoverytest.Holder
}

// newWorld leads an account through six revisions and four epochs:
//
//	1 every way, epoch 1 · 2 another phrase · 3 rotated, epoch 2
//	4 that phrase revoked, epoch 3 · 5 rotated, epoch 4 · 6 another password
func newWorld(t testing.TB, ways map[string]recovery.Opener) *world {
	w := &world{ways: maps.Clone(ways), blobs: map[uint32][]byte{}, rings: map[string]*recovery.Keyring{}, file: recovery.NewFile()}
	device := new(heldDevice)
	sealers := []recovery.Sealer{w.file, device}
	for _, name := range slices.Sorted(maps.Keys(ways)) {
		sealers = append(sealers, ways[name].(recovery.Sealer))
	}
	k := create(t, sealers...)
	w.account = k.Account()
	w.ways["file"], w.ways["device"] = w.file, device
	saw := func(k *recovery.Keyring) {
		w.headers, w.seen = append(w.headers, bytesOf(k)), append(w.seen, k.Checkpoint())
		w.blobs[k.Epoch()] = must(k.Wrap(secretOf(k.Epoch()), note))
	}
	saw(k)
	gone := phrase()
	k = add(t, k, gone)
	saw(k)
	k = rotate(t, k)
	saw(k)
	w.gone, w.goneKnew = gone, learn(t, bytesOf(k), gone)
	k = revoke(t, k, w.goneKnew.Slot)
	saw(k)
	k = rotate(t, k)
	saw(k)
	second := password("a second password", nil)
	k = add(t, k, second)
	w.ways["second password"] = second
	saw(k)
	for name, way := range w.ways {
		w.rings[name] = open(t, w.latest(), way, w.firstUse())
	}
	return w
}

// victimAndTwin are an account with everything, and another one of the same
// user, with the same secrets wherever that is possible.
//
// They are made once. What a test may change in them is a copy.
func victimAndTwin(t testing.TB) (victim, twin *world) {
	worldsOnce.Do(func() { worlds = newWorlds(t) })
	return worlds[0].clone(), worlds[1].clone()
}

var (
	worldsOnce sync.Once
	worlds     [2]*world
)

func newWorlds(t testing.TB) [2]*world {
	ways := map[string]recovery.Opener{
		"password":                   password("correct horse", nil),
		"password with a secret key": password("with a key", recovery.NewSecretKey()),
		"export":                     export(0xe1),
		"phrase":                     phrase(),
		"passkey":                    passkey(0xa1),
	}
	return [2]*world{newWorld(t, ways), newWorld(t, ways)}
}

func (w *world) clone() *world {
	c := *w
	c.ways, c.blobs, c.rings = maps.Clone(w.ways), maps.Clone(w.blobs), maps.Clone(w.rings)
	c.headers, c.seen = slices.Clone(w.headers), slices.Clone(w.seen)
	return &c
}

func victim(t testing.TB) *world {
	v, _ := victimAndTwin(t)
	return v
}

func (w *world) latest() []byte                  { return w.headers[len(w.headers)-1] }
func (w *world) latestSeen() recovery.Checkpoint { return w.seen[len(w.seen)-1] }
func (w *world) firstUse() recovery.Checkpoint   { return recovery.TrustOnFirstUse(w.account) }
func (w *world) someWay() recovery.Opener        { return w.ways["phrase"] }
func (w *world) anySeen() []recovery.Checkpoint  { return append(slices.Clone(w.seen), w.firstUse()) }
func (w *world) names() []string                 { return slices.Sorted(maps.Keys(w.ways)) }

// insider is all that somebody with access knows.
func (w *world) insider(t testing.TB) *recoverytest.Holder { return learn(t, w.latest(), w.someWay()) }

// checkpointParts is a checkpoint taken apart, by FORMAT.md.
type checkpointParts struct {
	account      recovery.AccountID
	revision     uint64
	digest       [32]byte
	epoch, floor uint32
	slots        map[recovery.SlotID][16]byte
}

func splitCheckpoint(b []byte) (c checkpointParts) {
	c.account = recovery.AccountID(b[2:])
	c.revision, c.digest = binary.BigEndian.Uint64(b[18:]), [32]byte(b[26:])
	c.epoch, c.floor = binary.BigEndian.Uint32(b[58:]), binary.BigEndian.Uint32(b[62:])
	c.slots = make(map[recovery.SlotID][16]byte)
	for rest := b[83:]; len(rest) > 0; rest = rest[32:] {
		c.slots[recovery.SlotID(rest)] = [16]byte(rest[16:])
	}
	return c
}

// slotDigests are the digests of a header's slots, by FORMAT.md.
func slotDigests(p *parts) map[recovery.SlotID][16]byte {
	digests := make(map[recovery.SlotID][16]byte)
	for _, s := range p.Slots {
		b := (&parts{Slots: []recoverytest.SlotParts{s}}).Join()[70:] // the slot and two MACs
		sum := sha256.Sum256(append([]byte("nescio/slot/digest/v1\x00"), b[:len(b)-64-1168]...))
		digests[s.ID] = [16]byte(sum[:])
	}
	return digests
}

// refusal is what FORMAT.md says of a header and a checkpoint before anything
// is opened: the lines 1 to 6 of "Accepting a header".
func refusal(t testing.TB, header []byte, c recovery.Checkpoint) error {
	p := split(t, header)
	if c.Revision() == 0 {
		if c.Account() == (recovery.AccountID{}) {
			return recovery.ErrNoCheckpoint
		}
		if p.Account != c.Account() {
			return recovery.ErrOtherAccount
		}
		return nil
	}
	y, digests := splitCheckpoint(must(c.MarshalBinary())), slotDigests(p)
	lost := false
	for id, digest := range y.slots {
		got, ok := digests[id]
		lost = lost || !ok || got != digest
	}
	switch {
	case p.Account != y.account:
		return recovery.ErrOtherAccount
	case p.Revision < y.revision, p.Epoch < y.epoch, p.Floor < y.floor:
		return recovery.ErrRollback
	case p.Revision == y.revision && sha256.Sum256(header) != y.digest:
		return recovery.ErrFork
	case p.Revision == y.revision+1 && p.Previous != y.digest:
		return recovery.ErrFork
	case p.Epoch == y.epoch && lost:
		return recovery.ErrFork
	case uint64(p.Epoch-y.epoch) > p.Revision-y.revision:
		return recovery.ErrUntrusted
	}
	return nil
}

// end opens whatever a server hands out, and checks what holds for everything:
// the account's own master keys, or the error that FORMAT.md has for it.
func (w *world) end(t testing.TB, header []byte, way recovery.Opener, c recovery.Checkpoint) error {
	t.Helper()
	h, err := recovery.ParseHeader(header)
	if err != nil {
		require.Nil(t, h)
		requireIs(t, recovery.ErrMalformed, err)
		return err
	}
	k, err := recovery.Open(t.Context(), h, way, c)
	w.check(t, header, k, err, c)
	return err
}

// follow is end for a device that has the latest keyring open.
func (w *world) follow(t testing.TB, header []byte, name string, c recovery.Checkpoint) error {
	t.Helper()
	h, err := recovery.ParseHeader(header)
	if err != nil {
		return err
	}
	k, err := w.rings[name].Follow(h, c)
	w.check(t, header, k, err, c)
	return err
}

func (w *world) check(t testing.TB, header []byte, k *recovery.Keyring, err error, c recovery.Checkpoint) {
	t.Helper()
	if refused := refusal(t, header, c); refused != nil {
		require.Nil(t, k)
		require.ErrorIs(t, err, refused)
		return
	}
	if err != nil {
		require.Nil(t, k)
		expected := errors.Is(err, recovery.ErrWrongSecret) || errors.Is(err, recovery.ErrUntrusted) || errors.Is(err, recovery.ErrPolicy)
		require.True(t, expected, err)
		require.NotErrorIs(t, err, recovery.ErrNoCheckpoint, "no error asks to drop the checkpoint")
		require.NotErrorIs(t, err, fs.ErrNotExist)
		return
	}
	require.Equal(t, w.account, k.Account())
	require.NotNil(t, w.blobs[k.Epoch()], "an epoch that the account does not have")
	for epoch, blob := range w.blobs {
		secret, err := k.UnwrapOld(blob, note)
		switch {
		case epoch > k.Epoch():
			require.ErrorIs(t, err, recovery.ErrRollback)
		case epoch < k.Floor():
			require.ErrorIs(t, err, recovery.ErrEpochClosed)
		default:
			if w.lenient && err != nil && epoch < k.Epoch() {
				requireIs(t, recovery.ErrUntrusted, err)
				continue
			}
			require.NoError(t, err, "another master key of epoch %d", epoch)
			require.Equal(t, secretOf(epoch), secret)
		}
	}
}

// sorted returns the header after its slots were put in order.
func sorted(p *parts) []byte { p.Sort(); return p.Join() }

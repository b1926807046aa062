package recovery_test

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// What attackers have in the tests of this package: headers taken apart and put
// together by the format in the package documentation, with no help of the package.

// wire is a header whose every field can be changed by itself.
type wire struct {
	magic, version, accountLen, account []byte
	revision, epoch, prev               []byte
	historyLen                          []byte
	history                             []*wireEntry
	slotsLen                            []byte
	slots                               []*wireSlot
	macL, macMK                         []byte
}

type wireEntry struct{ epoch, wrapped []byte }

type wireSlot struct {
	typ, flags, id, born, bodyLen []byte
	salt, params                  []byte // params without the salt
	wrapped, pk, enc, ct          []byte
}

const (
	wrappedSize = 138
	pkSize      = 1216
	encSize     = 1120
	ctSize      = 48
)

// field is a field by its name.
type field struct {
	name string
	at   *[]byte
	slot int // -1: of the header itself
}

// takeApart returns the fields of a genuine header.
func takeApart(t testing.TB, header []byte) *wire {
	rest := bytes.Clone(header)
	next := func(n int) []byte {
		if len(rest) < n {
			t.Fatal("not a header")
		}
		part := rest[:n:n]
		rest = rest[n:]
		return part
	}
	w := &wire{magic: next(4), version: next(1), accountLen: next(1), account: next(16), revision: next(8),
		epoch: next(4), prev: next(32), historyLen: next(1)}
	for range int(w.historyLen[0]) {
		w.history = append(w.history, &wireEntry{next(4), next(106)})
	}
	w.slotsLen = next(1)
	for range int(w.slotsLen[0]) {
		s := &wireSlot{typ: next(1), flags: next(1), id: next(16), born: next(4), bodyLen: next(2)}
		params := int(binary.BigEndian.Uint16(s.bodyLen)) - pkSize - encSize - ctSize
		if s.kind() != recovery.SlotDevice {
			params -= wrappedSize + 32
			s.salt = next(32)
			s.params, s.wrapped = next(params), next(wrappedSize)
		}
		s.pk, s.enc, s.ct = next(pkSize), next(encSize), next(ctSize)
		w.slots = append(w.slots, s)
	}
	w.macL, w.macMK = next(32), next(32)
	require.Empty(t, rest)
	return w
}

func (s *wireSlot) kind() recovery.SlotType { return recovery.SlotType(s.typ[0]) }

// fields are all of them, in the order of the format.
func (w *wire) fields() []field {
	fs := []field{{"magic", &w.magic, -1}, {"version", &w.version, -1}, {"length of the account", &w.accountLen, -1},
		{"account", &w.account, -1}, {"revision", &w.revision, -1}, {"epoch", &w.epoch, -1}, {"prevDigest", &w.prev, -1},
		{"length of the history", &w.historyLen, -1}}
	for _, e := range w.history {
		fs = append(fs, field{"history epoch", &e.epoch, -1}, field{"history wrap", &e.wrapped, -1})
	}
	fs = append(fs, field{"number of slots", &w.slotsLen, -1})
	for i, s := range w.slots {
		fs = append(fs, s.fields(i)...)
	}
	return append(fs, field{"HMAC under L", &w.macL, -1}, field{"HMAC under MK", &w.macMK, -1})
}

func (s *wireSlot) fields(i int) []field {
	return []field{{"type", &s.typ, i}, {"flags", &s.flags, i}, {"id", &s.id, i}, {"born", &s.born, i},
		{"length of the body", &s.bodyLen, i}, {"salt", &s.salt, i}, {"params", &s.params, i}, {"wrapped seed", &s.wrapped, i},
		{"public key", &s.pk, i}, {"enc", &s.enc, i}, {"ct", &s.ct, i}}
}

// bytes puts the header together as its fields say, right or wrong.
func (w *wire) bytes() []byte {
	var b []byte
	for _, f := range w.fields() {
		b = append(b, *f.at...)
	}
	return b
}

func (w *wire) clone(t testing.TB) *wire { return takeApart(t, w.bytes()) }

// fix sets counts and lengths to what is there, and sorts the slots.
func (w *wire) fix() *wire {
	w.historyLen, w.slotsLen = []byte{byte(len(w.history))}, []byte{byte(len(w.slots))}
	for _, s := range w.slots {
		n := len(s.salt) + len(s.params) + len(s.wrapped) + len(s.pk) + len(s.enc) + len(s.ct)
		s.bodyLen = binary.BigEndian.AppendUint16(nil, uint16(n))
	}
	slices.SortStableFunc(w.slots, func(a, b *wireSlot) int { return bytes.Compare(a.id, b.id) })
	return w
}

// follow makes w the successor of another header.
func (w *wire) follow(header []byte, by uint64) *wire {
	digest := sha256.Sum256(header)
	w.prev = digest[:]
	w.revision = binary.BigEndian.AppendUint64(nil, binary.BigEndian.Uint64(header[22:30])+by)
	return w
}

func (w *wire) setEpoch(e uint32) { w.epoch = binary.BigEndian.AppendUint32(nil, e) }

func (w *wire) epochNumber() uint32 { return binary.BigEndian.Uint32(w.epoch) }

func (w *wire) slot(t testing.TB, id recovery.SlotID) *wireSlot {
	i := slices.IndexFunc(w.slots, func(s *wireSlot) bool { return bytes.Equal(s.id, id[:]) })
	require.GreaterOrEqual(t, i, 0)
	return w.slots[i]
}

func derived(key []byte, label string) []byte {
	k, err := hkdf.Key(sha256.New, key, nil, label, 32)
	if err != nil {
		panic(err)
	}
	return k
}

func headerMAC(key, b []byte) []byte {
	mac := hmac.New(sha256.New, derived(key, "nescio/keyring/v1"))
	mac.Write(b)
	return mac.Sum(nil)
}

// authenticate computes both MACs anew. It returns the header's bytes.
func (w *wire) authenticate(lineage, master []byte) []byte {
	w.authenticateL(lineage)
	return w.authenticateMK(master)
}

func (w *wire) authenticateL(lineage []byte) []byte {
	b := w.bytes()
	w.macL = headerMAC(lineage, b[:len(b)-64])
	return w.bytes()
}

func (w *wire) authenticateMK(master []byte) []byte {
	b := w.bytes()
	w.macMK = headerMAC(master, b[:len(b)-32])
	return w.bytes()
}

func publicKeyOf(t testing.TB, seed []byte) []byte {
	private, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	require.NoError(t, err)
	return private.PublicKey().Bytes()
}

func masterInfo(t testing.TB, account, id []byte, epoch uint32) []byte {
	info, err := wrap.Binding{Purpose: "nescio/slot/mk/v1", Account: account, Item: id, Epoch: uint64(epoch)}.MarshalBinary()
	require.NoError(t, err)
	return info
}

// seal seals a master key to a slot's public key, as anybody can.
func (w *wire) seal(t testing.TB, s *wireSlot, master []byte) {
	pk, err := hpke.MLKEM768X25519().NewPublicKey(s.pk)
	require.NoError(t, err)
	b, err := hpke.Seal(pk, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), masterInfo(t, w.account, s.id, w.epochNumber()), master)
	require.NoError(t, err)
	s.enc, s.ct = b[:encSize], b[encSize:]
}

func (w *wire) sealAll(t testing.TB, master []byte) {
	for _, s := range w.slots {
		w.seal(t, s, master)
	}
}

// unseal is the inverse for who has the seed.
func (w *wire) unseal(t testing.TB, s *wireSlot, seed []byte) ([]byte, error) {
	private, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	require.NoError(t, err)
	return hpke.Open(private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), masterInfo(t, w.account, s.id, w.epochNumber()),
		slices.Concat(s.enc, s.ct))
}

func historyBinding(account []byte, epoch uint32) wrap.Binding {
	return wrap.Binding{Purpose: "nescio/history/v1", Account: account, Epoch: uint64(epoch)}
}

func slotBinding(account []byte, s *wireSlot) wrap.Binding {
	return wrap.Binding{Purpose: "nescio/slot/" + s.kind().String() + "/v1", Account: account, Item: s.id,
		Epoch: uint64(binary.BigEndian.Uint32(s.born))}
}

// entry is a history entry: the master key of an epoch under the next one's.
func entry(t testing.TB, account []byte, epoch uint32, old, next []byte) *wireEntry {
	b, err := wrap.ImportKey([32]byte(next)).Wrap(t.Context(), old, historyBinding(account, epoch))
	require.NoError(t, err)
	return &wireEntry{binary.BigEndian.AppendUint32(nil, epoch), b}
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// randomWrap has the form of a wrap.
func randomWrap(n int) []byte { return slices.Concat([]byte{1, 1}, random(max(n, 2)))[:n] }

// holder is what the holder of a slot knows, and may tell a server.
type holder struct {
	id                    recovery.SlotID
	seed, lineage, master []byte
}

// learner is an Opener that keeps what it opens.
type learner struct {
	recovery.Opener
	got *holder
}

func (l learner) Open(ctx context.Context, b wrap.Binding, s recovery.Slot) ([]byte, error) {
	secret, err := l.Opener.Open(ctx, b, s)
	if err == nil {
		l.got.id, l.got.seed, l.got.lineage = s.ID, bytes.Clone(secret[:32]), bytes.Clone(secret[32:])
	}
	return secret, err
}

func learn(t testing.TB, header []byte, way recovery.Opener) holder {
	var h holder
	_, err := recovery.Open(t.Context(), parse(t, header), learner{way, &h}, recovery.FirstUse(header[6:22]))
	require.NoError(t, err)
	w := takeApart(t, header)
	h.master, err = w.unseal(t, w.slot(t, h.id), h.seed)
	require.NoError(t, err)
	return h
}

// heldDevice is a way in for the tests: who keeps a slot's secret as it is.
type heldDevice struct {
	id     recovery.SlotID
	secret []byte
}

func (d *heldDevice) Type() recovery.SlotType { return recovery.SlotDevice }
func (d *heldDevice) Flags() uint8            { return 0 }

func (d *heldDevice) Seal(_ context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	d.id, d.secret = recovery.SlotID(b.Item), bytes.Clone(secret)
	return nil, nil, nil
}

func (d *heldDevice) Open(_ context.Context, _ wrap.Binding, s recovery.Slot) ([]byte, error) {
	if s.ID != d.id {
		return nil, recovery.ErrNotMine
	}
	return bytes.Clone(d.secret), nil
}

// world is an account with all that its server ever held, and its devices.
type world struct {
	account []byte
	ways    map[string]recovery.Opener
	file    *recovery.File
	headers [][]byte       // by revision, from 1 on
	pins    []recovery.Pin // of a device that saw the header of the same index
	masters map[uint32]*wrap.Key
	// gone is a phrase that had a slot in the revisions 2 and 3, and what its
	// holder knew then.
	gone     recovery.Opener
	goneKnew holder
}

// newWorld leads an account through six revisions and four epochs:
//
//	1 every way in, epoch 1 · 2 another phrase · 3 rotated, epoch 2
//	4 that phrase revoked, epoch 3 · 5 rotated, epoch 4 · 6 another password
func newWorld(t testing.TB, number []byte, ways map[string]recovery.Opener) *world {
	ctx := t.Context()
	w := &world{account: number, ways: map[string]recovery.Opener{}, masters: map[uint32]*wrap.Key{}, file: recovery.NewFile()}
	dev := new(heldDevice)
	k, err := recovery.Create(ctx, number, w.file, dev)
	require.NoError(t, err)
	for _, name := range sorted(ways) {
		_, err := k.Add(ctx, ways[name].(recovery.Sealer))
		require.NoError(t, err)
		w.ways[name] = ways[name]
	}
	w.ways["file"], w.ways["device"] = w.file, dev
	saw := func() {
		w.headers = append(w.headers, k.Bytes())
		w.pins = append(w.pins, pin(t, k))
		w.masters[k.Epoch()], err = k.Key(k.Epoch())
		require.NoError(t, err)
	}
	saw()
	gone := phrase(t)
	id, err := k.Add(ctx, gone)
	require.NoError(t, err)
	saw()
	require.NoError(t, k.Rotate(ctx))
	saw()
	w.gone, w.goneKnew = gone, learn(t, k.Bytes(), gone)
	require.NoError(t, k.Revoke(ctx, id))
	saw()
	require.NoError(t, k.Rotate(ctx))
	saw()
	second := password(t, "a second password")
	_, err = k.Add(ctx, second)
	require.NoError(t, err)
	w.ways["second password"] = second
	saw()
	return w
}

func sorted[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

var (
	worldsOnce sync.Once
	worlds     [2]*world
)

// victimAndTwin are an account with everything, and another one of the same user, with
// the same secrets wherever that can be. They are made once; what can be changed in them
// is a copy.
func victimAndTwin(t testing.TB) (victim, twin *world) {
	worldsOnce.Do(func() {
		withKey := password(t, "with a key")
		withKey = withKey.WithSecretKey(recovery.NewSecretKey())
		ways := map[string]recovery.Opener{"password": password(t, "correct horse"), "password with a secret key": withKey,
			"export": export(0xe1), "phrase": phrase(t), "passkey": passkey(0xa1)}
		worlds = [2]*world{newWorld(t, account, ways), newWorld(t, bytes.Repeat([]byte{0x43}, 16), ways)}
	})
	return worlds[0].clone(), worlds[1].clone()
}

func (w *world) clone() *world {
	c := *w
	c.account, c.ways, c.masters = bytes.Clone(w.account), maps.Clone(w.ways), maps.Clone(w.masters)
	c.headers, c.pins = slices.Clone(w.headers), slices.Clone(w.pins)
	for i := range c.headers {
		c.headers[i] = bytes.Clone(c.headers[i])
	}
	return &c
}

func victim(t testing.TB) *world {
	v, _ := victimAndTwin(t)
	return v
}

func (w *world) latest() []byte           { return w.headers[len(w.headers)-1] }
func (w *world) latestPin() recovery.Pin  { return w.pins[len(w.pins)-1] }
func (w *world) firstUse() recovery.Pin   { return recovery.FirstUse(w.account) }
func (w *world) anyPin() []recovery.Pin   { return append(slices.Clone(w.pins), w.firstUse()) }
func (w *world) someWay() recovery.Opener { return w.ways["phrase"] }

// wayOf returns what opens a slot of the latest header.
func (w *world) wayOf(t testing.TB) map[recovery.SlotID]string {
	of := make(map[recovery.SlotID]string)
	for name, way := range w.ways {
		of[learn(t, w.latest(), way).id] = name
	}
	return of
}

var typedErrors = []error{recovery.ErrNotMine, recovery.ErrUntrusted, recovery.ErrRollback, recovery.ErrFork, recovery.ErrReset,
	recovery.ErrPolicy, recovery.ErrPin, recovery.ErrMalformed}

// end opens whatever a server hands out, and checks what holds for all of that: the
// right master keys, or one of the errors that say what is wrong.
func (w *world) end(t testing.TB, header []byte, way recovery.Opener, p recovery.Pin) error {
	t.Helper()
	h, err := recovery.ParseHeader(header)
	if err != nil {
		require.Nil(t, h)
		require.Equal(t, recovery.ErrMalformed, err)
		return err
	}
	k, err := recovery.Open(t.Context(), h, way, p)
	if err != nil {
		require.Nil(t, k)
		require.True(t, slices.ContainsFunc(typedErrors, func(e error) bool { return errors.Is(err, e) }), err)
		return err
	}
	require.Equal(t, w.account, h.Bytes()[6:22])
	require.Equal(t, [16]byte(w.account), k.Account())
	_, err = k.Key(k.Epoch())
	require.NoError(t, err)
	for epoch := range k.Epoch() + 1 {
		if key, err := k.Key(epoch); err == nil {
			require.NotNil(t, w.masters[epoch])
			require.True(t, key.Equal(w.masters[epoch]), "another master key")
		}
	}
	return nil
}

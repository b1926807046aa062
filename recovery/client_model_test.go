package recovery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

// The model test plays two devices of an account, somebody who is being
// removed, and the server between them, in every order of the devices' calls
// and with every answer that the server can give, as far as a bound on the
// choices that differ from an honest and undisturbed run.

// chooser walks through all sequences of choices of which at most budget are
// not the first.
type chooser struct {
	path   []choice
	at     int
	budget int
}

type choice struct{ taken, of int }

// pick returns a number below n.
func (c *chooser) pick(n int) int {
	if c.at == len(c.path) {
		spent := 0
		for _, p := range c.path {
			if p.taken > 0 {
				spent++
			}
		}
		if spent >= c.budget {
			n = 1
		}
		c.path = append(c.path, choice{0, n})
	}
	c.at++
	return c.path[c.at-1].taken
}

// next moves to the next sequence, and reports whether there is one.
func (c *chooser) next() bool {
	c.at = 0
	for len(c.path) > 0 {
		last := &c.path[len(c.path)-1]
		if last.taken+1 < last.of {
			last.taken++
			return true
		}
		c.path = c.path[:len(c.path)-1]
	}
	return false
}

// exHolder is somebody with a slot, who keeps what it learned and works
// together with the server.
type exHolder struct {
	slots []SlotID
	held  *heldSlot
	ring  *Keyring // the last that it could open
	tried [32]byte // the header that it tried last
	knows map[[keySize]byte]bool
}

// learn opens whatever its slots open.
func (x *exHolder) learn(h *Header) {
	if h.Digest() == x.tried {
		return
	}
	x.tried = h.Digest()
	k, err := Open(context.Background(), h, x.held, TrustOnFirstUse(h.Account()))
	if err != nil {
		return
	}
	x.knows[k.secrets.Get().master] = true
	if x.ring == nil || k.header.Revision() >= x.ring.header.Revision() {
		x.ring = k
	}
}

// forge makes a header that follows from base as well as the ex-holder can:
// with another slot of its own, a rotation, or both, under the last keys that
// it knows.
func (x *exHolder) forge(base *Header, add, rotate bool) *Header {
	keys := *x.ring.secrets.Get()
	state := base.state.clone()
	if x.ring.header.Epoch() != state.epoch {
		// It does not know the master key of base. It goes on from the slots
		// and the history that it has.
		state.epoch, state.floor, state.history = x.ring.header.state.epoch, x.ring.header.state.floor, slices.Clone(x.ring.header.state.history)
		state.slots = slices.DeleteFunc(state.slots, func(s sealedSlot) bool { return s.Born > state.epoch })
		rotate = true
	}
	state.revision++
	state.prev = base.Digest()
	if add {
		sealed := must(newSealedSlot(context.Background(), state.account, &keys.lineage, state.epoch, new(heldSlot)))
		x.slots = append(x.slots, sealed.ID())
		e := &Edit{state: state}
		e.insert(sealed.slot)
		state = e.state
	}
	if rotate {
		if err := state.rotate(&keys); err != nil {
			panic(err)
		}
	}
	x.knows[keys.master] = true
	if err := state.sealTo(&keys.master, func(*sealedSlot) bool { return true }); err != nil {
		panic(err)
	}
	return must(state.encode(&keys.lineage, &keys.master))
}

// modelCall is a device's call of the server, which waits for its answer.
type modelCall struct {
	swap     bool
	previous [32]byte
	header   []byte
	answer   chan modelAnswer
}

type modelAnswer struct {
	header []byte
	err    error
	crash  bool
}

// modelDevice runs a program in a goroutine of its own, one call at a time.
type modelDevice struct {
	*testDevice
	calls   chan *modelCall // closed when the program is over
	waiting *modelCall
	crash   *crasher
	removed uint64 // the revision in which it has removed, or has seen removed, all slots of the ex-holder
	blobs   [][]byte
}

func (d *modelDevice) ask(c *modelCall) ([]byte, error) {
	if d.crash.dead {
		return nil, errCrash
	}
	c.answer = make(chan modelAnswer)
	d.calls <- c
	a := <-c.answer
	d.crash.dead = a.crash
	if a.crash {
		return nil, errCrash
	}
	return a.header, a.err
}

func (d *modelDevice) Fetch(context.Context) ([]byte, error) { return d.ask(&modelCall{}) }

func (d *modelDevice) Swap(_ context.Context, previous [32]byte, header []byte) error {
	_, err := d.ask(&modelCall{swap: true, previous: previous, header: header})
	return err
}

// start makes a new process of the device.
func (d *modelDevice) start() {
	d.crash = new(crasher)
	d.Client = NewClient(crashingLocal{d.local, d.crash}, d)
}

// user does an operation as a user would: tries again, consents, looks at the
// list of slots, and starts the program again after a crash.
func (d *modelDevice) user(ctx context.Context, known func(SlotID) bool, do func(also []SlotID) error) {
	var strangers []SlotID
	look := func() {
		for _, change := range d.Unseen() {
			if !change.Gone && !known(change.ID) {
				strangers = append(strangers, change.ID)
			}
		}
		d.MarkSeen(ctx, d.Unseen())
	}
	resolve := func() {
		if errors.Is(d.Resolve(ctx), ErrUnseen) {
			look()
			d.Resolve(ctx)
		}
	}
	for range 4 {
		err := do(strangers)
		switch {
		case err == nil:
			return
		case d.crash.dead:
			d.start()
			err = d.Open(ctx, d.slot)
			if err != nil && d.OpenOffline(ctx, d.slot) != nil {
				return
			}
			if errors.Is(err, ErrOvertaken) {
				resolve()
			}
		case errors.Is(err, ErrOvertaken):
			resolve()
		case errors.Is(err, ErrUnseen):
			look()
		}
	}
}

// model is one run.
type model struct {
	t       *testing.T
	chooser *chooser
	server  *testServer
	first   []byte
	devices [2]*modelDevice
	x       *exHolder
	known   map[SlotID]bool
	later   func() // a swap on its way
	lied    bool   // the server has said something that a faulty server would not
	trace   []string
}

// modelStart is the state in which every run begins.
type modelStart struct {
	server  testServer
	locals  [2][]byte
	rings   [2]*Keyring
	slots   [2]*heldSlot
	ex      *heldSlot
	phrase  *heldSlot
	account AccountID
}

func newModelStart(t *testing.T) *modelStart {
	s := &modelStart{ex: new(heldSlot), phrase: new(heldSlot)}
	a := newAccount(t, &s.server, s.phrase, s.ex)
	b := a.join(t, &s.server)
	require.NoError(t, a.Refresh(t.Context()))
	s.account = a.Account()
	for i, d := range []*testDevice{a, b} {
		s.locals[i], s.rings[i], s.slots[i] = d.local.value, d.ring, d.slot
	}
	return s
}

func (s *modelStart) model(t *testing.T, c *chooser) *model {
	m := &model{t: t, chooser: c, server: &testServer{stored: s.server.stored, log: slices.Clone(s.server.log)}, first: s.server.log[0],
		x: &exHolder{slots: []SlotID{s.ex.id}, held: s.ex, knows: map[[keySize]byte]bool{}}, known: map[SlotID]bool{s.phrase.id: true}}
	for i := range m.devices {
		d := &modelDevice{testDevice: &testDevice{local: &testLocal{value: s.locals[i]}, slot: s.slots[i]}, calls: make(chan *modelCall)}
		d.start()
		ring := s.rings[i] // a copy of its own is cheaper than to open it again
		d.ring = must(newKeyring(ring.header, ring.by, *ring.secrets.Get()))
		m.devices[i] = d
		m.known[d.slot.id] = true
	}
	m.x.learn(m.server.header(t))
	return m
}

// run plays the programs of the devices against each other.
func (m *model) run(programs [2]func(context.Context, *modelDevice)) {
	ctx := m.t.Context()
	for i, d := range m.devices {
		go func() {
			defer close(d.calls)
			programs[i](ctx, d)
		}()
		d.waiting = <-d.calls
	}
	turn := 0
	for {
		if m.devices[turn].waiting == nil {
			turn = 1 - turn
		} else if m.devices[1-turn].waiting != nil && m.chooser.pick(2) == 1 {
			turn = 1 - turn
		}
		d := m.devices[turn]
		if d.waiting == nil {
			return
		}
		call, later := d.waiting, m.later
		answer := m.answer(turn, call)
		if later != nil {
			later()
			m.later = nil
		}
		call.answer <- answer
		d.waiting = <-d.calls
		m.x.learn(m.server.header(m.t))
		m.check()
	}
}

// answer chooses what the server does with a call.
func (m *model) answer(who int, c *modelCall) modelAnswer {
	stored := m.server.header(m.t)
	note := func(what string) { m.trace = append(m.trace, fmt.Sprintf("device %d: %s", who, what)) }
	if !c.swap {
		switch m.chooser.pick(9) {
		case 1:
			note("no answer to Fetch")
			return modelAnswer{err: errNetwork}
		case 2:
			note("the first header")
			m.lied = true
			return modelAnswer{header: m.first}
		case 3:
			note("nothing is stored")
			m.lied = true
			return modelAnswer{}
		case 4, 5, 6:
			forged := m.x.forge(stored, m.chooser.path[m.chooser.at-1].taken != 5, m.chooser.path[m.chooser.at-1].taken != 4)
			note(fmt.Sprintf("a forged header of epoch %d", forged.Epoch()))
			m.lied = true
			return modelAnswer{header: forged.Bytes()}
		case 7:
			note("stops in Fetch")
			return modelAnswer{crash: true}
		case 8:
			forged := m.x.forge(must(ParseHeader(m.first)), true, true)
			note("a forgery on the first header")
			m.lied = true
			return modelAnswer{header: forged.Bytes()}
		}
		note("Fetch")
		return modelAnswer{header: m.server.stored}
	}
	swap := func() error {
		err := m.server.Swap(context.Background(), c.previous, c.header)
		if h := must(ParseHeader(c.header)); err == nil && m.without(h) {
			m.devices[who].removed = h.Revision()
		}
		return err
	}
	switch m.chooser.pick(10) {
	case 1:
		note("Swap is lost")
		return modelAnswer{err: errNetwork}
	case 2:
		note("the answer to Swap is lost")
		swap()
		return modelAnswer{err: errNetwork}
	case 3:
		note("Swap is delayed")
		m.later = func() { swap() }
		return modelAnswer{err: errNetwork}
	case 4:
		note("Swap is refused")
		return modelAnswer{err: ErrConflict}
	case 5:
		note("Swap is done, and called a conflict")
		swap()
		return modelAnswer{err: ErrConflict}
	case 6:
		note("Swap is called done, and is not")
		m.lied = true
		return modelAnswer{}
	case 7:
		if m.x.ring.header.Epoch() == stored.Epoch() && stored.state.slot(m.x.held.id) != nil {
			note("the ex-holder was quicker")
			forged := m.x.forge(stored, true, false)
			require.NoError(m.t, m.server.Swap(context.Background(), stored.Digest(), forged.Bytes()))
		}
	case 8:
		note("stops before Swap")
		return modelAnswer{crash: true}
	case 9:
		note("stops after Swap")
		swap()
		return modelAnswer{crash: true}
	}
	err := swap()
	note(fmt.Sprintf("Swap: %v", err))
	return modelAnswer{err: err}
}

// check is what holds at every moment: a device that has removed the ex-holder,
// or has seen the removal, never again holds a key that the ex-holder knows.
func (m *model) check() {
	for i, d := range m.devices {
		ring := d.opened()
		if ring.header == nil {
			continue
		}
		genuine := slices.ContainsFunc(m.server.log, func(b []byte) bool { return bytes.Equal(b, ring.header.encoded) })
		if genuine && d.removed == 0 && m.without(ring.header) {
			d.removed = ring.header.Revision()
		}
		if d.removed > 0 && ring.header.Revision() >= d.removed && m.x.knows[ring.secrets.Get().master] {
			require.Fail(m.t, fmt.Sprintf("device %d holds a key of the ex-holder", i), "%q", m.trace)
		}
	}
}

// without reports whether a header has no slot of the ex-holder.
func (m *model) without(h *Header) bool {
	return !slices.ContainsFunc(m.x.slots, func(id SlotID) bool { return h.state.slot(id) != nil })
}

// finish lets the server be honest and the devices come back.
func (m *model) finish(s *modelStart) {
	ctx := m.t.Context()
	if m.later != nil {
		m.later()
	}
	for i, d := range m.devices {
		last := d.restarted(m.server)
		err := last.Open(ctx, d.slot)
		for range 3 {
			if errors.Is(err, ErrOvertaken) || errors.Is(err, ErrUnseen) {
				require.NoError(m.t, last.MarkSeen(ctx, last.Unseen()))
				err = last.Resolve(ctx)
			}
			if errors.Is(err, ErrConflict) {
				err = last.Open(ctx, d.slot)
			}
		}
		if m.lied { // then the device has at least what it had
			require.NoError(m.t, last.OpenOffline(ctx, d.slot), m.trace)
			continue
		}
		require.NoError(m.t, err, "device %d is locked out: %q", i, m.trace)
		for _, blob := range d.blobs {
			got, err := last.UnwrapOld(blob, noteBinding)
			require.NoError(m.t, err, m.trace)
			require.Equal(m.t, "a note", string(got))
		}
	}
	// By the phrase on a new device, whatever happened.
	fresh := NewClient(new(testLocal), m.server)
	require.NoError(m.t, fresh.OpenFirst(ctx, s.account, s.phrase), m.trace)
	if m.lied {
		return
	}
	for _, d := range m.devices {
		for _, blob := range d.blobs {
			got, err := fresh.UnwrapOld(blob, noteBinding)
			require.NoError(m.t, err, m.trace)
			require.Equal(m.t, "a note", string(got))
		}
	}
}

func (m *model) write(d *modelDevice) {
	if blob, err := d.Wrap([]byte("a note"), noteBinding); err == nil {
		d.blobs = append(d.blobs, blob)
	}
}

// modelPrograms are what the devices do. The first always removes the
// ex-holder.
func (m *model) programs(s *modelStart) map[string][2]func(context.Context, *modelDevice) {
	known := func(id SlotID) bool { return m.known[id] }
	revoke := func(ctx context.Context, d *modelDevice) {
		d.user(ctx, known, func(also []SlotID) error {
			return d.Change(ctx, func(e *Edit) error {
				ids := slices.DeleteFunc(append([]SlotID{s.ex.id}, also...), func(id SlotID) bool { return e.state.slot(id) == nil })
				if len(ids) == 0 {
					return nil
				}
				return e.Revoke(ids...)
			})
		})
		m.write(d)
		d.user(ctx, known, func([]SlotID) error { return d.Refresh(ctx) })
		m.write(d)
	}
	add := func(ctx context.Context, d *modelDevice) {
		m.write(d)
		d.user(ctx, known, func([]SlotID) error {
			sealed, err := d.Seal(ctx, new(heldSlot))
			if err != nil {
				return err
			}
			m.known[sealed.ID()] = true
			return d.Change(ctx, func(e *Edit) error { return e.Add(sealed) })
		})
		m.write(d)
	}
	rotate := func(ctx context.Context, d *modelDevice) {
		d.user(ctx, known, func([]SlotID) error {
			return d.Change(ctx, func(e *Edit) error { e.Rotate(); return nil })
		})
		m.write(d)
		d.user(ctx, known, func([]SlotID) error { return d.Refresh(ctx) })
		m.write(d)
	}
	return map[string][2]func(context.Context, *modelDevice){
		"revoke and add": {revoke, add}, "revoke and rotate": {revoke, rotate}, "both revoke": {revoke, revoke},
	}
}

// TestModel plays every run of all programs with up to one choice that is not
// honest and undisturbed, and with two with -tags long.
func TestModel(t *testing.T) {
	s := newModelStart(t)
	budget := 1
	if testvec.Long && !raceEnabled {
		budget = 2
	}
	for name := range new(model).programs(s) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			for c := (&chooser{budget: budget}); runs == 0 || c.next(); runs++ {
				m := s.model(t, c)
				m.run(m.programs(s)[name])
				m.finish(s)
			}
			t.Logf("%d runs with up to %d deviations", runs, budget)
			require.Greater(t, runs, 20)
		})
	}
}

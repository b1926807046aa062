package opaque_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// fleet has the replicas of one server. Each request goes to a random replica.
type fleet struct {
	t        *testing.T
	replicas []*opaque.Server
	client   *opaque.Client
	random   *rand.Rand
}

func (f *fleet) any() *opaque.Server { return f.replicas[f.random.IntN(len(f.replicas))] }

// register registers an account, each half at any replica.
func (f *fleet) register(id []byte) (record []byte, err error) {
	reg, request, err := f.client.Register(nil, password)
	require.NoError(f.t, err)
	response, err := f.any().BeginRegistration(context.Background(), id, request)
	if err != nil {
		return nil, err
	}
	upload, err := reg.Finish(context.Background(), response)
	require.NoError(f.t, err)
	return f.any().FinishRegistration(nil, upload)
}

// login logs in, each half at any replica, and reports whether the account is
// asked to register again.
func (f *fleet) login(id, record []byte) (needsRegistration bool) {
	login, request, err := f.client.Login(nil, password)
	require.NoError(f.t, err)
	response, pending, err := f.any().BeginLogin(context.Background(), id, record, request)
	require.NoError(f.t, err)
	final, err := login.Respond(context.Background(), response)
	require.NoError(f.t, err)
	reply, _, err := f.any().FinishLogin(context.Background(), id, record, pending, final)
	require.NoError(f.t, err)
	_, err = login.Finish(reply)
	require.NoError(f.t, err)
	return login.NeedsRegistration()
}

// TestSwitchOfAFleet: two replicas without sticky sessions change from one
// setup to another, in the documented order, one replica after the other. No
// registration is refused, and every account moves exactly once.
func TestSwitchOfAFleet(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	next, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	shared := testvec.NewReplay()
	server := func(offer opaque.Kind, accept, old []opaque.Kind) *opaque.Server {
		cfg := r.config
		cfg.Replay = shared
		cfg.Setups = map[uint16]*opaque.Setup{1: r.setup, 2: next}
		cfg.Offer, cfg.Accept, cfg.Old = offer, accept, old
		s, err := opaque.NewServer(cfg)
		require.NoError(t, err)
		return s
	}
	one, two := opaque.Kind{Setup: 1, Weight: 100}, opaque.Kind{Setup: 2}
	stages := []*opaque.Server{
		server(one, nil, nil),
		server(one, []opaque.Kind{two}, nil),
		server(two, []opaque.Kind{one}, nil),
		server(two, nil, []opaque.Kind{one}),
	}
	f := &fleet{t: t, replicas: []*opaque.Server{stages[0], stages[0]}, client: r.client, random: rand.New(rand.NewPCG(1, 2))}

	registrations := 1000
	if !testvec.Long {
		registrations = 200
	}
	f.replicas = []*opaque.Server{stages[1], stages[2]}
	for i := range registrations {
		record, err := f.register([]byte(fmt.Sprint("new", i)))
		require.NoError(t, err)
		require.False(t, f.replicas[0].NeedsRegistration(record) || f.replicas[1].NeedsRegistration(record))
	}

	records, moves := make(map[string][]byte), make(map[string]int)
	add := func(stage int) {
		for i := range 5 {
			id := fmt.Sprintf("account %d of stage %d", i, stage)
			record, err := f.register([]byte(id))
			require.NoError(t, err)
			records[id] = record
		}
	}
	f.replicas = []*opaque.Server{stages[0], stages[0]}
	add(0)
	for stage := 1; stage < len(stages); stage++ {
		for replica := range f.replicas {
			f.replicas[replica] = stages[stage]
			for range 3 {
				for id, record := range records {
					if f.login([]byte(id), record) {
						moves[id]++
						records[id], err = f.register([]byte(id))
						require.NoError(t, err)
					}
				}
			}
			if replica == 0 {
				add(stage)
			}
		}
	}
	for id, record := range records {
		parsed, err := opaque.ParseRecord(record)
		require.NoError(t, err)
		require.EqualValues(t, 2, parsed.Setup(), id)
		require.LessOrEqual(t, moves[id], 1, id)
		require.False(t, f.login([]byte(id), record))
	}
	for i := range 5 {
		require.Equal(t, 1, moves[fmt.Sprintf("account %d of stage 0", i)])
	}

	// Without the middle steps registrations are refused. The order
	// prevents this.
	f.replicas = []*opaque.Server{stages[0], server(two, nil, []opaque.Kind{one})}
	refused := 0
	for i := range 40 {
		if _, err := f.register([]byte(fmt.Sprint(i))); err != nil {
			require.ErrorIs(t, err, opaque.ErrPolicy)
			refused++
		}
	}
	require.NotZero(t, refused)
}

// TestStateKeysOfAFleet: a new state key reaches one replica before the other,
// with a time in the future. No login that begins at one replica fails at the
// other, and the old key can be removed in the end.
func TestStateKeysOfAFleet(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	c := &clock{time.Unix(1_800_000_000, 0)}
	cfg := r.config
	cfg.Replay = testvec.NewReplay()
	today := opaque.StateKey{Key: key32(1)}
	tomorrow := opaque.StateKey{Key: key32(2), NotBefore: c.t.Add(time.Hour)}
	cfg.StateKeys = []opaque.StateKey{today}
	a, err := opaque.NewServerAt(cfg, c.now)
	require.NoError(t, err)
	b, err := opaque.NewServerAt(cfg, c.now)
	require.NoError(t, err)
	cross := func(begin, finish *opaque.Server) error {
		r.server = begin
		_, pending, final := r.answer(t)
		return second(finish.FinishLogin(t.Context(), alice, r.record, pending, final))
	}
	both := func() {
		t.Helper()
		require.NoError(t, cross(a, b))
		require.NoError(t, cross(b, a))
	}
	both()
	rotate := func(s **opaque.Server, keys ...opaque.StateKey) {
		*s, err = (*s).WithStateKeys(keys)
		require.NoError(t, err)
	}
	rotate(&a, tomorrow, today)
	both()
	rotate(&b, today, tomorrow) // in any order
	both()
	r.server = a
	_, pending, final := r.answer(t)
	c.t = c.t.Add(30 * time.Second)
	require.NoError(t, second(b.FinishLogin(t.Context(), alice, r.record, pending, final)))
	c.t = tomorrow.NotBefore
	both()
	rotate(&a, tomorrow)
	both()
	rotate(&b, tomorrow)
	both()

	// With a time that has already come, logins that begin at the first replica
	// fail at the second.
	c.t = c.t.Add(time.Minute)
	now := opaque.StateKey{Key: key32(3), NotBefore: c.t}
	rotate(&a, now, tomorrow)
	require.Equal(t, opaque.ErrState, cross(a, b))
	require.NoError(t, cross(b, a))

	// A key that is not due does not seal, even if it is the only one.
	_, err = a.WithStateKeys([]opaque.StateKey{{Key: key32(4), NotBefore: c.t.Add(time.Second)}})
	require.ErrorIs(t, err, opaque.ErrPolicy)
}

package srp_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// fleet is two replicas that share a Replay, and a client that knows two kinds.
type fleet struct {
	t        *testing.T
	client   *srp.Client
	replicas [2]*srp.Server
	turn     int // there are no sticky sessions: each request goes to the next
	records  map[string][]byte
	moves    map[string]int
	refused  int
}

func (f *fleet) server() *srp.Server {
	f.turn++
	return f.replicas[f.turn%2]
}

func (f *fleet) register(id string) {
	r, request, err := f.client.Register(nil, []byte(id))
	require.NoError(f.t, err)
	response, err := f.server().BeginRegistration(f.t.Context(), []byte(id), request)
	require.NoError(f.t, err)
	upload, err := r.Finish(f.t.Context(), response)
	require.NoError(f.t, err)
	f.turn += len(f.records) % 3 // sometimes the same replica, sometimes the other
	record, err := f.server().FinishRegistration(nil, upload)
	if err != nil {
		f.refused++
		return
	}
	f.records[id] = record
}

// login logs in, and registers again if the server that finished wants it.
func (f *fleet) login(id string) {
	l, request, err := f.client.Login(nil, []byte(id))
	require.NoError(f.t, err)
	response, pending, err := f.server().BeginLogin(f.t.Context(), []byte(id), f.records[id], request)
	require.NoError(f.t, err)
	final, err := l.Respond(f.t.Context(), response)
	require.NoError(f.t, err)
	last := f.server()
	_, _, err = last.FinishLogin(f.t.Context(), []byte(id), f.records[id], pending, final)
	require.NoError(f.t, err)
	if last.NeedsRegistration(f.records[id]) {
		f.moves[id]++
		f.register(id)
	}
}

// TestSwitchOfAFleet: while replicas are switched from one kind to another, one
// after the other, no registration is refused and every account moves once.
func TestSwitchOfAFleet(t *testing.T) {
	t.Parallel()
	old, coming := sha256Rig(t).kind, newRig(t, srp.RFC5054SHA512(0)).kind
	old.Weight, coming.Weight = 1, 0
	f := &fleet{t: t, records: make(map[string][]byte), moves: make(map[string]int)}
	var err error
	f.client, err = srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{old.Profile, coming.Profile}})
	require.NoError(t, err)
	shared := testvec.NewReplay()
	server := func(offer srp.Kind, accept, out []srp.Kind) *srp.Server {
		cfg := config()
		cfg.Offer, cfg.Accept, cfg.Old, cfg.Replay = offer, accept, out, shared
		s, err := srp.NewServer(cfg)
		require.NoError(t, err)
		return s
	}
	before := server(old, nil, nil)
	accepts := server(old, []srp.Kind{coming}, nil)
	offers := server(coming, []srp.Kind{old}, nil)
	after := server(coming, nil, []srp.Kind{old})
	stages := [][2]*srp.Server{
		{before, before}, {before, accepts}, {accepts, accepts}, {accepts, offers},
		{offers, offers}, {offers, after}, {after, after},
	}
	n := 140
	if testvec.Long {
		n = 1000
	}
	const every = 5 // one account in five logs in
	for i := range n {
		f.replicas = stages[i*len(stages)/n]
		f.register(fmt.Sprint("account ", i))
		if i%every == 0 {
			f.login(fmt.Sprint("account ", i/(2*every)*every))
		}
	}
	require.Zero(t, f.refused)
	for i := 0; i < n; i += every {
		id := fmt.Sprint("account ", i)
		f.login(id)
		f.login(id)
		r, err := srp.ParseRecord(f.records[id])
		require.NoError(t, err)
		require.Equal(t, coming.Profile, r.Profile(), id)
		require.LessOrEqual(t, f.moves[id], 1, id)
	}
	require.Zero(t, f.moves[fmt.Sprint("account ", n-every)], "it registered under the coming kind")
	require.Equal(t, 1, f.moves["account 0"])
}

// TestStateKeysOnAFleet: replicas get a new key one after the other, some time
// before it is due. No login that begins at one of them fails at the other, and
// at last all of them use the new key.
func TestStateKeysOnAFleet(t *testing.T) {
	r := sha256Rig(t)
	start := time.Now()
	c := &clock{start}
	shared := testvec.NewReplay()
	today := srp.StateKey{Key: [32]byte(bytes.Repeat([]byte{1}, 32))}
	tomorrow := srp.StateKey{Key: [32]byte(bytes.Repeat([]byte{2}, 32)), NotBefore: start.Add(time.Hour)}
	cfg := config(r.kind)
	cfg.Replay, cfg.StateKeys = shared, []srp.StateKey{today}
	one, err := srp.NewServerAt(cfg, c.now)
	require.NoError(t, err)
	two, err := srp.NewServerAt(cfg, c.now)
	require.NoError(t, err)
	check := func(when string) {
		for _, pair := range [][2]*srp.Server{{one, two}, {two, one}, {one, one}} {
			r.server = pair[0]
			_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
			_, _, err := pair[1].FinishLogin(context.Background(), alice, r.record.Bytes(), pending, final)
			require.NoError(t, err, when)
		}
	}
	check("before")
	one, err = one.WithStateKeys([]srp.StateKey{today, tomorrow})
	require.NoError(t, err)
	check("one has the new key")
	two, err = two.WithStateKeys([]srp.StateKey{tomorrow, today})
	require.NoError(t, err)
	check("both have it")
	c.t = start.Add(time.Hour - time.Millisecond)
	check("it is about to be due")
	r.server = one
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	c.t = start.Add(time.Hour)
	_, _, err = two.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.NoError(t, err, "a login over the turn of the hour")
	check("it is due")
	r.server = one
	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	alone, err := two.WithStateKeys([]srp.StateKey{tomorrow})
	require.NoError(t, err)
	_, _, err = alone.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.NoError(t, err, "the new key seals")
}

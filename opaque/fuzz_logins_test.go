package opaque_test

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// table is a shared Replay; a mutex makes its step atomic.
type table struct {
	mu   sync.Mutex
	used map[[16]byte]time.Time
}

func newTable() *table { return &table{used: make(map[[16]byte]time.Time)} }

func (r *table) Consume(_ context.Context, id [16]byte, expires time.Time) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, used := r.used[id]
	r.used[id] = expires
	return !used, nil
}

// FuzzLogins plays several logins at once over two replicas, in the order that
// the input says: messages are lost, mixed up between users, altered and sent
// again, and keys rotate. A key comes out of the right password with untouched
// messages, once, and of nothing else; both sides' keys are equal.
func FuzzLogins(f *testing.F) {
	const begin, respond, finish, confirm, alter, discard, rotate = 0, 1, 2, 3, 4, 5, 6
	// Each step is an operation, a slot and an argument. The argument of finish
	// is 128·(another record) + 64·replica + 16·(how many slots on the id is
	// from) + slot of the final.
	f.Add([]byte{begin, 0, 1, respond, 0, 0, finish, 0, 0, confirm, 0, 0})
	f.Add([]byte{begin, 0, 0, respond, 0, 0, finish, 0, 0, confirm, 0, 0})
	f.Add([]byte{begin, 0, 1, begin, 1, 3, respond, 0, 1, respond, 1, 0, finish, 0, 1, finish, 1, 0})
	f.Add([]byte{begin, 0, 1, respond, 0, 0, finish, 0, 64, finish, 0, 0, confirm, 0, 0, confirm, 0, 0})
	f.Add([]byte{begin, 0, 1, respond, 0, 0, finish, 0, 128, finish, 0, 0})
	f.Add([]byte{begin, 0, 5, respond, 0, 0, finish, 0, 0, alter, 0, 2, finish, 0, 0, discard, 0, 0, confirm, 0, 0})
	f.Add([]byte{begin, 0, 1, begin, 1, 3, respond, 0, 0, respond, 1, 1, finish, 0, 16, finish, 1, 1, finish, 0, 0})
	f.Add([]byte{begin, 0, 1, rotate, 1, 1, respond, 0, 0, finish, 0, 64, confirm, 0, 0, rotate, 0, 2, begin, 0, 3})
	r := newRig(f, opaque.Ristretto255)
	bobs, _ := r.register(f, r.client, []byte("bob"), nil, []byte("bob's"))
	users := []struct {
		id, record, password []byte
	}{
		{alice, r.record, password},
		{[]byte("bob"), bobs, []byte("bob's")},
		{[]byte("nobody"), nil, []byte("whatever")},
	}
	ring := []opaque.StateKey{{Key: key32(1)}, {Key: key32(2)}, {Key: key32(3)}}

	f.Fuzz(func(t *testing.T, script []byte) {
		shared := newTable()
		replica := func() *opaque.Server {
			cfg := r.config
			cfg.StateKeys, cfg.Replay = ring, shared
			server, err := opaque.NewServer(cfg)
			require.NoError(t, err)
			return server
		}
		m := machine{t: t, client: r.client,
			servers:  [2]*opaque.Server{replica(), replica()},
			pendings: make(map[string]sealed), finals: make(map[string]answer), keys: make(map[string][]byte)}
		for i := 0; i+3 <= len(script) && i < 3*24; i += 3 {
			op, slot, arg := script[i]%7, int(script[i+1]), int(script[i+2])
			s, other := &m.slots[slot%len(m.slots)], &m.slots[arg%len(m.slots)]
			server := m.servers[arg/64%2]
			switch op {
			case begin:
				u := users[arg/2%len(users)]
				p := u.password
				if arg%2 == 0 {
					p = []byte("a wrong one")
				}
				m.begin(server, s, u.id, u.record, p, arg%2 == 1 && u.record != nil)
			case respond:
				m.respond(s, other)
			case finish:
				m.finish(server, &m.slots[(slot+arg/16)%len(m.slots)], s, other, arg >= 128)
			case confirm:
				m.confirm(s, other)
			case alter:
				for _, message := range []*[]byte{&s.response, &s.pending, &s.final, &s.reply}[arg%4 : arg%4+1] {
					if len(*message) > 0 {
						*message = bytes.Clone(*message)
						(*message)[arg*7%len(*message)] ^= 1 << (arg % 8)
					}
				}
			case discard:
				if s.login != nil {
					s.login.Discard()
				}
			case rotate:
				turned := append(slices.Clone(ring[arg%3:]), ring[:arg%3]...)
				next, err := m.servers[slot%2].WithStateKeys(turned)
				require.NoError(t, err)
				m.servers[slot%2] = next
			}
		}
	})
}

// slot is one login in progress, as far as it got, and what travels of it.
type slot struct {
	id, record                      []byte
	right                           bool
	login                           *opaque.Login
	response, pending, final, reply []byte
}

// sealed is what a genuine pending state belongs to.
type sealed struct {
	id, response string
	spent        bool
}

// answer is what a genuine final message answers, and who made it.
type answer struct {
	id, response string
	right        bool
}

// machine knows of every genuine message where it comes from.
type machine struct {
	t        *testing.T
	client   *opaque.Client
	servers  [2]*opaque.Server
	slots    [4]slot
	pendings map[string]sealed
	finals   map[string]answer
	keys     map[string][]byte // reply → the server's key
}

func (m *machine) begin(server *opaque.Server, s *slot, id, record, password []byte, right bool) {
	login, request, err := m.client.Login(nil, password)
	require.NoError(m.t, err)
	response, pending, err := server.BeginLogin(context.Background(), id, record, request)
	require.NoError(m.t, err)
	*s = slot{id: id, record: record, right: right, login: login, response: response, pending: pending}
	m.pendings[string(pending)] = sealed{id: string(id), response: string(response)}
}

func (m *machine) respond(s, other *slot) {
	if s.login == nil {
		return
	}
	final, err := s.login.Respond(context.Background(), other.response)
	if err != nil {
		require.Nil(m.t, final)
		return
	}
	s.final = final
	m.finals[string(final)] = answer{string(s.id), string(other.response), s.right}
}

// finish finishes the login of s with the final message of other, as the user
// of asking, whose record may have changed.
func (m *machine) finish(server *opaque.Server, asking, s, other *slot, changed bool) {
	id, record := asking.id, asking.record
	if id == nil {
		return
	}
	if changed {
		record = append(bytes.Clone(record), 0)
	}
	p, genuine := m.pendings[string(s.pending)]
	opens := genuine && !p.spent && string(id) == p.id
	a, made := m.finals[string(other.final)]
	proves := opens && made && a.right && a.id == p.id && a.response == p.response
	expected := proves && !changed

	reply, key, err := server.FinishLogin(context.Background(), id, record, s.pending, other.final)
	if opens {
		p.spent = true
		m.pendings[string(s.pending)] = p
	}
	require.Equal(m.t, expected, err == nil, "opens %v, made %v, right %v: %v", opens, made, a.right, err)
	if err != nil {
		require.Nil(m.t, reply)
		require.Nil(m.t, key)
		require.Equal(m.t, !opens || proves, err == opaque.ErrState, "%v", err)
		return
	}
	s.reply = reply
	m.keys[string(reply)] = key
}

func (m *machine) confirm(s, other *slot) {
	if s.login == nil {
		return
	}
	key, err := s.login.Finish(other.reply)
	if err != nil {
		require.Nil(m.t, key)
		return
	}
	serverKey, genuine := m.keys[string(other.reply)]
	require.True(m.t, genuine, "a reply that no server sent")
	require.Equal(m.t, serverKey, key)
	require.True(m.t, s.right)
}

package srp_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// FuzzLogins plays several logins at once, in the order that the input says:
// messages are lost, mixed up between users, altered and sent again. A key
// comes out only of the right password with untouched messages, once, and both
// sides' keys are equal.
func FuzzLogins(f *testing.F) {
	const begin, respond, finish, confirm, alter, discard = 0, 1, 2, 3, 4, 5
	f.Add([]byte{begin, 0, 1, respond, 0, 0, finish, 0, 0, confirm, 0, 0})
	f.Add([]byte{begin, 0, 0, respond, 0, 0, finish, 0, 0, confirm, 0, 0})
	f.Add([]byte{begin, 0, 1, begin, 1, 3, respond, 0, 1, respond, 1, 0, finish, 0, 1, finish, 1, 0})
	f.Add([]byte{begin, 0, 1, respond, 0, 0, finish, 0, 0, finish, 0, 0, confirm, 0, 0, confirm, 0, 0})
	f.Add([]byte{begin, 0, 5, respond, 0, 0, finish, 0, 0, alter, 0, 2, finish, 0, 0, discard, 0, 0, confirm, 0, 0})
	r := sha256Rig(f)
	bobs, err := srp.RegisterWith(r.template.Offer(), []byte("bob"), []byte("bob's"), []byte("another salt, 16"))
	require.NoError(f, err)
	users := []struct {
		id, record, password []byte
	}{
		{alice, r.record.Bytes(), password},
		{[]byte("bob"), bobs.Bytes(), []byte("bob's")},
		{[]byte("nobody"), nil, []byte("whatever")},
	}

	f.Fuzz(func(t *testing.T, script []byte) {
		m := machine{t: t, server: newServer(t, r.template), client: r.client,
			responses: make(map[string]int), finals: make(map[string]answer), keys: make(map[string][]byte), spent: make(map[string]bool)}
		for i := 0; i+3 <= len(script) && i < 3*24; i += 3 {
			op, slot, arg := script[i]%6, int(script[i+1]), int(script[i+2])
			s, other := &m.slots[slot%len(m.slots)], &m.slots[arg%len(m.slots)]
			switch op {
			case begin:
				who := arg / 2 % len(users)
				u := users[who]
				p := u.password
				if arg%2 == 0 {
					p = []byte("a wrong one")
				}
				m.begin(s, who, u.id, u.record, p, arg%2 == 1 && u.record != nil)
			case respond:
				m.respond(s, other)
			case finish:
				m.finish(s, other)
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
			}
		}
	})
}

// slot is one login in progress, as far as it got, and what travels of it.
type slot struct {
	user                            int
	id                              []byte
	right                           bool
	login                           *srp.Login
	response, pending, final, reply []byte
}

// answer is what a genuine final message answers, and who made it.
type answer struct {
	response string
	login    *srp.Login
	right    bool
	user     int
}

// machine knows of every genuine message where it comes from.
type machine struct {
	t         *testing.T
	server    *srp.Server
	client    *srp.Client
	slots     [4]slot
	responses map[string]int    // response → user
	pendings  []pendingOf       // in the order of begin
	finals    map[string]answer // final → what it answers
	keys      map[string][]byte // reply → the server's key
	spent     map[string]bool   // pending
}

type pendingOf struct {
	pending, response string
	user              int
}

func (m *machine) begin(s *slot, user int, id, record, password []byte, right bool) {
	login, request, err := m.client.Login(id, password)
	require.NoError(m.t, err)
	response, pending, err := m.server.Begin(context.Background(), id, record, request)
	require.NoError(m.t, err)
	*s = slot{user: user, id: id, right: right, login: login, response: response, pending: pending}
	m.responses[string(response)] = user
	m.pendings = append(m.pendings, pendingOf{string(pending), string(response), user})
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
	m.finals[string(final)] = answer{string(other.response), s.login, s.right, s.user}
}

func (m *machine) finish(s, other *slot) {
	if s.login == nil {
		return
	}
	reply, key, err := m.server.Finish(context.Background(), s.id, s.pending, other.final)
	if err != nil {
		require.Nil(m.t, reply)
		require.Nil(m.t, key)
		return
	}
	require.False(m.t, m.spent[string(s.pending)], "finished twice")
	m.spent[string(s.pending)] = true
	a, genuine := m.finals[string(other.final)]
	require.True(m.t, genuine, "a message that nobody sent")
	require.True(m.t, a.right, "a wrong password")
	for _, p := range m.pendings {
		if p.pending == string(s.pending) {
			require.Equal(m.t, p.response, a.response, "an answer to something else")
			require.Equal(m.t, p.user, a.user, "another user")
			require.Equal(m.t, p.user, s.user)
			s.reply = reply
			m.keys[string(reply)] = key
			return
		}
	}
	require.Fail(m.t, "a state that nobody sealed")
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

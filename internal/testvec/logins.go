package testvec

import (
	"bytes"
	"context"
	"testing"
)

// LoginServer is the half of a server of package srp or opaque that logs in.
type LoginServer interface {
	BeginLogin(ctx context.Context, id, record, request []byte) (response, pending []byte, err error)
	FinishLogin(ctx context.Context, id, record, pending, final []byte) (reply, key []byte, err error)
}

// ClientLogin is a login of a client of package srp or opaque.
type ClientLogin interface {
	Respond(ctx context.Context, response []byte) (final []byte, err error)
	Finish(reply []byte) (key []byte, err error)
	Discard()
}

// LoginUser is an account, or an unknown name if the record is empty.
type LoginUser struct{ ID, Record, Password []byte }

// Logins is what FuzzLogins plays with.
type Logins struct {
	Users    []LoginUser
	Login    func(user LoginUser, password []byte) (login ClientLogin, request []byte, err error)
	Replica  func(shared *Replay) (LoginServer, error) // a new server with three state keys
	Rotate   func(server LoginServer, first int) (LoginServer, error)
	ErrState error
}

// FuzzLogins plays several logins at once over two replicas, in the order that
// the input says: messages are lost, mixed up between users, altered and sent
// again, records change, and keys rotate. A key comes out of the right password
// with untouched messages, once, and of nothing else. Both sides' keys are equal.
func FuzzLogins(f *testing.F, l Logins) {
	const begin, respond, finish, confirm, alter, discard, rotate = 0, 1, 2, 3, 4, 5, 6
	// Each step is an operation, a slot and an argument. The argument of finish is
	// 128·(another record) + 64·replica + 16·(how many slots on the id is from) +
	// slot of the final.
	f.Add([]byte{begin, 0, 1, respond, 0, 0, finish, 0, 0, confirm, 0, 0})
	f.Add([]byte{begin, 0, 0, respond, 0, 0, finish, 0, 0, confirm, 0, 0})
	f.Add([]byte{begin, 0, 1, begin, 1, 3, respond, 0, 1, respond, 1, 0, finish, 0, 1, finish, 1, 0})
	f.Add([]byte{begin, 0, 1, respond, 0, 0, finish, 0, 64, finish, 0, 0, confirm, 0, 0, confirm, 0, 0})
	f.Add([]byte{begin, 0, 1, respond, 0, 0, finish, 0, 128, finish, 0, 0})
	f.Add([]byte{begin, 0, 5, respond, 0, 0, finish, 0, 0, alter, 0, 2, finish, 0, 0, discard, 0, 0, confirm, 0, 0})
	f.Add([]byte{begin, 0, 1, begin, 1, 3, respond, 0, 0, respond, 1, 1, finish, 0, 16, finish, 1, 1, finish, 0, 0})
	f.Add([]byte{begin, 0, 1, rotate, 1, 1, respond, 0, 0, finish, 0, 64, confirm, 0, 0, rotate, 0, 2, begin, 0, 3})
	f.Fuzz(func(t *testing.T, script []byte) {
		shared := NewReplay()
		m := loginMachine{t: t, Logins: l,
			pendings: make(map[string]sealedState), finals: make(map[string]finalMessage), keys: make(map[string][]byte)}
		for i := range m.servers {
			var err error
			if m.servers[i], err = l.Replica(shared); err != nil {
				t.Fatal(err)
			}
		}
		for i := 0; i+3 <= len(script) && i < 3*24; i += 3 {
			op, slot, arg := script[i]%7, int(script[i+1]), int(script[i+2])
			s, other := &m.slots[slot%len(m.slots)], &m.slots[arg%len(m.slots)]
			server := m.servers[arg/64%2]
			switch op {
			case begin:
				user := l.Users[arg/2%len(l.Users)]
				password := user.Password
				if arg%2 == 0 {
					password = []byte("a wrong one")
				}
				m.begin(server, s, user, password, arg%2 == 1 && user.Record != nil)
			case respond:
				m.respond(s, other)
			case finish:
				m.finish(server, &m.slots[(slot+arg/16)%len(m.slots)], s, other, arg >= 128)
			case confirm:
				m.confirm(s, other)
			case alter:
				message := []*[]byte{&s.response, &s.pending, &s.final, &s.reply}[arg%4]
				if len(*message) > 0 {
					*message = bytes.Clone(*message)
					(*message)[arg*7%len(*message)] ^= 1 << (arg % 8)
				}
			case discard:
				if s.login != nil {
					s.login.Discard()
				}
			case rotate:
				next, err := l.Rotate(m.servers[slot%2], arg%3)
				if err != nil {
					t.Fatal(err)
				}
				m.servers[slot%2] = next
			}
		}
	})
}

// loginSlot is one login in progress, as far as it got, and what travels of it.
type loginSlot struct {
	user                            LoginUser
	right                           bool
	login                           ClientLogin
	response, pending, final, reply []byte
}

// sealedState is what a genuine pending state belongs to.
type sealedState struct {
	id, response string
	spent        bool
}

// finalMessage is what a genuine final message answers, and who made it.
type finalMessage struct {
	id, response string
	right        bool
}

// loginMachine knows of every genuine message where it comes from.
type loginMachine struct {
	Logins
	t        *testing.T
	servers  [2]LoginServer
	slots    [4]loginSlot
	pendings map[string]sealedState
	finals   map[string]finalMessage
	keys     map[string][]byte // reply → the server's key
}

func (m *loginMachine) begin(server LoginServer, s *loginSlot, user LoginUser, password []byte, right bool) {
	login, request, err := m.Login(user, password)
	if err != nil {
		m.t.Fatal(err)
	}
	response, pending, err := server.BeginLogin(context.Background(), user.ID, user.Record, request)
	if err != nil {
		m.t.Fatal(err)
	}
	*s = loginSlot{user: user, right: right, login: login, response: response, pending: pending}
	m.pendings[string(pending)] = sealedState{id: string(user.ID), response: string(response)}
}

func (m *loginMachine) respond(s, other *loginSlot) {
	if s.login == nil {
		return
	}
	final, err := s.login.Respond(context.Background(), other.response)
	if err != nil {
		if final != nil {
			m.t.Fatalf("a final message with %v", err)
		}
		return
	}
	s.final = final
	m.finals[string(final)] = finalMessage{string(s.user.ID), string(other.response), s.right}
}

// finish finishes the login of s with the final message of other, as the user of
// asking, whose record may have changed.
func (m *loginMachine) finish(server LoginServer, asking, s, other *loginSlot, changed bool) {
	id, record := asking.user.ID, asking.user.Record
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

	reply, key, err := server.FinishLogin(context.Background(), id, record, s.pending, other.final)
	if opens {
		p.spent = true
		m.pendings[string(s.pending)] = p
	}
	if expected := proves && !changed; expected != (err == nil) {
		m.t.Fatalf("opens %v, made %v, right %v, changed %v: %v", opens, made, a.right, changed, err)
	}
	if err == nil {
		s.reply = reply
		m.keys[string(reply)] = key
		return
	}
	if reply != nil || key != nil {
		m.t.Fatalf("a reply or a key with %v", err)
	}
	if state := !opens || proves; state != (err == m.ErrState) {
		m.t.Fatalf("opens %v, proves %v: %v", opens, proves, err)
	}
}

func (m *loginMachine) confirm(s, other *loginSlot) {
	if s.login == nil {
		return
	}
	key, err := s.login.Finish(other.reply)
	if err != nil {
		if key != nil {
			m.t.Fatalf("a key with %v", err)
		}
		return
	}
	serverKey, genuine := m.keys[string(other.reply)]
	if !genuine || !s.right || !bytes.Equal(serverKey, key) {
		m.t.Fatalf("a reply that a server sent: %v, the right password: %v, equal keys: %v", genuine, s.right, bytes.Equal(serverKey, key))
	}
}

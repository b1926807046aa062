package internal_test

import (
	"crypto/sha256"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// What OPERATIONS.md says of a database that is restored from a backup.

// database is what a service has in its database. Records are by name.
type database struct {
	records map[string][]byte
	used    *testvec.Replay
}

func (d *database) backup() *database { return &database{maps.Clone(d.records), d.used.Clone()} }

// restoredService has both protocols, one database, and a log of record digests
// that is kept elsewhere.
type restoredService struct {
	t       *testing.T
	db      *database
	srp     *srp.Server
	opaque  *opaque.Server
	digests map[string][32]byte // the log
}

func newRestoredService(t *testing.T) *restoredService {
	s := &restoredService{t: t, db: &database{make(map[string][]byte), testvec.NewReplay()}, digests: make(map[string][32]byte)}
	s.start(setups(t), [32]byte{2})
	return s
}

func setups(t *testing.T) map[uint16]*opaque.Setup {
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	return map[uint16]*opaque.Setup{1: setup}
}

// lowCost is the floor of the zero kdf.Policy.
func lowCost(t *testing.T) kdf.Params {
	cost, err := kdf.NewArgon2id(19<<10, 2, 1)
	require.NoError(t, err)
	return cost
}

// start makes both servers over the database as it is.
func (s *restoredService) start(setups map[uint16]*opaque.Setup, stateKey [32]byte) {
	small, err := srp.RFC5054Group(2048)
	require.NoError(s.t, err)
	srpKind := srp.Kind{Groups: []*srp.Group{small}, KDF: lowCost(s.t), Weight: 1}
	opaqueKind := opaque.Kind{Setup: 1, KSF: lowCost(s.t), Weight: 1}
	srpWeights, err := srp.Weights(srpKind)
	require.NoError(s.t, err)
	opaqueWeights, err := opaque.Weights(opaqueKind)
	require.NoError(s.t, err)
	s.srp, err = srp.NewServer(srp.ServerConfig{DecoyKey: [32]byte{1}, StateKeys: []srp.StateKey{{Key: stateKey}},
		Offer: srpKind, Others: opaqueWeights, Replay: s.db.used})
	require.NoError(s.t, err)
	s.opaque, err = opaque.NewServer(opaque.ServerConfig{DecoyKey: [32]byte{1}, StateKeys: []opaque.StateKey{{Key: stateKey}},
		Setups: setups, Offer: opaqueKind, Others: srpWeights, Replay: s.db.used})
	require.NoError(s.t, err)
}

func (s *restoredService) store(name string, record []byte) {
	s.db.records[name] = record
	s.digests[name] = sha256.Sum256(record)
}

// changed returns the names whose record is not the last one in the log.
func (s *restoredService) changed() (names []string) {
	for name, digest := range s.digests {
		if sha256.Sum256(s.db.records[name]) != digest {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (s *restoredService) register(name, password string, server protocolServer) {
	var registration protocolRegistration
	var request []byte
	var err error
	if server == protocolServer(s.srp) {
		client, _ := srp.NewClient(srp.ClientConfig{})
		registration, request, err = client.Register(nil, []byte(password))
	} else {
		client, _ := opaque.NewClient(opaque.ClientConfig{})
		registration, request, err = client.Register(nil, []byte(password))
	}
	require.NoError(s.t, err)
	response, err := server.BeginRegistration(s.t.Context(), []byte(name), request)
	require.NoError(s.t, err)
	upload, err := registration.Finish(s.t.Context(), response)
	require.NoError(s.t, err)
	record, err := server.FinishRegistration(nil, upload)
	require.NoError(s.t, err)
	s.store(name, record)
}

// attempt is the second half of a login, which can be sent again.
type attempt struct {
	name           string
	pending, final []byte
	server         protocolServer
}

// begin goes through a login up to the final message.
func (s *restoredService) begin(name, password string, server protocolServer) (attempt, error) {
	var login protocolLogin
	var request []byte
	var err error
	record := s.db.records[name]
	if server == protocolServer(s.srp) {
		client, _ := srp.NewClient(srp.ClientConfig{})
		login, request, err = client.Login(nil, []byte(password))
	} else {
		client, _ := opaque.NewClient(opaque.ClientConfig{})
		login, request, err = client.Login(nil, []byte(password))
	}
	require.NoError(s.t, err)
	if server == protocolServer(s.opaque) && len(record) > 0 && record[0] != 'O' {
		record = nil // the client has no other protocol: it gets the answer of an unknown name
	}
	response, pending, err := server.BeginLogin(s.t.Context(), []byte(name), record, request)
	require.NoError(s.t, err)
	final, err := login.Respond(s.t.Context(), response)
	return attempt{name, pending, final, server}, err
}

func (s *restoredService) finish(a attempt) error {
	_, _, err := a.server.FinishLogin(s.t.Context(), []byte(a.name), s.db.records[a.name], a.pending, a.final)
	return err
}

func (s *restoredService) login(name, password string, server protocolServer) error {
	a, err := s.begin(name, password, server)
	if err != nil {
		return err
	}
	return s.finish(a)
}

// TestRestoredRecords: after a restore an old password is right again and a
// record of SRP is back. The log of digests names the accounts.
func TestRestoredRecords(t *testing.T) {
	s := newRestoredService(t)
	s.register("alice", "first", s.srp)
	s.register("bob", "his", s.srp)
	s.register("carol", "hers", s.opaque)
	saved := s.db.backup()
	s.register("alice", "second", s.srp) // another password
	s.register("bob", "his", s.opaque)   // moved to OPAQUE
	s.register("dave", "new", s.opaque)  // signed up
	require.ErrorIs(t, s.login("alice", "first", s.srp), srp.ErrAuthentication)

	s.db = saved
	require.NoError(t, s.login("alice", "first", s.srp), "the old password")
	require.ErrorIs(t, s.login("alice", "second", s.srp), srp.ErrAuthentication)
	require.NoError(t, s.login("bob", "his", s.srp), "a client that does not know of OPAQUE")
	require.ErrorIs(t, s.login("bob", "his", s.opaque), opaque.ErrAuthentication, "a client that does")
	require.NoError(t, s.login("carol", "hers", s.opaque))
	require.Equal(t, []string{"alice", "bob", "dave"}, s.changed())
}

// TestRestoredReplay: a login that ended before a restore ends again after it,
// unless the state keys are replaced.
func TestRestoredReplay(t *testing.T) {
	for _, protocol := range []string{"srp", "opaque"} {
		s := newRestoredService(t)
		all := setups(t)
		s.start(all, [32]byte{2})
		server := func() protocolServer {
			if protocol == "srp" {
				return s.srp
			}
			return s.opaque
		}
		s.register("alice", "password", server())
		saved := s.db.backup()
		recorded, err := s.begin("alice", "password", server())
		require.NoError(t, err)
		require.NoError(t, s.finish(recorded))
		require.ErrorIs(t, s.finish(recorded), srp.ErrState)

		again := saved.backup()
		s.db = saved
		s.start(all, [32]byte{2})
		recorded.server = server()
		require.NoError(t, s.finish(recorded), "the same state keys: %s", protocol)

		s.db = again
		s.start(all, [32]byte{3})
		recorded.server = server()
		require.ErrorIs(t, s.finish(recorded), srp.ErrState, protocol)
	}
}

// TestRestoredSetups: servers with setups that are older than the database find
// it out when they start, not at the logins of their users.
func TestRestoredSetups(t *testing.T) {
	s := newRestoredService(t)
	s.register("alice", "password", s.opaque)
	require.NoError(t, s.opaque.Check(s.db.records["alice"]))
	s.start(setups(t), [32]byte{2}) // another setup under the number
	require.ErrorIs(t, s.opaque.Check(s.db.records["alice"]), opaque.ErrRecord)
}

// TestOperationsNamesTestsThatExist and procedures that have one.
func TestOperationsNamesTestsThatExist(t *testing.T) {
	doc, err := os.ReadFile("../OPERATIONS.md")
	require.NoError(t, err)
	packages := testedPackages(t, "..")
	for i, line := range strings.Split(string(doc), "\n") {
		for _, why := range unfoundInText(line, packages) {
			t.Errorf("OPERATIONS.md: line %d: %s", i+1, why)
		}
	}
}

package moduli_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// TestLeakedKeyIsReplaced follows "After a leak" of OPERATIONS.md with a
// service. Nobody is locked out on the way, and in the end the thief's modulus
// is accepted nowhere.
func TestLeakedKeyIsReplaced(t *testing.T) {
	result := func(bits int) moduli.SearchResult {
		g := must(srp.RFC5054Group(bits)).Unverified() // proved without a search
		return must(moduli.ImportedResult(moduli.Modulus{N: g.N, G: g.G}))
	}
	now := time.Now()
	leaked := must(moduli.GenerateKey(now.Add(-3*day), time.Time{}))
	signed := func(k *moduli.PrivateKey, r moduli.SearchResult, created time.Time) *moduli.Record {
		return must(k.Sign(must(moduli.NewRecord(r, purpose, created, now.Add(day)))))
	}
	oldest := signed(leaked, result(2048), now.Add(-2*day))
	retired := signed(leaked, result(3072), now.Add(-day))
	pool := must(moduli.NewPool(oldest, retired)).Retire(retired.Modulus().N)
	stolen := signed(leaked, result(4096), now)

	before := newService(t, pool)
	before.register("alice")
	before.register("bob")
	before.server = newService(t, must(moduli.NewPool(retired, oldest)).Retire(oldest.Modulus().N)).server
	before.register("carol") // on the modulus that is retired now
	before.server = newService(t, pool).server

	// Before the leak, and when clients have both keys.
	short := must(moduli.GenerateKey(now.Add(-day), time.Time{}))
	_, err := short.Sign(oldest)
	requireUntrusted(t, err, "outside the window")
	next := must(moduli.GenerateKey(now.Add(-3*day), time.Time{}))
	old := moduli.NewKeys(leaked.Public())
	both := moduli.NewKeys(leaked.Public(), next.Public())
	last := moduli.NewKeys(next.Public())
	for _, name := range []string{"alice", "bob", "carol"} {
		require.NoError(t, before.login(name, old))
		require.NoError(t, before.login(name, both))
		require.ErrorIs(t, before.login(name, last), srp.ErrPolicy, "too early for step 4")
	}

	// Steps 1 and 2: all records are signed again, and only the next key is
	// trusted for new passwords.
	var again []*moduli.Record
	for _, r := range pool.Records() {
		again = append(again, must(next.Sign(r)))
	}
	signedAgain := must(moduli.NewPool(again...)).Retire(retired.Modulus().N)
	picked := must(signedAgain.Pick(last, purpose, now))
	require.Equal(t, oldest.Modulus(), picked.Modulus())
	offered := func(k *moduli.Keys) error {
		return k.RegistrationPolicy(purpose)(stolen.Modulus().N, stolen.Modulus().G, stolen.Bytes())
	}
	require.NoError(t, offered(both))
	requireUntrusted(t, offered(last), "unknown key")

	// Steps 3 and 4, with the records as they were stored.
	after := newService(t, signedAgain)
	after.records = before.records
	after.register("dave")
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		require.NoError(t, after.login(name, both))
		require.NoError(t, after.login(name, last))
		require.False(t, name != "carol" && after.server.NeedsRegistration(after.records[name]), "an account moved")
	}

	// A server that does not have the group of an account. The record of the
	// account gets the new certificate.
	r := must(srp.ParseRecord(after.records["carol"]))
	after.server = newService(t, must(moduli.NewPool(again[0]))).server
	require.ErrorIs(t, after.login("carol", last), srp.ErrPolicy)
	group := r.Group()
	group.Certificate = signedAgain.Find(group.N).Bytes()
	r = must(srp.NewRecord(r.Profile(), group, r.KDF(), r.Identity(), r.Salt(), r.Verifier()))
	after.records["carol"] = r.Bytes()
	require.NoError(t, after.login("carol", last))
}

// service is an SRP server with its accounts, which share a password.
type service struct {
	t       *testing.T
	server  *srp.Server
	records map[string][]byte
}

var password = []byte("password")

// newService offers the records of a pool, and lists retired ones in Old.
func newService(t *testing.T, pool *moduli.Pool) *service {
	cost := must(kdf.NewArgon2id(19<<10, 2, 1))
	kind := srp.Kind{Profile: srp.Nescio(), KDF: cost, Weight: 1}
	cfg := srp.ServerConfig{
		DecoyKey:  [32]byte(bytes.Repeat([]byte{1}, 32)),
		StateKeys: []srp.StateKey{{Key: [32]byte(bytes.Repeat([]byte{2}, 32))}},
		Offer:     kind,
	}
	for _, r := range pool.Records() {
		group := must(must(srp.NewGroup(r.Modulus().N, r.Modulus().G)).WithCertificate(r.Bytes()))
		if pool.Retired(r.Modulus().N) {
			old := kind
			old.Groups = []*srp.Group{group}
			cfg.Old = append(cfg.Old, old)
			continue
		}
		cfg.Offer.Groups = append(cfg.Offer.Groups, group)
	}
	return &service{t, must(srp.NewServer(cfg)), make(map[string][]byte)}
}

func (s *service) register(name string) {
	client := must(srp.NewClient(srp.ClientConfig{GroupPolicy: srp.AnyGroup(4096)}))
	registration, request, err := client.Register(nil, password)
	require.NoError(s.t, err)
	response := must(s.server.BeginRegistration(context.Background(), []byte(name), request))
	upload := must(registration.Finish(context.Background(), response))
	s.records[name] = must(s.server.FinishRegistration(nil, upload))
}

// login returns the error of a client that trusts the keys.
func (s *service) login(name string, keys *moduli.Keys) error {
	client := must(srp.NewClient(srp.ClientConfig{GroupPolicy: keys.GroupPolicy(purpose)}))
	login, request, err := client.Login(nil, password)
	require.NoError(s.t, err)
	response, pending, err := s.server.BeginLogin(context.Background(), []byte(name), s.records[name], request)
	require.NoError(s.t, err)
	final, err := login.Respond(context.Background(), response)
	if err != nil {
		return err
	}
	_, _, err = s.server.FinishLogin(context.Background(), []byte(name), s.records[name], pending, final)
	return err
}

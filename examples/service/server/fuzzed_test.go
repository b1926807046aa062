package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// Tokens of the sessions: of alice with the password, with an approved device
// and with the phrase, a half session of bob, and bob's session with the
// password.
const fullToken, deviceToken, recoveredToken, halfToken, contactToken = "full", "device", "recovered", "half", "contact"

// Numbers of the claims, which are their tokens too.
const (
	claimWaits = 1 + iota
	claimReady
	claimAsksContacts
	claimAsksDevice
	claimFresh
	claimReviewed
)

// Numbers of the questions: of a device, of a contact, and of a contact that
// has answered.
const askDevice, askContact, askAnswered = 0, 1, 2

// Numbers of the invitations: alice's contact is bob, and carol has no share
// yet. Carol has invited somebody.
const invitedBob, invitedCarol, invitedByCarol = 0, 1, 2

// alice is what the client of alice has made.
type alice struct {
	id                store.ID
	password, another registered // of the password, and of another one
	phrase            registered
	requests          api.Requests
	ring              ring
}

// template is a database without accounts, its secrets, and what the client of
// alice has made. All of it takes time, so it is made once.
var template struct {
	sync.Once
	alice
	keys *keyfile.Keys
	file []byte
}

func makeTemplate(t testing.TB) {
	template.Do(func() {
		name := filepath.Join(t.TempDir(), "test.db")
		c := Config{Keys: newSecrets(t), DB: openSQLite(t, name)}
		require.NoError(t, Init(t.Context(), c.DB, c.Keys))
		s := newServerOn(t, c)
		template.keys, template.alice = s.Keys, s.madeAlice(t)
		require.NoError(t, s.db.Close())
		var err error
		template.file, err = os.ReadFile(name)
		require.NoError(t, err)
	})
}

func (s *Server) madeAlice(t testing.TB) alice {
	a := alice{id: newID()}
	a.password = s.registered(t, a.id[:], []byte("password"))
	a.another = s.registered(t, a.id[:], []byte("another password"))
	a.phrase = s.registered(t, recovery.PhraseLoginID(a.id[:]), []byte("phrase"))
	client, err := opaque.NewClient(opaque.ClientConfig{KSFPolicy: kdf.FixedPolicy(s.KSF), ServerIdentity: []byte(s.Identity)})
	require.NoError(t, err)
	_, a.requests.OPAQUE, err = client.Login(nil, []byte("password"))
	require.NoError(t, err)
	a.requests.SRP = []byte("S\x01")
	a.ring = newRing(t, a.password.key, a.another.key)
	return a
}

// fuzzed is a server with three accounts. Alice has sessions of all grades, a
// keyring with slots of all types, an item, claims and a contact, who is bob.
// Carol may have a new account.
type fuzzed struct {
	*Server
	alice
	other, third store.ID
	session      store.Session // of fullToken
	stepUp       string        // the token of the last step-up
	folder       string        // of the database
}

func newFuzzed(f testing.TB) *fuzzed {
	much := store.Budget{Burst: 1 << 30, Every: time.Millisecond}
	rate := Rate{Burst: 1 << 30, Every: time.Nanosecond}
	return newFuzzedWith(f, Config{Limits: Limits{
		Account: much, Device: much, Session: much, Codes: much, Headers: much, Phrase: much, Requests: rate, Logins: rate, Taken: rate,
		Claims: store.Budget{Burst: 300, Every: time.Hour},
	}})
}

func newFuzzedWith(f testing.TB, c Config) *fuzzed {
	makeTemplate(f)
	folder := f.TempDir()
	name := filepath.Join(folder, "test.db")
	require.NoError(f, os.WriteFile(name, template.file, 0o600))
	c.Keys, c.DB = template.keys, openSQLite(f, name)
	s := &fuzzed{Server: newServerOn(f, c), alice: template.alice, other: newID(), third: newID(), folder: folder}
	ctx := f.Context()
	half, err := s.secrets.sealed(ctx, sealHalf, slice(s.ring.slots["file"]), s.ring.half)
	require.NoError(f, err)
	stored := store.Item{ID: store.ID{}, Version: 1, Revision: 1, Epoch: s.ring.epoch, Key: s.ring.key, Body: []byte("body")}
	require.NoError(f, s.db.Tx(ctx, func(tx *store.Tx) error {
		for id, name := range map[store.ID]string{s.id: "alice", s.other: "bob", s.third: "carol"} {
			names, err := s.names(&call{Context: ctx}, []string{name})
			require.NoError(f, err)
			ok, err := tx.Insert(ctx, store.Account{ID: id, Record: s.password.record}, names, s.now())
			require.NoError(f, err)
			require.True(f, ok)
		}
		return errors.Join(
			tx.SetHeader(ctx, s.id, s.ring.header, s.ring.epoch),
			tx.SetPhrase(ctx, s.id, s.ring.slots["phrase"], s.phrase.record),
			tx.AddFile(ctx, s.id, s.ring.slots["file"], half, digestOfProof()),
			tx.PutItem(ctx, s.id, stored, store.Usage{Revision: 1, Items: 1, Bytes: stored.Size()}),
			s.restore(ctx, tx))
	}))
	return s
}

// renew restores the record, the keyring, the sessions, claims, questions and
// invitations.
func (s *fuzzed) renew(t testing.TB) {
	require.NoError(t, s.db.Tx(context.Background(), func(tx *store.Tx) error { return s.restore(context.Background(), tx) }))
}

func (s *fuzzed) restore(ctx context.Context, tx *store.Tx) error {
	errs := []error{tx.SetRecord(ctx, s.id, s.password.record, nil), tx.SetHeader(ctx, s.id, s.ring.header, s.ring.epoch)}
	for _, account := range []store.ID{s.id, s.other} {
		errs = append(errs, tx.EndOtherSessions(ctx, account, store.ID{}, ""))
	}
	for token, one := range s.sessions() {
		errs = append(errs, tx.AddSession(ctx, digestOf(token), one))
		if token == fullToken {
			s.session = one
		}
	}
	for _, claim := range s.claims() {
		errs = append(errs, stored(tx.SetClaim(ctx, claim), func() error { return tx.AddClaim(ctx, digestOf(claimToken(claim.ID[0])), claim) }))
	}
	for _, ask := range s.asks() {
		errs = append(errs, stored(tx.SetAsk(ctx, ask), func() error { return tx.AddAsk(ctx, ask) }))
	}
	for _, i := range s.invitations() {
		errs = append(errs, stored(tx.SetInvitation(ctx, i), func() error { return tx.AddInvitation(ctx, i) }))
	}
	return errors.Join(errs...)
}

// stored adds a row that could not be changed.
func stored(err error, add func() error) error {
	if err == store.ErrNotFound {
		return add()
	}
	return err
}

func claimToken(n byte) string { return "claim " + string('0'+n) }

func numbered(n byte) store.ID { return store.ID{n} }

func slice(id store.ID) []byte { return id[:] }

// sessions are the sessions by their tokens.
func (s *fuzzed) sessions() map[string]store.Session {
	now := s.now()
	session := func(account store.ID, way api.Way, slot []byte) store.Session {
		return store.Session{
			ID: newID(), Account: account, Record: digestOfRecord(s.password.record), Receipt: store.Receipt{}, Way: string(way), Slot: slot,
			Created: now, Seen: now, LoginAt: now, CodeAt: now, Expires: now.Add(recoveredTime),
		}
	}
	half := session(s.other, api.WayPassword, nil)
	half.Half, half.Expires = true, now.Add(halfSessionTime)
	recovered := session(s.id, api.WayPhrase, slice(s.ring.slots["phrase"]))
	recovered.Recovered = true
	return map[string]store.Session{
		fullToken: session(s.id, api.WayPassword, nil), deviceToken: session(s.id, api.WayDevice, slice(s.ring.slots["device"])),
		recoveredToken: recovered, halfToken: half, contactToken: session(s.other, api.WayPassword, nil),
	}
}

func (s *fuzzed) claims() (all []store.Claim) {
	now := s.now()
	add := func(n byte, account store.ID, way api.Way, state api.ClaimState, slot []byte, opens time.Time) {
		all = append(all, store.Claim{
			ID: numbered(n), Account: account, Number: s.ring.number, Way: string(way), State: string(state), Slot: slot, Fresh: n == claimFresh,
			Begun: now, Opens: opens, Ends: now.Add(askTime), Expires: now.Add(historyTime),
		})
	}
	file := slice(s.ring.slots["file"])
	add(claimWaits, s.id, api.WayFile, api.ClaimWaiting, file, now.Add(time.Hour))
	add(claimReady, s.id, api.WayFile, api.ClaimWaiting, file, now)
	add(claimAsksContacts, s.id, api.WayContacts, api.ClaimAsked, nil, now)
	add(claimAsksDevice, s.id, api.WayDevice, api.ClaimAsked, nil, now)
	add(claimFresh, s.third, api.WayReview, api.ClaimWaiting, nil, now)
	add(claimReviewed, s.id, api.WayReview, api.ClaimReview, nil, now)
	last := &all[len(all)-1]
	var err error
	if last.Text, err = s.secrets.sealed(context.Background(), sealText, last.ID[:], []byte("it is me")); err != nil {
		panic(err)
	}
	return all
}

func (s *fuzzed) asks() (all []store.Ask) {
	now := s.now()
	add := func(n, claim byte, way api.Way, answer []byte) {
		all = append(all, store.Ask{
			ID: numbered(n), Claim: numbered(claim), Account: s.id, Way: string(way), Ask: []byte("ask"), Answer: answer, Begun: now, Expires: now.Add(askTime),
		})
	}
	add(askDevice, claimAsksDevice, api.WayDevice, nil)
	add(askContact, claimAsksContacts, api.WayContacts, nil)
	add(askAnswered, claimAsksContacts, api.WayContacts, []byte("answer"))
	return all
}

func (s *fuzzed) invitations() []store.Invitation {
	now := s.now()
	return []store.Invitation{
		{ID: numbered(invitedBob), Account: s.id, Contact: s.other[:], Answer: []byte("answer"), Slot: slice(s.ring.slots["contacts"]), Received: true, Created: now},
		{ID: numbered(invitedCarol), Account: s.id, Contact: s.third[:], Answer: []byte("answer"), Created: now},
		{ID: numbered(invitedByCarol), Account: s.third, Created: now},
	}
}

// proof is what claims with the file of the fuzzed account show.
var proof = []byte("thirty-two bytes of proof, twice")

func digestOfProof() []byte {
	d := sha256.Sum256(proof)
	return d[:]
}

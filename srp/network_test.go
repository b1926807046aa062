package srp_test

import (
	"bytes"
	"context"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// The attacks of a network and of several servers, numbers 15 to 19.

func replica(t testing.TB, r *rig, replay srp.Replay, keys ...srp.StateKey) *srp.Server {
	cfg := config(r.kind)
	cfg.Replay = replay
	if keys != nil {
		cfg.StateKeys = keys
	}
	s, err := srp.NewServer(cfg)
	require.NoError(t, err)
	return s
}

// TestAttack15_PendingOfAnotherServer: two applications that share state keys and a
// Replay, which they should not, cannot finish each other's logins.
func TestAttack15_PendingOfAnotherServer(t *testing.T) {
	r := sha256Rig(t)
	shared := testvec.NewReplay()
	r.server = replica(t, r, shared)
	bank, err := srp.NewServer(srp.ServerConfig{DecoyKey: testDecoyKey, StateKeys: testStateKeys, Offer: r.kind, Replay: shared,
		ServerIdentity: []byte("bank")})
	require.NoError(t, err)
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	require.Equal(t, srp.ErrState, second(bank.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)))
	require.NoError(t, second(replica(t, r, shared).FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)))
}

func TestAttack15_PendingOfAnotherUser(t *testing.T) {
	for name, replay := range map[string]srp.Replay{"own memory": nil, "shared": testvec.NewReplay()} {
		r := sha256Rig(t)
		r.server = replica(t, r, replay)
		_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
		for _, id := range []string{"bob", "Alice", "alice ", "alic", "alice\x00"} {
			reply, key, err := r.server.FinishLogin(t.Context(), []byte(id), r.record.Bytes(), pending, final)
			require.Equal(t, srp.ErrState, err, "%s %q", name, id)
			require.Nil(t, reply)
			require.Nil(t, key)
		}
		_, _, err := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
		require.NoError(t, err, "nobody burned it for her")
	}
}

func TestAttack16_ReplayAcrossServers(t *testing.T) {
	r := sha256Rig(t)
	finish := func(s *srp.Server, pending, final []byte) error {
		_, _, err := s.FinishLogin(context.Background(), alice, r.record.Bytes(), pending, final)
		return err
	}
	// Without a shared Replay only the server that began a login finishes it:
	// another replica does not, nor the same one after a restart.
	other := replica(t, r, nil)
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	require.Equal(t, srp.ErrState, finish(other, pending, final))
	require.NoError(t, finish(r.server, pending, final))
	require.Equal(t, srp.ErrState, finish(r.server, pending, final))
	require.Equal(t, srp.ErrState, finish(replica(t, r, nil), pending, final), "after a restart")

	// With one, any replica does, and one of them once.
	shared := testvec.NewReplay()
	one, two := replica(t, r, shared), replica(t, r, shared)
	r.server = one
	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	require.NoError(t, finish(two, pending, final))
	for _, s := range []*srp.Server{one, two, replica(t, r, shared)} {
		require.Equal(t, srp.ErrState, finish(s, pending, final))
	}
	require.Equal(t, srp.ErrState, finish(other, pending, final), "nor one that shares nothing")

	// A wrong proof burns the state everywhere.
	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	wrong := bytes.Clone(final)
	wrong[len(wrong)-1] ^= 1
	require.Equal(t, srp.ErrAuthentication, finish(one, pending, wrong))
	require.Equal(t, srp.ErrState, finish(two, pending, final))

	// Of many at once, one.
	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	var wg sync.WaitGroup
	results := make(chan error, 16)
	for i := range 16 {
		wg.Go(func() { results <- finish([]*srp.Server{one, two}[i%2], pending, final) })
	}
	wg.Wait()
	close(results)
	succeeded := 0
	for err := range results {
		if err == nil {
			succeeded++
		} else if err != srp.ErrState {
			t.Error(err)
		}
	}
	require.Equal(t, 1, succeeded)
}

// TestKeyRingAcrossReplicas: replicas rotate their keys one after the other,
// and destroyed keys take the logins begun under them along.
func TestKeyRingAcrossReplicas(t *testing.T) {
	r := sha256Rig(t)
	keys := stateKeys(1, 2, 3)
	k1, k2, k3 := keys[0], keys[1], keys[2]
	shared := testvec.NewReplay()
	r.server = replica(t, r, shared, k1)
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	_, _, err := replica(t, r, shared, k3, k2).FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.Equal(t, srp.ErrState, err, "destroyed")
	_, _, err = replica(t, r, shared, k2, k1).FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.NoError(t, err, "rotated in mid-login")

	r.server = replica(t, r, shared, k2, k1)
	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	_, _, err = replica(t, r, shared, k1).FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.Equal(t, srp.ErrState, err, "a replica that does not have the new key yet")
}

// TestAttack17_ManyModuli: with -tags long 10,000 records on 10,000 moduli, none of them proved
// and most of them no primes, cost a server what as many on one modulus cost:
// Begin proves nothing. The two take turns, so that a busy machine slows both.
func TestAttack17_ManyModuli(t *testing.T) {
	moduli := 1000
	if testvec.Long {
		moduli = 10_000
	}
	r := newRig(t, srp.Proton(4))
	server, err := srp.NewServer(srp.ServerConfig{DecoyKey: testDecoyKey, StateKeys: testStateKeys, Offer: r.kind, MaxPending: 2 * moduli})
	require.NoError(t, err)
	begin := func(record []byte) time.Duration {
		start := time.Now()
		_, _, err := server.Challenge(t.Context(), alice, record)
		require.NoError(t, err)
		return time.Since(start)
	}
	n := new(big.Int).SetBytes(r.group.Unverified().N)
	v := bytes.Repeat([]byte{0x11}, 256)
	one, proved := r.record.Bytes(), make([]time.Duration, 0, moduli)
	fresh := make([]time.Duration, 0, moduli)
	for range moduli {
		n.Add(n, big.NewInt(8))
		record, err := srp.NewRecord(srp.Proton(4), srp.UnverifiedGroup{N: n.Bytes(), G: 2}, kdf.Params{}, nil, make([]byte, 10), v)
		require.NoError(t, err)
		fresh = append(fresh, begin(record.Bytes()))
		proved = append(proved, begin(one))
	}
	slices.Sort(fresh)
	slices.Sort(proved)
	require.Less(t, fresh[moduli/2], proved[moduli/2]*3/2, "medians; the shortest part of a proof is 6 times a Begin")
}

// TestAttack18_Downgrade: what a server asks for is refused before the password
// is hashed, and before anything else that takes time, as the clock shows.
func TestAttack18_Downgrade(t *testing.T) {
	ctx := t.Context()
	client := protonClient(t, 4)
	signed := signedGroup(t, loadProton(t).Verifier.SignedModulus)
	rfc, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	chosen := testvec.NewAccumulated("a group whose logarithms the server can take").Input(256)
	chosen[0], chosen[255] = chosen[0]|0x80, chosen[255]&^7|3
	B := append(make([]byte, 255), 5)
	try := func(p srp.Profile, g srp.UnverifiedGroup) (time.Duration, error) {
		best := time.Hour
		var result error
		for range 3 {
			login, _, err := client.Login(alice, password)
			require.NoError(t, err)
			start := time.Now()
			_, result = login.Answer(ctx, srp.Challenge{Profile: p, Group: g, Salt: make([]byte, 10), B: B})
			best = min(best, time.Since(start))
		}
		return best, result
	}
	honest, err := try(srp.Proton(4), signed)
	require.NoError(t, err)
	for name, c := range map[string]srp.Challenge{
		"version 0":       {Profile: srp.Proton(0), Group: signed},
		"version 2":       {Profile: srp.Proton(2), Group: signed},
		"version 3":       {Profile: srp.Proton(3), Group: signed},
		"a fast hash":     {Profile: srp.RFC5054SHA1(0), Group: signed},
		"no profile":      {Group: signed},
		"RFC's group":     {Profile: srp.Proton(4), Group: rfc.Unverified()},
		"chosen group":    {Profile: srp.Proton(4), Group: srp.UnverifiedGroup{N: chosen, G: 2}},
		"false voucher":   {Profile: srp.Proton(4), Group: srp.UnverifiedGroup{N: chosen, G: 2, Certificate: signed.Certificate}},
		"other generator": {Profile: srp.Proton(4), Group: srp.UnverifiedGroup{N: signed.N, G: 3, Certificate: signed.Certificate}},
	} {
		took, err := try(c.Profile, c.Group)
		require.ErrorIs(t, err, srp.ErrPolicy, name)
		require.Less(t, took, honest/5, name)
	}
}

// TestAttack19_TwoSpellings: names that the application's rule brings to one
// spelling get equal answers, known or unknown, and Begin itself has no rule of
// its own that could differ from it.
func TestAttack19_TwoSpellings(t *testing.T) {
	r := sha256Rig(t)
	database := map[string][]byte{"alice": r.record.Bytes()}
	canonical := func(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
	ask := func(name string) srp.Challenge {
		id := canonical(name)
		c, _, err := r.server.Challenge(t.Context(), []byte(id), database[id])
		require.NoError(t, err)
		c.B = nil
		return c
	}
	require.Equal(t, ask("alice"), ask(" ALICE "))
	require.Equal(t, ask("nobody"), ask(" NoBody"))
	require.NotEqual(t, ask("nobody"), ask("no body"))
	raw := func(name string) []byte {
		c, _, err := r.server.Challenge(t.Context(), []byte(name), nil)
		require.NoError(t, err)
		return c.Salt
	}
	require.NotEqual(t, raw("nobody"), raw("Nobody"), "ids are bytes")
}

// TestManyLoginsAtOnce: 2,000 users log in at the same time over one server.
func TestManyLoginsAtOnce(t *testing.T) {
	r := sha256Rig(t)
	records, passwords := make([][]byte, 10), make([][]byte, 10)
	for i := range records {
		passwords[i] = []byte{'p', byte(i)}
		record, err := makeOfKind(t.Context(), r.client, r.kind, alice, passwords[i])
		require.NoError(t, err)
		records[i] = record.Bytes()
	}
	var wg sync.WaitGroup
	logins := 500
	if testvec.Long {
		logins = 2000
	}
	keys := make(chan string, logins)
	for i := range logins {
		wg.Go(func() {
			id := []byte{'u', byte(i), byte(i >> 8)}
			login, request, err := r.client.Login(alice, passwords[i%10])
			if err != nil {
				t.Error(err)
				return
			}
			response, pending, err := r.server.BeginLogin(context.Background(), id, records[i%10], request)
			if err != nil {
				t.Error(err)
				return
			}
			final, err := login.Respond(context.Background(), response)
			if err != nil {
				t.Error(err)
				return
			}
			reply, serverKey, err := r.server.FinishLogin(context.Background(), id, records[i%10], pending, final)
			if err != nil {
				t.Error(err)
				return
			}
			clientKey, err := login.Finish(reply)
			if err != nil || !bytes.Equal(clientKey, serverKey) {
				t.Errorf("keys differ, or %v", err)
				return
			}
			keys <- string(clientKey)
		})
	}
	wg.Wait()
	close(keys)
	distinct := make(map[string]bool)
	for k := range keys {
		distinct[k] = true
	}
	require.Len(t, distinct, logins)
}

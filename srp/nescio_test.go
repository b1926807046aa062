package srp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math/big"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// nescioRig is a rig whose two sides have what only Nescio's proofs hold.
type nescioRig struct {
	clientCfg srp.ClientConfig
	serverCfg srp.ServerConfig
	record    *srp.Record
	client    *srp.Client
	server    *srp.Server
}

func newNescioRig(t testing.TB, clientName, serverName string) *nescioRig {
	base := newRig(t, srp.Nescio())
	r := &nescioRig{
		clientCfg: srp.ClientConfig{KDFPolicy: kdf.FixedPolicy(srp.SmallKDF(srp.Nescio())), ServerIdentity: []byte(clientName)},
		serverCfg: srp.ServerConfig{DecoyKey: testDecoyKey, StateKeys: testStateKeys, Offer: base.kind, ServerIdentity: []byte(serverName)},
		record:    base.record,
	}
	var err error
	r.client, err = srp.NewClient(r.clientCfg)
	require.NoError(t, err)
	r.server, err = srp.NewServer(r.serverCfg)
	require.NoError(t, err)
	return r
}

// TestNescioFormulas compares a login that has an identity, a server identity
// and a context with the second implementation.
func TestNescioFormulas(t *testing.T) {
	for _, context := range []string{"", "transfer 100 to bob"} {
		r := newNescioRig(t, "example.org", "example.org")
		client, server := r.client, r.server
		var err error
		if context != "" {
			client, err = client.WithContext([]byte(context))
			require.NoError(t, err)
			server, err = server.WithContext([]byte(context))
			require.NoError(t, err)
		}
		a, b := bytes.Repeat([]byte{0xa1}, 32), bytes.Repeat([]byte{0xb1}, 32)
		c, pending, err := server.ChallengeWith(t.Context(), alice, r.record.Bytes(), b)
		require.NoError(t, err)
		login, _, err := client.WithExponent(a).Login(alice, password)
		require.NoError(t, err)
		proof, err := login.Answer(t.Context(), c)
		require.NoError(t, err)
		m2, key, err := server.Verify(t.Context(), alice, r.record.Bytes(), pending, proof)
		require.NoError(t, err)
		clientKey, err := login.Confirm(m2)
		require.NoError(t, err)
		require.Equal(t, key, clientKey)

		ref := allProfiles(t)[srp.Nescio()]
		ref.I, ref.P, ref.s = alice, password, r.record.Salt()
		ref.server, ref.context = []byte("example.org"), []byte(context)
		want := ref.run(new(big.Int).SetBytes(a), new(big.Int).SetBytes(b))
		require.Equal(t, want.v, r.record.Verifier())
		require.Equal(t, want.A, proof.A)
		require.Equal(t, want.B, c.B)
		require.Equal(t, want.M1, proof.M1)
		require.Equal(t, want.M2, m2)
		require.Equal(t, want.K, key)
		require.Len(t, key, 64)
	}
}

// TestNescioProofsHoldEverything: whatever the two sides do not agree on, the
// login fails.
func TestNescioProofsHoldEverything(t *testing.T) {
	r := newNescioRig(t, "example.org", "example.org")
	relay := newNescioRig(t, "example.org", "example.com")
	ctx := t.Context()
	contextual := func(s string) (*srp.Client, *srp.Server) {
		client, err := r.client.WithContext([]byte(s))
		require.NoError(t, err)
		server, err := r.server.WithContext([]byte(s))
		require.NoError(t, err)
		return client, server
	}
	c1, s1 := contextual("delete the account")
	c2, s2 := contextual("rename the account")
	for name, c := range map[string]struct {
		client   *srp.Client
		server   *srp.Server
		identity string
		works    bool
	}{
		"agreed":                  {r.client, r.server, "alice", true},
		"agreed on a context":     {c1, s1, "alice", true},
		"another identity":        {r.client, r.server, "Alice", false},
		"no identity":             {r.client, r.server, "", false},
		"another server":          {r.client, relay.server, "alice", false},
		"another context":         {c1, s2, "alice", false},
		"the other way round":     {c2, s1, "alice", false},
		"client without context":  {r.client, s1, "alice", false},
		"server without context":  {c1, r.server, "alice", false},
		"context equals identity": {c1, relay.server, "alice", false},
	} {
		login, request, err := c.client.Login([]byte(c.identity), password)
		require.NoError(t, err)
		response, pending, err := c.server.BeginLogin(ctx, alice, r.record.Bytes(), request)
		require.NoError(t, err)
		final, err := login.Respond(ctx, response)
		require.NoError(t, err)
		reply, key, err := c.server.FinishLogin(ctx, alice, r.record.Bytes(), pending, final)
		if !c.works {
			require.Equal(t, srp.ErrAuthentication, err, name)
			require.Nil(t, key)
			continue
		}
		require.NoError(t, err, name)
		clientKey, err := login.Finish(reply)
		require.NoError(t, err)
		require.Equal(t, key, clientKey)
	}
}

// TestNescioAlteredResponses: no single bit of a response can be changed on the
// way.
func TestNescioAlteredResponses(t *testing.T) {
	r := newNescioRig(t, "", "")
	ctx := t.Context()
	_, request, err := r.client.Login(alice, password)
	require.NoError(t, err)
	response, _, err := r.server.BeginLogin(ctx, alice, r.record.Bytes(), request)
	require.NoError(t, err)
	refused := 0
	for bit := range 8 * len(response) {
		if inB := 8*len(response) - bit; inB <= 8*256 && inB%61 != 0 {
			continue // a sample of B
		}
		response, pending, err := r.server.BeginLogin(ctx, alice, r.record.Bytes(), request)
		require.NoError(t, err)
		response[bit/8] ^= 1 << (bit % 8)
		login, _, err := r.client.Login(alice, password)
		require.NoError(t, err)
		final, err := login.Respond(ctx, response)
		if err != nil {
			refused++
			continue
		}
		_, _, err = r.server.FinishLogin(ctx, alice, r.record.Bytes(), pending, final)
		require.Equal(t, srp.ErrAuthentication, err, "bit %d", bit)
	}
	require.Greater(t, refused, 100)
}

func TestWithContextRefuses(t *testing.T) {
	r := newNescioRig(t, "", "")
	for _, n := range []int{0, 60_001} {
		_, err := r.client.WithContext(make([]byte, n))
		require.ErrorIs(t, err, srp.ErrPolicy)
		_, err = r.server.WithContext(make([]byte, n))
		require.ErrorIs(t, err, srp.ErrPolicy)
	}
	long, err := r.client.WithContext(make([]byte, 60_000))
	require.NoError(t, err)
	server, err := r.server.WithContext(make([]byte, 60_000))
	require.NoError(t, err)
	login, request, err := long.Login(alice, password)
	require.NoError(t, err)
	response, pending, err := server.BeginLogin(t.Context(), alice, r.record.Bytes(), request)
	require.NoError(t, err)
	require.LessOrEqual(t, len(pending), 4096)
	final, err := login.Respond(t.Context(), response)
	require.NoError(t, err)
	_, _, err = server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.NoError(t, err)
}

// TestOtherProfilesHoldNoContext: their proofs would say nothing about it, so
// neither side goes on.
func TestOtherProfilesHoldNoContext(t *testing.T) {
	for _, profile := range []srp.Profile{srp.RFC5054SHA256(0), srp.Proton(4)} {
		r := newRig(t, profile)
		_, err := r.client.WithContext([]byte("delete the account"))
		require.ErrorIs(t, err, srp.ErrPolicy)
		server, err := r.server.WithContext([]byte("delete the account"))
		require.NoError(t, err)
		_, known, err := server.Challenge(t.Context(), alice, r.record.Bytes())
		require.ErrorIs(t, err, srp.ErrPolicy)
		require.Nil(t, known)
		_, unknown, err2 := server.Challenge(t.Context(), []byte("nobody"), nil)
		require.Equal(t, err, err2, "an unknown name answers alike")
		require.Nil(t, unknown)

		// A client that knows both goes on with Nescio alone.
		both, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{profile, srp.Nescio()}, GroupPolicy: srp.AnyGroup(2048)})
		require.NoError(t, err)
		both, err = both.WithContext([]byte("delete the account"))
		require.NoError(t, err)
		c, _, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
		require.NoError(t, err)
		login, _, err := both.Login(alice, password)
		require.NoError(t, err)
		_, err = login.Answer(t.Context(), c)
		require.ErrorIs(t, err, srp.ErrPolicy)
	}
}

// TestPendingOfAnotherContext is of no use, and not spent by the attempt.
func TestPendingOfAnotherContext(t *testing.T) {
	r := newNescioRig(t, "", "")
	client, err := r.client.WithContext([]byte("delete the account"))
	require.NoError(t, err)
	deleting, err := r.server.WithContext([]byte("delete the account"))
	require.NoError(t, err)
	renaming, err := r.server.WithContext([]byte("rename the account"))
	require.NoError(t, err)
	login, request, err := client.Login(alice, password)
	require.NoError(t, err)
	response, pending, err := deleting.BeginLogin(t.Context(), alice, r.record.Bytes(), request)
	require.NoError(t, err)
	final, err := login.Respond(t.Context(), response)
	require.NoError(t, err)
	for _, other := range []*srp.Server{renaming, r.server} {
		_, _, err = other.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
		require.Equal(t, srp.ErrState, err)
	}
	again, err := r.server.WithContext([]byte("delete the account"))
	require.NoError(t, err)
	_, _, err = again.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.NoError(t, err, "a copy made anew for the second request shares the memory")
	_, _, err = deleting.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.Equal(t, srp.ErrState, err, "once")
}

// TestAttack18_KDFParameters: what a server may ask of the password's hash is
// the client's to say, and it says it before anything is hashed or allocated.
func TestAttack18_KDFParameters(t *testing.T) {
	r := newNescioRig(t, "", "")
	group, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	client, err := srp.NewClient(srp.ClientConfig{})
	require.NoError(t, err)
	c, _, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
	require.NoError(t, err)
	for _, bad := range []struct {
		m, t, p int
		want    error
	}{
		{8, 1, 1, kdf.ErrWeak},
		{19 << 10, 1, 4, kdf.ErrWeak},
		{19<<10 - 1, 3, 4, kdf.ErrWeak},
		{256<<10 + 1, 1, 4, kdf.ErrExcessive},
		{256 << 10, 17, 4, kdf.ErrExcessive},
		{64 << 10, 65, 4, kdf.ErrExcessive},
		{64 << 10, 3, 17, kdf.ErrExcessive},
		{1<<31 - 1, 1<<31 - 1, 255, kdf.ErrExcessive},
	} {
		params, err := kdf.NewArgon2id(bad.m, bad.t, bad.p)
		require.NoError(t, err)
		c.KDF = params
		login, _, err := client.Login(alice, password)
		require.NoError(t, err)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = login.Answer(t.Context(), c)
		require.ErrorIs(t, err, srp.ErrPolicy)
		require.ErrorIs(t, err, bad.want)
		_, err = makeRecord(t.Context(), client, srp.Nescio(), group.Unverified(), params, alice, password)
		require.ErrorIs(t, err, srp.ErrPolicy)
		require.ErrorIs(t, err, bad.want)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), "nothing was hashed")
	}

	// What is no cost of Argon2id is no challenge at all.
	pbkdf2, err := kdf.NewPBKDF2SHA512(1 << 20)
	require.NoError(t, err)
	for _, params := range []kdf.Params{{}, pbkdf2, kdf.RFC9807Scrypt(), kdf.Default().WithNewSalt()} {
		c.KDF = params
		login, _, err := client.Login(alice, password)
		require.NoError(t, err)
		_, err = login.Answer(t.Context(), c)
		require.Equal(t, srp.ErrMalformed, err)
		if params != (kdf.Params{}) {
			_, err = makeRecord(t.Context(), client, srp.Nescio(), group.Unverified(), params, alice, password)
			require.ErrorIs(t, err, srp.ErrPolicy)
			_, err = srp.NewServer(config(srp.Kind{Groups: []*srp.Group{group}, KDF: params}))
			require.ErrorIs(t, err, srp.ErrPolicy)
			_, err = srp.NewRecord(srp.Nescio(), group.Unverified(), params, alice, make([]byte, 32), r.record.Verifier())
			require.ErrorIs(t, err, srp.ErrRecord)
		}
	}
	// And the profiles with a hash of their own have none.
	other := newRig(t, srp.RFC5054SHA256(0))
	oc, _, err := other.server.Challenge(t.Context(), alice, other.record.Bytes())
	require.NoError(t, err)
	oc.KDF = kdf.Default()
	login, _, err := other.client.Login(alice, password)
	require.NoError(t, err)
	_, err = login.Answer(t.Context(), oc)
	require.Equal(t, srp.ErrMalformed, err)
}

// TestDefaults: a client and a server that were told nothing but the secrets.
func TestDefaults(t *testing.T) {
	client, err := srp.NewClient(srp.ClientConfig{})
	require.NoError(t, err)
	server, err := srp.NewServer(srp.ServerConfig{DecoyKey: testDecoyKey, StateKeys: testStateKeys})
	require.NoError(t, err)
	kind := srp.DefaultKind()
	require.Equal(t, srp.Nescio(), kind.Profile)
	require.Equal(t, 3072, kind.Groups[0].Bits())
	require.Equal(t, kdf.Default(), kind.KDF)
	require.Equal(t, 32, kind.SaltSize)

	record := register(t, client, srp.Kind{}, alice, password)
	require.Equal(t, kind.Groups[0].Unverified(), record.Group())
	require.Len(t, record.Salt(), 32)
	require.NoError(t, admit(server, record.Bytes()))
	require.Equal(t, kdf.Default(), record.KDF())
	require.False(t, record.NeedsUpgrade())
	parsed, err := srp.ParseRecord(record.Bytes())
	require.NoError(t, err)
	require.Equal(t, kdf.Default(), parsed.KDF())

	login, request, err := client.Login(alice, password)
	require.NoError(t, err)
	response, pending, err := server.BeginLogin(t.Context(), alice, record.Bytes(), request)
	require.NoError(t, err)
	final, err := login.Respond(t.Context(), response)
	require.NoError(t, err)
	reply, key, err := server.FinishLogin(t.Context(), alice, record.Bytes(), pending, final)
	require.NoError(t, err)
	clientKey, err := login.Finish(reply)
	require.NoError(t, err)
	require.Equal(t, key, clientKey)

	unknown, _, err := server.Challenge(t.Context(), []byte("nobody"), nil)
	require.NoError(t, err)
	require.Equal(t, kdf.Default(), unknown.KDF)
	require.Equal(t, kind.Groups[0].Unverified(), unknown.Group)
}

// TestOtherKDFParametersAreNotAdmitted: a client must not choose them.
func TestOtherKDFParametersAreNotAdmitted(t *testing.T) {
	r := newNescioRig(t, "", "")
	require.NoError(t, admit(r.server, r.record.Bytes()))
	require.True(t, r.record.NeedsUpgrade(), "it is below the floor")
	mixed, err := kdf.NewArgon2id(8<<10, 100, 1)
	require.NoError(t, err)
	weak, err := srp.NewRecord(srp.Nescio(), r.record.Group(), mixed, alice, r.record.Salt(), r.record.Verifier())
	require.NoError(t, err)
	require.True(t, weak.NeedsUpgrade(), "below it in memory, though above the ceiling in passes")
	other, err := srp.NewRecord(srp.Nescio(), r.record.Group(), kdf.Params{}, alice, r.record.Salt(), r.record.Verifier())
	require.NoError(t, err)
	require.Equal(t, kdf.Default(), other.KDF())
	require.ErrorIs(t, admit(r.server, other.Bytes()), srp.ErrPolicy)
}

// TestDecoysOfOtherKDFParameters are others: a name that kept its salt when all
// accounts of its kind moved would be nobody's.
func TestDecoysOfOtherKDFParameters(t *testing.T) {
	before := newRig(t, srp.Nescio())
	after := before.kind
	after.KDF = kdf.Default()
	c1, _, err := before.server.Challenge(t.Context(), []byte("nobody"), nil)
	require.NoError(t, err)
	c2, _, err := newServer(t, after).Challenge(t.Context(), []byte("nobody"), nil)
	require.NoError(t, err)
	require.NotEqual(t, c1.Salt, c2.Salt)
	require.Equal(t, kdf.Default(), c2.KDF)
}

// TestKDFParametersOnTheWire: where a profile has none, and where it must have
// some, the decoders take nothing else.
func TestKDFParametersOnTheWire(t *testing.T) {
	nescio, other := newRig(t, srp.Nescio()), newRig(t, srp.RFC5054SHA256(0))
	encoded, err := srp.SmallKDF(srp.Nescio()).MarshalBinary()
	require.NoError(t, err)
	empty, some := []byte{0, 0}, append([]byte{0, byte(len(encoded))}, encoded...)
	swap := func(b, from, to []byte) []byte {
		require.Equal(t, 1, bytes.Count(b[:min(len(b), 80)], from))
		return bytes.Replace(b, from, to, 1)
	}
	_, err = srp.ParseRecord(swap(nescio.record.Bytes(), some, empty))
	require.ErrorIs(t, err, srp.ErrRecord)
	record := other.record.Bytes()
	at := 2 + 1 + 2 + 1 + len(other.record.Salt())
	require.Equal(t, empty, record[at:at+2])
	_, err = srp.ParseRecord(slices.Concat(record[:at], some, record[at+2:]))
	require.ErrorIs(t, err, srp.ErrRecord)

	offer := func(r *rig) []byte {
		b, err := srp.OfferBytes(r.profile, r.group.Unverified(), r.kind.KDF, srp.SaltSize(r.profile))
		require.NoError(t, err)
		_, ok := srp.RoundTripOffer(b)
		require.True(t, ok)
		return b
	}
	good := offer(nescio)
	_, ok := srp.RoundTripOffer(slices.Concat(good[:len(good)-len(some)], empty))
	require.False(t, ok)
	good = offer(other)
	_, ok = srp.RoundTripOffer(slices.Concat(good[:len(good)-2], some))
	require.False(t, ok)
}

// TestTypedFormAsJSON: what travels in typed form can travel as JSON.
func TestTypedFormAsJSON(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		c, _, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
		require.NoError(t, err)
		raw, err := json.Marshal(c)
		require.NoError(t, err)
		var again srp.Challenge
		require.NoError(t, json.Unmarshal(raw, &again))
		if len(again.Group.Certificate) == 0 {
			again.Group.Certificate = c.Group.Certificate // empty or nil
		}
		require.Equal(t, c, again)
	}
}

// TestNescioSaltsHaveOneLength: 32 bytes, in records, offers and challenges.
func TestNescioSaltsHaveOneLength(t *testing.T) {
	r := newRig(t, srp.Nescio())
	c, _, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
	require.NoError(t, err)
	for _, n := range []int{0, 1, 16, 31, 33, 64} {
		_, err := srp.NewRecord(srp.Nescio(), r.group.Unverified(), r.kind.KDF, alice, make([]byte, n), r.record.Verifier())
		require.ErrorIs(t, err, srp.ErrRecord, n)
		c.Salt = make([]byte, n)
		login, _, err := r.client.Login(alice, password)
		require.NoError(t, err)
		_, err = login.Answer(t.Context(), c)
		require.Equal(t, srp.ErrMalformed, err, n)
		if n != 0 {
			offer, err := srp.OfferBytes(srp.Nescio(), r.group.Unverified(), r.kind.KDF, n)
			require.NoError(t, err)
			registration, _, err := r.client.Register(alice, password)
			require.NoError(t, err)
			_, err = registration.Finish(t.Context(), offer)
			require.Equal(t, srp.ErrMalformed, err, n)
		}
	}
}

// TestTheHashEndsWithTheContext: what waits at the policy's Gate is the login.
func TestTheHashEndsWithTheContext(t *testing.T) {
	r := newRig(t, srp.Nescio())
	policy := kdf.FixedPolicy(srp.SmallKDF(srp.Nescio()))
	policy.Gate = kdf.NewGate(1)
	client, err := srp.NewClient(srp.ClientConfig{KDFPolicy: policy})
	require.NoError(t, err)
	full, open := context.WithCancel(t.Context())
	defer open()
	calibrated := make(chan struct{})
	go func() { // it keeps the only place for some ten seconds
		defer close(calibrated)
		kdf.Calibrate(full, kdf.Argon2id, time.Second, kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxMemory: 38 << 10}, Gate: policy.Gate})
	}()
	f, err := kdf.New(srp.SmallKDF(srp.Nescio()).WithNewSalt(), policy)
	require.NoError(t, err)
	within := func(d time.Duration) context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		t.Cleanup(cancel)
		return ctx
	}
	for err = nil; err == nil; { // until the place is taken: a derivation alone takes far less
		_, err = f.Derive(within(time.Second), password, 32)
	}
	c, _, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
	require.NoError(t, err)
	login, _, err := client.Login(alice, password)
	require.NoError(t, err)
	_, err = login.Answer(within(50*time.Millisecond), c)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = makeOfKind(within(50*time.Millisecond), client, r.kind, alice, password)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	open()
	<-calibrated
}

// TestStateOfAnotherHash: pending state that another crypto/sha512 wrote.
func TestStateOfAnotherHash(t *testing.T) {
	require.Equal(t, srp.ErrState, srp.NescioProofsAfter([]byte("no state of SHA-512")))
}

package opaque_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// TestSetups: accounts of an old setup log in and are asked to register again.
func TestSetups(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	next, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	cfg := r.config
	cfg.Setups = map[uint16]*opaque.Setup{1: r.setup, 2: next}
	cfg.Offer, cfg.Old = opaque.Kind{Setup: 2}, []opaque.Kind{{Setup: 1, Weight: 1}}
	server, err := opaque.NewServer(cfg)
	require.NoError(t, err)

	require.True(t, server.NeedsRegistration(r.record))
	_, exportKey, login := mustLogin(t, r.client, server, alice, nil, r.record, password)
	require.Equal(t, r.exportKey, exportKey)
	require.True(t, login.NeedsRegistration())

	rig2 := *r
	rig2.server = server
	record, _ := rig2.register(t, r.client, alice, nil, password)
	parsed, err := opaque.ParseRecord(record)
	require.NoError(t, err)
	require.EqualValues(t, 2, parsed.Setup())
	require.False(t, server.NeedsRegistration(record))
	_, _, login = mustLogin(t, r.client, server, alice, nil, record, password)
	require.False(t, login.NeedsRegistration())

	// An old KSF is stale as well.
	costlier, err := kdf.NewArgon2id(128<<10, 3, 4)
	require.NoError(t, err)
	cfg.Offer, cfg.Old = opaque.Kind{Setup: 2, KSF: costlier, Weight: 1}, nil
	server, err = opaque.NewServer(cfg)
	require.NoError(t, err)
	require.True(t, server.NeedsRegistration(record))
	_, _, login = mustLogin(t, r.client, server, alice, nil, record, password)
	require.True(t, login.NeedsRegistration())
	require.ErrorIs(t, errOf(server.FinishRegistration(nil, record)), opaque.ErrPolicy, "the client must not choose")
	require.True(t, server.NeedsRegistration(nil))

	// With two setups there is no default.
	cfg.Offer = opaque.Kind{}
	_, err = opaque.NewServer(cfg)
	require.ErrorIs(t, err, opaque.ErrPolicy)

	// A setup that is gone.
	cfg.Setups = map[uint16]*opaque.Setup{1: r.setup}
	server, err = opaque.NewServer(cfg)
	require.NoError(t, err)
	_, request, err := r.client.Login(nil, password)
	require.NoError(t, err)
	require.ErrorIs(t, second(server.BeginLogin(t.Context(), alice, record, request)), opaque.ErrRecord)
}

// TestMixedSuites: a server with setups of two suites, a client of each.
func TestMixedSuites(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	p256, err := opaque.NewSetup(opaque.P256)
	require.NoError(t, err)
	cfg := r.config
	cfg.Setups = map[uint16]*opaque.Setup{1: r.setup, 2: p256}
	cfg.Offer, cfg.Old = opaque.Kind{Suite: opaque.P256, Setup: 2}, []opaque.Kind{{Setup: 1, Weight: 1}}
	server, err := opaque.NewServer(cfg)
	require.NoError(t, err)
	mustLogin(t, r.client, server, alice, nil, r.record, password)

	_, request, err := r.client.Register(nil, password)
	require.NoError(t, err)
	_, err = server.BeginRegistration(t.Context(), alice, request)
	require.Equal(t, opaque.ErrMalformed, err, "no kind of that suite is offered or accepted")

	other, err := opaque.NewClient(opaque.ClientConfig{Suite: opaque.P256})
	require.NoError(t, err)
	_, request, err = other.Login(nil, password)
	require.NoError(t, err)
	require.Equal(t, opaque.ErrMalformed, second(server.BeginLogin(t.Context(), alice, r.record, request)), "the account's suite")
	require.Equal(t, opaque.ErrMalformed, second(server.BeginLogin(t.Context(), []byte("nobody"), nil, request)), "unknown names too")

	// A record that names a setup of another suite is damaged.
	raw := append(p256.PublicKey(), make([]byte, 96)...)
	odd, err := opaque.ImportRecord(1, p256, opaque.DefaultKSF(), nil, raw)
	require.NoError(t, err)
	require.ErrorIs(t, second(server.BeginLogin(t.Context(), alice, odd.Bytes(), request)), opaque.ErrRecord)
}

// TestAcceptedSuites: a registration in another suite than the offered one gets
// the first accepted kind of its suite.
func TestAcceptedSuites(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	p256, err := opaque.NewSetup(opaque.P256)
	require.NoError(t, err)
	costlier, err := kdf.NewArgon2id(128<<10, 3, 4)
	require.NoError(t, err)
	cfg := r.config
	cfg.Setups = map[uint16]*opaque.Setup{1: r.setup, 2: p256}
	cfg.Offer = opaque.Kind{Setup: 1, Weight: 1}
	cfg.Accept = []opaque.Kind{{Setup: 1, KSF: costlier}, {Suite: opaque.P256, Setup: 2, KSF: costlier}, {Suite: opaque.P256, Setup: 2}}
	r.server, err = opaque.NewServer(cfg)
	require.NoError(t, err)
	for suite, want := range map[opaque.Suite]opaque.Kind{
		opaque.Ristretto255: {Setup: 1, KSF: opaque.DefaultKSF()},
		opaque.P256:         {Setup: 2, KSF: costlier},
	} {
		client, err := opaque.NewClient(opaque.ClientConfig{Suite: suite})
		require.NoError(t, err)
		record, _ := r.register(t, client.StretchByIdentity(), alice, nil, password)
		parsed, err := opaque.ParseRecord(record)
		require.NoError(t, err)
		require.Equal(t, want, opaque.Kind{Setup: parsed.Setup(), KSF: parsed.KSF()})
		require.Equal(t, suite, parsed.Suite())
		require.False(t, r.server.NeedsRegistration(record))
	}
	curve, err := opaque.NewClient(opaque.ClientConfig{Suite: opaque.Curve25519})
	require.NoError(t, err)
	_, request, err := curve.Register(nil, password)
	require.NoError(t, err)
	require.Equal(t, opaque.ErrMalformed, errOf(r.server.BeginRegistration(t.Context(), alice, request)))
}

// TestWeights computes the digest from its parts, and tries invalid kinds.
func TestWeights(t *testing.T) {
	ksf, err := kdf.NewArgon2id(32<<10, 3, 1)
	require.NoError(t, err)
	got, err := opaque.Weights(opaque.Kind{Setup: 0x0102, Weight: 7}, opaque.Kind{Suite: opaque.P256, Setup: 3, KSF: ksf, Identities: true})
	require.NoError(t, err)
	digest := func(front string, ksf kdf.Params) [32]byte {
		parameters, err := ksf.MarshalBinary()
		require.NoError(t, err)
		b := append([]byte("nescio/kind/v1\x00O"+front), 0, byte(len(parameters)))
		return sha256.Sum256(append(b, parameters...))
	}
	require.Equal(t, []opaque.KindWeight{
		{Digest: digest("\x01\x01\x02", kdf.Default()), Weight: 7},
		{Digest: digest("\x02\x00\x03", ksf)},
	}, got)

	salted := kdf.Default().WithNewSalt()
	for name, k := range map[string]opaque.Kind{
		"the zero Kind":  {},
		"a suite":        {Suite: 4, Setup: 1},
		"a salted KSF":   {Setup: 1, KSF: salted},
		"a large weight": {Setup: 1, Weight: 1<<20 + 1},
	} {
		got, err := opaque.Weights(opaque.Kind{Setup: 1}, k)
		require.ErrorIs(t, err, opaque.ErrPolicy, name)
		require.Nil(t, got, name)
	}
}

// TestOthers: the other protocol's kinds take their share of the unknown names,
// and nothing else.
func TestOthers(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	share := func(own uint32, others ...opaque.KindWeight) (count int) {
		cfg := r.config
		cfg.Offer, cfg.Others = opaque.Kind{Setup: 1, Weight: own}, others
		server, err := opaque.NewServer(cfg)
		require.NoError(t, err)
		for id := range 200 {
			name := []byte{byte(id), byte(id >> 8)}
			if server.AnswersAsSRP(name) {
				count++
			}
			require.Equal(t, server.AnswersAsSRP(name), server.AnswersAsSRP(name))
			_, request, err := r.client.Login(nil, password)
			require.NoError(t, err)
			response, _, err := server.BeginLogin(t.Context(), name, nil, request)
			require.NoError(t, err)
			require.EqualValues(t, 1, response[4], "BeginLogin answers with an own kind all the same")
		}
		return count
	}
	require.Zero(t, share(0))
	require.Zero(t, share(5))
	require.Zero(t, share(1, opaque.KindWeight{Digest: [32]byte{1}}))
	require.Equal(t, 200, share(0, opaque.KindWeight{Digest: [32]byte{1}, Weight: 1}))
	require.InDelta(t, 150, share(1, opaque.KindWeight{Digest: [32]byte{1}, Weight: 2}, opaque.KindWeight{Digest: [32]byte{2}, Weight: 1}), 25)
}

// TestBothServersAgree on unknown names, and their errors are the same values.
func TestBothServersAgree(t *testing.T) {
	s := newService()
	count := 0
	for i := range 400 {
		id := []byte{byte(i), byte(i >> 8)}
		require.Equal(t, s.srp.AnswersAsSRP(id), s.opaque.AnswersAsSRP(id))
		require.Equal(t, s.srp.Decoy("account number", id), s.opaque.Decoy("account number", id))
		if s.opaque.AnswersAsSRP(id) {
			count++
		}
	}
	require.InDelta(t, 240, count, 60, "60 of 100; the keys are random")
	for _, pair := range [][2]error{
		{srp.ErrAuthentication, opaque.ErrAuthentication}, {srp.ErrState, opaque.ErrState},
		{srp.ErrMalformed, opaque.ErrMalformed}, {srp.ErrRecord, opaque.ErrRecord},
		{srp.ErrPolicy, opaque.ErrPolicy}, {srp.ErrBusy, opaque.ErrBusy}, {srp.ErrUsed, opaque.ErrUsed},
	} {
		require.Same(t, pair[0], pair[1])
	}
}

// TestDecoyValues are fixed for key, label and name.
func TestDecoyValues(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	value := r.server.Decoy("account number", alice)
	require.NotZero(t, value)
	cfg := r.config
	again, err := opaque.NewServer(cfg)
	require.NoError(t, err)
	require.Equal(t, value, again.Decoy("account number", alice))
	cfg.DecoyKey = key32(0xd2)
	other, err := opaque.NewServer(cfg)
	require.NoError(t, err)
	for _, v := range [][32]byte{
		other.Decoy("account number", alice), r.server.Decoy("account", alice), r.server.Decoy("account number", []byte("bob")),
		r.server.Decoy("account numbera", []byte("lice")), r.server.Decoy("masking", alice),
	} {
		require.NotEqual(t, value, v)
	}
	masking := hmac.New(sha512.New, decoyKey[:])
	masking.Write([]byte("\x07maskingalice"))
	require.NotEqual(t, masking.Sum(nil)[:32], ptr(r.server.Decoy("masking", alice))[:], "no label gives away what the package derives")
}

func ptr[T any](v T) *T { return &v }

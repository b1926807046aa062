package opaque_test

import (
	"context"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// TestEnumeration: a stranger sees the same of a known name and of an
// unknown one.
func TestEnumeration(t *testing.T) {
	for _, suite := range suites {
		r := newRig(t, suite)
		head := len(r.record) - 10 // of a response, too: protocol and version, suite, setup, KSF
		parsed, err := opaque.ParseRecord(r.record)
		require.NoError(t, err)
		head -= len(parsed.Raw())

		_, request, err := r.client.Login(nil, password)
		require.NoError(t, err)
		ask := func(id string, record []byte) (response, pending []byte) {
			response, pending, err := r.server.BeginLogin(t.Context(), []byte(id), record, request)
			require.NoError(t, err)
			return response, pending
		}
		response1, pending1 := ask("alice", r.record)
		response2, pending2 := ask("nobody", nil)
		require.Equal(t, response1[:head], response2[:head])
		require.Len(t, response2, len(response1))
		require.Len(t, pending2, len(pending1))

		_, _, pending := r.begin(t, []byte("nobody"), nil, password)
		final := append([]byte{'O', 1}, make([]byte, len(r.exportKey))...)
		_, _, err1 := r.server.FinishLogin(t.Context(), []byte("nobody"), nil, pending, final)
		_, _, pending = r.begin(t, alice, r.record, password)
		_, _, err2 := r.server.FinishLogin(t.Context(), alice, r.record, pending, final)
		require.Equal(t, opaque.ErrAuthentication, err1)
		require.Equal(t, err1, err2)

		login, response, _ := r.begin(t, []byte("nobody"), nil, password)
		_, err = login.Respond(t.Context(), response)
		require.Equal(t, opaque.ErrAuthentication, err, "to the client it is a wrong password")
	}
}

// TestPitfall_UnknownUsersHaveTheirOwnOPRFKey: the evaluated element depends on
// the name alone, and does not change when the name registers.
func TestPitfall_UnknownUsersHaveTheirOwnOPRFKey(t *testing.T) {
	for _, suite := range suites {
		r := newRigOn(t, suite, opaque.WireRFC9807)
		_, request, err := r.client.Login(nil, password)
		require.NoError(t, err)
		evaluated := func(id string, record []byte) []byte {
			response, _, err := r.server.BeginLogin(t.Context(), []byte(id), record, request)
			require.NoError(t, err)
			return response[:32]
		}
		nobody := evaluated("nobody", nil)
		require.Equal(t, nobody, evaluated("nobody", []byte{}))
		require.NotEqual(t, nobody, evaluated("no one", nil))
		record, _ := r.register(t, r.client, []byte("nobody"), nil, password)
		require.Equal(t, nobody, evaluated("nobody", record))
	}
}

// TestPitfall_NewSetupsTellNothing: a kind of a second setup without a weight
// changes no unknown name's answer. As its weight rises, names move to it and
// never back.
func TestPitfall_NewSetupsTellNothing(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	next, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	_, request, err := r.client.Login(nil, password)
	require.NoError(t, err)
	moved := make(map[byte]bool)
	for _, share := range []uint32{0, 10, 100, 1000, 1 << 20} {
		cfg := r.config
		cfg.Setups = map[uint16]*opaque.Setup{1: r.setup, 2: next}
		cfg.Offer, cfg.Old = opaque.Kind{Setup: 2, Weight: share}, []opaque.Kind{{Setup: 1, Weight: 100}}
		server, err := opaque.NewServer(cfg)
		require.NoError(t, err)
		for id := range byte(60) {
			response, _, err := server.BeginLogin(t.Context(), []byte{id}, nil, request)
			require.NoError(t, err)
			setup := response[4]
			require.True(t, setup == 2 || !moved[id], "once moved, it stays")
			moved[id] = setup == 2
		}
		count := 0
		for _, m := range moved {
			if m {
				count++
			}
		}
		require.InDelta(t, 60*float64(share)/float64(share+100), count, 15)
	}
}

// TestObligation13_SameWork: a known and an unknown name take the same group
// operations, in the same order, and the same allocations, in both calls of a
// login and for every kind that the name would draw.
func TestObligation13_SameWork(t *testing.T) {
	want := map[opaque.Suite][]string{
		// The keys of the OPRF and of the key share, and then the operations
		// of KE2 in RFC 9807: four variable-base multiplications and one of
		// the base.
		opaque.Ristretto255: {"reduce", "reduce", "multiply", "base", "multiply", "multiply", "multiply"},
		opaque.P256:         {"reduce", "reduce", "multiply", "base", "multiply", "multiply", "multiply"},
		opaque.Curve25519:   {"reduce", "multiply", "x25519 base", "x25519 multiply", "x25519 multiply", "x25519 multiply"},
	}
	for _, suite := range suites {
		r := newRig(t, suite)
		cheap, err := kdf.NewArgon2id(32<<10, 3, 1)
		require.NoError(t, err)
		cfg := r.config
		cfg.Offer = opaque.Kind{Suite: suite, Setup: 1, Weight: 1}
		cfg.Accept = []opaque.Kind{{Suite: suite, Setup: 1, KSF: cheap, Weight: 1}}
		server, err := opaque.NewServer(cfg)
		require.NoError(t, err)
		_, request, err := r.client.Login(nil, password)
		require.NoError(t, err)
		begin := func(id string, record []byte) func() {
			return func() {
				if _, _, err := server.BeginLogin(context.Background(), []byte(id), record, request); err != nil {
					t.Error(err)
				}
			}
		}
		for _, id := range []string{"alice", "nobody", "a", "b", "c", "d", "e"} {
			known, unknown := begin(id, r.record), begin(id, nil)
			require.Equal(t, want[suite], opaque.CountOperations(suite, known))
			require.Equal(t, want[suite], opaque.CountOperations(suite, unknown))
			if testvec.Long {
				require.Equal(t, testing.AllocsPerRun(50, known), testing.AllocsPerRun(50, unknown), id)
			}
			// FinishLogin takes the final message and compares the record,
			// for both.
			final := append([]byte{'O', 1}, make([]byte, len(r.exportKey))...)
			finish := func(record []byte, runs int) func() {
				var pendings [][]byte
				for range runs {
					_, pending, err := server.BeginLogin(t.Context(), []byte(id), record, request)
					require.NoError(t, err)
					pendings = append(pendings, pending)
				}
				return func() {
					_, _, err := server.FinishLogin(context.Background(), []byte(id), record, pendings[0], final)
					pendings = pendings[1:]
					if err != opaque.ErrAuthentication {
						t.Error(err)
					}
				}
			}
			require.Empty(t, opaque.CountOperations(suite, finish(r.record, 1)))
			require.Empty(t, opaque.CountOperations(suite, finish(nil, 1)))
			if testvec.Long {
				known, unknown := finish(r.record, 21), finish(nil, 21)
				require.Equal(t, testing.AllocsPerRun(20, known), testing.AllocsPerRun(20, unknown), id)
			}
		}
	}
}

// TestAllocations bounds what Begin allocates on the RFC's wire.
func TestAllocations(t *testing.T) {
	if !testvec.Long {
		t.Skip("the race detector, with which short tests run, allocates too")
	}
	r := newRigOn(t, opaque.Ristretto255, opaque.WireRFC9807)
	_, request, err := r.client.Login(nil, password)
	require.NoError(t, err)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if _, _, err := r.server.BeginLogin(context.Background(), alice, r.record, request); err != nil {
			t.Error(err)
		}
	}), 20.0)
}

package srp_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// TestFinishLoginComparesTheRecord: a login ends with the record that it began
// with, or it does not end.
func TestFinishLoginComparesTheRecord(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		old := r.record.Bytes()
		changed, err := makeOfKind(t.Context(), r.client, r.kind, alice, []byte("another password"))
		require.NoError(t, err)
		again, err := makeOfKind(t.Context(), r.client, r.kind, alice, password)
		require.NoError(t, err)
		flipped := bytes.Clone(old)
		flipped[len(flipped)-1] ^= 1

		for name, now := range map[string][]byte{
			"the password was changed":              changed.Bytes(),
			"the same password, registered again":   again.Bytes(),
			"the account was deleted":               nil,
			"an empty record":                       {},
			"a damaged record":                      flipped,
			"a longer record":                       append(bytes.Clone(old), 0),
			"somebody else of the same name":        changed.Bytes(),
			"a record that is none":                 []byte("none"),
			"the record of a megabyte in its place": make([]byte, 1<<20),
		} {
			_, pending, final := r.begin(t, alice, old, password)
			reply, key, err := r.server.FinishLogin(t.Context(), alice, now, pending, final)
			require.Equal(t, srp.ErrState, err, name)
			require.Nil(t, reply)
			require.Nil(t, key)
			_, _, err = r.server.FinishLogin(t.Context(), alice, old, pending, final)
			require.Equal(t, srp.ErrState, err, "the state is spent")

			// A wrong proof does not tell that the record changed.
			_, pending, final = r.begin(t, alice, old, []byte("wrong"))
			_, _, err = r.server.FinishLogin(t.Context(), alice, now, pending, final)
			require.Equal(t, srp.ErrAuthentication, err, name)
		}

		// A name that was unknown when the login began and has an account now.
		_, pending, final := r.begin(t, alice, nil, password)
		_, _, err = r.server.FinishLogin(t.Context(), alice, old, pending, final)
		require.Equal(t, srp.ErrAuthentication, err)

		login, pending, final := r.begin(t, alice, old, password)
		reply, _, err := r.server.FinishLogin(t.Context(), alice, bytes.Clone(old), pending, final)
		require.NoError(t, err)
		_, err = login.Finish(reply)
		require.NoError(t, err)
	}
}

// TestOneServerForTwoTables: customers and staff of one server value, or two
// tenants of one configuration, each with an account of the same name.
func TestOneServerForTwoTables(t *testing.T) {
	r := sha256Rig(t)
	customer := r.record.Bytes()
	staff, err := makeOfKind(t.Context(), r.client, r.kind, alice, []byte("the other one's"))
	require.NoError(t, err)
	_, pending, final := r.begin(t, alice, customer, password)
	_, _, err = r.server.FinishLogin(t.Context(), alice, staff.Bytes(), pending, final)
	require.Equal(t, srp.ErrState, err)

	shared := testvec.NewReplay()
	one, two := replica(t, r, shared), replica(t, r, shared)
	r.server = one
	_, pending, final = r.begin(t, alice, customer, password)
	_, _, err = two.FinishLogin(t.Context(), alice, staff.Bytes(), pending, final)
	require.Equal(t, srp.ErrState, err)
}

// TestFinishDoesTheSameWork for known and unknown names, right and wrong proofs
// and records that changed: as many allocations, and none that depends on which
// it was.
func TestFinishDoesTheSameWork(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		record := r.record.Bytes()
		other := append(bytes.Clone(record), 0)
		const runs = 4
		work := func(id, atBegin, atFinish, password []byte) float64 {
			type try struct{ pending, final []byte }
			tries := make([]try, runs+1)
			for i := range tries {
				_, tries[i].pending, tries[i].final = r.begin(t, id, atBegin, password)
			}
			i := 0
			return testing.AllocsPerRun(runs, func() {
				r.server.FinishLogin(context.Background(), id, atFinish, tries[i].pending, tries[i].final)
				i++
			})
		}
		known := work(alice, record, record, []byte("wrong"))
		require.InDelta(t, known, work([]byte("nobody"), nil, nil, password), 1)
		require.InDelta(t, known, work(alice, record, other, []byte("wrong")), 1)
		require.InDelta(t, known, work(alice, record, other, password), 1)
	}
}

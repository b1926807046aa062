package opaque_test

import (
	"crypto/sha256"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// TestFinishLoginComparesTheRecord: a right password finishes a login only if
// the record is still the one that the login began with.
func TestFinishLoginComparesTheRecord(t *testing.T) {
	for _, wire := range []opaque.Wire{opaque.WireFramed, opaque.WireRFC9807} {
		r := newRigOn(t, opaque.Ristretto255, wire)
		changed, _ := r.register(t, r.client, alice, nil, []byte("the new password"))
		same, _ := r.register(t, r.client, alice, nil, password)
		customer, _ := r.register(t, r.client, []byte("root"), nil, password)
		for name, now := range map[string][]byte{
			"the password was changed":            changed,
			"the same password, registered again": same,
			"the account was deleted":             nil,
			"deleted, and an empty value stored":  {},
			"a byte more":                         append(r.record[:len(r.record):len(r.record)], 0),
			"another account's record":            customer,
		} {
			_, pending, final := r.answer(t)
			reply, key, err := r.server.FinishLogin(t.Context(), alice, now, pending, final)
			require.Equal(t, opaque.ErrState, err, name)
			require.Nil(t, reply, name)
			require.Nil(t, key, name)
			require.Equal(t, opaque.ErrState, second(r.server.FinishLogin(t.Context(), alice, r.record, pending, final)), "the state is used up")

			// A wrong proof stays a wrong proof.
			_, pending, final = r.answer(t)
			final[len(final)-1] ^= 1
			require.Equal(t, opaque.ErrAuthentication, second(r.server.FinishLogin(t.Context(), alice, now, pending, final)), name)
		}
		_, pending, final := r.answer(t)
		require.NoError(t, second(r.server.FinishLogin(t.Context(), alice, r.record, pending, final)))

		// A name that has registered meanwhile.
		login, response, pending := r.begin(t, []byte("nobody"), nil, password)
		_, err := login.Respond(t.Context(), response)
		require.Equal(t, opaque.ErrAuthentication, err)
		nobody, _ := r.register(t, r.client, []byte("nobody"), nil, password)
		require.Equal(t, opaque.ErrAuthentication, second(r.server.FinishLogin(t.Context(), []byte("nobody"), nobody, pending, final)))
	}
}

// TestRecordDigest: without a record it is the digest of the empty string,
// whatever the sample.
func TestRecordDigest(t *testing.T) {
	sample := []byte("a record of the same length")
	require.Equal(t, sha256.Sum256(nil), opaque.RecordDigest(nil, sample))
	require.Equal(t, sha256.Sum256(nil), opaque.RecordDigest([]byte{}, sample))
	require.Equal(t, sha256.Sum256([]byte{1}), opaque.RecordDigest([]byte{1}, sample))
}

// TestTwoTablesOfOneServer: two tables, such as customers and staff, each have
// an account of the same name. A login that begins in one table cannot finish
// in the other.
func TestTwoTablesOfOneServer(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	customer := r.record
	staff, _ := r.register(t, r.client, alice, nil, []byte("the staff's password"))
	_, pending, final := r.answer(t)
	require.Equal(t, opaque.ErrState, second(r.server.FinishLogin(t.Context(), alice, staff, pending, final)))
	_, pending, final = r.answer(t)
	require.NoError(t, second(r.server.FinishLogin(t.Context(), alice, customer, pending, final)))

	// Even if both tables have the same bytes, ServerIdentity tells them apart.
	cfg := r.config
	cfg.Replay, cfg.ServerIdentity = testvec.NewReplay(), []byte("example.org/customers")
	customers, err := opaque.NewServer(cfg)
	require.NoError(t, err)
	cfg.ServerIdentity = []byte("example.org/staff")
	employees, err := opaque.NewServer(cfg)
	require.NoError(t, err)
	client, err := opaque.NewClient(opaque.ClientConfig{ServerIdentity: []byte("example.org/customers")})
	require.NoError(t, err)
	r.client, r.server = client.StretchByIdentity(), customers
	r.record, _ = r.register(t, r.client, alice, nil, password)
	_, pending, final = r.answer(t)
	require.Equal(t, opaque.ErrState, second(employees.FinishLogin(t.Context(), alice, r.record, pending, final)))
	require.NoError(t, second(customers.FinishLogin(t.Context(), alice, r.record, pending, final)))
}

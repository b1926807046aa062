package srp_test

import (
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// FuzzLogins plays several logins at once: see [testvec.FuzzLogins].
func FuzzLogins(f *testing.F) {
	r := sha256Rig(f)
	bobs, err := srp.RegisterWith(r.profile, r.group.Unverified(), r.kind.KDF, []byte("bob"), []byte("bob's"), []byte("another salt, 16"))
	require.NoError(f, err)
	ring := stateKeys(1, 2, 3)
	testvec.FuzzLogins(f, testvec.Logins{
		Users: []testvec.LoginUser{
			{ID: alice, Record: r.record.Bytes(), Password: password},
			{ID: []byte("bob"), Record: bobs.Bytes(), Password: []byte("bob's")},
			{ID: []byte("nobody"), Password: []byte("whatever")},
		},
		Login: func(user testvec.LoginUser, password []byte) (testvec.ClientLogin, []byte, error) {
			return r.client.Login(user.ID, password)
		},
		Replica: func(shared *testvec.Replay) (testvec.LoginServer, error) {
			cfg := config(r.kind)
			cfg.StateKeys, cfg.Replay = ring, shared
			return srp.NewServer(cfg)
		},
		Rotate: func(server testvec.LoginServer, first int) (testvec.LoginServer, error) {
			return server.(*srp.Server).WithStateKeys(append(slices.Clone(ring[first:]), ring[:first]...))
		},
		ErrState: srp.ErrState,
	})
}

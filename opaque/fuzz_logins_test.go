package opaque_test

import (
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/opaque"
)

// FuzzLogins plays several logins at once: see [testvec.FuzzLogins].
func FuzzLogins(f *testing.F) {
	r := newRig(f, opaque.Ristretto255)
	bobs, _ := r.register(f, r.client, []byte("bob"), nil, []byte("bob's"))
	ring := []opaque.StateKey{{Key: key32(1)}, {Key: key32(2)}, {Key: key32(3)}}
	testvec.FuzzLogins(f, testvec.Logins{
		Users: []testvec.LoginUser{
			{ID: alice, Record: r.record, Password: password},
			{ID: []byte("bob"), Record: bobs, Password: []byte("bob's")},
			{ID: []byte("nobody"), Password: []byte("whatever")},
		},
		Login: func(_ testvec.LoginUser, password []byte) (testvec.ClientLogin, []byte, error) {
			return r.client.Login(nil, password)
		},
		Replica: func(shared *testvec.Replay) (testvec.LoginServer, error) {
			cfg := r.config
			cfg.StateKeys, cfg.Replay = ring, shared
			return opaque.NewServer(cfg)
		},
		Rotate: func(server testvec.LoginServer, first int) (testvec.LoginServer, error) {
			return server.(*opaque.Server).WithStateKeys(append(slices.Clone(ring[first:]), ring[:first]...))
		},
		ErrState: opaque.ErrState,
	})
}

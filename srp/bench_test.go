package srp_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/bcrypt"
	"github.com/nescio-go/nescio/internal/modexp"
	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// benchRigs are the rigs that are measured, by the names of the benchmarks.
// The unit to compare with is BenchmarkExp/2048 of internal/modexp, one exponent
// of full length; the metric ×unit is the ratio.
func benchRigs(b *testing.B) []struct {
	name string
	r    *rig
} {
	type named = struct {
		name string
		r    *rig
	}
	rigs := []named{{"proton/2048", newRig(b, srp.Proton(4))}}
	for _, kind := range []struct {
		profile srp.Profile
		bits    int
	}{
		{srp.RFC5054SHA256(0), 2048}, {srp.RFC5054SHA256(0), 3072}, {srp.RFC5054SHA256(0), 4096},
		{srp.Nescio(), 2048}, {srp.Nescio(), 3072},
	} {
		r := &rig{profile: kind.profile}
		var err error
		r.group, err = srp.RFC5054Group(kind.bits)
		require.NoError(b, err)
		r.kind = srp.Kind{Profile: r.profile, Groups: []*srp.Group{r.group}, KDF: srp.SmallKDF(r.profile), Weight: 1}
		r.server = newServer(b, r.kind)
		r.client, err = srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{r.profile}, KDFPolicy: kdf.FixedPolicy(srp.SmallKDF(r.profile))})
		require.NoError(b, err)
		r.record, err = makeOfKind(b.Context(), r.client, r.kind, alice, password)
		require.NoError(b, err)
		rigs = append(rigs, named{fmt.Sprintf("%v/%d", r.profile, kind.bits), r})
	}
	return rigs
}

// measure runs f, and between its runs the unit, so that their ratio holds on a
// machine whose speed varies.
func measure(b *testing.B, f func() error) {
	m, err := modexp.NewModulus(bytes.Repeat([]byte{0xff}, 256))
	require.NoError(b, err)
	x, e := m.Reduce(bytes.Repeat([]byte{0x5a}, 256)), bytes.Repeat([]byte{0xa5}, 256)
	var unit time.Duration
	b.ReportAllocs()
	for b.Loop() {
		if err := f(); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		start := time.Now()
		m.Exp(x, e)
		unit += time.Since(start)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed())/float64(unit), "×unit")
}

// BenchmarkServer is a server's whole login, Begin and Finish. A fixed b makes
// one final message right for every Begin. Nothing of the group is kept from
// one login to the next.
func BenchmarkServer(b *testing.B) {
	for _, rig := range benchRigs(b) {
		b.Run(rig.name, func(b *testing.B) {
			r := rig.r
			record := r.record.Bytes()
			fixed := bytes.Repeat([]byte{0xb5}, 32)
			c, _, err := r.server.ChallengeWith(b.Context(), alice, record, fixed)
			require.NoError(b, err)
			login, request, err := r.client.Login(alice, password)
			require.NoError(b, err)
			proof, err := login.Answer(b.Context(), c)
			require.NoError(b, err)
			final := append(append([]byte{'S', 1}, proof.A...), proof.M1...)
			exponent := map[int]int{2048: 32, 3072: 36, 4096: 40}[r.group.Bits()]
			fixed = append(make([]byte, exponent-32), fixed...)
			server := r.server.WithExponent(fixed)
			measure(b, func() error {
				_, pending, err := server.BeginLogin(b.Context(), alice, record, request)
				if err != nil {
					return err
				}
				_, _, err = server.FinishLogin(b.Context(), alice, record, pending, final)
				return err
			})
		})
	}
}

// BenchmarkClientProof is Respond after the password's hash, the group having
// been proved before.
func BenchmarkClientProof(b *testing.B) {
	for _, rig := range benchRigs(b) {
		b.Run(rig.name, func(b *testing.B) {
			r := rig.r
			_, request, err := r.client.Login(alice, password)
			require.NoError(b, err)
			response, _, err := r.server.BeginLogin(b.Context(), alice, r.record.Bytes(), request)
			require.NoError(b, err)
			x := bytes.Repeat([]byte{0xa5}, map[bool]int{true: 256, false: 32}[rig.name == "proton/2048"])
			measure(b, func() error {
				_, err := r.client.RespondWith(b.Context(), response, alice, x)
				return err
			})
		})
	}
}

// BenchmarkRespond is a client's whole work, the password's hash included; the
// metric is the share of bcrypt in it, taken in turns.
func BenchmarkRespond(b *testing.B) {
	r := newRig(b, srp.Proton(4))
	b.Run("proton/2048", func(b *testing.B) {
		_, request, err := r.client.Login(alice, password)
		require.NoError(b, err)
		response, _, err := r.server.BeginLogin(b.Context(), alice, r.record.Bytes(), request)
		require.NoError(b, err)
		b.ReportAllocs()
		var hashing time.Duration
		for b.Loop() {
			login, _, err := r.client.Login(alice, password)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := login.Respond(b.Context(), response); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			start := time.Now()
			if _, err := bcrypt.Hash(password, [bcrypt.SaltSize]byte{1}, 10); err != nil {
				b.Fatal(err)
			}
			hashing += time.Since(start)
			b.StartTimer()
		}
		b.ReportMetric(100*float64(hashing)/float64(b.Elapsed()), "%bcrypt")
	})
}

// BenchmarkNewGroup is the first proof of a modulus, and every later one.
func BenchmarkNewGroup(b *testing.B) {
	ref := signedGroup(b, loadProton(b).Verifier.SignedModulus)
	b.Run("first/2048", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := safeprime.Verify(ref.N, ref.G); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("again/2048", func(b *testing.B) {
		_, err := srp.NewGroup(ref.N, ref.G)
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := srp.NewGroup(ref.N, ref.G); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkServerParallel is BenchmarkServer on all cores.
func BenchmarkServerParallel(b *testing.B) {
	b.Run("proton/2048", func(b *testing.B) {
		r := newRig(b, srp.Proton(4))
		record := r.record.Bytes()
		proof := srp.Proof{A: append(make([]byte, 255), 5), M1: make([]byte, 256)} // wrong, which takes as long
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, pending, err := r.server.Challenge(b.Context(), alice, record)
				if err != nil {
					b.Error(err)
					return
				}
				if _, _, err := r.server.Verify(b.Context(), alice, record, pending, proof); err != srp.ErrAuthentication {
					b.Error(err)
					return
				}
			}
		})
	})
}

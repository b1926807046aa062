package srp_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// TestKindsOutOfRange are refused wherever they are given, and the error says
// what does not fit.
func TestKindsOutOfRange(t *testing.T) {
	proton, nescio := newRig(t, srp.Proton(4)).kind, newRig(t, srp.Nescio()).kind
	large, err := srp.RFC5054Group(3072)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		kind   srp.Kind
		change func(*srp.Kind)
		want   string
	}{
		"negative salt":         {proton, func(k *srp.Kind) { k.SaltSize = -1 }, "the salt's size"},
		"another salt":          {proton, func(k *srp.Kind) { k.SaltSize = 11 }, "the salt's size"},
		"another group":         {proton, func(k *srp.Kind) { k.Groups = []*srp.Group{large} }, "the group does not fit"},
		"a wrong member":        {proton, func(k *srp.Kind) { k.Groups = append(k.Groups[:1:1], large) }, "the group does not fit"},
		"no group":              {proton, func(k *srp.Kind) { k.Groups = []*srp.Group{nil} }, "a profile and a group"},
		"a zero group":          {proton, func(k *srp.Kind) { k.Groups = []*srp.Group{{}} }, "a profile and a group"},
		"KDF parameters":        {proton, func(k *srp.Kind) { k.KDF = kdf.Default() }, "the KDF parameters"},
		"scrypt":                {nescio, func(k *srp.Kind) { k.KDF = kdf.RFC9807Scrypt() }, "the KDF parameters"},
		"a salt":                {nescio, func(k *srp.Kind) { k.KDF = kdf.Default().WithNewSalt() }, "the KDF parameters"},
		"salts of old profiles": {newRig(t, srp.Proton(2)).kind, func(k *srp.Kind) { k.SaltSize = 16 }, "the salt's size"},
		"a heavy weight":        {proton, func(k *srp.Kind) { k.Weight = 1<<20 + 1 }, "weight"},
		"a group twice":         {proton, func(k *srp.Kind) { k.Groups = append(k.Groups[:1:1], k.Groups[0]) }, "two kinds"},
	} {
		kind := c.kind
		c.change(&kind)
		cfg := config()
		cfg.Old = []srp.Kind{kind}
		_, err := srp.NewServer(cfg)
		require.ErrorIs(t, err, srp.ErrPolicy, name)
		require.ErrorContains(t, err, c.want, name)
		cfg = config()
		cfg.Accept = []srp.Kind{kind}
		_, err = srp.NewServer(cfg)
		require.ErrorIs(t, err, srp.ErrPolicy, name)
		if c.want != "two kinds" {
			_, err = srp.Weights(kind)
			require.ErrorIs(t, err, srp.ErrPolicy, name)
		}
	}
	cfg := config()
	cfg.Offer = newRig(t, srp.Proton(2)).kind
	_, err = srp.NewServer(cfg)
	require.ErrorIs(t, err, srp.ErrPolicy)
	require.ErrorContains(t, err, "only for logins of old accounts")
}

// TestZeroKindIsTheDefault: what is left out is the default's, in a server and
// in Weights.
func TestZeroKindIsTheDefault(t *testing.T) {
	want, err := srp.Weights(srp.DefaultKind())
	require.NoError(t, err)
	got, err := srp.Weights(srp.Kind{})
	require.NoError(t, err)
	require.Equal(t, want, got)
	group, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	client, err := srp.NewClient(srp.ClientConfig{})
	require.NoError(t, err)
	record := register(t, client, srp.Kind{Groups: []*srp.Group{group}}, alice, password)
	require.Equal(t, kdf.Default(), record.KDF())
	require.Len(t, record.Salt(), 32)
	require.Equal(t, srp.Nescio(), record.Profile())
}

// pool returns groups of different moduli, which are not safe primes, with
// certificates that number them.
func pool(t testing.TB, n int) []*srp.Group {
	base, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	groups := make([]*srp.Group, n)
	for i := range groups {
		N := base.Unverified().N
		binary.BigEndian.PutUint16(N[100:], uint16(i))
		groups[i], err = srp.UnprovedGroup(N, 2)
		require.NoError(t, err)
		groups[i], err = groups[i].WithCertificate(fmt.Appendf(nil, "certificate %d", i))
		require.NoError(t, err)
	}
	return groups
}

// answered is what a stranger sees of a name besides B.
func answered(t testing.TB, s *srp.Server, id []byte) srp.Challenge {
	c, _, err := s.Challenge(context.Background(), id, nil)
	require.NoError(t, err)
	c.B = nil
	return c
}

// TestPoolGetsOneMore: of 50 moduli, when one more is added at the end, the names
// that move are about 1 in 51, and they land on the new one.
func TestPoolGetsOneMore(t *testing.T) {
	groups := pool(t, 51)
	kind := srp.Kind{Profile: srp.RFC5054SHA1(0), Weight: 7}
	kind.Groups = groups[:50]
	before := newServer(t, kind)
	kind.Groups = groups
	after := newServer(t, kind)
	names := 510
	if testvec.Long {
		names = 5100
	}
	moved := 0
	for i := range names {
		id := fmt.Appendf(nil, "name %d", i)
		was, is := answered(t, before, id), answered(t, after, id)
		if string(was.Group.Certificate) == string(is.Group.Certificate) {
			require.Equal(t, was, is)
			continue
		}
		moved++
		require.Equal(t, "certificate 50", string(is.Group.Certificate))
	}
	require.InDelta(t, names/51, moved, 3*math.Sqrt(float64(names)/51)+1, "three standard deviations")
}

// TestPoolIsOfferedAtRandom: registrations spread over the pool, all of them are
// admitted, and a retired modulus still logs in.
func TestPoolIsOfferedAtRandom(t *testing.T) {
	groups := pool(t, 4)
	kind := srp.Kind{Profile: srp.RFC5054SHA1(0), Groups: groups}
	cfg := config(kind)
	cfg.Offer.Weight = 1
	server, err := srp.NewServer(cfg)
	require.NoError(t, err)
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{kind.Profile}, GroupPolicy: srp.AnyGroup(2048)})
	require.NoError(t, err)
	seen := make(map[string][]byte)
	for range 200 {
		r, request, err := client.Register(alice, password)
		require.NoError(t, err)
		response, err := server.BeginRegistration(t.Context(), alice, request)
		require.NoError(t, err)
		upload, err := r.Finish(t.Context(), response)
		require.NoError(t, err)
		record, err := server.FinishRegistration(alice, upload)
		require.NoError(t, err)
		parsed, err := srp.ParseRecord(record)
		require.NoError(t, err)
		seen[string(parsed.Group().Certificate)] = record
	}
	require.Len(t, seen, 4, "missing one of four has a probability of 4·(3/4)^200")

	retired := config(srp.Kind{Profile: kind.Profile, Groups: groups[1:], Weight: 1}, srp.Kind{Profile: kind.Profile, Groups: groups[:1], Weight: 1})
	after, err := srp.NewServer(retired)
	require.NoError(t, err)
	require.True(t, after.NeedsRegistration(seen["certificate 0"]))
	require.False(t, after.NeedsRegistration(seen["certificate 1"]))
	_, err = after.FinishRegistration(alice, seen["certificate 0"])
	require.ErrorIs(t, err, srp.ErrPolicy)
	for i := range 200 { // a group that moves from one list to another moves no name
		id := fmt.Appendf(nil, "name %d", i)
		require.Equal(t, answered(t, server, id), answered(t, after, id))
	}
}

// TestCertificatesAreReplaced: a server with other certificates for the same
// groups sends them to accounts and for unknown names alike, and nothing else
// changes. Stored records need no change, and uploads under the earlier
// certificate are admitted.
func TestCertificatesAreReplaced(t *testing.T) {
	groups := pool(t, 3)
	kind := srp.Kind{Profile: srp.RFC5054SHA1(0), Groups: groups, Weight: 1}
	before := newServer(t, kind)
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{kind.Profile}, GroupPolicy: srp.AnyGroup(2048)})
	require.NoError(t, err)
	upload := register(t, client, srp.Kind{Profile: kind.Profile, Groups: groups[:1]}, alice, password).Bytes()
	record, err := before.FinishRegistration(alice, upload)
	require.NoError(t, err)

	kind.Groups = nil
	for _, g := range groups {
		next, err := g.WithCertificate(append(g.Unverified().Certificate, ", signed again"...))
		require.NoError(t, err)
		kind.Groups = append(kind.Groups, next)
	}
	after := newServer(t, kind)
	answer := func(s *srp.Server, id, record []byte) srp.Challenge {
		c, _, err := s.Challenge(t.Context(), id, record)
		require.NoError(t, err)
		c.B = nil
		return c
	}
	names := map[string][]byte{"alice": record}
	for i := range 20 {
		names[fmt.Sprint("nobody ", i)] = nil
	}
	for id, record := range names {
		was, is := answer(before, []byte(id), record), answer(after, []byte(id), record)
		require.Equal(t, string(was.Group.Certificate)+", signed again", string(is.Group.Certificate))
		was.Group.Certificate = is.Group.Certificate
		require.Equal(t, was, is)
	}
	require.False(t, after.NeedsRegistration(record))
	require.NoError(t, after.Check(record))
	again, err := after.FinishRegistration(alice, upload)
	require.NoError(t, err)
	parsed, err := srp.ParseRecord(again)
	require.NoError(t, err)
	require.Equal(t, "certificate 0, signed again", string(parsed.Group().Certificate), "the server's own")

	login, request, err := client.Login(alice, password)
	require.NoError(t, err)
	response, pending, err := after.BeginLogin(t.Context(), alice, record, request)
	require.NoError(t, err)
	final, err := login.Respond(t.Context(), response)
	require.NoError(t, err)
	_, _, err = after.FinishLogin(t.Context(), alice, record, pending, final)
	require.NoError(t, err)

	kind.Groups = append(kind.Groups, groups[0])
	_, err = srp.NewServer(config(kind))
	require.ErrorIs(t, err, srp.ErrPolicy, "two certificates for one group")
}

// TestKindsMoveOnlyWhatTheyMust: an unknown name changes its answer only if an
// account could have: it lands on what was added or raised, or was on what went.
func TestKindsMoveOnlyWhatTheyMust(t *testing.T) {
	groups := pool(t, 4)
	kind := func(i int, weight uint32) srp.Kind {
		return srp.Kind{Profile: srp.RFC5054SHA1(0), Groups: groups[i : i+1], Weight: weight}
	}
	certificate := func(i int) string { return fmt.Sprintf("certificate %d", i) }
	base := newServer(t, kind(0, 5), kind(1, 3), kind(2, 0))
	for name, c := range map[string]struct {
		after *srp.Server
		lands string // where a name that moves is afterwards; empty: anywhere
		from  string // where it was; empty: anywhere
		moves bool
	}{
		"the oldest, of weight 0, goes": {newServer(t, kind(0, 5), kind(1, 3)), "", "", false},
		"the order changes":             {newServer(t, kind(1, 3), kind(2, 0), kind(0, 5)), "", "", false},
		"a new one of weight 0":         {newServer(t, kind(3, 0), kind(0, 5), kind(1, 3), kind(2, 0)), "", "", false},
		"a new one":                     {newServer(t, kind(3, 4), kind(0, 5), kind(1, 3), kind(2, 0)), certificate(3), "", true},
		"a weight rises":                {newServer(t, kind(0, 50), kind(1, 3), kind(2, 0)), certificate(0), "", true},
		"one goes":                      {newServer(t, kind(0, 5), kind(2, 0)), "", certificate(1), true},
	} {
		moved := 0
		for i := range 200 {
			id := fmt.Appendf(nil, "name %d", i)
			was, is := answered(t, base, id), answered(t, c.after, id)
			if string(was.Group.Certificate) == string(is.Group.Certificate) {
				require.Equal(t, was, is, name)
				continue
			}
			moved++
			if c.lands != "" {
				require.Equal(t, c.lands, string(is.Group.Certificate), name)
			}
			if c.from != "" {
				require.Equal(t, c.from, string(was.Group.Certificate), name)
			}
		}
		require.Equal(t, c.moves, moved > 0, name)
	}
}

// TestTooManyKinds: 256 of them are drawn evenly, more are refused.
func TestTooManyKinds(t *testing.T) {
	groups := pool(t, 257)
	_, err := srp.NewServer(config(srp.Kind{Profile: srp.RFC5054SHA1(0), Groups: groups, Weight: 1}))
	require.ErrorIs(t, err, srp.ErrPolicy)
	server := newServer(t, srp.Kind{Profile: srp.RFC5054SHA1(0), Groups: groups[:256], Weight: 1})
	index := make(map[string]int)
	for i, g := range groups {
		index[string(g.Unverified().Certificate)] = i
	}
	quarters := make([]int, 4)
	names := 500
	if testvec.Long {
		names = 5000
	}
	for i := range names {
		c := answered(t, server, fmt.Appendf(nil, "name %d", i))
		quarters[index[string(c.Group.Certificate)]/64]++
	}
	for _, n := range quarters {
		require.InDelta(t, names/4, n, 4*math.Sqrt(float64(names)*3/16), "four standard deviations")
	}
}

// TestAnswersAsSRP: the draw runs over the kinds of both protocols, and names
// that it leaves to SRP answer as if there were no other.
func TestAnswersAsSRP(t *testing.T) {
	kind := newRig(t, srp.RFC5054SHA256(0)).kind
	alone := newServer(t, kind)
	cfg := config(kind)
	cfg.Others = []srp.KindWeight{{Digest: [32]byte{1}, Weight: 3}}
	both, err := srp.NewServer(cfg)
	require.NoError(t, err)
	count := 0
	for i := range 2000 {
		id := fmt.Appendf(nil, "name %d", i)
		require.True(t, alone.AnswersAsSRP(id))
		if both.AnswersAsSRP(id) {
			count++
		}
		if i < 100 {
			require.Equal(t, answered(t, alone, id), answered(t, both, id))
		}
	}
	require.InDelta(t, 500, count, 80)
	cfg.Offer.Weight = 0
	none, err := srp.NewServer(cfg)
	require.NoError(t, err)
	require.False(t, none.AnswersAsSRP(alice))
	answered(t, none, alice) // it still can, if it is asked
}

func TestDecoy(t *testing.T) {
	r := sha256Rig(t)
	other := config(r.kind)
	other.DecoyKey[0] ^= 1
	elsewhere, err := srp.NewServer(other)
	require.NoError(t, err)
	seen := make(map[[32]byte]bool)
	for _, s := range []*srp.Server{r.server, elsewhere} {
		for _, label := range []string{"", "account", "account\x00a", "accounta"} {
			for _, id := range []string{"", "a", "lice", "alice"} {
				v := s.Decoy(label, []byte(id))
				require.Equal(t, v, s.Decoy(label, []byte(id)))
				seen[v] = true
			}
		}
	}
	require.Len(t, seen, 32)
}

// TestCheck: a service finds at its start which accounts cannot log in, or would
// be told from unknown names.
func TestCheck(t *testing.T) {
	r, other := sha256Rig(t), newRig(t, srp.RFC5054SHA512(0))
	record := r.record.Bytes()
	require.NoError(t, r.server.Check(record))
	require.NoError(t, newServer(t, other.kind, r.kind).Check(record), "an old kind")
	err := other.server.Check(record)
	require.ErrorIs(t, err, srp.ErrRecord)
	require.ErrorContains(t, err, "not in Offer, Accept or Old")
	for _, bad := range [][]byte{nil, record[:len(record)-1], append(record[:len(record):len(record)], 0)} {
		require.ErrorIs(t, r.server.Check(bad), srp.ErrRecord)
	}
}

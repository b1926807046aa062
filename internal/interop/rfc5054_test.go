package interop_test

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// logins is how many logins each peer of RFC 5054 makes in each direction:
// enough for several values of each kind to start with a zero byte. The gate
// runs a fifth of them.
func logins() int {
	if testing.Short() {
		return 200
	}
	return 1000
}

// ours is our client and server for one profile.
type ours struct {
	profile srp.Profile
	group   *srp.Group
	client  *srp.Client
	server  *srp.Server
}

func newOurs(t testing.TB, profile srp.Profile, bits int) *ours {
	group, err := srp.RFC5054Group(bits)
	require.NoError(t, err)
	return newOursIn(t, profile, group, nil)
}

func newOursIn(t testing.TB, profile srp.Profile, group *srp.Group, policy srp.GroupPolicy) *ours {
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{profile}, GroupPolicy: policy})
	require.NoError(t, err)
	cfg := srp.ServerConfig{
		StateKeys: make([]srp.StateKey, 1),
		Offer:     srp.Kind{Profile: profile, Groups: []*srp.Group{group}},
	}
	rand.Read(cfg.DecoyKey[:])
	rand.Read(cfg.StateKeys[0].Key[:])
	server, err := srp.NewServer(cfg)
	require.NoError(t, err)
	return &ours{profile, group, client, server}
}

// register makes a record of our client.
func (o *ours) register(t testing.TB, name, password string) *srp.Record {
	r, _, err := o.client.Register([]byte(name), []byte(password))
	require.NoError(t, err)
	record, err := r.MakeRecord(t.Context(), o.profile, o.group.Unverified(), kdf.Params{})
	require.NoError(t, err)
	return record
}

// user returns the n-th user, with a password that not only ASCII is in.
func user(n int) (name, password string) {
	return fmt.Sprintf("user%d@example.org", n), fmt.Sprintf("pässwörd %d %s", n, rand.Text())
}

// padded is a number as we send it: peers that strip leading zeros get and
// give them back.
func padded(b []byte, size int) []byte {
	return append(make([]byte, size-len(b)), b...)
}

func (o *ours) record(t testing.TB, name string, salt, v []byte) []byte {
	r, err := srp.NewRecord(o.profile, o.group.Unverified(), kdf.Params{}, []byte(name), salt, padded(v, o.group.Bits()/8))
	require.NoError(t, err)
	return r.Bytes()
}

// zeros counts the logins in which A or B starts with a zero byte.
type zeros int

func (z *zeros) see(A, B []byte) {
	if A[0] == 0 || B[0] == 0 {
		*z++
	}
}

// check fails a full run without any, which happens once in 2,000 at most.
func (z *zeros) check(t *testing.T) {
	t.Logf("%d logins in which A or B has leading zeros", *z)
	if !testing.Short() {
		require.NotZero(t, *z)
	}
}

// TestFastSRP logs in with fast-srp-hap, which hashes g in M1 in one byte and
// pads everything else.
func TestFastSRP(t *testing.T) {
	t.Parallel()
	for hash, profile := range map[string]srp.Profile{
		"sha256": srp.RFC5054SHA256(srp.MinimalG),
		"sha512": srp.RFC5054SHA512(srp.MinimalG),
	} {
		t.Run(hash, func(t *testing.T) {
			t.Parallel()
			p, o := startNode(t), newOurs(t, profile, 2048)
			var z zeros
			for n := range logins() / 2 {
				name, password := user(n)
				record := o.register(t, name, password)
				common := message{I: name, P: password, Salt: record.Salt(), Group: "2048", Hash: hash}
				with := func(op string) message { m := common; m.Op = op; return m }
				require.EqualValues(t, record.Verifier(), p.must(t, with("fast-verifier")).V)

				c, pending, err := o.server.Challenge(t.Context(), []byte(name), record.Bytes())
				require.NoError(t, err)
				m := with("fast-client")
				m.B = c.B
				theirs := p.must(t, m)
				m2, key, err := o.server.Verify(t.Context(), []byte(name), record.Bytes(), pending, srp.Proof{A: theirs.A, M1: theirs.M1})
				require.NoError(t, err, "their client, our server, login %d", n)
				require.EqualValues(t, theirs.M2, m2)
				require.EqualValues(t, theirs.K, key)
				z.see(theirs.A, c.B)

				m = with("fast-server-begin")
				m.V = record.Verifier()
				begun := p.must(t, m)
				login, _, err := o.client.Login([]byte(name), []byte(password))
				require.NoError(t, err)
				proof, err := login.Answer(t.Context(), srp.Challenge{Profile: profile, Group: o.group.Unverified(), Salt: record.Salt(), B: begun.B})
				require.NoError(t, err)
				done := p.must(t, message{Op: "fast-server-finish", ID: begun.ID, A: proof.A, M1: proof.M1})
				key, err = login.Confirm(done.M2)
				require.NoError(t, err, "our client, their server, login %d", n)
				require.EqualValues(t, done.K, key)
				z.see(proof.A, begun.B)
			}
			z.check(t)
		})
	}
}

// TestHomeKit logs in with fast-srp-hap as HomeKit software uses it. It pads A,
// B and S where the HomeKit profile strips them. Our own A and B never start with
// a zero byte, so that the two differ only if the peer's value or S does.
// RFC5054SHA512 with MinimalG never differs.
func TestHomeKit(t *testing.T) {
	t.Parallel()
	p := startNode(t)
	for profile, pads := range map[srp.Profile]bool{srp.HomeKit(): false, srp.RFC5054SHA512(srp.MinimalG): true} {
		o := newOurs(t, profile, 3072)
		for n := range logins() / 10 {
			name, code := "Pair-Setup", fmt.Sprintf("%03d-%02d-%03d", n, n%100, 999-n)
			record := o.register(t, name, code)
			common := message{I: name, P: code, Salt: record.Salt(), V: record.Verifier(), Group: "hap", Hash: "sha512"}

			// Their client, our server.
			c, pending, err := o.server.Challenge(t.Context(), []byte(name), record.Bytes())
			require.NoError(t, err)
			m := common
			m.Op, m.B = "fast-client", c.B
			theirs := p.must(t, m)
			m2, key, err := o.server.Verify(t.Context(), []byte(name), record.Bytes(), pending, srp.Proof{A: theirs.A, M1: theirs.M1})
			if !pads {
				require.NotZero(t, c.B[0])
			}
			if !pads && (theirs.A[0] == 0 || theirs.S[0] == 0) {
				require.ErrorIs(t, err, srp.ErrAuthentication, "the known difference")
			} else {
				require.NoError(t, err, "their client, our server, %s, login %d", profile, n)
				require.EqualValues(t, theirs.M2, m2)
				require.EqualValues(t, theirs.K, key)
			}

			// Our client, their server.
			m = common
			m.Op = "fast-server-begin"
			begun := p.must(t, m)
			login, _, err := o.client.Login([]byte(name), []byte(code))
			require.NoError(t, err)
			proof, err := login.Answer(t.Context(), srp.Challenge{Profile: profile, Group: o.group.Unverified(), Salt: record.Salt(), B: begun.B})
			require.NoError(t, err)
			done := p.must(t, message{Op: "fast-server-finish", ID: begun.ID, A: proof.A, M1: proof.M1})
			if !pads {
				require.NotZero(t, proof.A[0])
			}
			if !pads && (begun.B[0] == 0 || done.S[0] == 0) {
				require.Empty(t, done.M2, "the known difference")
				continue
			}
			key, err = login.Confirm(done.M2)
			require.NoError(t, err, "our client, their server, %s, login %d", profile, n)
			require.EqualValues(t, done.K, key)
		}
	}
}

// TestPysrp logs in with pysrp, which pads g in M1 and strips A, B and S.
func TestPysrp(t *testing.T) {
	t.Parallel()
	p := startPysrp(t)
	var z zeros
	for hash, profile := range map[string]srp.Profile{
		"sha1":   srp.RFC5054SHA1(srp.MinimalValues),
		"sha256": srp.RFC5054SHA256(srp.MinimalValues),
		"sha512": srp.RFC5054SHA512(srp.MinimalValues),
	} {
		o := newOurs(t, profile, 2048)
		for n := range (logins() + 2) / 3 {
			name, password := user(n)
			// Their registration, their client, our server.
			theirs := p.must(t, message{Op: "verifier", I: name, P: password, Hash: hash})
			record := o.record(t, name, theirs.Salt, theirs.V)
			c, pending, err := o.server.Challenge(t.Context(), []byte(name), record)
			require.NoError(t, err)
			begun := p.must(t, message{Op: "client", I: name, P: password, Salt: theirs.Salt, B: c.B, Hash: hash})
			A := padded(begun.A, 256)
			m2, key, err := o.server.Verify(t.Context(), []byte(name), record, pending, srp.Proof{A: A, M1: begun.M1})
			require.NoError(t, err, "%s: their client, our server, login %d, salt %x", hash, n, theirs.Salt)
			done := p.must(t, message{Op: "client-finish", ID: begun.ID, M2: m2})
			require.EqualValues(t, done.K, key)
			z.see(A, c.B)

			// Our registration, our client, their server.
			ours := o.register(t, name, password)
			begun = p.must(t, message{Op: "server-begin", I: name, Salt: ours.Salt(), V: ours.Verifier(), Hash: hash})
			B := padded(begun.B, 256)
			login, _, err := o.client.Login([]byte(name), []byte(password))
			require.NoError(t, err)
			proof, err := login.Answer(t.Context(), srp.Challenge{Profile: profile, Group: o.group.Unverified(), Salt: ours.Salt(), B: B})
			require.NoError(t, err)
			done = p.must(t, message{Op: "server-finish", ID: begun.ID, A: proof.A, M1: proof.M1})
			key, err = login.Confirm(done.M2)
			require.NoError(t, err, "%s: our client, their server, login %d", hash, n)
			require.EqualValues(t, done.K, key)
			z.see(proof.A, B)
		}
	}
	z.check(t)
	_, err := p.call(message{Op: "client-finish", ID: "none"})
	require.Error(t, err, "a peer's refusal is seen")
}

// TestSJCL registers with SJCL, which can do no more, and logs in with ours.
func TestSJCL(t *testing.T) {
	t.Parallel()
	p, o := startNode(t), newOurs(t, srp.RFC5054SHA1(0), 2048)
	for n := range logins() / 2 {
		name, password := user(n)
		salt := make([]byte, 1+n%32)
		rand.Read(salt)
		for n < 3 { // of the first ones SJCL will drop a leading zero
			record := o.register(t, name, password)
			if record.Verifier()[0] == 0 {
				salt = record.Salt()
				break
			}
		}
		v := p.must(t, message{Op: "sjcl-verifier", I: name, P: password, Salt: salt, Bits: 2048}).V
		if n < 3 {
			require.Less(t, len(v), 256)
		}
		record, err := srp.ImportSJCL(o.group.Unverified(), []byte(name), salt, v)
		require.NoError(t, err, hex.EncodeToString(v))
		login, request, err := o.client.Login([]byte(name), []byte(password))
		require.NoError(t, err)
		response, pending, err := o.server.BeginLogin(t.Context(), []byte(name), record.Bytes(), request)
		require.NoError(t, err)
		final, err := login.Respond(t.Context(), response)
		require.NoError(t, err)
		reply, serverKey, err := o.server.FinishLogin(t.Context(), []byte(name), record.Bytes(), pending, final)
		require.NoError(t, err, "login %d", n)
		clientKey, err := login.Finish(reply)
		require.NoError(t, err)
		require.Equal(t, serverKey, clientKey)
	}
}

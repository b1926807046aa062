package srp_test

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"slices"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

func TestLogin(t *testing.T) {
	for profile := range allProfiles(t) {
		t.Run(profile.String(), func(t *testing.T) {
			r := newRig(t, profile)
			login, pending, final := r.begin(t, alice, r.record.Bytes(), password)
			require.LessOrEqual(t, len(pending), 4096)
			reply, serverKey, err := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
			require.NoError(t, err)
			clientKey, err := login.Finish(reply)
			require.NoError(t, err)
			require.Len(t, clientKey, 32)
			require.Equal(t, serverKey, clientKey)
			require.Equal(t, r.group.Unverified(), login.Group().Unverified())
		})
	}
}

// TestLoginInEveryGroup logs in over the larger groups, one of them sent in
// full and with a certificate, so that pending state is as long as it can be.
func TestLoginInEveryGroup(t *testing.T) {
	for _, bits := range []int{2048, 3072, 4096, 6144, 8192} {
		if testing.Short() && bits > 4096 {
			continue // a second each
		}
		group, err := srp.RFC5054Group(bits)
		require.NoError(t, err)
		signed, err := group.WithCertificate(bytes.Repeat([]byte("c"), srp.MaxCertificate))
		require.NoError(t, err)
		for _, g := range []*srp.Group{group, signed} {
			kind := srp.Kind{Profile: srp.RFC5054SHA512(0), Groups: []*srp.Group{g}, SaltSize: 64}
			r := &rig{server: newServer(t, kind)}
			r.client, err = srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{kind.Profile}, GroupPolicy: srp.AnyGroup(8192)})
			require.NoError(t, err)
			record := register(t, r.client, kind, alice, password).Bytes()
			require.LessOrEqual(t, len(record)+srp.MaxIdentity, srp.MaxMessage)
			login, pending, final := r.begin(t, alice, record, password)
			require.LessOrEqual(t, len(pending), 4096)
			reply, serverKey, err := r.server.FinishLogin(t.Context(), alice, record, pending, final)
			require.NoError(t, err)
			clientKey, err := login.Finish(reply)
			require.NoError(t, err)
			require.Equal(t, serverKey, clientKey)
		}
	}
}

// TestTypedForm speaks Proton's wire: the same values, and the protocol's own
// key.
func TestTypedForm(t *testing.T) {
	r := newRig(t, srp.Proton(4))
	challenge, pending, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
	require.NoError(t, err)
	require.Equal(t, srp.Challenge{Profile: srp.Proton(4), Group: r.group.Unverified(), Salt: r.record.Salt(), B: challenge.B}, challenge)
	login, _, err := r.client.Login(nil, password)
	require.NoError(t, err)
	proof, err := login.Answer(t.Context(), challenge)
	require.NoError(t, err)
	require.Len(t, proof.A, 256)
	require.Len(t, proof.M1, 256)
	m2, serverKey, err := r.server.Verify(t.Context(), alice, r.record.Bytes(), pending, proof)
	require.NoError(t, err)
	clientKey, err := login.Confirm(m2)
	require.NoError(t, err)
	require.Len(t, clientKey, 256)
	require.Equal(t, serverKey, clientKey)
}

func TestSessionKeysDifferByProfileAndLogin(t *testing.T) {
	seen := make(map[string]bool)
	for _, profile := range []srp.Profile{srp.RFC5054SHA256(0), srp.RFC5054SHA256(srp.MinimalValues)} {
		r := newRig(t, profile)
		for range 2 {
			_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
			_, key, err := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
			require.NoError(t, err)
			seen[string(key)] = true
		}
	}
	require.Len(t, seen, 4)
}

// TestSessionKeyFormula pins how the 32 bytes come from the protocol's key.
func TestSessionKeyFormula(t *testing.T) {
	for profile, id := range map[srp.Profile]byte{srp.RFC5054SHA256(0): 0x14, srp.Proton(4): 0x24} {
		r := newRig(t, profile)
		b := bytes.Repeat([]byte{0xb0}, 32)
		c, pending, err := r.server.ChallengeWith(t.Context(), alice, r.record.Bytes(), b)
		require.NoError(t, err)
		proof := proofFromB(t, profile, alice, c, b)
		_, K, err := r.server.Verify(t.Context(), alice, r.record.Bytes(), pending, proof)
		require.NoError(t, err)
		_, pending, err = r.server.ChallengeWith(t.Context(), alice, r.record.Bytes(), b)
		require.NoError(t, err)
		_, key, err := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, slices.Concat([]byte{'S', 1}, proof.A, proof.M1))
		require.NoError(t, err)
		want, err := hkdf.Key(sha256.New, K, nil, "nescio/session/v1\x00S"+string([]byte{id}), 32)
		require.NoError(t, err)
		require.Equal(t, want, key)
	}
}

func TestSaltLengths(t *testing.T) {
	for profile, bad := range map[srp.Profile][]int{srp.RFC5054SHA256(0): {0, 65, 255}, srp.Proton(4): {0, 9, 11, 16}} {
		r := newRig(t, profile)
		c, _, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
		require.NoError(t, err)
		for _, size := range bad {
			login, _, err := r.client.Login(alice, password)
			require.NoError(t, err)
			c.Salt = make([]byte, size)
			_, err = login.Answer(t.Context(), c)
			require.Equal(t, srp.ErrMalformed, err, size)
		}
	}
}

func TestWrongPassword(t *testing.T) {
	for _, profile := range []srp.Profile{srp.RFC5054SHA1(0), srp.Proton(4)} {
		r := newRig(t, profile)
		login, pending, final := r.begin(t, alice, r.record.Bytes(), []byte("wrong horse"))
		reply, key, err := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
		require.Equal(t, srp.ErrAuthentication, err)
		require.Nil(t, reply)
		require.Nil(t, key)
		login.Discard()
	}
}

func TestWrongServer(t *testing.T) {
	r := sha256Rig(t)
	login, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	reply, _, err := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.NoError(t, err)
	reply[10] ^= 1
	key, err := login.Finish(reply)
	require.Equal(t, srp.ErrAuthentication, err)
	require.Nil(t, key)
	reply[10] ^= 1
	_, err = login.Finish(reply)
	require.Equal(t, srp.ErrUsed, err, "one try")
}

func TestReplyLengths(t *testing.T) {
	r := sha256Rig(t)
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	reply, _, err := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.NoError(t, err)
	for other := range testvec.Lengths(reply) {
		login, _, _ := r.begin(t, alice, r.record.Bytes(), password)
		_, err := login.Finish(other)
		require.Error(t, err)
	}
}

func TestLoginIsUsedOnce(t *testing.T) {
	r := sha256Rig(t)
	login, request, err := r.client.Login(alice, password)
	require.NoError(t, err)
	require.Nil(t, login.Group())
	_, err = login.Finish([]byte("S\x01too early"))
	require.Equal(t, srp.ErrUsed, err)
	response, pending, err := r.server.BeginLogin(t.Context(), alice, r.record.Bytes(), request)
	require.NoError(t, err)

	finals := make(chan []byte, 8)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			final, err := login.Respond(context.Background(), response)
			if err == nil {
				finals <- final
			} else if err != srp.ErrUsed {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Len(t, finals, 1)
	reply, _, err := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, <-finals)
	require.NoError(t, err)
	_, err = login.Finish(reply)
	require.NoError(t, err)
	_, err = login.Finish(reply)
	require.Equal(t, srp.ErrUsed, err)
	_, err = login.Respond(t.Context(), response)
	require.Equal(t, srp.ErrUsed, err)
}

func TestDiscard(t *testing.T) {
	r := sha256Rig(t)
	login, request, err := r.client.Login(alice, password)
	require.NoError(t, err)
	response, pending, err := r.server.BeginLogin(t.Context(), alice, r.record.Bytes(), request)
	require.NoError(t, err)
	login.Discard()
	_, err = login.Respond(t.Context(), response)
	require.Equal(t, srp.ErrUsed, err)

	login, _, final := r.begin(t, alice, r.record.Bytes(), password)
	_, _, err = r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.Equal(t, srp.ErrAuthentication, err)
	login.Discard()
	login.Discard()
	_, err = login.Finish([]byte{'S', 1})
	require.Equal(t, srp.ErrUsed, err)
}

// TestMessagesOutOfOrder: a message at the wrong time, however malformed, is
// ErrUsed and leaves the login as it was.
func TestMessagesOutOfOrder(t *testing.T) {
	r := sha256Rig(t)
	login, request, err := r.client.Login(alice, password)
	require.NoError(t, err)
	_, err = login.Finish(nil)
	require.Equal(t, srp.ErrUsed, err)
	_, err = login.Confirm(nil)
	require.Equal(t, srp.ErrUsed, err)
	response, pending, err := r.server.BeginLogin(t.Context(), alice, r.record.Bytes(), request)
	require.NoError(t, err)
	final, err := login.Respond(t.Context(), response)
	require.NoError(t, err)
	_, err = login.Respond(t.Context(), nil)
	require.Equal(t, srp.ErrUsed, err)
	reply, serverKey, err := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.NoError(t, err)
	clientKey, err := login.Finish(reply)
	require.NoError(t, err)
	require.Equal(t, serverKey, clientKey)
}

// TestPasswordIsCleared: the copy that a login keeps is zero once it was used
// or given up, and after every error.
func TestPasswordIsCleared(t *testing.T) {
	r := sha256Rig(t)
	_, request, err := r.client.Login(alice, password)
	require.NoError(t, err)
	response, _, err := r.server.BeginLogin(t.Context(), alice, r.record.Bytes(), request)
	require.NoError(t, err)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, use := range map[string]func(l *srp.Login) error{
		"used":      func(l *srp.Login) error { _, err := l.Respond(t.Context(), response); return err },
		"discarded": func(l *srp.Login) error { l.Discard(); return nil },
		"malformed": func(l *srp.Login) error { _, err := l.Respond(t.Context(), nil); require.Error(t, err); return nil },
		"refused": func(l *srp.Login) error {
			_, err := l.Answer(t.Context(), srp.Challenge{})
			require.Error(t, err)
			return nil
		},
		"cancelled": func(l *srp.Login) error { _, err := l.Respond(cancelled, response); require.Error(t, err); return nil },
	} {
		login, _, err := r.client.Login(alice, password)
		require.NoError(t, err)
		kept := srp.PasswordOf(login)
		require.Equal(t, password, kept)
		require.NoError(t, use(login), name)
		require.Equal(t, make([]byte, len(password)), kept, name)
	}
}

func TestPasswordIsCopied(t *testing.T) {
	r := sha256Rig(t)
	p := bytes.Clone(password)
	login, request, err := r.client.Login(alice, p)
	require.NoError(t, err)
	clear(p)
	response, pending, err := r.server.BeginLogin(t.Context(), alice, r.record.Bytes(), request)
	require.NoError(t, err)
	final, err := login.Respond(t.Context(), response)
	require.NoError(t, err)
	_, _, err = r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.NoError(t, err)
}

func TestLengthsOfNamesAndPasswords(t *testing.T) {
	r := sha256Rig(t)
	for _, n := range []int{1, 1024} {
		_, _, err := r.client.Login(make([]byte, n), make([]byte, n))
		require.NoError(t, err)
		_, _, err = r.server.Challenge(t.Context(), make([]byte, n), nil)
		require.NoError(t, err)
	}
	_, _, err := r.client.Login(nil, password)
	require.NoError(t, err, "an identity may be empty")
	for name, err := range map[string]error{
		"no password":   second(r.client.Login(alice, nil)),
		"long password": second(r.client.Login(alice, make([]byte, 1025))),
		"long identity": second(r.client.Login(make([]byte, 1025), password)),
		"register no password": func() error {
			_, err := makeOfKind(t.Context(), r.client, r.kind, alice, nil)
			return err
		}(),
		"register long identity": func() error {
			_, err := makeOfKind(t.Context(), r.client, r.kind, make([]byte, 1025), password)
			return err
		}(),
	} {
		require.ErrorIs(t, err, srp.ErrPolicy, name)
	}
}

func TestLengthsOfIDs(t *testing.T) {
	r := sha256Rig(t)
	for _, id := range [][]byte{nil, {}, make([]byte, 1025)} {
		_, _, err := r.server.Challenge(t.Context(), id, r.record.Bytes())
		require.Equal(t, srp.ErrMalformed, err)
		_, err = r.server.BeginRegistration(t.Context(), id, []byte("S\x01"))
		require.Equal(t, srp.ErrMalformed, err)
		_, _, err = r.server.FinishLogin(t.Context(), id, r.record.Bytes(), nil, nil)
		require.Equal(t, srp.ErrMalformed, err)
	}
}

// TestKDFParametersComeBeforeTheProof: what the policy refuses is refused before
// a group is proved, which the server could make take seconds.
func TestKDFParametersComeBeforeTheProof(t *testing.T) {
	n := bytes.Repeat([]byte{0xf7}, 1024) // no other test asks about it
	client, err := srp.NewClient(srp.ClientConfig{GroupPolicy: srp.AnyGroup(8192)})
	require.NoError(t, err)
	group := srp.UnverifiedGroup{N: n, G: 2}
	weak := srp.SmallKDF(srp.Nescio())
	_, err = makeRecord(t.Context(), client, srp.Nescio(), group, weak, alice, password)
	require.ErrorIs(t, err, kdf.ErrWeak) // the proof would say ErrPolicy alone
	login, _, err := client.Login(alice, password)
	require.NoError(t, err)
	_, err = login.Answer(t.Context(), srp.Challenge{Profile: srp.Nescio(), Group: group, Salt: make([]byte, 32), KDF: weak, B: bytes.Repeat([]byte{1}, 1024)})
	require.ErrorIs(t, err, kdf.ErrWeak)
}

// TestGroupPolicyGetsCopies: a policy that changes them spoils no login.
func TestGroupPolicyGetsCopies(t *testing.T) {
	r := newRig(t, srp.Proton(4))
	var err error
	r.client, err = srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{r.profile}, GroupPolicy: func(n []byte, _ int, certificate []byte) error {
		clear(n)
		clear(certificate)
		return nil
	}})
	require.NoError(t, err)
	c, _, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
	require.NoError(t, err)
	want := r.group.Unverified()
	login, _, err := r.client.Login(alice, password)
	require.NoError(t, err)
	_, err = login.Answer(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, want, c.Group)
}

// TestNothingStartsAfterACancel: not even the caller's policy is asked.
func TestNothingStartsAfterACancel(t *testing.T) {
	r := newRig(t, srp.RFC5054SHA256(0))
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{r.profile}, GroupPolicy: func([]byte, int, []byte) error {
		t.Error("it was asked")
		return nil
	}})
	require.NoError(t, err)
	c, _, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	login, _, err := client.Login(alice, password)
	require.NoError(t, err)
	_, err = login.Answer(ctx, c)
	require.ErrorIs(t, err, context.Canceled)
	_, err = makeOfKind(ctx, client, r.kind, alice, password)
	require.ErrorIs(t, err, context.Canceled)
}

package internal_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

var tableErrors = map[string]error{
	"ErrAuthentication": srp.ErrAuthentication, "ErrState": srp.ErrState, "ErrMalformed": srp.ErrMalformed,
	"ErrPolicy": srp.ErrPolicy, "ErrRecord": srp.ErrRecord, "ErrBusy": srp.ErrBusy,
}

// errorTable reads the table of errors, calls and HTTP statuses from the
// documentation: the status by call and error.
func errorTable(t *testing.T) map[string]map[string]string {
	b, err := os.ReadFile("../srp/doc.go")
	require.NoError(t, err)
	calls := []string{"BeginRegistration", "FinishRegistration", "BeginLogin", "FinishLogin"}
	_, rows, found := strings.Cut(string(b), strings.Join(calls, "  ")+"\n")
	require.True(t, found)
	table := make(map[string]map[string]string)
	for _, call := range calls {
		table[call] = make(map[string]string)
	}
	rows, _, _ = strings.Cut(rows, "//\n")
	for row := range strings.Lines(rows) {
		fields := strings.Fields(strings.Replace(strings.TrimPrefix(row, "//"), "any other", "other", 1))
		require.Len(t, fields, 1+len(calls), row)
		for i, call := range calls {
			table[call][fields[0]] = fields[i+1]
		}
	}
	return table
}

// tableName is the row that an error belongs to.
func tableName(err error) string {
	for name, e := range tableErrors {
		if errors.Is(err, e) {
			return name
		}
	}
	return "other"
}

// account is an account with a server, and a login of it up to the final message.
type account struct {
	name     string
	server   protocolServer
	request  []byte
	register []byte
	record   []byte
	login    func(t *testing.T, password string) (pending, final []byte)
}

func srpAccount(t *testing.T) account {
	group, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	kind := srp.Kind{Profile: srp.RFC5054SHA256(0), Groups: []*srp.Group{group}}
	server, err := srp.NewServer(srp.ServerConfig{DecoyKey: [32]byte{1}, StateKeys: []srp.StateKey{{Key: [32]byte{2}}}, Offer: kind})
	require.NoError(t, err)
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{kind.Profile}})
	require.NoError(t, err)
	r, request, err := client.Register(nil, []byte("correct horse"))
	require.NoError(t, err)
	a := account{name: "srp", server: server, request: request, register: request, record: registerWith(t, server, r, request)}
	a.login = func(t *testing.T, password string) (pending, final []byte) {
		l, request, err := client.Login(nil, []byte(password))
		require.NoError(t, err)
		response, pending, err := server.BeginLogin(t.Context(), []byte("alice"), a.record, request)
		require.NoError(t, err)
		final, err = l.Respond(t.Context(), response)
		require.NoError(t, err)
		return pending, final
	}
	return a
}

func opaqueAccount(t *testing.T) account {
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	server, err := opaque.NewServer(opaque.ServerConfig{DecoyKey: [32]byte{1}, StateKeys: []opaque.StateKey{{Key: [32]byte{2}}},
		Setups: map[uint16]*opaque.Setup{1: setup}})
	require.NoError(t, err)
	client, err := opaque.NewClient(opaque.ClientConfig{})
	require.NoError(t, err)
	r, register, err := client.Register(nil, []byte("correct horse"))
	require.NoError(t, err)
	_, request, err := client.Login(nil, []byte("correct horse"))
	require.NoError(t, err)
	a := account{name: "opaque", server: server, request: request, register: register, record: registerWith(t, server, r, register)}
	a.login = func(t *testing.T, password string) (pending, final []byte) {
		l, request, err := client.Login(nil, []byte("correct horse")) // a client stops at a wrong one
		require.NoError(t, err)
		response, pending, err := server.BeginLogin(t.Context(), []byte("alice"), a.record, request)
		require.NoError(t, err)
		final, err = l.Respond(t.Context(), response)
		require.NoError(t, err)
		if password != "correct horse" {
			final[len(final)-1] ^= 1
		}
		return pending, final
	}
	return a
}

func registerWith(t *testing.T, server protocolServer, r protocolRegistration, request []byte) []byte {
	response, err := server.BeginRegistration(t.Context(), []byte("alice"), request)
	require.NoError(t, err)
	upload, err := r.Finish(t.Context(), response)
	require.NoError(t, err)
	record, err := server.FinishRegistration(nil, upload)
	require.NoError(t, err)
	return record
}

// TestErrorTableIsTrue: what strangers and damage cause in either package is in
// the table with the status that fits. ErrBusy is tested in both packages.
func TestErrorTableIsTrue(t *testing.T) {
	table := errorTable(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, a := range []account{srpAccount(t), opaqueAccount(t)} {
		s, id := a.server, []byte("alice")
		check := func(call, want, status string, err error) {
			t.Helper()
			require.Error(t, err, a.name)
			require.Equal(t, want, tableName(err), "%s %s: %v", a.name, call, err)
			require.Equal(t, status, table[call][want], "%s %s: %v", a.name, call, err)
		}
		begin := func(ctx context.Context, id, record, request []byte) error {
			_, _, err := s.BeginLogin(ctx, id, record, request)
			return err
		}
		register := func(ctx context.Context, id, request []byte) error {
			_, err := s.BeginRegistration(ctx, id, request)
			return err
		}
		upload := func(identity, upload []byte) error {
			_, err := s.FinishRegistration(identity, upload)
			return err
		}
		finish := func(ctx context.Context, record, pending, final []byte) error {
			_, _, err := s.FinishLogin(ctx, id, record, pending, final)
			return err
		}
		damaged := append(append([]byte(nil), a.record...), 0)
		check("BeginRegistration", "ErrMalformed", "400", register(t.Context(), id, nil))
		check("BeginRegistration", "ErrMalformed", "400", register(t.Context(), nil, a.register))
		check("BeginRegistration", "other", "500", register(ended, id, a.register))
		check("FinishRegistration", "ErrRecord", "400", upload(nil, nil))
		check("FinishRegistration", "ErrRecord", "400", upload(nil, damaged))
		check("FinishRegistration", "ErrPolicy", "400", upload([]byte("somebody else"), a.record))
		check("BeginLogin", "ErrMalformed", "400", begin(t.Context(), id, a.record, nil))
		check("BeginLogin", "ErrMalformed", "400", begin(t.Context(), make([]byte, 1025), a.record, a.request))
		check("BeginLogin", "ErrRecord", "500", begin(t.Context(), id, damaged, a.request))
		check("BeginLogin", "other", "500", begin(ended, id, a.record, a.request))
		check("FinishLogin", "ErrState", "401", finish(t.Context(), a.record, nil, nil))
		pending, final := a.login(t, "a wrong password")
		check("FinishLogin", "other", "500", finish(ended, a.record, pending, final))
		check("FinishLogin", "ErrAuthentication", "401", finish(t.Context(), a.record, pending, final))
		check("FinishLogin", "ErrState", "401", finish(t.Context(), a.record, pending, final))
		pending, final = a.login(t, "correct horse")
		check("FinishLogin", "ErrState", "401", finish(t.Context(), damaged, pending, final))
		pending, _ = a.login(t, "correct horse")
		check("FinishLogin", "ErrMalformed", "400", finish(t.Context(), a.record, pending, nil))
	}
}

package opaque_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// session is a value that an application might keep and log. The values of this
// package are in unexported fields, where fmt cannot call their methods.
type session struct {
	user         string
	login        *opaque.Login
	registration *opaque.Registration
	migration    *opaque.Migration
	server       *opaque.Server
	setup        *opaque.Setup
	record       *opaque.Record
	servers      []opaque.Server
	byValue      struct {
		server opaque.Server
		setup  opaque.Setup
		record opaque.Record
		move   opaque.Migration
	}
	anything []any
}

// TestSecretsRedactThemselves in everything that prints, in unexported fields
// of other structs too, at every stage of a login.
func TestSecretsRedactThemselves(t *testing.T) {
	secretPassword := []byte("the password in question")
	r := newRig(t, opaque.Ristretto255)
	stored, exportKey := r.register(t, r.client, alice, nil, secretPassword)
	record, err := opaque.ParseRecord(stored)
	require.NoError(t, err)
	setup, err := r.setup.Bytes()
	require.NoError(t, err)
	server, err := r.server.WithContext([]byte("delete the account"))
	require.NoError(t, err)
	client, err := r.client.WithContext([]byte("delete the account"))
	require.NoError(t, err)
	sessionKey := bytes.Repeat([]byte{0xc7, 0x3b, 0x91, 0x6e}, 8)
	migration, err := opaque.NewMigration(sessionKey, alice)
	require.NoError(t, err)
	state := stateKeys()[0].Key
	secrets := [][]byte{
		secretPassword, exportKey, decoyKey[:], state[:], sessionKey,
		setup[:64], setup[64:96], setup[96:], record.Raw(), record.Raw()[32:], record.Raw()[96:],
	}
	check := func(login *opaque.Login, registration *opaque.Registration) {
		s := session{
			user: "alice", login: login, registration: registration, migration: migration,
			server: server, setup: r.setup, record: record, servers: []opaque.Server{*server},
			anything: []any{login, registration, migration, server, *server, r.setup, *r.setup, record, *record, *migration},
		}
		s.byValue.server, s.byValue.setup, s.byValue.record, s.byValue.move = *server, *r.setup, *record, *migration
		for _, v := range []any{s, &s, []session{s}, map[string]*session{"x": &s}, login, registration} {
			testvec.Redacted(t, v, secrets...)
		}
	}
	registration, request, err := r.client.Register(nil, secretPassword)
	require.NoError(t, err)
	response, err := r.server.BeginRegistration(t.Context(), alice, request)
	require.NoError(t, err)
	login, request, err := client.Login(nil, secretPassword)
	require.NoError(t, err)
	ke2, pending, err := server.BeginLogin(t.Context(), alice, stored, request)
	require.NoError(t, err)
	check(login, registration)

	_, err = registration.Finish(t.Context(), response)
	require.NoError(t, err)
	final, err := login.Respond(t.Context(), ke2)
	require.NoError(t, err)
	exported, err := registration.ExportKey()
	require.NoError(t, err)
	secrets = append(secrets, exported)
	check(login, registration)

	reply, key, err := server.FinishLogin(t.Context(), alice, stored, pending, final)
	require.NoError(t, err)
	_, err = login.Finish(reply)
	require.NoError(t, err)
	secrets = append(secrets, key)
	check(login, registration)
}

// TestPlaceholders: what is printed instead of secrets.
func TestPlaceholders(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	record, err := opaque.ParseRecord(r.record)
	require.NoError(t, err)
	login, _, err := r.client.Login(nil, password)
	require.NoError(t, err)
	reg, _, err := r.client.Register(nil, password)
	require.NoError(t, err)
	migration, err := opaque.NewMigration(make([]byte, 32), alice)
	require.NoError(t, err)
	for name, values := range map[string][]any{
		"StateKey":     {stateKeys()[0], &stateKeys()[0]},
		"ServerConfig": {r.config, &r.config},
		"Setup":        {*r.setup, r.setup, new(opaque.Setup)},
		"Server":       {*r.server, r.server},
		"Record":       {*record, record, new(opaque.Record)},
		"Login":        {login, new(opaque.Login)},
		"Registration": {reg, new(opaque.Registration)},
		"Migration":    {migration, new(opaque.Migration)},
	} {
		want := "opaque." + name + "(redacted)"
		for _, v := range values {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
				require.Equal(t, want, fmt.Sprintf(verb, v))
			}
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v)
			require.Contains(t, log.String(), want)
			j, err := json.Marshal(v)
			if name == "Setup" || name == "Record" {
				require.Error(t, err, "what is stored has no JSON form")
				continue
			}
			require.NoError(t, err)
			require.JSONEq(t, `"`+want+`"`, string(j))
		}
	}
	// ServerConfig and StateKey are plain data: only exported positions are
	// covered.
	testvec.RedactedByFormat(t, r.config, decoyKey[:])
	testvec.RedactedByFormat(t, stateKeys()[0], bytes.Repeat([]byte{0x5a}, 32))
}

// TestZeroValues: values that no constructor made return errors.
func TestZeroValues(t *testing.T) {
	login, registration := new(opaque.Login), new(opaque.Registration)
	require.Equal(t, opaque.ErrUsed, errOf(login.Respond(t.Context(), nil)))
	require.Equal(t, opaque.ErrUsed, errOf(login.Finish(nil)))
	require.Equal(t, opaque.ErrUsed, errOf(login.ExportKey()))
	require.Equal(t, opaque.ErrUsed, errOf(registration.Finish(t.Context(), nil)))
	require.Equal(t, opaque.ErrUsed, errOf(registration.Record()))
	require.False(t, login.NeedsRegistration())
	login.Discard()
	registration.Discard()
	require.Nil(t, new(opaque.Record).Bytes())
	require.ErrorIs(t, errOf(new(opaque.Setup).Bytes()), opaque.ErrPolicy)
}

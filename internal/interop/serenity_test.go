package interop_test

import (
	"encoding/base64"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// base64URL is a byte string in base64url without padding, as
// @serenity-kit/opaque has all of its own.
type base64URL []byte

func (b *base64URL) UnmarshalText(text []byte) (err error) {
	*b, err = base64.RawURLEncoding.Strict().DecodeString(string(text))
	return err
}

func (b base64URL) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

// serenity has the fields of all arguments and results of @serenity-kit/opaque.
type serenity struct {
	ServerSetup    base64URL            `json:"serverSetup,omitempty"`
	UserIdentifier string               `json:"userIdentifier,omitempty"`
	Password       string               `json:"password,omitempty"`
	Identifiers    *serenityIdentifiers `json:"identifiers,omitempty"`
	KeyStretching  any                  `json:"keyStretching,omitempty"`

	ClientRegistrationState base64URL `json:"clientRegistrationState,omitempty"`
	RegistrationRequest     base64URL `json:"registrationRequest,omitempty"`
	RegistrationResponse    base64URL `json:"registrationResponse,omitempty"`
	RegistrationRecord      base64URL `json:"registrationRecord,omitempty"`

	ClientLoginState   base64URL `json:"clientLoginState,omitempty"`
	ServerLoginState   base64URL `json:"serverLoginState,omitempty"`
	StartLoginRequest  base64URL `json:"startLoginRequest,omitempty"`
	LoginResponse      base64URL `json:"loginResponse,omitempty"`
	FinishLoginRequest base64URL `json:"finishLoginRequest,omitempty"`

	SessionKey            base64URL `json:"sessionKey,omitempty"`
	ExportKey             base64URL `json:"exportKey,omitempty"`
	ServerStaticPublicKey base64URL `json:"serverStaticPublicKey,omitempty"`
}

type serenityIdentifiers struct {
	Client string `json:"client,omitempty"`
	Server string `json:"server,omitempty"`
}

// custom is Argon2id in the words of @serenity-kit/opaque.
func custom(memory, passes, parallelism int) any {
	return map[string]any{"argon2id-custom": map[string]int{"memory": memory, "iterations": passes, "parallelism": parallelism}}
}

// serenityCall calls a function of @serenity-kit/opaque. Its answer is nil if
// there is no result.
func serenityCall[T any](p *peer, side, step string, argument any) (*T, error) {
	answer, err := exchange(p, struct {
		Op       string `json:"op"`
		Side     string `json:"side"`
		Step     string `json:"step"`
		Argument any    `json:"argument,omitempty"`
		Result   *T     `json:"result,omitempty"`
	}{Op: "opaque", Side: side, Step: step, Argument: argument})
	return answer.Result, err
}

// opaqueAccount is what both libraries have to agree on.
type opaqueAccount struct {
	setup          *opaque.Setup
	ksf            kdf.Params
	keyStretching  any // the same in the words of @serenity-kit/opaque
	id             string
	identity       string
	serverIdentity string
	password       string
}

// opaqueSide is one of the libraries, client and server, for one account. On
// opaque.WireRFC9807 all of them send and store the same bytes.
type opaqueSide interface {
	// register registers the account with another side's server.
	register(t testing.TB, server opaqueSide) (record, exportKey []byte)
	registerResponse(t testing.TB, request []byte) []byte

	// login logs in up to the final message, with a response to its request. It
	// returns nil if the client refuses what it gets.
	login(t testing.TB, password string, respond func(request []byte) []byte) *loggedIn
	begin(t testing.TB, record, request []byte) (response, pending []byte)
	finish(t testing.TB, record, pending, final []byte) (sessionKey []byte, err error)
}

type loggedIn struct {
	final, sessionKey, exportKey []byte
	record                       []byte // as this library's client computes it; theirs does not
}

// ourOpaque is this library.
type ourOpaque struct {
	opaqueAccount
	client *opaque.Client
	server *opaque.Server
}

func newOurOpaque(t testing.TB, a opaqueAccount) *ourOpaque {
	client, err := opaque.NewClient(opaque.ClientConfig{
		ServerIdentity:   []byte(a.serverIdentity),
		Wire:             opaque.WireRFC9807,
		FixedKSF:         a.ksf,
		ServerPublicKeys: [][]byte{a.setup.PublicKey()},
	})
	require.NoError(t, err)
	server, err := opaque.NewServer(opaque.ServerConfig{
		DecoyKey:       [32]byte(randomBytes(32)),
		StateKeys:      []opaque.StateKey{{Key: [32]byte(randomBytes(32))}},
		Setups:         map[uint16]*opaque.Setup{1: a.setup},
		Offer:          opaque.Kind{Setup: 1, KSF: a.ksf},
		ServerIdentity: []byte(a.serverIdentity),
		Wire:           opaque.WireRFC9807,
	})
	require.NoError(t, err)
	return &ourOpaque{a, client, server}
}

func (o *ourOpaque) register(t testing.TB, server opaqueSide) (record, exportKey []byte) {
	r, request, err := o.client.Register([]byte(o.identity), []byte(o.password))
	require.NoError(t, err)
	upload, err := r.Finish(t.Context(), server.registerResponse(t, request))
	require.NoError(t, err)
	record, err = r.Record()
	require.NoError(t, err)
	require.Equal(t, upload, record)
	exportKey, err = r.ExportKey()
	require.NoError(t, err)
	return record, exportKey
}

func (o *ourOpaque) registerResponse(t testing.TB, request []byte) []byte {
	response, err := o.server.BeginRegistration(t.Context(), []byte(o.id), request)
	require.NoError(t, err)
	return response
}

func (o *ourOpaque) login(t testing.TB, password string, respond func([]byte) []byte) *loggedIn {
	l, request, err := o.client.Login([]byte(o.identity), []byte(password))
	require.NoError(t, err)
	final, err := l.Respond(t.Context(), respond(request))
	if err != nil {
		require.Equal(t, opaque.ErrAuthentication, err)
		require.Empty(t, final)
		return nil
	}
	sessionKey, err := l.Finish(nil)
	require.NoError(t, err)
	exportKey, err := l.ExportKey()
	require.NoError(t, err)
	record, err := l.Record()
	require.NoError(t, err)
	return &loggedIn{final, sessionKey, exportKey, record}
}

func (o *ourOpaque) begin(t testing.TB, record, request []byte) (response, pending []byte) {
	response, pending, err := o.server.BeginLogin(t.Context(), []byte(o.id), o.stored(t, record), request)
	require.NoError(t, err)
	return response, pending
}

// stored returns a record in the form that this library stores.
func (o *ourOpaque) stored(t testing.TB, record []byte) []byte {
	if record == nil {
		return nil
	}
	stored, err := o.server.FinishRegistration([]byte(o.identity), record)
	require.NoError(t, err)
	return stored
}

func (o *ourOpaque) finish(t testing.TB, record, pending, final []byte) ([]byte, error) {
	reply, sessionKey, err := o.server.FinishLogin(t.Context(), []byte(o.id), o.stored(t, record), pending, final)
	require.Empty(t, reply)
	if err != nil {
		require.Equal(t, opaque.ErrAuthentication, err)
		require.Empty(t, sessionKey)
	}
	return sessionKey, err
}

// theirOpaque is @serenity-kit/opaque. Its RFC 9807 context is empty.
type theirOpaque struct {
	opaqueAccount
	p *peer
}

// call fails the test if there is an error, not if there is no result.
func (o *theirOpaque) call(t testing.TB, side, step string, argument serenity) *serenity {
	t.Helper()
	result, err := serenityCall[serenity](o.p, side, step, argument)
	require.NoError(t, err, step)
	return result
}

func (o *theirOpaque) serverSetup(t testing.TB) base64URL {
	setup, err := o.setup.Bytes()
	require.NoError(t, err)
	return setup
}

func (o *theirOpaque) identifiers() *serenityIdentifiers {
	if o.identity == "" && o.serverIdentity == "" {
		return nil
	}
	return &serenityIdentifiers{o.identity, o.serverIdentity}
}

func (o *theirOpaque) register(t testing.TB, server opaqueSide) (record, exportKey []byte) {
	begun := o.call(t, "client", "startRegistration", serenity{Password: o.password})
	r := o.finishRegistration(t, begun.ClientRegistrationState, server.registerResponse(t, begun.RegistrationRequest))
	require.EqualValues(t, o.setup.PublicKey(), r.ServerStaticPublicKey)
	return r.RegistrationRecord, r.ExportKey
}

func (o *theirOpaque) finishRegistration(t testing.TB, state, response []byte) *serenity {
	return o.call(t, "client", "finishRegistration", serenity{
		ClientRegistrationState: state, RegistrationResponse: response,
		Password: o.password, Identifiers: o.identifiers(), KeyStretching: o.keyStretching,
	})
}

func (o *theirOpaque) registerResponse(t testing.TB, request []byte) []byte {
	return o.call(t, "server", "createRegistrationResponse", serenity{
		ServerSetup: o.serverSetup(t), UserIdentifier: o.id, RegistrationRequest: request,
	}).RegistrationResponse
}

func (o *theirOpaque) login(t testing.TB, password string, respond func([]byte) []byte) *loggedIn {
	begun := o.call(t, "client", "startLogin", serenity{Password: password})
	return o.finishLogin(t, begun.ClientLoginState, password, respond(begun.StartLoginRequest))
}

func (o *theirOpaque) finishLogin(t testing.TB, state []byte, password string, response []byte) *loggedIn {
	r := o.call(t, "client", "finishLogin", serenity{
		ClientLoginState: state, LoginResponse: response,
		Password: password, Identifiers: o.identifiers(), KeyStretching: o.keyStretching,
	})
	if r == nil {
		return nil
	}
	require.EqualValues(t, o.setup.PublicKey(), r.ServerStaticPublicKey)
	return &loggedIn{r.FinishLoginRequest, r.SessionKey, r.ExportKey, nil}
}

func (o *theirOpaque) begin(t testing.TB, record, request []byte) (response, pending []byte) {
	r := o.call(t, "server", "startLogin", serenity{
		ServerSetup: o.serverSetup(t), UserIdentifier: o.id, RegistrationRecord: record, StartLoginRequest: request,
		Identifiers: o.identifiers(),
	})
	return r.LoginResponse, r.ServerLoginState
}

func (o *theirOpaque) finish(t testing.TB, _, pending, final []byte) ([]byte, error) {
	r, err := serenityCall[serenity](o.p, "server", "finishLogin", serenity{ServerLoginState: pending, FinishLoginRequest: final})
	if err != nil {
		require.ErrorContains(t, err, "finish server login")
		return nil, err
	}
	return r.SessionKey, nil
}

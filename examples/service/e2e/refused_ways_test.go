package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// ofWays reports whether a route belongs to the ways back into an account.
func ofWays(r server.Route) bool {
	for _, prefix := range []string{"/v1/claims", "/v1/asks", "/v1/contacts", "/v1/phrase"} {
		if strings.HasPrefix(r.Path, prefix) {
			return true
		}
	}
	return false
}

// recovering returns a device that has logged in with a phrase.
func (w *world) recovering(name string, p *recovery.Phrase) *device {
	d := w.device()
	require.NoError(w, d.LoginPhrase(w.Context(), who(name), p))
	return d
}

// wayForms are requests whose fields have valid forms and do not fit.
func (b *breaker) wayForms(route server.Route, r client.Request) (forms []form) {
	set := func(code api.Code, changes map[string]any) {
		var fields map[string]any
		require.NoError(b, json.Unmarshal(r.Body, &fields))
		for name, value := range changes {
			if fields[name] = value; value == nil {
				delete(fields, name)
			}
		}
		other := r
		var err error
		other.Body, err = json.Marshal(fields)
		require.NoError(b, err)
		forms = append(forms, form{"fields " + shortly(string(other.Body)), other, code})
	}
	fields := func(code api.Code, name string, values ...any) {
		for _, value := range values {
			set(code, map[string]any{name: value})
		}
	}
	bytesOf := func(n int) string { return b64(make([]byte, n)) }
	has := func(name string) bool { return bytes.Contains(r.Body, []byte(`"`+name+`":`)) }
	switch route.Method + " " + route.Path {
	case "POST /v1/login/begin", "POST /v1/claims/begin":
		fields(api.Malformed, "former", -1, 101)
		fields(api.Malformed, "name", "", " ", "al ice", "a\x00", nil)
		if ofWays(route) {
			fields(api.Malformed, "way", "", "FILE", "phrase", "password", "device ", nil)
			slot, text := any(anID), any("I am Alice.")
			fields(api.Malformed, "proof", bytesOf(1), bytesOf(31), bytesOf(33))
			if has("slot") {
				slot = nil
				fields(api.Malformed, "proof", "", nil)
			} else {
				fields(api.Malformed, "proof", bytesOf(32))
			}
			if has("text") {
				text = nil
				fields(api.Malformed, "text", strings.Repeat("x", api.MaxText+1))
			}
			set(api.Malformed, map[string]any{"slot": slot})
			set(api.Malformed, map[string]any{"text": text})
			set(api.Malformed, map[string]any{"slot": slot, "text": text})
		}
	case "POST /v1/claims/ask":
		fields(api.Malformed, "ask", "", bytesOf(api.MaxAsk+1))
	case "POST /v1/claims/reveal":
		fields(api.Malformed, "reveal", "", bytesOf(api.MaxAnswer+1))
		fields(api.NotFound, "ask", anID, nil)
	case "POST /v1/claims/account":
		fields(api.LoginFailed, "registration", "", "x", bytesOf(60), nil)
		fields(api.Malformed, "upload", "", bytesOf(1), bytesOf(256), nil)
	case "POST /v1/asks/answer":
		fields(api.Malformed, "answer", "", bytesOf(api.MaxAnswer+1))
		fields(api.NotFound, "ask", anID, nil)
	case "POST /v1/asks/grant":
		fields(api.Malformed, "grant", "", bytesOf(api.MaxGrant+1))
		fields(api.NotFound, "ask", anID, nil)
		if r.Header[api.StepUpHeader] == "" {
			fields(api.NotFound, "slot", anID, nil) // another share than the contact's
			break
		}
		n := len(forms)
		fields(api.Conflict, "slot", anID, nil) // no device's
		for i := range forms[n:] {
			forms[n+i].Request = b.confirmed(forms[n+i].Request, api.OpApprove)
		}
	case "POST /v1/claims/delay":
		fields(api.NotFound, "claim", anID, nil)
	case "POST /v1/phrase/begin":
		fields(api.Malformed, "opaque", "", bytesOf(1), bytesOf(34), nil)
	case "PUT /v1/session/slot":
		fields(api.Conflict, "slot", anID, strings.Repeat("0", 32))
	case "PUT /v1/keyring":
		keyringForms(fields, bytesOf, has)
		if r.Header[api.StepUpHeader] != "" {
			for i := range forms {
				forms[i].Request = b.confirmed(forms[i].Request, api.OpKeyring)
			}
		}
	case "POST /v1/contacts/accept":
		fields(api.Malformed, "answer", "", bytesOf(api.MaxAcceptance+1))
		fields(api.NotFound, "invitation", anID, nil)
	case "POST /v1/contacts/deliver":
		fields(api.Malformed, "message", "", bytesOf(api.MaxDelivery+1))
		fields(api.NotFound, "invitation", anID, nil)
		fields(api.Conflict, "slot", anID, nil)
	case "POST /v1/contacts/remove":
		fields(api.StepUpRequired, "invitation", anID, nil)
	case "POST /v1/contacts/received":
		fields(api.NotFound, "invitation", anID, nil)
		fields(api.Conflict, "slot", anID, nil)
	}
	return forms
}

// confirmed returns a request with a step-up for its body. It does fit the step-up,
// and is refused for what it contains.
func (b *breaker) confirmed(r client.Request, operation string) client.Request {
	token := strings.TrimPrefix(r.Header["Authorization"], "Bearer ")
	var all api.Sessions
	status, body := b.request("GET", "/v1/sessions", token, "")
	require.Equal(b, 200, status)
	unmarshal(b.world, body, &all)
	i := slices.IndexFunc(all.Sessions, func(s api.Session) bool { return s.Current })
	digest := sha256.Sum256(r.Body)
	o, err := b.opaqueClient().WithContext(api.StepUpContext(all.Sessions[i].ID, operation, digest))
	require.NoError(b, err)
	login, request, err := o.Login(nil, []byte(password))
	require.NoError(b, err)
	var begun api.Begun
	in := api.BeginStepUp{Operation: operation, Digest: digest[:], Requests: api.Requests{OPAQUE: request, SRP: []byte("S\x01")}}
	require.Equal(b, 200, b.post("/v1/step-up/begin", token, in, &begun))
	final, err := login.Respond(b.Context(), begun.Response)
	require.NoError(b, err)
	var out api.StepUp
	require.Equal(b, 200, b.post("/v1/step-up/finish", token, api.FinishStepUp{Token: begun.Token, Final: final}, &out))
	return with(r, api.StepUpHeader, out.Token)
}

// keyringForms are headers whose parts are missing, or are not for them.
func keyringForms(fields func(api.Code, string, ...any), bytesOf func(int) string, has func(string) bool) {
	if has("upload") { // a session that recovers the account
		fields(api.NotAllowed, "upload", "", nil)
		fields(api.Malformed, "upload", bytesOf(1), bytesOf(256))
		fields(api.Conflict, "slot", anID)
	} else {
		fields(api.NotAllowed, "upload", bytesOf(1), bytesOf(256))
		fields(api.NotAllowed, "reset_factors", true)
	}
	if has("phrase") {
		fields(api.Conflict, "phrase", "", nil)
		fields(api.Malformed, "phrase", bytesOf(1), bytesOf(256))
	} else {
		fields(api.Conflict, "phrase", bytesOf(256))
	}
	if has("half") {
		fields(api.Conflict, "half", "", bytesOf(31), bytesOf(33), nil)
		fields(api.Conflict, "proof", "", bytesOf(31), bytesOf(33), nil)
	} else {
		fields(api.Conflict, "half", bytesOf(32))
		fields(api.Conflict, "proof", bytesOf(32))
	}
}

// compares runs the exchange with typed codes, and returns the code that the
// side that asks has to type.
func (d *device) compares(a *client.Asking, password string) (code string) {
	w, ctx := d.w, d.w.Context()
	asks, err := d.Asks(ctx)
	require.NoError(w, err)
	for _, ask := range asks {
		if client.AskNumber(ask.ID) != a.Number() {
			continue
		}
		g, err := d.Grant(ctx, ask.ID)
		require.NoError(w, err)
		shown, err := a.Code(ctx)
		require.NoError(w, err)
		code, err = g.Code(ctx)
		require.NoError(w, err)
		require.NoError(w, g.Finish(ctx, []byte(password), shown))
		return code
	}
	require.Fail(w, "there is no such question")
	return ""
}

// reviews opens the operator's queue.
func (w *world) reviews() *server.Reviews {
	r, err := server.OpenReviews(w.Context(), w.dbs[0], w.keys, 0, w.clock.now)
	require.NoError(w, err)
	return r
}

// TestBrokenWaysChangeNothing does the same as TestBrokenRequestsChangeNothing
// with all ways back into an account.
func TestBrokenWaysChangeNothing(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		b := w.newBreaker()
		signUp := func(d *device, name string) *device {
			_, err := d.SignUp(ctx, []string{name}, one(password))
			require.NoError(w, err)
			return d
		}
		signUp(w.device(), "carol").withTOTP()
		dave := signUp(w.device(), "dave")
		phrase := dave.withPhrase()
		b.others["approved"] = dave.lets(w.device(), "a pin").token()
		signUp(w.device(), "bob")
		renew := func() { // sessions that end, or whose login gets old
			b.others["half"] = w.session("carol", api.CodeRequired)
			b.others["bob"] = w.session("bob", "")
			b.others["recovered"] = w.recovering("dave", phrase).token()
		}
		wait := func(d time.Duration) { w.clock.advance(d); renew() }
		renew()
		b.only = func(r server.Route) bool {
			return ofWays(r) || r.Path == "/v1/session/slot" || r.Path == "/v1/keyring" || r.Path == "/v1/events"
		}
		alice, friend := signUp(b.device(), "alice"), signUp(b.device(), "friend")

		// Phrase, file, contact, and a second device.
		alice.withPhrase()
		file := alice.withFile()
		invitation := alice.befriends(friend)
		_, err := alice.Appoint(ctx, []byte(password), 1, invitation)
		require.NoError(w, err)
		_, err = friend.Receive(ctx, invitation)
		require.NoError(w, err)
		phone := b.device()
		a, err := phone.Join(ctx, who("alice"))
		require.NoError(w, err)
		require.NoError(w, a.Joined(ctx, alice.compares(a, password), []byte("a pin")))
		page, err := alice.EventsBefore(ctx, "")
		require.NoError(w, err)
		require.NotEmpty(w, page.Events)

		// A claim with contacts.
		stranger := b.device()
		require.NoError(w, stranger.ClaimContacts(ctx, who("alice")))
		a, err = stranger.AskContact(ctx)
		require.NoError(w, err)
		missing, err := a.Share(ctx, friend.compares(a, ""))
		require.NoError(w, err)
		require.Zero(w, missing)
		require.Len(w, alice.claims(), 1)
		wait(day)
		require.NoError(w, stranger.OpenClaim(ctx, nil))

		// A claim with the file, which sets a password.
		stranger = b.device()
		require.NoError(w, stranger.ClaimFile(ctx, who("alice"), file))
		require.NoError(w, alice.DelayClaim(ctx, alice.claims()[0].ID))
		wait(2 * day)
		require.NoError(w, stranger.OpenClaim(ctx, file))
		_, err = stranger.SetPassword(ctx, one(other), true)
		require.NoError(w, err)

		// A claim of an approved device, which the owner cancels.
		require.NoError(w, phone.Sync(ctx))
		require.NoError(w, phone.ClaimPassword(ctx))
		alice = stranger
		require.NoError(w, alice.CancelClaim(ctx, []byte(other), alice.claims()[0].ID))
		require.NoError(w, alice.Disinvite(ctx, []byte(other), invitation))

		// A review.
		stranger = b.device()
		require.NoError(w, stranger.ClaimReview(ctx, "alice", "I have lost everything."))
		queue, err := w.reviews().List(ctx)
		require.NoError(w, err)
		require.Len(w, queue, 1)
		require.NoError(w, w.reviews().Approve(ctx, queue[0].ID, "Alice was here."))
		wait(day)
		_, err = stranger.NewAccount(ctx, one(password))
		require.NoError(w, err)
		for _, r := range server.Routes() {
			if ofWays(r) {
				require.Greater(w, b.sent[r.Method+" "+r.Path], 4, "%s %s", r.Method, r.Path)
			}
		}
		require.NotContains(w, string(w.log.copy()), `"level":"ERROR"`)
	})
}

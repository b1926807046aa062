package e2e

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

func hasCode(err error, code api.Code) bool { return errors.Is(err, &api.Error{Code: code}) }

// request makes a request by hand. The token may be empty.
func (w *world) request(method, path, token, body string) (status int, answer string) {
	r := w.do(method, path, body, func(r *http.Request) {
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
	})
	return r.StatusCode, r.body
}

type answer struct {
	*http.Response
	body string
}

// do makes a request by hand, as change has changed it.
func (w *world) do(method, path, body string, change func(*http.Request)) answer {
	if method == "GET" || method == "DELETE" {
		body = ""
	}
	r, err := http.NewRequestWithContext(w.Context(), method, w.balancer.URL+path, strings.NewReader(body))
	require.NoError(w, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	change(r)
	out, err := http.DefaultClient.Do(r)
	require.NoError(w, err)
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	require.NoError(w, err)
	return answer{out, string(b)}
}

// post sends a message and reads the answer into out, if it is a success.
func (w *world) post(path, token string, in, out any) int {
	status, answer := w.request("POST", path, token, marshal(w, in))
	if status == 200 && out != nil {
		unmarshal(w, answer, out)
	}
	return status
}

// finisher is the second half of a login by hand.
type finisher struct {
	login *opaque.Login
	in    api.FinishLogin
}

// begun begins a login by hand, with OPAQUE.
func (w *world) begun(name, password string) finisher {
	o, err := opaque.NewClient(opaque.ClientConfig{KSFPolicy: w.policy, ServerIdentity: []byte(server.DefaultIdentity)})
	require.NoError(w, err)
	login, request, err := o.Login(nil, []byte(password))
	require.NoError(w, err)
	var begun api.Begun
	in := api.BeginLogin{Name: name, Requests: api.Requests{OPAQUE: request, SRP: []byte("S\x01")}}
	require.Equal(w, 200, w.post("/v1/login/begin", "", in, &begun))
	final, err := login.Respond(w.Context(), begun.Response)
	require.NoError(w, err)
	return finisher{login, api.FinishLogin{Token: begun.Token, Final: final}}
}

// beginLogin begins a login by hand. The result finishes it, any number of
// times, and returns the status.
func (w *world) beginLogin(name, password string) (finish func() int) {
	f := w.begun(name, password)
	return func() int { return w.post("/v1/login/finish", "", f.in, nil) }
}

// logIn logs in by hand. It returns what the client has.
func (w *world) logIn(name, password string) (export []byte, session api.LoggedIn, key []byte) {
	f := w.begun(name, password)
	require.Equal(w, 200, w.post("/v1/login/finish", "", f.in, &session))
	key, err := f.login.Finish(session.Reply)
	require.NoError(w, err)
	export, err = f.login.ExportKey()
	require.NoError(w, err)
	return export, session, key
}

// header returns the stored header of a session's account.
func (w *world) header(token string) []byte {
	status, body := w.request("GET", "/v1/keyring", token, "")
	require.Equal(w, 200, status, body)
	var out api.Keyring
	unmarshal(w, body, &out)
	return out.Header
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func marshal(w *world, in any) string {
	b, err := json.Marshal(in)
	require.NoError(w, err)
	return string(b)
}

func unmarshal(w *world, body string, out any) { require.NoError(w, json.Unmarshal([]byte(body), out)) }

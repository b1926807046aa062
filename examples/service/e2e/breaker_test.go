package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/stretchr/testify/require"
)

// form is a request in a form that the server must refuse.
type form struct {
	name string
	client.Request
	code api.Code
}

// breaker is a transport. Before it sends a request, it sends the request in
// every broken form. After a request that counts once, it sends the request
// again. The server refuses all of these, and they change nothing.
type breaker struct {
	*world
	db     *sql.DB
	next   client.Transport
	others map[string]string // tokens of sessions that are not the client's
	sent   map[string]int    // broken forms by route
	shapes map[string]bool   // routes and fields of requests that had broken bodies
	skip   bool
	only   func(server.Route) bool // the routes to break, if not nil
}

func (w *world) newBreaker() *breaker {
	return &breaker{world: w, db: w.openDatabase(), others: make(map[string]string), sent: make(map[string]int), shapes: make(map[string]bool)}
}

func (b *breaker) device() *device {
	return b.deviceWith(newMemory(), func(c *client.Config) { b.next, c.Transport = c.Transport, b })
}

// routeOf returns the route of a request.
func routeOf(t testing.TB, r client.Request) server.Route {
	path, _, _ := strings.Cut(r.Path, "?")
	parts := strings.Split(path, "/")
	for _, route := range server.Routes() {
		if route.Method == r.Method && slices.EqualFunc(strings.Split(route.Path, "/"), parts, func(a, b string) bool { return a == b || a == "{id}" }) {
			return route
		}
	}
	require.Fail(t, "no route", "%s %s", r.Method, r.Path)
	return server.Route{}
}

// shapeOf returns the fields of a request.
func shapeOf(t testing.TB, r client.Request) (fields string) {
	if len(r.Body) == 0 {
		return ""
	}
	for _, member := range fieldsOf(t, r.Body) {
		name, _, _ := strings.Cut(member, ":")
		fields += " " + name
	}
	return fields
}

// again is how the server refuses a request that it has answered already.
var again = map[string]api.Code{
	"POST /v1/register/finish": api.Taken,
	"POST /v1/login/finish":    api.LoginFailed,
	"POST /v1/login/code":      api.Unauthenticated,
	"POST /v1/session/code":    api.WrongCode,
	"POST /v1/step-up/finish":  api.LoginFailed,
	"DELETE /v1/sessions/{id}": api.NotFound,
	"POST /v1/account/delete":  api.Unauthenticated,
	"POST /v1/password/finish": api.StepUpRequired,
	"POST /v1/move/finish":     api.Conflict,
	"POST /v1/totp/begin":      api.StepUpRequired,
	"POST /v1/totp/confirm":    api.Conflict,
	"POST /v1/totp/remove":     api.StepUpRequired,
	"POST /v1/totp/codes":      api.StepUpRequired,
	"PUT /v1/items/{id}":       api.Conflict,
	"POST /v1/claims/account":  api.Conflict,
	"POST /v1/claims/delay":    api.Conflict,
	"POST /v1/claims/cancel":   api.StepUpRequired,
	"POST /v1/contacts/remove": api.StepUpRequired,
}

func (b *breaker) Do(ctx context.Context, r client.Request) (client.Response, error) {
	if b.skip {
		return b.next.Do(ctx, r)
	}
	route := routeOf(b, r)
	if b.only != nil && !b.only(route) {
		return b.next.Do(ctx, r)
	}
	key := route.Method + " " + route.Path
	forms := slices.Concat(headerForms(route, r), b.sessionForms(route, r), b.wayForms(route, r))
	if shape := key + shapeOf(b, r); !b.shapes[shape] { // other bodies once
		b.shapes[shape] = true
		forms = append(forms, bodyForms(b, route, r)...)
	}
	before := digestOf(b, b.db)
	for _, f := range forms {
		b.refused(key, f)
	}
	require.Equal(b, before, digestOf(b, b.db), "after broken forms of %s", key)
	b.sent[key] += len(forms)

	answer, err := b.next.Do(ctx, r)
	require.NoError(b, err)
	require.Equal(b, 200, answer.Status, "%s: %s", key, answer.Body)
	requireDescribed(b, route, 200, answer.Body)
	if code, ok := again[key]; ok {
		if own := with(client.Request{Method: "GET", Path: "/v1/account"}, "Authorization", r.Header["Authorization"]); key == "DELETE /v1/sessions/{id}" {
			if status, _, _ := b.send(own); status == 401 {
				code = api.Unauthenticated // it has ended itself
			}
		}
		before := digestOf(b, b.db)
		b.refused(key, form{"again", r, code})
		require.Equal(b, before, digestOf(b, b.db), "after %s again", key)
	}
	return answer, nil
}

// refused sends a request that the server must refuse.
func (b *breaker) refused(key string, f form) {
	b.Helper()
	status, header, body := b.send(f.Request)
	var e api.Error
	require.NoError(b, json.Unmarshal(body, &e), "%s, %s: %d %s", key, f.name, status, body)
	require.Equal(b, f.code, e.Code, "%s, %s: %d %s", key, f.name, status, e.Message)
	require.NotEmpty(b, e.Message)
	require.Equal(b, "application/json", header.Get("Content-Type"))
	require.Equal(b, "no-store", header.Get("Cache-Control"))
	if route := routeIn(key); route.Path != "" {
		requireDescribed(b, route, status, []byte(e.Code))
	}
}

func routeIn(key string) server.Route {
	for _, r := range server.Routes() {
		if key == r.Method+" "+r.Path {
			return r
		}
	}
	return server.Route{}
}

// send sends a request as it is.
func (w *world) send(r client.Request) (status int, header http.Header, body []byte) {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), r.Method, w.balancer.URL+r.Path, bytes.NewReader(r.Body))
	require.NoError(w, err)
	for name, value := range r.Header {
		request.Header.Set(name, value)
	}
	answer, err := w.balancer.Client().Transport.RoundTrip(request)
	require.NoError(w, err)
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	require.NoError(w, err)
	return answer.StatusCode, answer.Header, body
}

// with returns a request with another header, or without it.
func with(r client.Request, name, value string) client.Request {
	header := make(map[string]string)
	for n, v := range r.Header {
		header[n] = v
	}
	header[name] = value
	if value == "" {
		delete(header, name)
	}
	r.Header = header
	return r
}

package server

import (
	"github.com/nescio-go/nescio/examples/service/api"
)

// access is the session that a request needs.
type access int

const (
	anyone  access = iota
	halfway        // a half session
	session        // a full session
)

// route is a request that clients can make. The messages in and out are for
// the description of the service.
type route struct {
	method, path string
	access       access
	limit        int // of the address, besides limitRequests
	stepUp       string
	in, out      any
	run          func(*Server, *call) (any, error)
}

// on makes a route of a handler.
func on[In, Out any](method, path string, access access, f func(*Server, *call, In) (Out, error)) route {
	var in In
	var out Out
	return route{method: method, path: path, access: access, in: in, out: out, run: func(s *Server, c *call) (any, error) {
		var in In
		if err := decode(c.body, &in); err != nil {
			return nil, err
		}
		return f(s, c, in)
	}}
}

// limited counts a request against another limit of the address.
func (r route) limited(limit int) route { r.limit = limit; return r }

// confirmed requires a step-up for an operation.
func (r route) confirmed(operation string) route { r.stepUp = operation; return r }

var routes = []route{
	on("POST", "/v1/register/begin", anyone, (*Server).register).limited(limitLogins),
	on("POST", "/v1/register/finish", anyone, (*Server).finishRegister).limited(limitTaken),
	on("POST", "/v1/login/begin", anyone, (*Server).login).limited(limitLogins),
	on("POST", "/v1/login/finish", anyone, (*Server).finishLogin),
	on("POST", "/v1/login/code", halfway, (*Server).loginCode),
	on("POST", "/v1/session/code", session, (*Server).sessionCode),
	on("POST", "/v1/step-up/begin", session, (*Server).stepUp),
	on("POST", "/v1/step-up/finish", session, (*Server).finishStepUp),
	on("GET", "/v1/sessions", session, (*Server).sessions),
	on("DELETE", "/v1/sessions", session, (*Server).endOtherSessions),
	on("DELETE", "/v1/sessions/{id}", session, (*Server).endSession),
	on("PUT", "/v1/session/name", session, (*Server).nameSession),
	on("GET", "/v1/account", session, (*Server).account),
	on("POST", "/v1/account/delete", session, (*Server).deleteAccount).confirmed(api.OpDelete),
	on("POST", "/v1/password/begin", session, (*Server).newRecord),
	on("POST", "/v1/password/finish", session, (*Server).finishNewRecord).confirmed(api.OpPassword),
	on("POST", "/v1/move/begin", session, (*Server).move),
	on("POST", "/v1/move/finish", session, (*Server).finishMove),
	on("POST", "/v1/totp/begin", session, (*Server).newTOTP).confirmed(api.OpTOTP),
	on("POST", "/v1/totp/confirm", session, (*Server).confirmTOTP),
	on("POST", "/v1/totp/remove", session, (*Server).removeTOTP).confirmed(api.OpTOTPOff),
	on("POST", "/v1/totp/codes", session, (*Server).newCodes).confirmed(api.OpCodes),
	on("GET", "/v1/keyring", session, (*Server).keyring),
	on("PUT", "/v1/keyring", session, (*Server).putKeyring),
	on("GET", "/v1/items", session, (*Server).items),
	on("PUT", "/v1/items/{id}", session, (*Server).putItem),
	on("GET", "/v1/events", session, (*Server).events),
}

package server

import (
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
)

// access is the session that a request needs.
type access int

const (
	anyone  access = iota
	halfway        // a session that waits for a code
	session        // of the password
	writer         // of the password or an approved device
	device         // of an approved device
	reset          // of the password, or one that recovers the account
	reader         // any that does not wait for a code
)

// allows reports whether a session that does not wait for a code is enough.
func (a access) allows(s store.Session) bool {
	approved := s.Way == string(api.WayDevice) && !s.Recovered
	switch a {
	case session:
		return !s.Recovered && !approved
	case writer:
		return !s.Recovered
	case device:
		return approved
	case reset:
		return !approved
	}
	return true
}

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
	on("GET", "/v1/sessions", reader, (*Server).sessions),
	on("DELETE", "/v1/sessions", session, (*Server).endOtherSessions),
	on("DELETE", "/v1/sessions/{id}", reader, (*Server).endSession),
	on("PUT", "/v1/session/name", writer, (*Server).nameSession),
	on("PUT", "/v1/session/slot", session, (*Server).bindSession),
	on("GET", "/v1/account", reader, (*Server).account),
	on("POST", "/v1/account/delete", session, (*Server).deleteAccount).confirmed(api.OpDelete),
	on("POST", "/v1/password/begin", reset, (*Server).newRecord),
	on("POST", "/v1/password/finish", session, (*Server).finishNewRecord).confirmed(api.OpPassword),
	on("POST", "/v1/phrase/begin", session, (*Server).newPhrase),
	on("POST", "/v1/move/begin", session, (*Server).move),
	on("POST", "/v1/move/finish", session, (*Server).finishMove),
	on("POST", "/v1/totp/begin", session, (*Server).newTOTP).confirmed(api.OpTOTP),
	on("POST", "/v1/totp/confirm", session, (*Server).confirmTOTP),
	on("POST", "/v1/totp/remove", session, (*Server).removeTOTP).confirmed(api.OpTOTPOff),
	on("POST", "/v1/totp/codes", session, (*Server).newCodes).confirmed(api.OpCodes),
	on("GET", "/v1/keyring", reader, (*Server).keyring),
	on("PUT", "/v1/keyring", reset, (*Server).putKeyring),
	on("GET", "/v1/items", reader, (*Server).items),
	on("PUT", "/v1/items/{id}", writer, (*Server).putItem),
	on("GET", "/v1/events", reader, (*Server).events),

	on("POST", "/v1/claims/begin", anyone, (*Server).beginClaim).limited(limitLogins),
	on("POST", "/v1/claims/ask", anyone, (*Server).askClaim).limited(limitLogins),
	on("POST", "/v1/claims/status", anyone, (*Server).claimStatus),
	on("POST", "/v1/claims/reveal", anyone, (*Server).revealClaim),
	on("POST", "/v1/claims/open", anyone, (*Server).openClaim).limited(limitLogins),
	on("POST", "/v1/claims/account", anyone, (*Server).claimAccount).limited(limitLogins),
	on("POST", "/v1/claims/password", device, (*Server).claimPassword),
	on("GET", "/v1/claims", reader, (*Server).claims),
	on("POST", "/v1/claims/delay", reader, (*Server).delayClaim),
	on("POST", "/v1/claims/cancel", session, (*Server).cancelClaim).confirmed(api.OpCancel),
	on("GET", "/v1/asks", writer, (*Server).asks),
	on("POST", "/v1/asks/answer", writer, (*Server).answerAsk),
	on("POST", "/v1/asks/grant", writer, (*Server).grantAsk),

	on("GET", "/v1/contacts", reader, (*Server).contacts),
	on("POST", "/v1/contacts/invite", session, (*Server).invite),
	on("POST", "/v1/contacts/accept", session, (*Server).acceptInvitation),
	on("POST", "/v1/contacts/deliver", session, (*Server).deliver),
	on("POST", "/v1/contacts/received", session, (*Server).received),
	on("POST", "/v1/contacts/remove", session, (*Server).removeInvitation).confirmed(api.OpContact),
}

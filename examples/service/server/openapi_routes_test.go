package server

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/nescio-go/nescio/examples/service/api"
)

// described is what the table of routes does not include: an id, a summary, and
// the errors that not all routes of the same access have.
var described = map[string]struct {
	id, summary string
	errors      []api.Code
}{
	"POST /v1/register/begin":  {"beginRegistration", "Begin a registration", nil},
	"POST /v1/register/finish": {"finishRegistration", "Make an account with its names", []api.Code{api.LoginFailed, api.Taken}},
	"POST /v1/login/begin":     {"beginLogin", "Begin a login with the password or the recovery phrase", nil},
	"POST /v1/login/finish":    {"finishLogin", "Open a session, or a half session that waits for a code", []api.Code{api.LoginFailed}},
	"POST /v1/login/code":      {"sendLoginCode", "Turn a half session into a session with a code", []api.Code{api.WrongCode, api.LoginFailed}},
	"POST /v1/session/code":    {"sendSessionCode", "Send a code in a session, before a step-up", []api.Code{api.WrongCode}},
	"POST /v1/step-up/begin":   {"beginStepUp", "Begin a login inside the session", nil},
	"POST /v1/step-up/finish":  {"finishStepUp", "Get the token of a step-up, or refresh the session", []api.Code{api.LoginFailed}},
	"GET /v1/sessions":         {"listSessions", "List the sessions of the account", nil},
	"DELETE /v1/sessions":      {"endOtherSessions", "End all other sessions", nil},
	"DELETE /v1/sessions/{id}": {"endSession", "End a session. Only sessions of the password may end others", []api.Code{api.NotFound, api.NotAllowed}},
	"PUT /v1/session/name":     {"nameSession", "Store the sealed name of this session", nil},
	"PUT /v1/session/slot":     {"bindSession", "Note the slot of this device, with which the session ends", []api.Code{api.Conflict}},
	"GET /v1/account":          {"getAccount", "Tell what is stored of the account", nil},
	"POST /v1/account/delete":  {"deleteAccount", "Delete the account and everything that belongs to it", nil},
	"POST /v1/password/begin":  {"beginPassword", "Begin the registration of a new password", []api.Code{api.LoginRequired}},
	"POST /v1/password/finish": {"finishPassword", "Change the password, and end all other sessions except those of approved devices", []api.Code{api.Conflict}},
	"POST /v1/phrase/begin":    {"beginPhrase", "Begin the registration of a recovery phrase, which is stored with its slot", []api.Code{api.LoginRequired}},
	"POST /v1/move/begin":      {"beginMove", "Begin to move the account to OPAQUE or to another cost", []api.Code{api.LoginFailed, api.Conflict}},
	"POST /v1/move/finish":     {"finishMove", "Store the record of a moved account", []api.Code{api.LoginFailed, api.Conflict}},
	"POST /v1/totp/begin":      {"beginTOTP", "Get a secret for an authenticator", []api.Code{api.Conflict}},
	"POST /v1/totp/confirm":    {"confirmTOTP", "Turn the second factor on and get backup codes", []api.Code{api.WrongCode, api.Conflict}},
	"POST /v1/totp/remove":     {"removeTOTP", "Turn the second factor off", nil},
	"POST /v1/totp/codes":      {"replaceBackupCodes", "Replace the backup codes", []api.Code{api.Conflict}},
	"GET /v1/keyring":          {"getKeyring", "Get the header of the keyring", nil},
	"PUT /v1/keyring":          {"putKeyring", "Replace the header of the keyring, with what belongs to its new slots", []api.Code{api.LoginRequired, api.StepUpRequired, api.Conflict}},
	"GET /v1/items":            {"listItems", "List the items that changed after a revision", nil},
	"PUT /v1/items/{id}":       {"putItem", "Store the next version of an item", []api.Code{api.NotFound, api.Conflict, api.OldEpoch, api.Full}},
	"GET /v1/events":           {"listEvents", "List a page of the account's events, the newest first", nil},

	"POST /v1/claims/begin":    {"beginClaim", "Claim an account without its password", nil},
	"POST /v1/claims/ask":      {"askClaim", "Ask a contact, or another device of the account", []api.Code{api.NotFound, api.Conflict, api.Full}},
	"POST /v1/claims/status":   {"getClaim", "Get the state of a claim, and the answers to its questions", []api.Code{api.NotFound}},
	"POST /v1/claims/reveal":   {"revealClaim", "Send the third message with typed codes", []api.Code{api.NotFound, api.Conflict}},
	"POST /v1/claims/open":     {"openClaim", "Open the session of a claim that is ready", []api.Code{api.NotFound, api.Conflict}},
	"POST /v1/claims/account":  {"claimAccount", "Make a new account under the names of the old one, after a review", []api.Code{api.LoginFailed, api.NotFound, api.Conflict}},
	"POST /v1/claims/password": {"claimPassword", "Claim a password for the account, in a session of an approved device", []api.Code{api.Conflict}},
	"GET /v1/claims":           {"listClaims", "List the claims of the account, except those that any stranger can begin", nil},
	"POST /v1/claims/delay":    {"delayClaim", "Double the wait of a claim, once", []api.Code{api.NotFound, api.Conflict}},
	"POST /v1/claims/cancel":   {"cancelClaim", "End a claim", []api.Code{api.NotFound, api.Conflict}},
	"GET /v1/asks":             {"listAsks", "List the questions that the session may grant", nil},
	"POST /v1/asks/answer":     {"answerAsk", "Send the second message with typed codes", []api.Code{api.NotFound, api.Conflict}},
	"POST /v1/asks/grant":      {"grantAsk", "Grant a question. Only sessions of the password may let in a device", []api.Code{api.NotFound, api.Conflict, api.StepUpRequired}},

	"GET /v1/contacts":           {"listContacts", "List the invitations that the account has made and accepted", nil},
	"POST /v1/contacts/invite":   {"inviteContact", "Make an invitation", []api.Code{api.Full}},
	"POST /v1/contacts/accept":   {"acceptInvitation", "Become the contact of an invitation", []api.Code{api.NotFound, api.Conflict}},
	"POST /v1/contacts/deliver":  {"deliverShare", "Store a contact's message with the share", []api.Code{api.NotFound, api.Conflict}},
	"POST /v1/contacts/received": {"receiveShare", "Note that the contact has kept the share", []api.Code{api.NotFound, api.Conflict}},
	"POST /v1/contacts/remove":   {"removeInvitation", "End an invitation, by its owner or its contact", []api.Code{api.NotFound}},
}

// sometimes are the routes that need a step-up for some requests, with the
// operation and those requests.
var sometimes = map[string][2]string{
	"PUT /v1/keyring":     {api.OpKeyring, "a header with a new phrase, file or contacts"},
	"POST /v1/asks/grant": {api.OpApprove, "the grant of a device"},
}

// hasBody reports whether a route reads a body.
func (r route) hasBody() bool { return r.in != none{} }

// errors returns the codes with which a route can answer.
func (r route) errors() []api.Code {
	codes := append([]api.Code{api.Malformed, api.RateLimited, api.Internal, api.Busy}, described[r.method+" "+r.path].errors...)
	if r.hasBody() {
		codes = append(codes, api.TooLarge, api.MediaType)
	}
	if r.method != http.MethodGet {
		codes = append(codes, api.CrossOrigin)
	}
	switch r.access {
	case anyone:
	case halfway:
		codes = append(codes, api.Unauthenticated, api.Conflict)
	case reader:
		codes = append(codes, api.Unauthenticated, api.CodeRequired)
	default:
		codes = append(codes, api.Unauthenticated, api.CodeRequired, api.NotAllowed)
	}
	if r.stepUp != "" {
		codes = append(codes, api.StepUpRequired)
	}
	slices.SortFunc(codes, func(a, b api.Code) int { return cmp.Or(status[a]-status[b], cmp.Compare(a, b)) })
	return slices.Compact(codes)
}

// securities are the sessions that are enough for an access, as the description
// names them.
var securities = map[access][]string{
	halfway: {"halfSession", "halfSessionCookie"},
	session: {"session", "sessionCookie"},
	writer:  {"session", "sessionCookie", "deviceSession"},
	device:  {"deviceSession"},
	reset:   {"session", "sessionCookie", "recoverySession", "recoverySessionCookie"},
	reader:  {"session", "sessionCookie", "deviceSession", "recoverySession", "recoverySessionCookie"},
}

// securitySchemes are all kinds of sessions.
func securitySchemes() (all object) {
	for _, kind := range []struct {
		name, text string
		cookie     bool
	}{
		{"session", "The token of a session that has logged in with the password", true},
		{"deviceSession", "The token of a session of an approved device", false},
		{"recoverySession", "The token of a session that recovers the account: of a login with the recovery phrase, or of a claim", true},
		{"halfSession", "The token of a half session, which waits for a code", true},
	} {
		all = append(all, member{kind.name, object{{"type", "http"}, {"scheme", "bearer"}, {"description", kind.text + "."}}})
		if kind.cookie {
			text := kind.text + ". A request from another origin is refused."
			all = append(all, member{kind.name + "Cookie", object{{"type", "apiKey"}, {"in", "cookie"}, {"name", cookieSession}, {"description", text}}})
		}
	}
	return all
}

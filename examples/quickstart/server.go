package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/srp"
)

// server is a web service that knows nothing: its accounts hold records of SRP
// or OPAQUE, wrapped keys and encrypted notes. Logins in Proton's protocol are in
// server_login.go, those in either in server_protocols.go, the way from one to the
// other in server_move.go, and what a session may do in server_data.go. Keyrings are
// in server_keyring.go, and who gets in without a password in server_release.go and
// server_device.go. What passes between who asks for an approval and who gives it is
// in server_approval.go, and the mailboxes of contacts in server_contacts.go.
type server struct {
	srp     *srp.Server
	opaque  *opaque.Server
	secrets opaque.Secrets // of both
	moduli  *catalogue

	mu        sync.Mutex
	accounts  map[string]*account  // by user name; a database table
	logins    map[string]pending   // by SRPSession or Session, for a minute
	sessions  map[string]session   // by AccessToken
	claims    map[string]*claim    // by Ticket
	approvals map[string]*approval // by Request, for ten minutes
	mailboxes map[string]*mailbox  // by the contact's name
	contacts  map[string]string    // the contact's name, by AccessToken
	share     float64              // of the accounts that are still on SRP, as strangers see it
}

// account is all that the server has of a user.
type account struct {
	records map[protocol][]byte
	next    *srp.Group // on offer for a new password
	keys    userKeys
	notes   notes
	keyring []byte                     // the header
	files   map[recovery.SlotID][]byte // the server's halves of recovery files
	devices map[recovery.SlotID][]byte // SHA-256 of what approved devices log in by
	key     []byte                     // of the last session, which the story shows
}

// pending is a login between its two messages.
type pending struct {
	protocol protocol
	record   []byte // of the account, none if it is unknown
	state    []byte // from Begin, for Finish
}

// session is who a token belongs to, and since when.
type session struct {
	id        string
	born      time.Time
	protocol  protocol
	recovery  bool              // it may do no more than a recovery needs
	device    recovery.SlotID   // of an approved device, whose session it is; or zero
	migration *opaque.Migration // what a move to OPAQUE is sealed by; nil if this session cannot
}

// newServer verifies its moduli once, when it starts.
func newServer() (*server, error) {
	c, err := newCatalogue(pool)
	if err != nil {
		return nil, err
	}
	var templates []srp.Template
	for _, id := range slices.Sorted(maps.Keys(c.groups)) { // one order in all replicas
		g := c.groups[id]
		templates = append(templates, srp.Template{Profile: srp.Proton(4), Group: g, Weight: 1})
	}

	// In a real service these come from a vault, the same for all replicas.
	decoy, state := make([]byte, srp.SecretSize), make([]byte, srp.SecretSize)
	rand.Read(decoy)
	rand.Read(state)
	s := &server{
		secrets:   opaque.Secrets{Decoy: decoy, State: [][]byte{state}},
		moduli:    c,
		accounts:  make(map[string]*account),
		logins:    make(map[string]pending),
		sessions:  make(map[string]session),
		claims:    make(map[string]*claim),
		approvals: make(map[string]*approval),
		mailboxes: make(map[string]*mailbox),
		contacts:  make(map[string]string),
		share:     1,
	}
	if s.srp, err = srp.NewServer(srp.ServerConfig{Secrets: srp.Secrets(s.secrets), Templates: templates}); err != nil {
		return nil, err
	}
	s.opaque, err = newOPAQUE(s.secrets)
	return s, err
}

// serverName is what both sides of an OPAQUE login mean by this server.
const serverName = "example.org"

// newOPAQUE has a new setup. In a real service it comes from a vault, too, and is
// kept apart from the accounts: without it their records are of no use to a thief,
// and if it is lost nobody can log in.
func newOPAQUE(secrets opaque.Secrets) (*opaque.Server, error) {
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	if err != nil {
		return nil, err
	}
	return opaque.NewServer(opaque.ServerConfig{
		Secrets:        secrets,
		Setups:         map[uint16]*opaque.Setup{1: setup},
		ServerIdentity: []byte(serverName),
	})
}

// listen serves on a free port of the loopback interface until ctx ends, and
// returns the base URL.
func (s *server) listen(ctx context.Context) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/modulus", s.modulus)
	mux.HandleFunc("POST /users", handle(s.signUp))
	mux.HandleFunc("POST /auth/info", handle(s.info))
	mux.HandleFunc("POST /auth", handle(s.auth))
	mux.HandleFunc("POST /login/begin", handle(s.begin))
	mux.HandleFunc("POST /login/finish", handle(s.finish))
	mux.HandleFunc("POST /settings/opaque", withSession(s, time.Minute, s.registerOPAQUE))
	mux.HandleFunc("PUT /settings/opaque", withSession(s, time.Minute, s.admitOPAQUE))
	mux.HandleFunc("GET /keys", inSession(s, anyAge, s.getKeys))
	mux.HandleFunc("PUT /keys", withSession(s, anyAge, s.putKeys))
	mux.HandleFunc("GET /notes", inSession(s, anyAge, s.getNotes))
	mux.HandleFunc("PUT /notes", inSession(s, anyAge, s.putNotes))
	mux.HandleFunc("GET /settings/modulus", inSession(s, anyAge, s.nextModulus))
	mux.HandleFunc("PUT /settings/password", inSession(s, time.Minute, s.changePassword))
	mux.HandleFunc("GET /keyring", withAnySession(s, anyAge, s.getKeyring))
	mux.HandleFunc("PUT /keyring", withAnySession(s, anyAge, s.putKeyring))
	mux.HandleFunc("POST /password", withAnySession(s, time.Minute, s.registerPassword))
	mux.HandleFunc("PUT /password", withAnySession(s, time.Minute, s.admitPassword))
	mux.HandleFunc("PUT /recovery", withSession(s, time.Minute, s.putRecovery))
	mux.HandleFunc("POST /recovery/claim", handle(s.makeClaim))
	mux.HandleFunc("POST /recovery/session", handle(s.redeemClaim))
	mux.HandleFunc("POST /recovery/file", withAnySession(s, time.Minute, s.release))
	mux.HandleFunc("POST /device/number", handle(s.number))
	mux.HandleFunc("POST /device/request", handle(s.askDevice))
	mux.HandleFunc("GET /device/requests", withSession(s, anyAge, s.deviceRequests))
	mux.HandleFunc("PUT /device/grant", withSession(s, anyAge, s.grantDevice))
	mux.HandleFunc("POST /device/session", handle(s.enterDevice))
	mux.HandleFunc("POST /contacts", handle(s.openMailbox))
	mux.HandleFunc("POST /contact/key", withSession(s, anyAge, s.contactKey))
	mux.HandleFunc("PUT /contact/message", withSession(s, anyAge, s.deliver))
	mux.HandleFunc("GET /contact/messages", withContact(s, s.messages))
	mux.HandleFunc("POST /share/request", withAnySession(s, anyAge, s.askShare))
	mux.HandleFunc("GET /share/requests", withContact(s, s.shareRequests))
	mux.HandleFunc("PUT /share/answer", withContact(s, s.answerShare))
	mux.HandleFunc("PUT /share/grant", withContact(s, s.grantShare))
	mux.HandleFunc("POST /request", handle(s.request))
	mux.HandleFunc("PUT /request/reveal", handle(s.reveal))
	web := &http.Server{Handler: mux}
	go web.Serve(l)
	context.AfterFunc(ctx, func() { web.Close() })
	return "http://" + l.Addr().String(), nil
}

// handle turns a function over JSON values into a handler. It is where the
// errors of srp and opaque become statuses: what a wrong password and an unknown
// user get must be the same to the byte.
func handle[In, Out any](f func(ctx context.Context, in In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&in); err != nil {
			reply(w, http.StatusBadRequest, errorResponse{"Malformed request"})
			return
		}
		out, err := f(r.Context(), in)
		switch {
		case err == nil:
			reply(w, http.StatusOK, out)
		case errors.Is(err, srp.ErrAuthentication), errors.Is(err, srp.ErrState),
			errors.Is(err, opaque.ErrAuthentication), errors.Is(err, opaque.ErrState):
			reply(w, http.StatusUnauthorized, errorResponse{"Incorrect login credentials"})
		case errors.Is(err, errSession):
			reply(w, http.StatusUnauthorized, errorResponse{"Log in first"})
		case errors.Is(err, srp.ErrMalformed), errors.Is(err, opaque.ErrMalformed),
			errors.Is(err, recovery.ErrMalformed):
			reply(w, http.StatusBadRequest, errorResponse{"Malformed request"})
		case errors.Is(err, errTaken):
			reply(w, http.StatusConflict, errorResponse{"Username already taken"})
		case errors.Is(err, errReview):
			reply(w, http.StatusForbidden, errorResponse{"Nobody has reviewed this yet"})
		case errors.Is(err, errNoFile):
			reply(w, http.StatusNotFound, errorResponse{"No such file"})
		case errors.Is(err, errNoRequest):
			reply(w, http.StatusNotFound, errorResponse{"No such request"})
		case errors.Is(err, errNoContact):
			reply(w, http.StatusNotFound, errorResponse{"No such contact"})
		case errors.Is(err, errAnswered):
			reply(w, http.StatusConflict, errorResponse{"Somebody has answered this already"})
		case errors.Is(err, errMany):
			reply(w, http.StatusTooManyRequests, errorResponse{"Too many requests wait already"})
		case errors.Is(err, errStale):
			reply(w, http.StatusConflict, errorResponse{"The keyring has changed"})
		case errors.Is(err, errMoved):
			reply(w, http.StatusConflict, errorResponse{"The account has moved to OPAQUE"})
		default:
			reply(w, http.StatusInternalServerError, errorResponse{"Something went wrong"})
		}
	}
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

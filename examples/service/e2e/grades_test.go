package e2e

import (
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/stretchr/testify/require"
)

// accesses are the sessions that requests need. The broken requests go by the
// server's own table, which a mistake could change.
var accesses = map[string]string{
	"anyone": `POST register/begin, POST register/finish, POST login/begin, POST login/finish, POST claims/begin, POST claims/ask,
		POST claims/status, POST claims/reveal, POST claims/open, POST claims/account`,
	"half": `POST login/code`,
	"session": `POST session/code, POST step-up/begin, POST step-up/finish, DELETE sessions, PUT session/slot, POST account/delete,
		POST password/finish, POST phrase/begin, POST move/begin, POST move/finish, POST totp/begin, POST totp/confirm,
		POST totp/remove, POST totp/codes, POST claims/cancel, POST contacts/invite, POST contacts/accept, POST contacts/deliver,
		POST contacts/received, POST contacts/remove`,
	"writer": `PUT session/name, PUT items/{id}, GET asks, POST asks/answer, POST asks/grant`,
	"device": `POST claims/password`,
	"reset":  `POST password/begin, PUT keyring`,
	"reader": `GET sessions, DELETE sessions/{id}, GET account, GET keyring, GET items, GET events, GET claims, POST claims/delay,
		GET contacts`,
}

// steppedUp are the requests that the password confirms.
var steppedUp = map[string]string{
	"account/delete": "delete", "password/finish": "password", "totp/begin": "totp", "totp/remove": "totp-off", "totp/codes": "codes",
	"claims/cancel": "cancel", "contacts/remove": "contact",
}

// TestAccess: every request needs the session that it should need.
func TestAccess(t *testing.T) {
	want := make(map[string]string)
	for access, list := range accesses {
		for one := range strings.SplitSeq(list, ",") {
			method, path, _ := strings.Cut(strings.TrimSpace(one), " ")
			want[method+" /v1/"+path] = access + " " + steppedUp[path]
		}
	}
	got := make(map[string]string)
	for _, r := range server.Routes() {
		got[r.Method+" "+r.Path] = r.Access + " " + r.StepUp
	}
	require.Equal(t, want, got)
}

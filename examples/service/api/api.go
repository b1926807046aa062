// Package api defines the messages between the service and its clients. They
// are JSON, and bytes are in base64. The file openapi.json describes every
// request.
package api

import (
	"encoding/hex"
	"errors"
	"strings"
)

// Limits of messages, in bytes.
const (
	MaxBody    = 256 << 10 // of a request
	MaxItem    = 80 << 10  // of an item's body
	MaxItemKey = 512
	MaxNames   = 4   // of one account
	MaxLabel   = 512 // of a session's sealed name
)

// StepUpHeader is the header with the token of a [StepUp].
const StepUpHeader = "Nescio-Step-Up"

// ID is a random number of 16 bytes, in hexadecimal.
type ID [16]byte

// String returns hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText returns hexadecimal digits.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads 32 lower-case hexadecimal digits.
func (id *ID) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(id) || strings.ToLower(string(text)) != string(text) {
		return errors.New("an id is 32 hexadecimal digits in lower case")
	}
	copy(id[:], b)
	return nil
}

// Code names an error.
type Code string

// The codes.
const (
	Malformed        Code = "malformed"          // 400
	Unauthenticated  Code = "unauthenticated"    // 401: no session
	LoginFailed      Code = "login_failed"       // 401: wrong password, unknown name, or too late
	WrongCode        Code = "wrong_code"         // 401: of a second factor
	CodeRequired     Code = "code_required"      // 403: send a code first
	LoginRequired    Code = "login_required"     // 403: log in again first, or step up
	StepUpRequired   Code = "step_up_required"   // 403: see [StepUp]
	NotAllowed       Code = "not_allowed"        // 403: this session may not do it
	CrossOrigin      Code = "cross_origin"       // 403: a request from another site
	NotFound         Code = "not_found"          // 404
	MethodNotAllowed Code = "method_not_allowed" // 405
	Taken            Code = "taken"              // 409: a name has an account
	Conflict         Code = "conflict"           // 409: something else is stored
	OldEpoch         Code = "old_epoch"          // 409: wrapped under an old key
	TooLarge         Code = "too_large"          // 413
	MediaType        Code = "media_type"         // 415
	Full             Code = "full"               // 507: the account has no more room
	RateLimited      Code = "rate_limited"       // 429, with Retry-After
	Internal         Code = "internal"           // 500
	Busy             Code = "busy"               // 503
)

// Error is the body of every answer that is not a success.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	// RetryAfter is in seconds, for [RateLimited].
	RetryAfter int `json:"retry_after,omitempty"`
	// Current is the stored item, for a [Conflict] of items.
	Current *Item `json:"current,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Is reports whether two errors have the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Empty is a message without content.
type Empty struct{}

// Requests are the first messages of both protocols. The server answers one.
type Requests struct {
	OPAQUE []byte `json:"opaque"`
	SRP    []byte `json:"srp"`
}

// Begun is the answer to a first message. The token is for the last message.
type Begun struct {
	Token    string `json:"token"`
	Response []byte `json:"response"`
}

// FinishRegistration is the last message of a registration. It makes an account
// with one or several names.
type FinishRegistration struct {
	Token  string   `json:"token"`
	Names  []string `json:"names"`
	Upload []byte   `json:"upload"`
}

// BeginLogin is the first message of a login.
type BeginLogin struct {
	Name string `json:"name"`
	// Former is as in [BeginClaim].
	Former int `json:"former,omitempty"`
	// Phrase means that the password is the secret of the recovery phrase.
	Phrase bool `json:"phrase,omitempty"`
	Requests
	// Device is the token that an earlier login of this device returned. It has
	// a budget of its own. Browsers send a cookie instead.
	Device string `json:"device,omitempty"`
}

// FinishLogin is the last message of a login.
type FinishLogin struct {
	Token string `json:"token"`
	Final []byte `json:"final"`
	// Cookie asks for cookies instead of tokens in the answer.
	Cookie bool `json:"cookie,omitempty"`
}

// LoggedIn is the answer to a login.
type LoggedIn struct {
	// Reply is the last message of the protocol. It is empty after a code.
	Reply []byte `json:"reply,omitempty"`
	// Code means that the session can do nothing except send a [Code].
	Code    bool   `json:"code"`
	Session ID     `json:"session"`
	Token   string `json:"token,omitempty"`
	Device  string `json:"device,omitempty"`
	Account ID     `json:"account"`
	// Slot is the password slot of the keyring. It is absent if the login's
	// export key opens the keyring.
	Slot *ID `json:"slot,omitempty"`
	// Move means that the client should register again.
	Move bool `json:"move"`
}

// SecondFactor is a code of an authenticator or a backup code.
type SecondFactor struct {
	Code   string `json:"code"`
	Cookie bool   `json:"cookie,omitempty"`
}

// BeginStepUp begins a login that confirms one request of a session. Digest is
// the SHA-256 of the request's body.
type BeginStepUp struct {
	Operation string `json:"operation"`
	Digest    []byte `json:"digest"`
	Requests
}

// FinishStepUp is the last message of a step-up.
type FinishStepUp struct {
	Token string `json:"token"`
	Final []byte `json:"final"`
}

// StepUp confirms one request, which has the token in [StepUpHeader].
type StepUp struct {
	Reply []byte `json:"reply"`
	Token string `json:"token"`
}

// The operations that need a step-up.
const (
	OpRefresh  = "refresh"  // of the session, for headers; the digest is of no bytes
	OpPassword = "password" // POST /v1/password/finish
	OpTOTP     = "totp"     // POST /v1/totp/begin
	OpTOTPOff  = "totp-off" // POST /v1/totp/remove
	OpCodes    = "codes"    // POST /v1/totp/codes
	OpDelete   = "delete"   // POST /v1/account/delete
	OpCancel   = "cancel"   // POST /v1/claims/cancel
	OpKeyring  = "keyring"  // PUT /v1/keyring: see [IsWay]
	OpApprove  = "approve"  // POST /v1/asks/grant for a device
	OpContact  = "contact"  // POST /v1/contacts/remove
)

// StepUpContext returns what the proof of a step-up covers: the session, the
// operation and the digest of the body.
func StepUpContext(session ID, operation string, digest [32]byte) []byte {
	b := []byte("service.nescio/step-up/v1\x00")
	b = append(b, session[:]...)
	b = append(b, digest[:]...)
	return append(b, operation...)
}

// NewRecord replaces the record of an account.
type NewRecord struct {
	Upload []byte `json:"upload"`
	// Slot is the password slot of the stored header that belongs to the
	// record. It is absent if the record's export key opens a slot.
	Slot *ID `json:"slot,omitempty"`
}

// Message is one message of a move, with the tag of opaque.Migration.
type Message struct {
	Message []byte `json:"message"`
}

// MovedRecord is the last message of a move.
type MovedRecord struct {
	Message []byte `json:"message"`
	Slot    *ID    `json:"slot,omitempty"`
}

// Account is what the server knows of an account.
type Account struct {
	ID       ID       `json:"id"`
	Names    []string `json:"names"`
	Protocol string   `json:"protocol"` // "opaque", or a profile of SRP
	Slot     *ID      `json:"slot,omitempty"`
	TOTP     bool     `json:"totp"`
	Codes    int      `json:"codes"` // unused backup codes
	Phrase   bool     `json:"phrase"`
	Files    int      `json:"files"`   // halves of recovery files
	Former   int      `json:"former"`  // accounts that had the names before
	Created  int64    `json:"created"` // in Unix seconds
	Items    int      `json:"items"`
	Bytes    int64    `json:"bytes"`
}

// Session is a session in a list. Times are in Unix seconds.
type Session struct {
	ID      ID     `json:"id"`
	Name    []byte `json:"name,omitempty"` // sealed by the client
	Current bool   `json:"current"`
	Created int64  `json:"created"`
	Seen    int64  `json:"seen"`
	Way     Way    `json:"way"`
	// Recovered means that the session can read, and set a password.
	Recovered bool `json:"recovered"`
	// Slot is the device's slot of the keyring. The session ends with it.
	Slot *ID `json:"slot,omitempty"`
}

// Sessions are the sessions of an account.
type Sessions struct {
	Sessions []Session `json:"sessions"`
}

// Label is the sealed name of a session.
type Label struct {
	Name []byte `json:"name"`
}

// SessionSlot is the slot of the session's device.
type SessionSlot struct {
	Slot ID `json:"slot"`
}

// Item is an encrypted item. Key is a data key wrapped by the keyring, and Body
// is wrapped by the data key.
type Item struct {
	ID       ID     `json:"id"`
	Version  int64  `json:"version"`  // 1 for a new item
	Revision int64  `json:"revision"` // of the account, when this version was stored
	Deleted  bool   `json:"deleted"`
	Key      []byte `json:"key,omitempty"`
	Body     []byte `json:"body,omitempty"`
}

// PutItem stores the next version of an item. Previous is the version that it
// replaces, or 0. A deleted item has content too, which tells the client.
type PutItem struct {
	Previous int64  `json:"previous"`
	Deleted  bool   `json:"deleted,omitempty"`
	Key      []byte `json:"key,omitempty"`
	Body     []byte `json:"body,omitempty"`
}

// Items are the items that changed after a revision, in order.
type Items struct {
	Items []Item `json:"items"`
	// Revision is for the next request.
	Revision int64 `json:"revision"`
	More     bool  `json:"more"`
}

// NewTOTP is a secret for an authenticator, until a code confirms it.
type NewTOTP struct {
	Secret string `json:"secret"`
	URI    string `json:"uri"`
}

// BackupCodes are shown once.
type BackupCodes struct {
	Codes []string `json:"codes"`
}

// FirstMessage is the first message of a registration with OPAQUE.
type FirstMessage struct {
	OPAQUE []byte `json:"opaque"`
}

// Event is something that happened to an account.
type Event struct {
	Time    int64  `json:"time"` // in Unix seconds
	Kind    string `json:"kind"`
	Address string `json:"address"` // shortened
}

// Events are a page of events, the newest first. Before is the parameter of the
// next page, or empty.
type Events struct {
	Events []Event `json:"events"`
	Before string  `json:"before,omitempty"`
}

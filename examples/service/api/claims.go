package api

// Way is how somebody gets into an account.
type Way string

// The ways. A session has one of the first three, or the way of the claim that
// it comes from.
const (
	WayPassword Way = "password"
	WayPhrase   Way = "phrase"
	WayDevice   Way = "device" // an approved device
	WayFile     Way = "file"
	WayContacts Way = "contacts"
	WayReview   Way = "review" // by the operator
)

// BeginClaim claims an account without its password. The answer is the same for
// every name and every slot.
type BeginClaim struct {
	Name string `json:"name"`
	// Former is 0 for the account of the name, or n for the nth account before
	// it, the newest first.
	Former int `json:"former,omitempty"`
	// Way is [WayFile], [WayContacts], [WayDevice] or [WayReview].
	Way Way `json:"way"`
	// Slot is the slot of the file, for [WayFile], and Proof shows that the
	// claimant has the file. The slot alone is in every header.
	Slot  *ID    `json:"slot,omitempty"`
	Proof []byte `json:"proof,omitempty"`
	// Text tells the operator who claims the account, for [WayReview].
	Text string `json:"text,omitempty"`
}

// MaxText bounds the text of a claim and the reason of a decision, in bytes.
const MaxText = 4096

// Claimed is a new claim. The token is the only key to it.
type Claimed struct {
	Token string `json:"token"`
	// Number is the number of the account's keyring, or made up.
	Number ID `json:"number"`
}

// ClaimToken names a claim to the server.
type ClaimToken struct {
	Token string `json:"token"`
}

// ClaimState is what has become of a claim.
type ClaimState string

// The states.
const (
	ClaimAsked     ClaimState = "asked"     // it waits for contacts or for another device
	ClaimWaiting   ClaimState = "waiting"   // until a time, for objections
	ClaimReview    ClaimState = "review"    // until the operator decides
	ClaimReady     ClaimState = "ready"     // it can be opened
	ClaimDone      ClaimState = "done"      // it was used
	ClaimCancelled ClaimState = "cancelled" // by the account's owner
	ClaimRefused   ClaimState = "refused"   // by the operator
	ClaimFailed    ClaimState = "failed"    // it opens nothing, or is too old
)

// Claim is the state of a claim for the claimant.
type Claim struct {
	Way   Way        `json:"way"`
	State ClaimState `json:"state"`
	// Opens is when a waiting claim is ready, and Ends when a claim lapses. Both
	// are in Unix seconds, by the clock of the database.
	Opens int64 `json:"opens,omitempty"`
	Ends  int64 `json:"ends"`
	// Account means that the operator allows a new account under the names of
	// the old one, once the claim is ready.
	Account bool `json:"account"`
	// Reason is the operator's.
	Reason string `json:"reason,omitempty"`
	// Asks are the claim's questions to contacts or to another device.
	Asks []Asked `json:"asks"`
}

// Asked is a question and what was answered.
type Asked struct {
	ID     ID     `json:"id"`
	Answer []byte `json:"answer,omitempty"` // with typed codes
	Grant  []byte `json:"grant,omitempty"`
}

// NewAsk asks one contact, or another device of the user. Ask is the first
// message of package recovery or contacts.
type NewAsk struct {
	Token string `json:"token"`
	Ask   []byte `json:"ask"`
}

// AskID is the number of a question. Both sides show its first four digits.
type AskID struct {
	ID ID `json:"id"`
}

// Reveal is the third message with typed codes.
type Reveal struct {
	Token  string `json:"token"`
	Ask    ID     `json:"ask"`
	Reveal []byte `json:"reveal"`
}

// Opened is the session of a claim that was ready.
type Opened struct {
	Token   string `json:"token"`
	Session ID     `json:"session"`
	Account ID     `json:"account"`
	// Slot is the password slot of the keyring, as in [LoggedIn].
	Slot *ID `json:"slot,omitempty"`
	// Half is the server's half of a recovery file.
	Half []byte `json:"half,omitempty"`
}

// NewAccount makes a new account under the names of an old one, after the
// operator has approved it. Registration is the token of a registration.
type NewAccount struct {
	Token        string `json:"token"`
	Registration string `json:"registration"`
	Upload       []byte `json:"upload"`
}

// OwnClaim is a claim as the account's sessions see it.
type OwnClaim struct {
	ID      ID         `json:"id"`
	Way     Way        `json:"way"`
	State   ClaimState `json:"state"`
	Begun   int64      `json:"begun"` // in Unix seconds
	Opens   int64      `json:"opens,omitempty"`
	Doubled bool       `json:"doubled"` // the wait was doubled already
	Account bool       `json:"account"` // the operator allows a new account with it
	Address string     `json:"address"` // shortened
}

// OwnClaims are the claims of an account, the newest first.
type OwnClaims struct {
	Claims []OwnClaim `json:"claims"`
}

// ClaimID names a claim of the account.
type ClaimID struct {
	Claim ID `json:"claim"`
}

// Ask is a question that a session may grant: of a device that wants to join the
// account, or of the owner of an account whose contact this account is.
type Ask struct {
	ID ID `json:"id"`
	// Way is [WayDevice] or [WayContacts].
	Way Way `json:"way"`
	// Number is the number of the keyring whose share is asked for.
	Number  ID     `json:"number"`
	Ask     []byte `json:"ask"`
	Reveal  []byte `json:"reveal,omitempty"`
	Asked   int64  `json:"asked"` // in Unix seconds
	Address string `json:"address"`
}

// Asks are a page of open questions, the newest first. Before is the parameter of
// the next page, or empty.
type Asks struct {
	Asks   []Ask  `json:"asks"`
	Before string `json:"before,omitempty"`
}

// AskAnswer is the second message with typed codes.
type AskAnswer struct {
	Ask    ID     `json:"ask"`
	Answer []byte `json:"answer"`
}

// AskGrant grants a question.
type AskGrant struct {
	Ask   ID     `json:"ask"`
	Grant []byte `json:"grant"`
	// Slot is the new device's slot in the stored header, or the slot of the
	// share.
	Slot ID `json:"slot"`
}

// Limits of the messages of package recovery and contacts, in bytes.
const (
	MaxAsk    = 2048
	MaxAnswer = 2048
	MaxGrant  = 8192
)

package api

// InvitationID names an invitation. A contact gets it in a link.
type InvitationID struct {
	Invitation ID `json:"invitation"`
}

// Acceptance is the contact's public key, sealed with the secret of the link.
type Acceptance struct {
	Invitation ID     `json:"invitation"`
	Answer     []byte `json:"answer"`
}

// Delivery is a contact's message from package contacts. The stored header has
// the slot.
type Delivery struct {
	Invitation ID     `json:"invitation"`
	Slot       ID     `json:"slot"`
	Message    []byte `json:"message"`
}

// Receipt means that a contact keeps the share of a slot.
type Receipt struct {
	Invitation ID `json:"invitation"`
	Slot       ID `json:"slot"`
}

// Limits of contacts, in bytes.
const (
	MaxAcceptance = 2048
	MaxDelivery   = 4096
	MaxContacts   = 32 // invitations of an account
)

// Contacts are the people whom the account has invited, and the accounts whose
// contact it is.
type Contacts struct {
	Invited []Invitation `json:"invited"`
	Of      []ContactOf  `json:"of"`
}

// Invitation is an invitation as its owner sees it.
type Invitation struct {
	ID     ID     `json:"id"`
	Answer []byte `json:"answer,omitempty"` // absent until the contact accepts
	// Slot is the slot whose share was delivered.
	Slot     *ID   `json:"slot,omitempty"`
	Received bool  `json:"received"` // the contact has kept the share
	Created  int64 `json:"created"`  // in Unix seconds
}

// ContactOf is an invitation that the account has accepted.
type ContactOf struct {
	ID      ID     `json:"id"`
	Slot    *ID    `json:"slot,omitempty"`
	Message []byte `json:"message,omitempty"` // until it was received
	// Received means that the share of the slot was kept.
	Received bool `json:"received"`
}

package api

// Keyring is the stored header, or nothing.
type Keyring struct {
	Header []byte `json:"header,omitempty"`
}

// NewKeyring replaces the header. Slot is present if the password slot of the
// account's record changes, or becomes known with the first header.
//
// What belongs to a slot is stored with it, in one transaction: a header with a
// new phrase or file needs it, and what belongs to slots that are gone is
// deleted.
type NewKeyring struct {
	Header []byte `json:"header"`
	Slot   *ID    `json:"slot,omitempty"`
	// Phrase is the registration of a new recovery phrase.
	Phrase []byte `json:"phrase,omitempty"`
	// Half is the server's half of a new recovery file, and Proof is what claims
	// with the file have to show. Both are 32 bytes long.
	Half  []byte `json:"half,omitempty"`
	Proof []byte `json:"proof,omitempty"`
	// Upload is the registration of a new password. A session that recovers the
	// account has to send it, and no other session may.
	Upload []byte `json:"upload,omitempty"`
	// ResetFactors removes the second factor, in such a session.
	ResetFactors bool `json:"reset_factors,omitempty"`
}

// IsWay reports whether slots of a type are ways into the account besides the
// password. [OpKeyring] confirms a header that has a new one or lacks one. A
// login adds devices without it, because they open the keyring only.
func IsWay(slotType string) bool {
	switch slotType {
	case "phrase", "file", "passkey", "device", "contacts":
		return true
	}
	return false
}

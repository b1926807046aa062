package main

// What client and server send each other: the field names and the base64 of
// Proton's API, which encoding/json makes of byte slices by itself. Numbers are
// little-endian, 256 bytes.

// GET /auth/modulus and, for a new password, /settings/modulus
type modulusResponse struct {
	Modulus   string // an OpenPGP message with a cleartext signature, or a record of package moduli
	ModulusID string
}

// POST /users
type signUpRequest struct {
	Username string
	Auth     signUpAuth
}

type signUpAuth struct {
	Version   int
	ModulusID string
	Salt      []byte
	Verifier  []byte
}

// POST /auth/info
type infoRequest struct {
	Username string
}

type infoResponse struct {
	Version         int
	Modulus         string
	ServerEphemeral []byte
	Salt            []byte
	SRPSession      string
}

// POST /auth
type authRequest struct {
	Username        string
	ClientEphemeral []byte
	ClientProof     []byte
	SRPSession      string
}

type authResponse struct {
	ServerProof []byte
	AccessToken string // of the session, for the requests below
}

// POST /login/begin: a login in either protocol, in the byte form of packages srp
// and opaque
type beginRequest struct {
	Username string
	Requests map[protocol][]byte // the first messages of all protocols that the client speaks
}

type beginResponse struct {
	Protocol protocol // the one that the server chose
	Response []byte
	Session  string
}

// POST /login/finish
type finishRequest struct {
	Username string
	Session  string
	Final    []byte
}

type finishResponse struct {
	Reply       []byte
	AccessToken string
}

// POST and PUT /settings/opaque: a registration, in messages that an
// opaque.Migration sealed
type sealed struct {
	Message []byte
}

// GET and PUT /keys
type userKeys struct {
	KDF             string // how the key-encryption key comes from a password
	MasterKey       []byte // wrapped under it
	MasterKeyExport []byte // the same, wrapped under a key that only an OPAQUE login gives
}

// GET and PUT /notes
type notes map[string]note

type note struct {
	Key   []byte // wrapped under the master key
	Text  []byte // encrypted under that key
	Epoch uint32 `json:",omitempty"` // which master key it is, of a keyring
}

// PUT /settings/password
type passwordRequest struct {
	Auth signUpAuth
	Keys userKeys
}

// GET and PUT /keyring
type keyringMessage struct {
	Header []byte
}

// POST /password: a registration with OPAQUE, request and response
type registration struct {
	Message []byte
}

// PUT /password
type admitRequest struct {
	Record  []byte
	Keyring []byte // the digest of the header that has its slot
}

// PUT /recovery: what the server keeps of a phrase and a file
type recoveryRequest struct {
	Phrase  signUpAuth // of the account that the phrase logs in to
	File    []byte     // its id
	Secret  []byte     // the server's half of it
	Keyring []byte     // the digest of the header that has their slots
}

// POST /recovery/claim
type claimRequest struct {
	Username string
}

type claimResponse struct {
	Ticket string
}

// POST /recovery/session: once somebody has reviewed the claim
type redeemRequest struct {
	Ticket string
}

type redeemResponse struct {
	AccessToken string
}

// POST /recovery/file
type fileRequest struct {
	File []byte // its id
}

type fileResponse struct {
	Secret []byte
}

// POST /device/number: the number of an account, for a device that is not in
type numberRequest struct {
	Username string
}

type numberResponse struct {
	Number []byte
}

// POST /device/request: to be approved
type deviceRequest struct {
	Username string
	Ask      []byte
	Token    []byte // SHA-256 of what the device will log in by
}

// POST /share/request: for a share that a contact has
type shareRequest struct {
	Contact string
	Ask     []byte
}

// The answer to both, and POST /request, which tells how far it has come
type requestHandle struct {
	Request string // known to both sides alone
}

// GET /device/requests and, for a contact, /share/requests, have a list of these
type requestState struct {
	Request string
	Owner   string // of the account
	Ask     []byte // from who asks; the other messages go to and fro after it
	Answer  []byte
	Reveal  []byte
	Grant   []byte
}

// PUT /share/answer, /request/reveal and /share/grant
type approvalMessage struct {
	Request string
	Message []byte
}

// PUT /device/grant
type deviceGrant struct {
	Request string
	Slot    []byte // of the device, in the stored header
	Grant   []byte
}

// POST /device/session
type deviceLogin struct {
	Username string
	Slot     []byte
	Token    []byte
}

type deviceResponse struct {
	AccessToken string
}

// POST /contacts: a mailbox
type mailboxRequest struct {
	Contact   string
	PublicKey []byte
}

type mailboxResponse struct {
	AccessToken string
}

// POST /contact/key
type contactRequest struct {
	Contact string
}

type contactResponse struct {
	PublicKey []byte
}

// PUT /contact/message
type contactMessage struct {
	Contact string
	Message []byte // sealed to the contact's key
}

// GET /contact/messages: by the name of the account that they are from
type messages map[string][]byte

// errorResponse comes with every status but 200.
type errorResponse struct {
	Error string
}

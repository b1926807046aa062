package main

// What client and server send each other: the field names and the base64 of
// Proton's API, which encoding/json makes of byte slices by itself. Numbers are
// little-endian, 256 bytes.

// GET /auth/modulus
type modulusResponse struct {
	Modulus   string // an OpenPGP message with a cleartext signature
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
}

// errorResponse comes with every status but 200.
type errorResponse struct {
	Error string
}

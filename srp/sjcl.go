package srp

// ImportSJCL makes a record of the salt and the verifier that the Stanford
// JavaScript Crypto Library computed, in one of the groups of RFC 5054 of 2048
// bits or more. SJCL drops the leading zero bytes of a verifier: 1 to |N| bytes
// are accepted, big-endian. The salt has 1 to 64 bytes. It only registers;
// logins are then those of RFC5054SHA1(0), with the user name that SJCL hashed,
// up to 1024 bytes, as identity, by clients that accept the group: above 4096
// bits they need an AcceptGroup.
//
// It returns ErrRecord if a value is out of its range (see [NewRecord]).
// NeedsUpgrade is true of such records: SHA-1 is all that protects their
// passwords.
func ImportSJCL(g GroupRef, identity, salt, verifier []byte) (*Record, error) {
	if len(verifier) == 0 || len(verifier) > len(g.N) || rfc5054Number(g.N, g.G) == 0 {
		return nil, ErrRecord
	}
	padded := make([]byte, len(g.N))
	copy(padded[len(padded)-len(verifier):], verifier)
	defer clear(padded)
	return NewRecord(Offer{Profile: RFC5054SHA1(0), Group: g}, identity, salt, padded)
}

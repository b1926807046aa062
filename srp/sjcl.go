package srp

import "github.com/nescio-go/nescio/kdf"

// ImportSJCL makes a record from the salt and the verifier that the Stanford
// JavaScript Crypto Library computed, in one of the groups of RFC 5054 of 2048
// bits or more. SJCL drops the leading zero bytes of a verifier: 1 to |N| bytes
// are accepted, big-endian. The salt has 1 to 64 bytes. The identity is the user
// name that SJCL hashed, at most 1,024 bytes.
//
// Logins with the record use the profile RFC5054SHA1(0). Clients must accept the
// group: above 4096 bits they need a [GroupPolicy] for it. NeedsUpgrade is true
// of such records, since SHA-1 is all that protects their passwords.
//
// ImportSJCL returns [ErrRecord] if a value is out of its range (see
// [NewRecord]).
func ImportSJCL(g UnverifiedGroup, identity, salt, verifier []byte) (*Record, error) {
	if len(verifier) == 0 || len(verifier) > len(g.N) {
		return nil, unusable("the verifier must be 1 to |N| bytes long")
	}
	if rfc5054Number(g.N, g.G) == 0 {
		return nil, unusable("not a group of RFC 5054 of 2048 bits or more")
	}
	padded := make([]byte, len(g.N))
	copy(padded[len(padded)-len(verifier):], verifier)
	defer clear(padded)
	return NewRecord(RFC5054SHA1(0), g, kdf.Params{}, identity, salt, padded)
}

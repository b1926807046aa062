package srp

import "github.com/nescio-go/nescio/kdf"

// ImportSJCL makes a record for [RFC5054SHA1] from SJCL's values, in a group of
// RFC 5054. Leading zero bytes of the verifier may be missing. It returns
// [ErrRecord].
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

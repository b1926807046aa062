package opaque

import "crypto/rand"

// randomness fills out with the random value that RFC 9807 calls by that name.
// A Client and a Server each have one, in a field that only tests set.
type randomness func(s *suite, name randomValue, out []byte)

type randomValue string

const (
	blind              randomValue = "blind" // a scalar
	envelopeNonce      randomValue = "envelope_nonce"
	maskingNonce       randomValue = "masking_nonce"
	clientNonce        randomValue = "client_nonce"
	serverNonce        randomValue = "server_nonce"
	clientKeyshareSeed randomValue = "client_keyshare_seed"
	serverKeyshareSeed randomValue = "server_keyshare_seed"
)

// systemRandom is the randomness of every Client and Server outside tests.
func systemRandom(s *suite, name randomValue, out []byte) {
	if name == blind {
		s.oprf.RandomScalar(out)
		return
	}
	rand.Read(out)
}

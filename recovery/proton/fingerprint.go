package proton

import "github.com/ProtonMail/go-crypto/openpgp/packet"

// Fingerprint returns the fingerprint of a secret key, armored or binary,
// locked or not. Compare it with the one that the device saw earlier, because a
// locked key's public part is not authentic.
func Fingerprint(key []byte) ([]byte, error) {
	packets, err := readKey(key)
	if err != nil {
		return nil, err
	}
	for i, p := range packets {
		switch {
		case p.Tag == tagPublicKey:
			return nil, errPublic
		case (p.Tag == tagSecretKey) != (i == 0): // one key, from its first packet on
			return nil, ErrMalformed
		}
	}
	if len(packets) == 0 {
		return nil, ErrMalformed
	}
	if err := checkWork(packets[:1]); err != nil {
		return nil, err
	}
	parsed, err := packets[0].Parse()
	if err != nil {
		return nil, readError(err)
	}
	k, ok := parsed.(*packet.PrivateKey)
	if !ok {
		return nil, ErrMalformed
	}
	return k.Fingerprint, nil
}

package proton

import (
	"encoding/base64"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
)

const (
	phraseEntropy = 16 // bytes
	phraseSecret  = 24 // characters
)

// PhraseSecret returns Proton's secret string P of a phrase: the base64 of its
// entropy, 24 characters. It is a password: the caller makes the SRP verifier of it,
// and logs in with it. It returns ErrPolicy for a phrase that does not have 12 words.
func PhraseSecret(p *recovery.Phrase) ([]byte, error) {
	entropy := p.Entropy()
	defer clear(entropy)
	if len(entropy) != phraseEntropy {
		return nil, errWords
	}
	return base64.StdEncoding.AppendEncode(nil, entropy), nil
}

// ParsePhraseSecret returns the phrase of a secret string, or ErrMalformed.
func ParsePhraseSecret(secret []byte) (*recovery.Phrase, error) {
	entropy, err := decodeBase64(secret, phraseSecret, phraseEntropy)
	if err != nil {
		return nil, err
	}
	defer clear(entropy)
	return recovery.PhraseFromEntropy(entropy)
}

// PhraseKeyPassword returns the 31 characters that lock the user's keys for a phrase,
// [kdf.ProtonKeyPassword] of P and the mnemonic salt of 16 random bytes, which the
// server keeps: the passphrase of [Key.Lock] and [ParseKey]. It takes some 80 ms. It
// returns ErrPolicy for a phrase that does not have 12 words, ErrMalformed for a salt
// of another size.
func PhraseKeyPassword(p *recovery.Phrase, salt []byte) ([]byte, error) {
	secret, err := PhraseSecret(p)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	password, err := kdf.ProtonKeyPassword(secret, salt)
	if err != nil {
		return nil, ErrMalformed
	}
	return password, nil
}

// decodeBase64 decodes n bytes in their one spelling of the given number of
// characters, between which package base64 would take line ends.
func decodeBase64(text []byte, characters, n int) ([]byte, error) {
	if len(text) != characters {
		return nil, ErrMalformed
	}
	b, err := base64.StdEncoding.Strict().AppendDecode(nil, text)
	if err != nil || len(b) != n {
		clear(b)
		return nil, ErrMalformed
	}
	return b, nil
}

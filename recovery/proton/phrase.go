package proton

import (
	"encoding/base64"

	"github.com/nescio-go/nescio/internal/bip39"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
)

const (
	phraseEntropy = 16 // bytes
	phraseSecret  = 24 // characters
)

// PhraseSecret returns P, 24 characters. It returns [ErrPolicy] unless there
// are 12 words.
func PhraseSecret(p *recovery.Phrase) ([]byte, error) {
	entropy := p.Entropy()
	defer clear(entropy)
	if len(entropy) != phraseEntropy {
		return nil, errWords
	}
	return base64.StdEncoding.AppendEncode(nil, entropy), nil
}

// ParsePhraseSecret reverses [PhraseSecret].
func ParsePhraseSecret(secret []byte) (*recovery.Phrase, error) {
	entropy, err := decodeBase64(secret, phraseSecret, phraseEntropy)
	if err != nil {
		return nil, err
	}
	defer clear(entropy)
	return recovery.ParsePhrase(bip39.Encode(entropy))
}

// PhraseKeyPassword returns 31 characters, [kdf.ProtonKeyPassword] of P and the
// mnemonic salt, for [Key.Lock] and [ParseKey]. The server keeps the salt, 16
// random bytes. It takes about 80 ms. It returns [ErrPolicy] unless there are
// 12 words.
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

// decodeBase64 decodes n bytes from their canonical encoding, which has the
// given number of characters. The check of the number refuses line ends, which
// package base64 would skip.
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

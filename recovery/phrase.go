package recovery

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/nescio-go/nescio/internal/bip39"
	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/wrap"
)

// Phrase is the slot of 12 or 24 BIP-39 words. Store no hash of it.
type Phrase struct {
	entropy secret.Value[[]byte]
}

func newPhrase(entropy []byte) *Phrase { return &Phrase{secret.New(entropy)} }

// NewPhrase returns 12 or 24 random words.
func NewPhrase(words int) (*Phrase, error) {
	if words != 12 && words != 24 {
		return nil, errWords
	}
	entropy := make([]byte, words/12*16)
	rand.Read(entropy)
	return newPhrase(entropy), nil
}

// Entropy returns 16 or 32 bytes.
func (p *Phrase) Entropy() []byte { return bytes.Clone(*p.entropy.Get()) }

// Words returns the words.
func (p *Phrase) Words() string { return bip39.Encode(*p.entropy.Get()) }

// AuthSecret returns 32 bytes, the password of the account [PhraseLoginID].
// Show the words, store its record, then add the slot.
func (p *Phrase) AuthSecret() ([]byte, error) {
	entropy := *p.entropy.Get()
	if len(entropy) == 0 {
		return nil, errSecret
	}
	return hkdf.Key(sha256.New, entropy, nil, "nescio/phrase/auth/v1", keySize)
}

// PhraseLoginID returns 53 bytes for a prepared id.
func PhraseLoginID(id []byte) []byte {
	h := sha256.Sum256(id)
	return append([]byte("\xffnescio/phrase/id/v1\x00"), h[:]...)
}

func (p *Phrase) Type() string { return typePhrase }

func (p *Phrase) Flags() uint8 { return 0 }

func (p *Phrase) Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	entropy := *p.entropy.Get()
	if len(entropy) == 0 {
		return nil, nil, errSecret
	}
	params = make([]byte, saltSize, saltSize+1)
	rand.Read(params)
	params = append(params, byte(len(entropy)))
	return sealSlot(ctx, b, entropy, 0, params, secret)
}

func (p *Phrase) Open(ctx context.Context, b wrap.Binding, s Slot) ([]byte, error) {
	entropy := *p.entropy.Get()
	if len(entropy) == 0 {
		return nil, errSecret
	}
	if s.Type != typePhrase || len(s.Params) != saltSize+1 || int(s.Params[saltSize]) != len(entropy) {
		return nil, ErrWrongSecret
	}
	return openSlot(ctx, b, entropy, s)
}

// Format redacts.
func (p Phrase) Format(f fmt.State, _ rune) { redact(f, "Phrase") }

// MarshalJSON fails.
func (p Phrase) MarshalJSON() ([]byte, error) { return nil, errJSON }

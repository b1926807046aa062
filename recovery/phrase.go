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

// Phrase is the slot of a user who has written down 12 or 24 words: BIP-39's
// English words for 16 or 32 bytes of entropy, with its checksum. It seals and
// opens. The words only spell the entropy. BIP-39's seed for wallets is not
// used.
//
// A phrase gives two secrets that do not lead to each other: the slot's key,
// and [Phrase.AuthSecret], the password of an account that guards the download
// of the header. Store no plain hash of a phrase anywhere. A Phrase is
// immutable, safe for concurrent use, and redacts itself.
type Phrase struct {
	entropy secret.Value[[]byte]
}

func newPhrase(entropy []byte) *Phrase { return &Phrase{secret.New(entropy)} }

// NewPhrase returns a random phrase of 12 words, 128 bits, or of 24 words, 256
// bits. It returns [ErrPolicy] for another number.
func NewPhrase(words int) (*Phrase, error) {
	if words != 12 && words != 24 {
		return nil, errWords
	}
	entropy := make([]byte, words/12*16)
	rand.Read(entropy)
	return newPhrase(entropy), nil
}

// Entropy returns a copy of the 16 or 32 bytes that the words spell.
func (p *Phrase) Entropy() []byte { return bytes.Clone(*p.entropy.Get()) }

// Words returns the words in lower case, with single spaces between them. It
// returns "" for the zero Phrase.
func (p *Phrase) Words() string { return bip39.Encode(*p.entropy.Get()) }

// AuthSecret returns 32 bytes, HKDF-SHA256(entropy, "",
// "nescio/phrase/auth/v1"), for use as the password of an SRP or OPAQUE account
// of its own, whose id is [PhraseLoginID]. A user with the words logs in there,
// and may fetch and change the header. The server learns nothing about the
// slot's key from it. AuthSecret returns [ErrPolicy] for the zero Phrase.
func (p *Phrase) AuthSecret() ([]byte, error) {
	entropy := *p.entropy.Get()
	if len(entropy) == 0 {
		return nil, errSecret
	}
	return hkdf.Key(sha256.New, entropy, nil, "nescio/phrase/auth/v1", keySize)
}

// PhraseLoginID returns the id of the account that belongs to the phrase of
// another account, by the prepared id of the other: FF ‖ "nescio/phrase/id/v1"
// ‖ 00 ‖ SHA-256(id), 53 bytes. No user name equals it, because no UTF-8 text
// contains FF. So a server computes it from the name, and does not prepare it
// as a name. An id made from names, such as name ‖ "/phrase", could be
// registered by somebody as a name.
func PhraseLoginID(id []byte) []byte {
	h := sha256.Sum256(id)
	return append([]byte("\xffnescio/phrase/id/v1\x00"), h[:]...)
}

// Type returns "phrase".
func (p *Phrase) Type() string { return typePhrase }

// Flags returns 0.
func (p *Phrase) Flags() uint8 { return 0 }

// Seal implements [Sealer]. It returns [ErrPolicy] for the zero Phrase.
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

// Open implements [Opener]. It returns [ErrPolicy] for the zero Phrase.
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

// Format writes a placeholder for every verb.
func (p Phrase) Format(f fmt.State, _ rune) { redact(f, "Phrase") }

// MarshalJSON returns an error. Store what [Phrase.Words] or [Phrase.Entropy]
// returns.
func (p Phrase) MarshalJSON() ([]byte, error) { return nil, errJSON }

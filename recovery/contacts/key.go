package contacts

import (
	"bytes"
	"crypto/hpke"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"slices"

	"github.com/nescio-go/nescio/internal/secret"
)

// Key is a contact's key pair, one for all accounts.
type Key struct {
	secrets secret.Value[keySecrets]
	public  []byte
}

type keySecrets struct {
	seed    [seedSize]byte
	private hpke.PrivateKey
}

const (
	keyKind      = 'C'
	messageKind  = 'M'
	seedSize     = 32
	encSize      = 1120 // of MLKEM768X25519
	tagSize      = 16
	messageLabel = "nescio/contacts/share/v1"
)

// NewKey returns a new key pair.
func NewKey() (*Key, error) {
	var seed [seedSize]byte
	defer clear(seed[:])
	rand.Read(seed[:])
	return newKey(&seed)
}

// ParseKey reverses [Key.Secret].
func ParseKey(secret []byte) (*Key, error) {
	if len(secret) != 2+seedSize || secret[0] != keyKind || secret[1] != version {
		return nil, ErrMalformed
	}
	seed := [seedSize]byte(secret[2:])
	defer clear(seed[:])
	if subtle.ConstantTimeCompare(seed[:], make([]byte, seedSize)) == 1 {
		return nil, ErrMalformed
	}
	return newKey(&seed)
}

func newKey(seed *[seedSize]byte) (*Key, error) {
	private, err := hpke.MLKEM768X25519().NewPrivateKey(seed[:])
	if err != nil {
		return nil, err
	}
	return &Key{secret.New(keySecrets{*seed, private}), private.PublicKey().Bytes()}, nil
}

// Secret returns 34 bytes for the platform's key store.
func (k *Key) Secret() []byte {
	if k.public == nil {
		return nil
	}
	return append([]byte{keyKind, version}, k.secrets.Get().seed[:]...)
}

// PublicKey returns 1,216 bytes for owners.
func (k *Key) PublicKey() []byte { return bytes.Clone(k.public) }

// Open opens a message and checks the share. The message does not prove
// its sender. Open returns [ErrOpen], or a [ShareError] with [ErrSplit]
// or [ErrWrong].
func (k *Key) Open(message []byte) (*Share, error) {
	if k.public == nil {
		return nil, errZero
	}
	const most = 2 + encSize + shareSize + paramsHead + maxContacts*digestSize + tagSize
	if len(message) < 2+encSize+tagSize || len(message) > most || message[0] != messageKind || message[1] != version {
		return nil, ErrMalformed
	}
	enc, ct := message[2:2+encSize], message[2+encSize:]
	recipient, err := hpke.NewRecipient(enc, k.secrets.Get().private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(messageLabel))
	if err != nil {
		return nil, ErrOpen
	}
	b, err := recipient.Open(message[:2], ct)
	if err != nil {
		return nil, ErrOpen
	}
	defer clear(b)
	return parsePlaintext(b)
}

// parsePlaintext reads share ‖ params, and checks the share against the params.
func parsePlaintext(b []byte) (*Share, error) {
	if len(b) < shareSize {
		return nil, ErrMalformed
	}
	s, err := ParseShare(b[:shareSize])
	if err != nil {
		return nil, err
	}
	p, ok := parseParams(b[shareSize:])
	if !ok {
		return nil, ErrMalformed
	}
	if err := p.check(s); err != nil {
		return nil, &ShareError{s.index, err}
	}
	return s, nil
}

// sealMessage seals a share, in its secret form, and the params to a contact.
func sealMessage(to hpke.PublicKey, share []byte, p params) ([]byte, error) {
	enc, sender, err := hpke.NewSender(to, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(messageLabel))
	if err != nil {
		return nil, err
	}
	plain := slices.Concat(share, p)
	defer clear(plain)
	head := []byte{messageKind, version}
	ct, err := sender.Seal(head, plain)
	if err != nil {
		return nil, err
	}
	return slices.Concat(head, enc, ct), nil
}

// Format redacts the value.
func (k Key) Format(f fmt.State, _ rune) { redact(f, "Key") }

// MarshalJSON returns an error. Store [Key.Secret].
func (k Key) MarshalJSON() ([]byte, error) { return nil, errJSON }

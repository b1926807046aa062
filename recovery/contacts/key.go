package contacts

import (
	"bytes"
	"crypto/hpke"
	"crypto/rand"
	"fmt"

	"github.com/nescio-go/nescio/internal/secret"
)

// Key is a contact's key pair, to which shares are sealed: one for all accounts that
// the contact helps. It is immutable and safe for concurrent use, and redacts itself.
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

// ParseKey reads what Secret returned, or returns ErrMalformed.
func ParseKey(secret []byte) (*Key, error) {
	if len(secret) != 2+seedSize || secret[0] != keyKind || secret[1] != version {
		return nil, ErrMalformed
	}
	seed := [seedSize]byte(secret[2:])
	defer clear(seed[:])
	if seed == ([seedSize]byte{}) {
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

// Secret returns the key's secret form, 34 bytes, for the platform's key store.
func (k *Key) Secret() []byte {
	return append([]byte{keyKind, version}, k.secrets.Get().seed[:]...)
}

// PublicKey returns a copy of the public key, 1,216 bytes, for owners of accounts.
func (k *Key) PublicKey() []byte { return bytes.Clone(k.public) }

// Open opens a message of [Split.Messages] and returns the share. It
// proves that the message is for this key, and that the share fits the commitments in
// it, but not who sent it: for that the contact compares [Share.Fingerprint] with the
// owner. It returns ErrMalformed, ErrOpen, or a ShareError with
// ErrWrong.
func (k *Key) Open(message []byte) (*Share, error) {
	const most = 2 + encSize + shareHead + maxContacts*elementSize + scalarSize + tagSize
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
	return ParseShare(b)
}

// sealMessage seals a share, in its secret form, to a contact.
func sealMessage(to hpke.PublicKey, share []byte) ([]byte, error) {
	enc, sender, err := hpke.NewSender(to, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(messageLabel))
	if err != nil {
		return nil, err
	}
	head := []byte{messageKind, version}
	ct, err := sender.Seal(head, share)
	if err != nil {
		return nil, err
	}
	return append(append(head, enc...), ct...), nil
}

// Format writes a placeholder for every verb.
func (k Key) Format(f fmt.State, _ rune) { redact(f, "Key") }

// MarshalJSON returns an error. Store what [Key.Secret] returns.
func (k Key) MarshalJSON() ([]byte, error) { return nil, errJSON }

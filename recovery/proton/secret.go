package proton

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/nescio-go/nescio/internal/secret"
)

const (
	fileSecret     = 44 // characters
	fileSecretSize = 32 // bytes
)

// FileSecret is a recovery secret with its signature. It opens nothing without
// a file.
type FileSecret struct {
	// Signature is detached and armored.
	Signature string

	secret secret.Value[[]byte]
}

// ImportFileSecret returns a stored secret, the base64 of 32 random bytes, with
// its signature. [FileSecret.Verify], [MakeFile] and [OpenFile] check both.
func ImportFileSecret(text []byte, signature string) FileSecret {
	return FileSecret{signature, secret.New(bytes.Clone(text))}
}

// NewFileSecret returns a random secret, signed by signer or its signing
// subkey. It returns [ErrKey] if the key cannot sign.
func NewFileSecret(signer *Key) (FileSecret, error) {
	random := make([]byte, fileSecretSize)
	defer clear(random)
	rand.Read(random)
	text := base64.StdEncoding.AppendEncode(nil, random)
	entity, err := readEntity(*signer.raw.Get())
	if err != nil {
		return FileSecret{}, err
	}
	var signature bytes.Buffer
	if err := openpgp.DetachSign(&signature, []*openpgp.Entity{entity}, bytes.NewReader(text), nil); err != nil {
		return FileSecret{}, errSigner
	}
	armored, err := enarmor(signature.Bytes(), armorSignature)
	if err != nil {
		return FileSecret{}, err
	}
	return ImportFileSecret(text, armored), nil
}

// Text returns the secret, 44 characters, for the server.
func (s FileSecret) Text() []byte { return bytes.Clone(s.text()) }

func (s FileSecret) text() []byte { return *s.secret.Get() }

// Verify returns nil if one of the keys has signed the secret, and otherwise
// [ErrSignature]. It ignores the clock, which may be wrong. The key must have
// been valid when it signed.
func (s FileSecret) Verify(keys ...*Key) error { return s.verify(context.Background(), keys) }

func (s FileSecret) verify(ctx context.Context, keys []*Key) error {
	signature, err := s.parse()
	if err != nil {
		return err
	}
	timeless := &packet.Config{Time: func() time.Time { return time.Time{} }}
	for _, k := range keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		entity, err := readEntity(*k.public.Get())
		if err != nil {
			return err
		}
		_, _, err = openpgp.VerifyDetachedSignature(openpgp.EntityList{entity}, bytes.NewReader(s.text()), bytes.NewReader(signature), timeless)
		if err == nil {
			return nil
		}
	}
	return ErrSignature
}

// parse checks the forms and returns the signature. It must be one packet,
// because package openpgp accepts several of which only one verifies.
func (s FileSecret) parse() (signature []byte, err error) {
	random, err := decodeBase64(s.text(), fileSecret, fileSecretSize)
	if err != nil {
		return nil, err
	}
	clear(random)
	if signature, err = dearmor(s.Signature, armorSignature); err != nil {
		return nil, err
	}
	packets, err := split(signature)
	if err != nil || len(packets) != 1 || packets[0].Tag != tagSignature {
		return nil, ErrMalformed
	}
	return signature, nil
}

// Format redacts the value.
func (s FileSecret) Format(f fmt.State, _ rune) { io.WriteString(f, "proton.FileSecret(redacted)") }

var errJSON = errors.New("proton: no JSON form, store the Text and the Signature")

// MarshalJSON returns an error. Store [FileSecret.Text] and Signature.
func (s FileSecret) MarshalJSON() ([]byte, error) { return nil, errJSON }

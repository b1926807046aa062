package recovery

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/wrap"
	"golang.org/x/crypto/cryptobyte"
)

// Passkey is the slot of a passkey with WebAuthn's PRF extension.
type Passkey struct {
	Salt             [32]byte // input of the PRF
	CredentialIDHash [32]byte // SHA-256 of the credential id
	RPID             string   // such as "example.org"
	// UserVerified is for Seal. It changes the output.
	UserVerified bool

	prf secret.Value[[]byte]
}

// WithPRF returns the passkey with its 32-byte output.
func (p Passkey) WithPRF(output []byte) Passkey {
	p.prf = secret.New(bytes.Clone(output))
	return p
}

const flagUserVerified = 1

// ParsePasskeySlot returns what a slot wants.
func ParsePasskeySlot(s Slot) (Passkey, error) {
	params := cryptobyte.String(s.Params)
	var p Passkey
	var rpID cryptobyte.String
	if s.Type != typePasskey || s.Flags&^flagUserVerified != 0 || !params.Skip(saltSize) ||
		!params.CopyBytes(p.Salt[:]) || !params.CopyBytes(p.CredentialIDHash[:]) ||
		!params.ReadUint8LengthPrefixed(&rpID) || !params.Empty() || len(rpID) == 0 || len(rpID) > maxRPID {
		return Passkey{}, ErrMalformed
	}
	p.RPID, p.UserVerified = string(rpID), s.Flags == flagUserVerified
	return p, nil
}

const maxRPID = 253

func (p Passkey) Type() string { return typePasskey }

func (p Passkey) Flags() uint8 {
	if p.UserVerified {
		return flagUserVerified
	}
	return 0
}

func (p Passkey) Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	if !p.valid() {
		return nil, nil, errSecret
	}
	params = make([]byte, saltSize, saltSize+64+1+len(p.RPID))
	rand.Read(params)
	params = append(params, p.Salt[:]...)
	params = append(params, p.CredentialIDHash[:]...)
	params = append(params, byte(len(p.RPID)))
	params = append(params, p.RPID...)
	return sealSlot(ctx, b, *p.prf.Get(), p.Flags(), params, secret)
}

func (p Passkey) Open(ctx context.Context, b wrap.Binding, s Slot) ([]byte, error) {
	if !p.valid() {
		return nil, errSecret
	}
	slot, err := ParsePasskeySlot(s)
	if err != nil || slot.Salt != p.Salt || slot.CredentialIDHash != p.CredentialIDHash || slot.RPID != p.RPID {
		return nil, ErrWrongSecret
	}
	return openSlot(ctx, b, *p.prf.Get(), s)
}

func (p Passkey) valid() bool {
	prf := *p.prf.Get()
	return len(prf) == 32 && !isZero(prf) && !isZero(p.Salt[:]) && !isZero(p.CredentialIDHash[:]) &&
		len(p.RPID) > 0 && len(p.RPID) <= maxRPID
}

// Format redacts.
func (p Passkey) Format(f fmt.State, _ rune) { redact(f, "Passkey") }

// MarshalJSON redacts.
func (p Passkey) MarshalJSON() ([]byte, error) { return redactJSON("Passkey") }

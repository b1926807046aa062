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

// Passkey is the slot of a passkey whose authenticator has WebAuthn's PRF
// extension. It seals and opens once [Passkey.WithPRF] has given it the output
// of the PRF. It redacts itself. A keyring needs another slot too: passkeys are
// lost with the account of the vendor that keeps them.
//
// To make a slot, draw Salt, or take one public constant of the service. Have
// the authenticator evaluate its PRF on it as eval.first. Few authenticators
// return the output from create(). Ask for prf.enabled there, and take the
// output from a second ceremony with get().
//
// To open, list the passkey slots of the header with [ParsePasskeySlot]. If the
// account is known, pass get() their salts in evalByCredential, by credential
// id. Browsers hash the salt before the authenticator sees it:
// SHA-256("WebAuthn PRF" ‖ 00 ‖ salt). A native client that talks to an
// authenticator by CTAP's hmac-secret does the same. A discoverable login does
// not know the account when the PRF runs, so it needs one salt for the whole
// service. That is safe: each credential has a PRF of its own, and each slot
// adds a salt of its own.
type Passkey struct {
	Salt             [32]byte // what the PRF is evaluated on
	CredentialIDHash [32]byte // SHA-256 of the credential id
	RPID             string   // of the relying party, 1 to 253 bytes: "example.org"
	// UserVerified is whether the authenticator verified the user when the slot
	// was made. Only Seal uses it: Open takes it from the slot. Authenticators
	// have one PRF with user verification and another one without.
	UserVerified bool

	prf secret.Value[[]byte]
}

// WithPRF returns the passkey with the output of its PRF on Salt, 32 bytes that
// are not all zero. It copies them.
func (p Passkey) WithPRF(output []byte) Passkey {
	p.prf = secret.New(bytes.Clone(output))
	return p
}

const flagUserVerified = 1

// ParsePasskeySlot returns the passkey that a slot of the type "passkey" asks
// for, or [ErrMalformed]. It opens the slot once it has the output of the PRF.
// The slot is the server's and untrusted.
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

// Type returns "passkey".
func (p Passkey) Type() string { return typePasskey }

// Flags returns 1 if UserVerified is true.
func (p Passkey) Flags() uint8 {
	if p.UserVerified {
		return flagUserVerified
	}
	return 0
}

// Seal implements [Sealer]. It returns [ErrPolicy] for values out of range.
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

// Open implements [Opener]. It takes from the slot whether the user was
// verified: the output of the PRF decides. It returns [ErrPolicy] for values
// out of range.
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

// Format writes a placeholder for every verb.
func (p Passkey) Format(f fmt.State, _ rune) { redact(f, "Passkey") }

// MarshalJSON writes a placeholder.
func (p Passkey) MarshalJSON() ([]byte, error) { return redactJSON("Passkey") }

package recovery

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/wrap"
	"golang.org/x/crypto/cryptobyte"
)

// Passkey is the slot of a passkey whose authenticator has WebAuthn's PRF
// extension. It seals and opens once [Passkey.WithPRF] has given it the output of
// the PRF. It redacts itself. A keyring needs another slot too: passkeys are lost
// with the account of the vendor that keeps them.
//
// To make a slot, draw a salt with [NewPasskeySalt] and have the authenticator
// evaluate its PRF on it. To open one, find the evaluation salts with
// [ParsePasskeySlot] and do the same.
type Passkey struct {
	Salt         [32]byte // the evaluation salt
	CredentialID []byte   // 1 to 1023 bytes
	RPID         string   // of the relying party, 1 to 253 bytes: "example.org"
	// UserVerified is whether the authenticator verified the user when the slot was
	// made. Only Seal uses it. Open takes it from the slot.
	UserVerified bool

	prf secret.Value[[]byte]
}

// WithPRF returns the passkey with the output of its PRF on Salt: 32 bytes, not all
// zero. It does not copy the output: clear it when the slot is no longer used.
func (p Passkey) WithPRF(output []byte) Passkey {
	p.prf = secret.New(output)
	return p
}

const flagUserVerified = 1

// NewPasskeySalt returns a random evaluation salt, a new one for every slot: the
// same salt for all would give a site that shares the relying party the same keys.
func NewPasskeySalt() (salt [32]byte) {
	rand.Read(salt[:])
	return salt
}

// PasskeySlot is what a passkey's slot says: what to ask the authenticator for. It
// comes from the server and is untrusted.
type PasskeySlot struct {
	Salt             [32]byte          // to evaluate the PRF on
	CredentialIDHash [sha256.Size]byte // SHA-256 of the credential's id
	RPID             string
	UserVerified     bool
}

// ParsePasskeySlot reads a slot of the type SlotPasskey, or returns ErrMalformed.
func ParsePasskeySlot(s Slot) (PasskeySlot, error) {
	p, ok := readPasskey(s)
	if !ok {
		return PasskeySlot{}, ErrMalformed
	}
	return p, nil
}

func readPasskey(s Slot) (p PasskeySlot, ok bool) {
	params := cryptobyte.String(s.Params)
	var salt, evaluation, credential []byte
	var rpID cryptobyte.String
	if s.Type != SlotPasskey || !params.ReadBytes(&salt, saltSize) || !params.ReadBytes(&evaluation, 32) ||
		!params.ReadBytes(&credential, sha256.Size) || !params.ReadUint8LengthPrefixed(&rpID) || !params.Empty() ||
		len(rpID) == 0 || len(rpID) > maxRPID || s.Flags&^flagUserVerified != 0 {
		return PasskeySlot{}, false
	}
	return PasskeySlot{[32]byte(evaluation), [sha256.Size]byte(credential), string(rpID), s.Flags&flagUserVerified != 0}, true
}

const (
	maxRPID         = 253
	maxCredentialID = 1023
)

// Type returns SlotPasskey.
func (p Passkey) Type() SlotType { return SlotPasskey }

// Flags returns 1 if the authenticator verifies the user.
func (p Passkey) Flags() uint8 {
	if p.UserVerified {
		return flagUserVerified
	}
	return 0
}

// Seal implements Sealer. It returns ErrPolicy for values out of range.
func (p Passkey) Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	if !p.valid() {
		return nil, nil, errSecret
	}
	params = make([]byte, saltSize, saltSize+64+1+len(p.RPID))
	rand.Read(params)
	params = append(params, p.Salt[:]...)
	credential := sha256.Sum256(p.CredentialID)
	params = append(params, credential[:]...)
	params = append(params, byte(len(p.RPID)))
	params = append(params, p.RPID...)
	return sealSlot(ctx, b, *p.prf.Get(), p.Flags(), params, secret)
}

// Open implements Opener. Whether the user was verified is taken from the slot: the
// output of the PRF decides. It returns [ErrPolicy] for values out of range.
func (p Passkey) Open(ctx context.Context, b wrap.Binding, s Slot) ([]byte, error) {
	if !p.valid() {
		return nil, errSecret
	}
	slot, ok := readPasskey(s)
	if !ok || slot != (PasskeySlot{p.Salt, sha256.Sum256(p.CredentialID), p.RPID, slot.UserVerified}) {
		return nil, ErrNotMine
	}
	return openSlot(ctx, b, *p.prf.Get(), s)
}

func (p Passkey) valid() bool {
	prf := *p.prf.Get()
	return len(prf) == 32 && !isZero(prf) && !isZero(p.Salt[:]) &&
		len(p.CredentialID) > 0 && len(p.CredentialID) <= maxCredentialID && len(p.RPID) > 0 && len(p.RPID) <= maxRPID
}

// Format writes a placeholder for every verb.
func (p Passkey) Format(f fmt.State, _ rune) { redact(f, "Passkey") }

// MarshalJSON writes a placeholder.
func (p Passkey) MarshalJSON() ([]byte, error) { return redactJSON("Passkey") }

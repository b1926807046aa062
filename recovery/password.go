package recovery

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/wrap"
	"golang.org/x/crypto/cryptobyte"
)

// Password is the slot of a password, and of a secret key if there is one. It
// seals and opens. It comes from [NewPassword] and redacts itself.
//
// A Password with a secret key opens only slots that want a secret key. A
// Password without a secret key opens only slots that want none. Other slots
// are not tried, so the server cannot choose. Ask the user, or the state of the
// device, whether there is a secret key. Never ask the header: see
// [ParsePasswordSlot].
//
// Opening takes at most 4 derivations, each within Policy. Slots that Policy
// refuses are skipped.
//
// An attacker who has the headers can try passwords against the slot. An
// account on OPAQUE uses OPAQUE's export key instead, which the server's keys
// protect: see [ExportKey].
type Password struct {
	// KDF are the parameters to seal with, without a salt. The zero Params
	// stand for kdf.Default.
	KDF kdf.Params
	// Policy bounds what a slot may ask for. The zero Policy is the safe
	// default.
	Policy kdf.Policy
	// Slot, if not zero, is the only slot that is tried. After a login with SRP
	// it is the id that the server stores with the record. Without it, a
	// password that was sealed twice opens the wrong one of its slots.
	Slot SlotID

	secrets secret.Value[passwordSecrets]
}

type passwordSecrets struct {
	password []byte
	key      *SecretKey // nil if there is none
}

const flagSecretKey = 1

// NewPassword returns the slot of a password of 1 to 1,024 bytes, which it
// copies. The secret key is nil if the user has none. Seal and Open refuse the
// zero SecretKey with [ErrPolicy].
func NewPassword(password []byte, key *SecretKey) Password {
	return Password{secrets: secret.New(passwordSecrets{bytes.Clone(password), key})}
}

func (p Password) secretKey() *SecretKey { return p.secrets.Get().key }

// Type returns "password".
func (p Password) Type() string { return typePassword }

// Flags returns 1 if there is a secret key.
func (p Password) Flags() uint8 {
	if p.secretKey() != nil {
		return flagSecretKey
	}
	return 0
}

// Seal implements [Sealer]. It returns [ErrPolicy] for KDF parameters that
// Policy does not allow, which nobody could open again.
func (p Password) Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	chosen := p.KDF
	if chosen == (kdf.Params{}) {
		chosen = kdf.Default()
	}
	if len(chosen.Salt()) > 0 {
		return nil, nil, refused("KDF parameters come without a salt: the slot has its own")
	}
	encoded, err := chosen.MarshalBinary()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	params = make([]byte, saltSize, saltSize+2+len(encoded))
	rand.Read(params)
	params = append(params, byte(len(encoded)>>8), byte(len(encoded)))
	params = append(params, encoded...)
	ikm, err := p.stretch(ctx, chosen, params[:saltSize])
	if err != nil {
		return nil, nil, err
	}
	defer clear(ikm)
	return sealSlot(ctx, b, ikm, p.Flags(), params, secret)
}

// Open implements [Opener]. It returns [ErrWrongSecret], without any work, for
// a slot that wants a secret key if there is none, and for a slot that wants
// none if there is one. It returns [ErrPolicy] for KDF parameters that Policy
// does not allow.
func (p Password) Open(ctx context.Context, b wrap.Binding, s Slot) ([]byte, error) {
	if s.Type != typePassword || s.Flags != p.Flags() || p.Slot != (SlotID{}) && p.Slot != s.ID {
		return nil, ErrWrongSecret
	}
	params, _, err := ParsePasswordSlot(s)
	if err != nil {
		return nil, err
	}
	ikm, err := p.stretch(ctx, params, s.Params[:saltSize])
	if err != nil {
		return nil, err
	}
	defer clear(ikm)
	return openSlot(ctx, b, ikm, s)
}

// stretch returns the slot's input keying material: the KDF's output, and the
// secret key if there is one.
func (p Password) stretch(ctx context.Context, params kdf.Params, salt []byte) ([]byte, error) {
	var key []byte
	if p.secretKey() != nil {
		key = p.secretKey().bytes()
		defer clear(key)
		if isZero(key) {
			return nil, errSecret
		}
	}
	params, err := params.WithSalt(salt)
	if err != nil {
		return nil, ErrMalformed
	}
	f, err := kdf.New(params, p.Policy)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	ikm, err := f.Derive(ctx, p.secrets.Get().password, keySize)
	if errors.Is(err, kdf.ErrPassword) {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	if err != nil {
		return nil, err
	}
	defer clear(ikm)
	return slices.Concat(ikm, key), nil
}

// ParsePasswordSlot returns what a password slot states: its KDF parameters,
// without a salt, and whether it wants a secret key. It returns [ErrMalformed]
// for other slots. The slot is the server's and untrusted. Use
// ParsePasswordSlot to show a slot, or to see that a slot of an open keyring
// needs stronger KDF parameters. Do not decide with it whether to ask the user
// for a secret key.
func ParsePasswordSlot(s Slot) (params kdf.Params, secretKey bool, err error) {
	params, ok := s.kdf()
	if !ok || s.Flags&^flagSecretKey != 0 {
		return kdf.Params{}, false, ErrMalformed
	}
	return params, s.Flags&flagSecretKey != 0, nil
}

// kdf returns the KDF parameters of a password slot.
func (s *Slot) kdf() (kdf.Params, bool) {
	if s.Type != typePassword || len(s.Params) < saltSize {
		return kdf.Params{}, false
	}
	p := cryptobyte.String(s.Params[saltSize:])
	params, ok := readKDF(&p)
	return params, ok && p.Empty()
}

// readKDF reads KDF parameters, which have no salt: the slot's is theirs.
func readKDF(s *cryptobyte.String) (p kdf.Params, ok bool) {
	var encoded cryptobyte.String
	ok = s.ReadUint16LengthPrefixed(&encoded) && p.UnmarshalBinary(encoded) == nil && len(p.Salt()) == 0 && p.Cost() > 0
	return p, ok
}

// Format writes a placeholder for every verb.
func (p Password) Format(f fmt.State, _ rune) { redact(f, "Password") }

// MarshalJSON writes a placeholder.
func (p Password) MarshalJSON() ([]byte, error) { return redactJSON("Password") }

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

// Password is the slot of a password. Anyone who has the header can guess it,
// unless there is a [SecretKey]. Ask the user whether there is one. Never
// decide by the header.
type Password struct {
	// KDF is for Seal. Zero means [kdf.Default].
	KDF kdf.Params
	// Policy limits slots. Opening tries at most 4.
	Policy kdf.Policy
	// Slot, if set, is the only slot to open.
	Slot SlotID

	secrets secret.Value[passwordSecrets]
}

type passwordSecrets struct {
	password []byte
	key      *SecretKey // nil if there is none
}

const flagSecretKey = 1

// NewPassword takes 1 to 1,024 bytes, and a key or nil.
func NewPassword(password []byte, key *SecretKey) Password {
	return Password{secrets: secret.New(passwordSecrets{bytes.Clone(password), key})}
}

func (p Password) secretKey() *SecretKey { return p.secrets.Get().key }

func (p Password) Type() string { return typePassword }

func (p Password) Flags() uint8 {
	if p.secretKey() != nil {
		return flagSecretKey
	}
	return 0
}

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

// ParsePasswordSlot returns what a slot wants, for display.
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

// readKDF reads KDF parameters without a salt. The slot has the salt.
func readKDF(s *cryptobyte.String) (p kdf.Params, ok bool) {
	var encoded cryptobyte.String
	ok = s.ReadUint16LengthPrefixed(&encoded) && p.UnmarshalBinary(encoded) == nil && len(p.Salt()) == 0 && p.Cost() > 0
	return p, ok
}

// Format redacts.
func (p Password) Format(f fmt.State, _ rune) { redact(f, "Password") }

// MarshalJSON redacts.
func (p Password) MarshalJSON() ([]byte, error) { return redactJSON("Password") }

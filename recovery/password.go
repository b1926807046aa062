package recovery

import (
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

// Password is the slot of a password, and of a secret key if there is one. It seals
// and opens. It comes from [NewPassword] and redacts itself.
//
// An attacker who has the headers can try passwords against it. An account on
// OPAQUE uses OPAQUE's export key instead, which the server's keys protect: see
// [Export].
type Password struct {
	// KDF are the parameters to seal with, without a salt. The zero Params stand
	// for kdf.Default.
	KDF kdf.Params
	// Policy bounds what a slot may ask for. The zero Policy is the safe default.
	Policy kdf.Policy

	secrets secret.Value[passwordSecrets]
}

type passwordSecrets struct {
	password []byte
	key      *SecretKey // nil if there is none
}

const flagSecretKey = 1

// NewPassword returns the slot of a password of 1 to 1024 bytes. The secret key is
// nil if the user has none. NewPassword does not copy the password: clear it when
// the slot is no longer used.
func NewPassword(password []byte, key *SecretKey) Password {
	return Password{secrets: secret.New(passwordSecrets{password, key})}
}

func (p Password) secretKey() *SecretKey { return p.secrets.Get().key }

// Type returns SlotPassword.
func (p Password) Type() SlotType { return SlotPassword }

// Flags returns 1 if there is a secret key.
func (p Password) Flags() uint8 {
	if p.secretKey() != nil {
		return flagSecretKey
	}
	return 0
}

// Seal implements Sealer. It returns ErrPolicy for KDF parameters that Policy does
// not allow, which nobody could open again.
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
	ikm, err := p.stretch(ctx, chosen, params[:saltSize], p.Flags())
	if err != nil {
		return nil, nil, err
	}
	defer clear(ikm)
	return sealSlot(ctx, b, ikm, p.Flags(), params, secret)
}

// Open implements Opener.
func (p Password) Open(ctx context.Context, b wrap.Binding, s Slot) ([]byte, error) {
	if !p.tries(&s) {
		return nil, ErrNotMine
	}
	params, ok := s.kdf()
	if !ok {
		return nil, ErrMalformed
	}
	ikm, err := p.stretch(ctx, params, s.Params[:saltSize], s.Flags)
	if err != nil {
		return nil, err
	}
	defer clear(ikm)
	return openSlot(ctx, b, ikm, s)
}

// tries reports whether p can open a slot of this kind: one that wants a secret
// key only with one.
func (p Password) tries(s *Slot) bool {
	return s.Type == SlotPassword && (s.Flags&flagSecretKey == 0 || p.secretKey() != nil)
}

// stretch returns the slot's input keying material: the KDF's output, and the
// secret key if the flags want one.
func (p Password) stretch(ctx context.Context, params kdf.Params, salt []byte, flags uint8) ([]byte, error) {
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
	if flags&flagSecretKey == 0 {
		return ikm, nil
	}
	defer clear(ikm)
	key := p.secretKey().bytes()
	defer clear(key)
	if isZero(key) {
		return nil, errSecret
	}
	return slices.Concat(ikm, key), nil
}

// checkSlots judges all slots that p would try before it stretches for the first:
// each by the policy, and all together by what the policy allows one to cost.
func (p Password) checkSlots(slots []Slot) error {
	sums := make(map[kdf.Algorithm]uint64)
	for i := range slots {
		if !p.tries(&slots[i]) {
			continue
		}
		params, ok := slots[i].kdf()
		if !ok {
			return ErrMalformed
		}
		if err := p.Policy.Check(params); err != nil {
			return fmt.Errorf("%w: %w", ErrPolicy, err)
		}
		sums[params.Algorithm()] += params.Cost() // at most MaxPasswords of less than 2^60
	}
	for algorithm, sum := range sums {
		if sum > p.Policy.MaxCost(algorithm) {
			return errSumKDF
		}
	}
	return nil
}

// kdf returns the KDF parameters of a password slot.
func (s *Slot) kdf() (kdf.Params, bool) {
	if s.Type != SlotPassword || len(s.Params) < saltSize {
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

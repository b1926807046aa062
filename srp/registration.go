package srp

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"sync"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/kdf"
)

// Registration is one registration. A second use returns [ErrUsed].
type Registration struct {
	client *Client

	mu        sync.Mutex
	begun     bool // and not used
	discarded bool
	input     secret.Value[userInput]
}

// Register begins a registration. The password, 1 to 1,024 bytes, is used as
// given: see package [github.com/nescio-go/nescio/kdf/prepare]. Other lengths
// return [ErrPolicy].
func (c *Client) Register(identity, password []byte) (r *Registration, request []byte, err error) {
	typed, err := newUserInput(identity, password)
	if err != nil {
		return nil, nil, err
	}
	return &Registration{client: c, begun: true, input: typed}, newRequest(), nil
}

// Finish returns the upload for [Server.FinishRegistration]. Before it uses the
// password it returns [ErrMalformed], or [ErrPolicy] for what the client does
// not allow. It checks ctx before the password's hash, not during it.
func (r *Registration) Finish(ctx context.Context, response []byte) (upload []byte, err error) {
	typed, err := r.take()
	if err != nil {
		return nil, err
	}
	defer typed.clear()
	o, ok := parseOffer(response)
	if !ok {
		return nil, ErrMalformed
	}
	record, err := r.register(ctx, o, typed)
	if err != nil {
		return nil, err
	}
	return record.Bytes(), nil
}

// MakeRecord is [Registration.Finish] in typed form. Zero parameters mean the
// default.
func (r *Registration) MakeRecord(ctx context.Context, p Profile, g UnverifiedGroup, params kdf.Params) (*Record, error) {
	typed, err := r.take()
	if err != nil {
		return nil, err
	}
	defer typed.clear()
	return r.register(ctx, offer{profile: p, group: g, kdf: params}.complete(), typed)
}

// take returns what the user typed, once.
func (r *Registration) take() (userInput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.begun {
		return userInput{}, ErrUsed
	}
	r.begun = false
	return r.input.Get().take(), nil
}

// register makes the record. It returns ErrUsed if the registration is
// discarded meanwhile.
func (r *Registration) register(ctx context.Context, o offer, typed userInput) (*Record, error) {
	record, err := r.client.register(ctx, o, typed)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.discarded {
		return nil, ErrUsed
	}
	return record, nil
}

func (c *Client) register(ctx context.Context, o offer, typed userInput) (*Record, error) {
	g, err := c.allowedGroup(ctx, o.profile, o.group)
	if err != nil {
		return nil, err
	}
	if err := o.check(g); err != nil {
		return nil, err
	}
	salt := make([]byte, o.saltSize)
	rand.Read(salt)
	forceNonZero(salt)
	f, err := c.allowedKDF(o.kdf, salt)
	if err != nil {
		return nil, err
	}
	if err := g.prove(ctx, safeprime.ProveOrTrust); err != nil {
		return nil, err
	}
	return makeRecord(ctx, g, f, o, typed, salt)
}

func makeRecord(ctx context.Context, g *groupParams, f *kdf.Function, o offer, typed userInput, salt []byte) (*Record, error) {
	s := o.profile.spec()
	x, err := s.privateKey(ctx, g, f, typed.identity, typed.password, salt)
	if err != nil {
		return nil, err
	}
	defer clear(x)
	v := g.mod().Exp(g.generator(), x)
	defer v.Clear()
	return NewRecord(o.profile, o.group, o.kdf, typed.identity, salt, s.encode(g, v))
}

// Discard ends and clears the registration.
func (r *Registration) Discard() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun, r.discarded = false, true
	r.input.Get().clear()
}

// Format redacts r.
func (r *Registration) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.Registration(redacted)") }

// MarshalJSON redacts r.
func (r *Registration) MarshalJSON() ([]byte, error) {
	return []byte(`"srp.Registration(redacted)"`), nil
}

package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

// relyingParty is who Alice's passkeys are for.
const relyingParty = "example.org"

// authenticator stands for the chip that holds a passkey. Its PRF is simulated, by
// HMAC-SHA256 under a key that it keeps; in a browser WebAuthn's PRF extension asks
// the real one, after a touch and a PIN.
type authenticator struct {
	credential []byte
	key        []byte
}

func newAuthenticator() *authenticator {
	a := &authenticator{make([]byte, 32), make([]byte, 32)}
	rand.Read(a.credential)
	rand.Read(a.key)
	return a
}

func (a *authenticator) passkey(salt [32]byte) recovery.Passkey {
	return recovery.Passkey{Salt: salt, CredentialID: a.credential, RPID: relyingParty, UserVerified: true}.WithPRF(a.prf(salt))
}

func (a *authenticator) prf(salt [32]byte) []byte {
	mac := hmac.New(sha256.New, a.key)
	mac.Write(salt[:])
	return mac.Sum(nil)
}

// Open implements recovery.Opener: the slot says which salt to ask for, and for
// whose passkey.
func (a *authenticator) Open(ctx context.Context, b wrap.Binding, s recovery.Slot) ([]byte, error) {
	asked, err := recovery.ParsePasskeySlot(s)
	if err != nil || asked.RPID != relyingParty || asked.CredentialIDHash != sha256.Sum256(a.credential) {
		return nil, recovery.ErrNotMine
	}
	return a.passkey(asked.Salt).Open(ctx, b, s)
}

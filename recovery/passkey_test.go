package recovery_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestPasskeyIsExact: a passkey opens only its own slot.
func TestPasskeyIsExact(t *testing.T) {
	right := passkey(1)
	k := create(t, phrase(), right)
	requireOpens(t, k, right)
	for name, f := range map[string]func(p *recovery.Passkey){
		"PRF":           func(p *recovery.Passkey) { *p = p.WithPRF(bytes.Repeat([]byte{2}, 32)) },
		"salt":          func(p *recovery.Passkey) { p.Salt[0] ^= 1 },
		"credential":    func(p *recovery.Passkey) { p.CredentialIDHash[31] ^= 1 },
		"relying party": func(p *recovery.Passkey) { p.RPID = "example.net" },
	} {
		wrong := right
		f(&wrong)
		require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), wrong, k.Checkpoint()), name)
	}
}

// TestParsePasskeySlot: a slot gives the passkey that opens it once it has the
// output of the PRF.
func TestParsePasskeySlot(t *testing.T) {
	right := passkey(1)
	k := create(t, phrase(), right)
	for _, s := range k.Slots() {
		parsed, err := recovery.ParsePasskeySlot(s)
		if s.Type != "passkey" {
			require.Equal(t, recovery.ErrMalformed, err)
			require.Zero(t, parsed)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, right.Salt, parsed.Salt)
		require.Equal(t, right.CredentialIDHash, parsed.CredentialIDHash)
		require.Equal(t, "example.org", parsed.RPID)
		require.True(t, parsed.UserVerified)
		require.ErrorIs(t, openErr(t, k.Header(), parsed, k.Checkpoint()), recovery.ErrPolicy, "it has no output yet")
		requireOpens(t, k, parsed.WithPRF(bytes.Repeat([]byte{1}, 32)))
		for flags := range 256 {
			s.Flags = uint8(flags)
			parsed, err := recovery.ParsePasskeySlot(s)
			require.Equal(t, flags < 2, err == nil)
			require.Equal(t, flags == 1, parsed.UserVerified)
		}
		s.Flags = 1
		for wrong := range testvec.Lengths(s.Params) {
			s.Params = wrong
			_, err := recovery.ParsePasskeySlot(s)
			require.Equal(t, recovery.ErrMalformed, err)
		}
	}
	_, err := recovery.ParsePasskeySlot(recovery.Slot{})
	require.Equal(t, recovery.ErrMalformed, err)
}

// TestPasskeyUserVerificationIsTheSlots: the output of the PRF decides, and not
// whether the login verified the user. A flag that the server has changed opens
// nothing.
func TestPasskeyUserVerificationIsTheSlots(t *testing.T) {
	for _, verified := range []bool{false, true} {
		made := passkey(1)
		made.UserVerified = verified
		k := create(t, phrase(), made)
		changed := forge(t, k, func(h *refHeader) {
			for i := range h.slots {
				if h.slots[i].kind == 5 {
					h.slots[i].flags ^= 1
				}
			}
		})
		for _, login := range []bool{false, true} {
			p := made
			p.UserVerified = login
			requireOpens(t, k, p)
			require.Equal(t, recovery.ErrWrongSecret, openErr(t, changed, p, recovery.TrustOnFirstUse(k.Account())))
		}
	}
}

// TestPasskeyOneSaltForAService: with one evaluation salt, each slot of the
// service still has a key of its own.
func TestPasskeyOneSaltForAService(t *testing.T) {
	first, second := passkey(1), passkey(1)
	second.CredentialIDHash[0] = 2
	k := create(t, phrase(), first, second)
	requireOpens(t, k, first)
	requireOpens(t, k, second)
	slots := make(map[string]bool)
	for _, s := range k.Slots() {
		slots[string(s.Params[:32])] = true
	}
	require.Len(t, slots, 3, "the slots' own salts")
}

// TestWithPRFCopies: the output may be cleared, and the passkey without it is
// unchanged.
func TestWithPRFCopies(t *testing.T) {
	output := bytes.Repeat([]byte{7}, 32)
	without := recovery.Passkey{Salt: [32]byte{1}, CredentialIDHash: [32]byte{2}, RPID: "example.org"}
	with := without.WithPRF(output)
	clear(output)
	requireOpens(t, create(t, phrase(), with), without.WithPRF(bytes.Repeat([]byte{7}, 32)))
	_, err := recovery.Create(t.Context(), phrase(), without)
	require.ErrorIs(t, err, recovery.ErrPolicy)
}

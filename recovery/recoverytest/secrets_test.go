package recoverytest_test

import (
	"bytes"
	"crypto/sha256"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// The user's secrets: what half of them, or something like them, opens.

// wordlist is that of BIP-39, which is sorted. It consists of all words that
// phrases have.
var wordlist = sync.OnceValue(func() []string {
	words := make(map[string]bool)
	for len(words) < 2048 {
		for _, w := range strings.Fields(must(recovery.NewPhrase(24)).Words()) {
			words[w] = true
		}
	}
	return slices.Sorted(maps.Keys(words))
})

// entropyOf decodes the words of a phrase, without its checksum.
func entropyOf(t testing.TB, p *recovery.Phrase) []byte {
	list, n := wordlist(), new(big.Int)
	words := strings.Fields(p.Words())
	for _, w := range words {
		i, ok := slices.BinarySearch(list, w)
		require.True(t, ok)
		n.Or(n.Lsh(n, 11), big.NewInt(int64(i)))
	}
	size := len(words) / 3 * 4
	return n.Rsh(n, uint(len(words)/3)).FillBytes(make([]byte, size))
}

// phraseOf is the phrase of some entropy.
func phraseOf(t testing.TB, entropy []byte) *recovery.Phrase {
	list, sum := wordlist(), sha256.Sum256(entropy)
	n := new(big.Int).SetBytes(append(bytes.Clone(entropy), sum[0]))
	n.Rsh(n, uint(8-len(entropy)/4))
	words := make([]string, len(entropy)/4*3)
	for i := range slices.Backward(words) {
		words[i] = list[new(big.Int).And(n, big.NewInt(2047)).Int64()]
		n.Rsh(n, 11)
	}
	p, err := recovery.ParsePhrase(strings.Join(words, " "))
	require.NoError(t, err)
	require.Equal(t, entropy, entropyOf(t, p))
	return p
}

// TestAttack_OneTable: one phrase in two accounts, and twice in one, gives keys
// that have nothing in common. No table serves for two slots.
func TestAttack_OneTable(t *testing.T) {
	p := phrase()
	k, other := create(t, p, p), create(t, p)
	a, b, c := split(t, bytesOf(k)).Slots[0], split(t, bytesOf(k)).Slots[1], split(t, bytesOf(other)).Slots[0]
	slots := []recoverytest.SlotParts{a, b, c}
	accounts := []recovery.AccountID{k.Account(), k.Account(), other.Account()}
	entropy := entropyOf(t, p)
	for i := range slots {
		for j := range slots {
			s, from := slots[i], slots[j]
			_, err := slotKEK(t, &s, entropy).Unwrap(t.Context(), from.Wrapped, slotBinding(accounts[j], &from))
			require.Equal(t, i == j, err == nil, "%d %d", i, j)
			if i != j {
				require.NotEqual(t, s.Params, from.Params)
				require.NotEqual(t, s.Wrapped, from.Wrapped)
				require.NotEqual(t, s.PublicKey, from.PublicKey)
			}
		}
	}
	// Even if a server gives both slots one id, salt and account.
	same := b
	same.ID, same.Params = a.ID, a.Params
	_, err := slotKEK(t, &same, entropy).Unwrap(t.Context(), same.Wrapped, slotBinding(k.Account(), &same))
	require.Equal(t, wrap.ErrOpen, err)

	// Every type has a salt of its own for every slot.
	pw, prf := password("correct horse", nil), passkey(0xa1)
	every := create(t, p, p, pw, pw, export(1), export(1), prf, prf, recovery.NewFile(), recovery.NewFile())
	salts := make(map[string]bool)
	for _, s := range split(t, bytesOf(every)).Slots {
		require.NotEqual(t, make([]byte, 32), s.Params[:32])
		salts[string(s.Params[:32])] = true
	}
	require.Len(t, salts, 10)
}

// TestAttack_Checksum: of all last words a sixteenth passes. So the checksum
// proves nothing: the slot does. A typing error and a wrong phrase are told
// apart.
func TestAttack_Checksum(t *testing.T) {
	p := phrase()
	k := create(t, p)
	first := p.Words()[:strings.LastIndex(p.Words(), " ")+1]
	passed := 0
	for _, last := range wordlist() {
		q, err := recovery.ParsePhrase(first + last)
		if err != nil {
			require.ErrorIs(t, err, recovery.ErrMalformed)
			continue
		}
		passed++
		if q.Words() != p.Words() {
			requireIs(t, recovery.ErrWrongSecret, openErr(t, bytesOf(k), q, k.Checkpoint()))
		}
	}
	require.Equal(t, 128, passed)
}

// TestAttack_FileInSplitCustody: neither half opens anything without the other,
// nor without the header.
func TestAttack_FileInSplitCustody(t *testing.T) {
	v, twin := victimAndTwin(t)
	saved := func() *recovery.File { return must(recovery.ParseFile(v.file.Text())) }
	with := func(secret []byte) *recovery.File { return must(saved().WithServerSecret(secret)) }
	right := v.file.ServerSecret()
	require.NoError(t, v.end(t, v.latest(), with(right), v.latestSeen()))

	// The file without the server.
	require.ErrorIs(t, v.end(t, v.latest(), saved(), v.latestSeen()), recovery.ErrPolicy)
	for _, secret := range [][]byte{nil, {}, make([]byte, 32), right[:31], append(slices.Clone(right), 0)} {
		_, err := saved().WithServerSecret(secret)
		requireIs(t, recovery.ErrMalformed, err)
	}
	// The server hands out what it likes.
	flipped := slices.Clone(right)
	flipped[31] ^= 1
	for _, secret := range [][]byte{flipped, twin.file.ServerSecret(), random(32), slices.Concat(right[16:], right[:16])} {
		requireIs(t, recovery.ErrWrongSecret, v.end(t, v.latest(), with(secret), v.latestSeen()))
		requireIs(t, recovery.ErrWrongSecret, v.end(t, v.latest(), with(secret), v.firstUse()))
	}
	// The server, or a thief of header and S, does not have F. No file of its
	// own opens.
	f := recovery.NewFile()
	create(t, f)
	_, err := f.WithServerSecret(right)
	require.NoError(t, err)
	requireIs(t, recovery.ErrWrongSecret, v.end(t, v.latest(), must(f.WithServerSecret(right)), v.firstUse()))
	// F and S open no other account's slot, and no other slot of this account.
	requireIs(t, recovery.ErrOtherAccount, twin.end(t, v.latest(), with(right), twin.firstUse()))
	requireIs(t, recovery.ErrWrongSecret, twin.end(t, twin.latest(), with(right), twin.firstUse()))
	p := split(t, v.latest())
	p.Slot(v.file.ID()).ID = recovery.SlotID(random(16))
	requireIs(t, recovery.ErrWrongSecret, v.end(t, sorted(p), with(right), v.firstUse()))
	// The text names no account and contains nothing of S.
	require.NotContains(t, v.file.Text(), v.account.String())
	require.NotContains(t, v.file.Text(), string(v.account[:]))
	require.Nil(t, saved().ServerSecret())
	// The file is for one slot.
	k := open(t, v.latest(), v.someWay(), v.latestSeen())
	for _, used := range []*recovery.File{v.file, saved(), with(right)} {
		_, err := k.Seal(t.Context(), used)
		require.ErrorIs(t, err, recovery.ErrPolicy)
	}
}

// TestAttack_PasskeyPitfalls: an output that is zero or of another length,
// another salt, relying party or credential, and passkeys alone.
func TestAttack_PasskeyPitfalls(t *testing.T) {
	good, output := passkey(0xa1), bytes.Repeat([]byte{0xa1}, 32)
	change := func(f func(p *recovery.Passkey)) recovery.Passkey {
		p := good
		f(&p)
		return p
	}
	words := phrase()
	k := create(t, words, good)
	header := bytesOf(k)
	for name, bad := range map[string]recovery.Passkey{
		"zero":             good.WithPRF(make([]byte, 32)),
		"no output":        good.WithPRF(nil),
		"31 bytes":         good.WithPRF(output[:31]),
		"33 bytes":         good.WithPRF(append(slices.Clone(output), 1)),
		"64 bytes":         good.WithPRF(bytes.Repeat(output, 2)),
		"no salt":          change(func(p *recovery.Passkey) { p.Salt = [32]byte{} }),
		"no credential":    change(func(p *recovery.Passkey) { p.CredentialIDHash = [32]byte{} }),
		"no relying party": change(func(p *recovery.Passkey) { p.RPID = "" }),
		"a long name":      change(func(p *recovery.Passkey) { p.RPID = strings.Repeat("a", 254) }),
		"the zero Passkey": {},
	} {
		_, err := k.Seal(t.Context(), bad)
		require.ErrorIs(t, err, recovery.ErrPolicy, name)
		require.ErrorIs(t, openErr(t, header, bad, k.Checkpoint()), recovery.ErrPolicy, name)
	}
	for name, other := range map[string]recovery.Passkey{
		"salt":          change(func(p *recovery.Passkey) { p.Salt[0] ^= 1 }),
		"credential":    change(func(p *recovery.Passkey) { p.CredentialIDHash[0] ^= 1 }),
		"relying party": change(func(p *recovery.Passkey) { p.RPID = "example.com" }),
		"output":        good.WithPRF(bytes.Repeat([]byte{1}, 32)),
	} {
		requireIs(t, recovery.ErrWrongSecret, openErr(t, header, other, k.Checkpoint()), name)
		// Whatever the server writes into the slot, so that it fits.
		alike := slotOfType(t, bytesOf(create(t, phrase(), other)), "passkey")
		p := split(t, header)
		for i := range p.Slots {
			if s := &p.Slots[i]; slotNames[s.Type] == "passkey" {
				s.Flags, s.Params = alike.Flags, append(s.Params[:32:32], alike.Params[32:]...)
			}
		}
		requireIs(t, recovery.ErrWrongSecret, openErr(t, p.Join(), other, firstUse(k)), name)
	}
	// The user-verification flag is the slot's. With another one nothing opens.
	unverified := change(func(p *recovery.Passkey) { p.UserVerified = false })
	open(t, header, unverified, k.Checkpoint())
	p := split(t, header)
	for i := range p.Slots {
		if s := &p.Slots[i]; slotNames[s.Type] == "passkey" {
			s.Flags ^= 1
		}
	}
	requireIs(t, recovery.ErrWrongSecret, openErr(t, p.Join(), good, firstUse(k)))
	requireIs(t, recovery.ErrWrongSecret, openErr(t, p.Join(), unverified, firstUse(k)))

	long := change(func(p *recovery.Passkey) { p.RPID = strings.Repeat("a", 253) })
	longest := create(t, words, long)
	open(t, bytesOf(longest), long, longest.Checkpoint())
	// Passkeys are never alone.
	_, err := recovery.Create(t.Context(), good, passkey(0xa2))
	require.ErrorIs(t, err, recovery.ErrPolicy)
	_, err = k.RotateLineage(t.Context(), good)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	id, sealed := learn(t, header, words).Slot, must(k.Seal(t.Context(), passkey(0xa3)))
	for _, f := range []func(e *recovery.Edit) error{
		func(e *recovery.Edit) error { return e.Revoke(id) },
		func(e *recovery.Edit) error { return e.Replace(id, sealed) },
	} {
		_, err := k.Edit(f)
		require.ErrorIs(t, err, recovery.ErrPolicy)
	}
	// What a slot states is what to ask the authenticator for.
	for _, s := range k.Slots() {
		p, err := recovery.ParsePasskeySlot(s)
		if s.Type != "passkey" {
			requireIs(t, recovery.ErrMalformed, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, good.Salt, p.Salt)
		require.Equal(t, good.CredentialIDHash, p.CredentialIDHash)
		require.Equal(t, good.RPID, p.RPID)
		require.True(t, p.UserVerified)
	}
}

func slotOfType(t testing.TB, header []byte, name string) recoverytest.SlotParts {
	p := split(t, header)
	return p.Slots[slices.IndexFunc(p.Slots, func(s recoverytest.SlotParts) bool { return slotNames[s.Type] == name })]
}

package wrap_test

import (
	"bytes"
	"context"
	"embed"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/format.json
var testdata embed.FS

var suites = []wrap.Suite{wrap.XChaCha20Poly1305, wrap.AES256GCM}

var binding = wrap.Binding{
	Purpose: "slot/phrase/v1",
	Account: bytes.Repeat([]byte{0x42}, 16),
	Item:    bytes.Repeat([]byte{0x07}, 16),
	Epoch:   1,
}

// must returns v, for what cannot fail here.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func fill(b byte) (key [32]byte) { return [32]byte(bytes.Repeat([]byte{b}, 32)) }

// keyOf returns a key for a suite.
func keyOf(kek [32]byte, s wrap.Suite) *wrap.Key { return must(wrap.ImportKey(kek).WithSuite(s)) }

func TestKnownAnswers(t *testing.T) {
	type vector struct {
		Suite               wrap.Suite
		KEK, Secret, Random testvec.Hex
		Purpose             string
		Account, Item       testvec.Hex
		Epoch               uint64
		Blob                testvec.Hex
	}
	vectors := testvec.Load[[]vector](t, testdata, "testdata/format.json")
	require.Len(t, vectors, 2)
	for _, v := range vectors {
		k := keyOf([32]byte(v.KEK), v.Suite)
		b := wrap.Binding{Purpose: v.Purpose, Account: v.Account, Item: v.Item, Epoch: v.Epoch}
		blob, err := k.WrapWith(v.Secret, b, [32]byte(v.Random))
		require.NoError(t, err)
		require.Equal(t, []byte(v.Blob), blob)
		secret, err := wrap.ImportKey([32]byte(v.KEK)).Unwrap(t.Context(), v.Blob, b)
		require.NoError(t, err)
		require.Equal(t, []byte(v.Secret), secret)
	}
}

// reference is the derivation of the second implementation.
func reference(kek []byte, s wrap.Suite, b wrap.Binding, secret, random []byte) (nonce, key, commitment []byte) {
	ctx := testvec.WrapBinding(b.Purpose, b.Account, b.Item, b.Epoch)
	nonce = testvec.WrapNonce(kek, byte(s), ctx, secret, random)
	key, commitment = testvec.WrapKeys(kek, byte(s), ctx, nonce)
	return nonce, key, commitment
}

// TestDerivationIsHKDFs compares our HMAC in one buffer with crypto/hkdf.
func TestDerivationIsHKDFs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	sizes := []int{0, 1, 15, 16, 63, 64, 65, 200}
	for range 300 {
		s := wrap.Suite(1 + r.IntN(2))
		b := wrap.Binding{
			Purpose: "p" + string(random(sizes[r.IntN(8)])),
			Account: random(sizes[r.IntN(8)]),
			Item:    random(sizes[r.IntN(8)]),
			Epoch:   r.Uint64(),
		}
		kek, seed, secret := random(32), random(32), random(1+sizes[r.IntN(8)])
		blob, err := keyOf([32]byte(kek), s).WrapWith(secret, b, [32]byte(seed))
		require.NoError(t, err)
		nonce, key, commitment := reference(kek, s, b, secret, seed)
		require.Equal(t, []byte{1, byte(s)}, blob[:2])
		require.Equal(t, nonce, blob[2:26])
		require.Equal(t, commitment, blob[26:58])
		gotKey, gotCommitment, err := wrap.Derive(kek, b, s, nonce)
		require.NoError(t, err)
		require.Equal(t, key, gotKey)
		require.Equal(t, commitment, gotCommitment)
	}
}

func TestRoundTripOfEverySize(t *testing.T) {
	require.Equal(t, []int{65536, 74, 32}, []int{wrap.MaxSecret, wrap.Overhead, wrap.KeySize})
	for _, s := range suites {
		k := must(wrap.NewKey().WithSuite(s))
		for _, n := range []int{1, 2, 15, 16, 17, 31, 32, 33, 64, 255, 1 << 10, wrap.MaxSecret - 1, wrap.MaxSecret} {
			secret := bytes.Repeat([]byte{0xa5}, n)
			blob, err := k.Wrap(t.Context(), secret, binding)
			require.NoError(t, err, s)
			require.Len(t, blob, n+wrap.Overhead)
			got, err := k.Unwrap(t.Context(), blob, binding)
			require.NoError(t, err)
			require.Equal(t, secret, got)
		}
		for _, n := range []int{0, wrap.MaxSecret + 1} {
			_, err := k.Wrap(t.Context(), make([]byte, n), binding)
			require.ErrorIs(t, err, wrap.ErrSecret)
		}
		_, err := k.Unwrap(t.Context(), make([]byte, wrap.MaxSecret+wrap.Overhead+1), binding)
		require.ErrorIs(t, err, wrap.ErrOpen)
	}
}

// refused fails the test unless a blob does not open, with no more than the one
// error to tell.
func refused(t *testing.T, k *wrap.Key, blob []byte, b wrap.Binding, what string) {
	t.Helper()
	secret, err := k.Unwrap(t.Context(), blob, b)
	require.Equal(t, wrap.ErrOpen, err, what)
	require.Nil(t, secret)
}

func TestEveryFlippedBitIsRefused(t *testing.T) {
	for _, s := range suites {
		k := must(wrap.NewKey().WithSuite(s))
		blob := must(k.Wrap(t.Context(), make([]byte, 32), binding))
		for _, altered := range testvec.BitFlips(blob) {
			refused(t, k, altered, binding, s.String())
		}
	}
}

// TestCommitmentIsComparedWhole: of a commitment that differs in one bit, under
// a tag that is right for it, since the tag covers the commitment too.
func TestCommitmentIsComparedWhole(t *testing.T) {
	for _, s := range suites {
		kek := fill(0x11)
		blob := must(keyOf(kek, s).Wrap(t.Context(), make([]byte, 32), binding))
		key, commitment, err := wrap.Derive(kek[:], binding, s, blob[2:26])
		require.NoError(t, err)
		aead := must(bare(s, key))
		nonce := blob[2:26]
		if s == wrap.AES256GCM {
			nonce = make([]byte, 12)
		}
		seal := func(commitment []byte) []byte {
			header := append(bytes.Clone(blob[:26]), commitment...)
			return aead.Seal(header, nonce, make([]byte, 32), header)
		}
		require.Equal(t, blob, seal(commitment))
		for _, altered := range testvec.BitFlips(commitment) {
			refused(t, wrap.ImportKey(kek), seal(altered), binding, s.String())
		}
	}
}

func TestEveryOtherLengthIsRefused(t *testing.T) {
	for _, s := range suites {
		k := must(wrap.NewKey().WithSuite(s))
		blob := must(k.Wrap(t.Context(), make([]byte, 32), binding))
		for altered := range testvec.Lengths(blob) {
			refused(t, k, altered, binding, s.String())
		}
	}
}

func TestUnknownVersionsAndSuitesAreRefused(t *testing.T) {
	k := wrap.NewKey()
	blob := must(k.Wrap(t.Context(), make([]byte, 32), binding))
	for v := range 256 {
		altered := bytes.Clone(blob)
		altered[0] = byte(v)
		if v != 1 {
			refused(t, k, altered, binding, "version")
		}
		altered = bytes.Clone(blob)
		altered[1] = byte(v)
		if v != 1 {
			refused(t, k, altered, binding, "suite")
		}
	}
}

// TestEveryFieldOfTheBindingCounts, and where one field ends and the next
// begins.
func TestEveryFieldOfTheBindingCounts(t *testing.T) {
	others := map[string]wrap.Binding{}
	other := func(name string, change func(b *wrap.Binding)) {
		b := binding
		b.Account, b.Item = bytes.Clone(b.Account), bytes.Clone(b.Item)
		change(&b)
		others[name] = b
	}
	other("purpose", func(b *wrap.Binding) { b.Purpose = "slot/phrase/v2" })
	other("longer purpose", func(b *wrap.Binding) { b.Purpose += "\x00" })
	other("account", func(b *wrap.Binding) { b.Account[15] ^= 1 })
	other("no account", func(b *wrap.Binding) { b.Account = nil })
	other("item", func(b *wrap.Binding) { b.Item[0] ^= 0x80 })
	other("no item", func(b *wrap.Binding) { b.Item = nil })
	other("account and item swapped", func(b *wrap.Binding) { b.Account, b.Item = b.Item, b.Account })
	other("older epoch", func(b *wrap.Binding) { b.Epoch = 0 })
	other("newer epoch", func(b *wrap.Binding) { b.Epoch = 2 })
	other("distant epoch", func(b *wrap.Binding) { b.Epoch = 1 << 63 })
	other("a byte moved to the item", func(b *wrap.Binding) {
		b.Item = append([]byte{b.Account[15]}, b.Item...)
		b.Account = b.Account[:15]
	})
	other("a byte moved to the account", func(b *wrap.Binding) {
		b.Purpose, b.Account = b.Purpose[:13], append([]byte{b.Purpose[13]}, b.Account...)
	})
	for _, s := range suites {
		k := must(wrap.NewKey().WithSuite(s))
		blob := must(k.Wrap(t.Context(), make([]byte, 32), binding))
		for what, b := range others {
			refused(t, k, blob, b, s.String()+": "+what)
			moved := must(k.Wrap(t.Context(), make([]byte, 32), b))
			refused(t, k, moved, binding, s.String()+": "+what)
		}
	}
}

// TestRewrap moves a blob to another key and the next epoch.
func TestRewrap(t *testing.T) {
	a, b := wrap.NewKey(), wrap.NewKey()
	next := binding
	next.Epoch++
	blob := must(a.Wrap(t.Context(), []byte("secret"), binding))
	moved := must(wrap.Rewrap(t.Context(), a, binding, b, next, blob))
	require.Equal(t, "secret", string(must(b.Unwrap(t.Context(), moved, next))))
	refused(t, b, moved, binding, "the old epoch")
	refused(t, a, moved, next, "the old key")
	require.Equal(t, "secret", string(must(a.Unwrap(t.Context(), blob, binding))), "the old blob still opens")

	_, err := wrap.Rewrap(t.Context(), b, binding, a, next, blob)
	require.ErrorIs(t, err, wrap.ErrOpen, "the keys exchanged")
	_, err = wrap.Rewrap(t.Context(), a, next, b, binding, blob)
	require.ErrorIs(t, err, wrap.ErrOpen, "the bindings exchanged")
	_, err = wrap.Rewrap(t.Context(), a, binding, b, wrap.Binding{}, blob)
	require.ErrorIs(t, err, wrap.ErrBinding)
	b.Destroy()
	_, err = wrap.Rewrap(t.Context(), a, binding, b, next, blob)
	require.ErrorIs(t, err, wrap.ErrDestroyed)
}

// TestBindingEncoding: ctx of the known answers.
func TestBindingEncoding(t *testing.T) {
	encoded, err := binding.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, "\x01\x0eslot/phrase/v1\x00\x10"+strings.Repeat("\x42", 16)+"\x00\x10"+strings.Repeat("\x07", 16)+
		"\x00\x00\x00\x00\x00\x00\x00\x01", string(encoded))
	_, err = wrap.Binding{}.MarshalBinary()
	require.ErrorIs(t, err, wrap.ErrBinding)
}

func TestBindingsOutOfRange(t *testing.T) {
	k := wrap.NewKey()
	blob := must(k.Wrap(t.Context(), make([]byte, 32), binding))
	for _, b := range []wrap.Binding{
		{},
		{Purpose: strings.Repeat("p", 256)},
		{Purpose: "p", Account: make([]byte, 1<<16)},
		{Purpose: "p", Item: make([]byte, 1<<16)},
	} {
		_, err := k.Wrap(t.Context(), make([]byte, 32), b)
		require.ErrorIs(t, err, wrap.ErrBinding)
		_, err = k.Unwrap(t.Context(), blob, b)
		require.ErrorIs(t, err, wrap.ErrBinding)
	}
	largest := wrap.Binding{Purpose: strings.Repeat("p", 255), Account: make([]byte, 1<<16-1), Item: make([]byte, 1<<16-1), Epoch: 1<<64 - 1}
	blob = must(k.Wrap(t.Context(), make([]byte, 32), largest))
	must(k.Unwrap(t.Context(), blob, largest))
}

func TestOtherKeysAreRefused(t *testing.T) {
	for _, s := range suites {
		blob := must(must(wrap.NewKey().WithSuite(s)).Wrap(t.Context(), make([]byte, 32), binding))
		refused(t, wrap.NewKey(), blob, binding, s.String())
	}
}

// TestDeadRandomSource: with a random source that gives zeros, secrets, suites
// and bindings that differ still get nonces that do.
func TestDeadRandomSource(t *testing.T) {
	seen := make(map[string]bool)
	add := func(k *wrap.Key, secret []byte, b wrap.Binding) {
		nonce := string(must(k.WrapWith(secret, b, [32]byte{}))[2:26])
		require.False(t, seen[nonce], "a nonce was used twice")
		seen[nonce] = true
	}
	for _, s := range suites {
		k := keyOf(fill(0x11), s)
		for i := range 256 {
			secret := make([]byte, 32)
			secret[31] = byte(i)
			add(k, secret, binding)
		}
		add(k, make([]byte, 31), binding)
		b := binding
		b.Epoch++
		add(k, make([]byte, 32), b)
	}
	add(wrap.ImportKey(fill(0x12)), make([]byte, 32), binding)
	require.Len(t, seen, 2*258+1)
}

func TestWrapsOfOneSecretDiffer(t *testing.T) {
	k := wrap.NewKey()
	nonces, commitments := make(map[string]bool), make(map[string]bool)
	for range 2000 {
		blob := must(k.Wrap(t.Context(), make([]byte, 32), binding))
		nonces[string(blob[2:26])] = true
		commitments[string(blob[26:58])] = true
	}
	require.Len(t, nonces, 2000)
	require.Len(t, commitments, 2000)
}

func TestAccumulated(t *testing.T) {
	testvec.Check(t, "nescio/wrap/v1",
		"9b4864566d6d7de82cde5e48f8a95f91c850b81340d7efc60c32582276293333",
		"4c27ee736424e677df459862fe6f61b578b8fd428891831294e8a2c554b192a3", func(a *testvec.Accumulated) {
			in := a.Input(8)
			b := wrap.Binding{
				Purpose: "p" + string(a.Input(int(in[0])%255)),
				Account: a.Input(int(in[1])),
				Item:    a.Input(int(in[2])),
				Epoch:   binary.BigEndian.Uint64(a.Input(8)),
			}
			k := keyOf([32]byte(a.Input(32)), wrap.Suite(1+in[3]%2))
			secret, random := a.Input(1+int(in[4])), a.Input(32)
			blob, err := k.WrapWith(secret, b, [32]byte(random))
			require.NoError(t, err)
			got, err := k.Unwrap(context.Background(), blob, b)
			require.NoError(t, err)
			require.True(t, bytes.Equal(secret, got))
			a.Output(blob)
		})
}

func TestDouble(t *testing.T) {
	outer := wrap.NewKey()
	secret := []byte("master key of thirty-two bytes..")
	wrappedKey, wrappedSecret, err := wrap.Double(t.Context(), outer, binding, secret)
	require.NoError(t, err)
	got, err := wrap.OpenDouble(t.Context(), outer, binding, wrappedKey, wrappedSecret)
	require.NoError(t, err)
	require.Equal(t, secret, got)

	// The middle key is the only way to the secret.
	refused(t, outer, wrappedSecret, binding, "the outer key alone")
	middle := wrap.ImportKey([32]byte(must(outer.Unwrap(t.Context(), wrappedKey, binding))))
	require.Equal(t, secret, must(middle.Unwrap(t.Context(), wrappedSecret, binding)))

	// A new outer key, and the secret's blob stays.
	next := wrap.NewKey()
	rewrapped := must(wrap.Rewrap(t.Context(), outer, binding, next, binding, wrappedKey))
	require.Equal(t, secret, must(wrap.OpenDouble(t.Context(), next, binding, rewrapped, wrappedSecret)))

	otherKey, otherSecret, err := wrap.Double(t.Context(), outer, binding, secret)
	require.NoError(t, err)
	for what, open := range map[string]func() ([]byte, error){
		"another's key":    func() ([]byte, error) { return wrap.OpenDouble(t.Context(), outer, binding, otherKey, wrappedSecret) },
		"another's secret": func() ([]byte, error) { return wrap.OpenDouble(t.Context(), outer, binding, wrappedKey, otherSecret) },
		"swapped":          func() ([]byte, error) { return wrap.OpenDouble(t.Context(), outer, binding, wrappedSecret, wrappedKey) },
		"old outer key":    func() ([]byte, error) { return wrap.OpenDouble(t.Context(), outer, binding, rewrapped, wrappedSecret) },
		"a key that is none": func() ([]byte, error) {
			short := must(outer.Wrap(t.Context(), make([]byte, 31), binding))
			return wrap.OpenDouble(t.Context(), outer, binding, short, wrappedSecret)
		},
	} {
		got, err := open()
		require.Equal(t, wrap.ErrOpen, err, what)
		require.Nil(t, got)
	}

	_, _, err = wrap.Double(t.Context(), outer, binding, nil)
	require.ErrorIs(t, err, wrap.ErrSecret)
	_, _, err = wrap.Double(t.Context(), outer, wrap.Binding{}, secret)
	require.ErrorIs(t, err, wrap.ErrBinding)
	outer.Destroy()
	a, b, err := wrap.Double(t.Context(), outer, binding, secret)
	require.ErrorIs(t, err, wrap.ErrDestroyed)
	require.Nil(t, a)
	require.Nil(t, b)
}

// brokenService is a key service that is away.
type brokenService struct{ err error }

func (s brokenService) Wrap(context.Context, []byte, wrap.Binding) ([]byte, error) {
	return nil, s.err
}
func (s brokenService) Unwrap(context.Context, []byte, wrap.Binding) ([]byte, error) {
	return nil, s.err
}

func TestErrorsOfAKeyServicePass(t *testing.T) {
	away := errors.New("away")
	_, _, err := wrap.Double(t.Context(), brokenService{away}, binding, make([]byte, 32))
	require.ErrorIs(t, err, away)
	_, err = wrap.OpenDouble(t.Context(), brokenService{away}, binding, nil, nil)
	require.ErrorIs(t, err, away)
}

// contextKey is of the value that a service looks for in its context.
type contextKey struct{}

// service is a key that wants to be asked in a context of the caller's.
type service struct {
	*wrap.Key
	t *testing.T
}

func (s service) Wrap(ctx context.Context, secret []byte, b wrap.Binding) ([]byte, error) {
	require.Equal(s.t, "the caller's", ctx.Value(contextKey{}))
	return s.Key.Wrap(ctx, secret, b)
}

func (s service) Unwrap(ctx context.Context, blob []byte, b wrap.Binding) ([]byte, error) {
	require.Equal(s.t, "the caller's", ctx.Value(contextKey{}))
	return s.Key.Unwrap(ctx, blob, b)
}

func TestKeyServicesGetTheContext(t *testing.T) {
	ctx := context.WithValue(t.Context(), contextKey{}, "the caller's")
	outer := service{wrap.NewKey(), t}
	wrappedKey, wrappedSecret, err := wrap.Double(ctx, outer, binding, []byte("secret"))
	require.NoError(t, err)
	moved, err := wrap.Rewrap(ctx, outer, binding, outer, binding, wrappedKey)
	require.NoError(t, err)
	secret, err := wrap.OpenDouble(ctx, outer, binding, moved, wrappedSecret)
	require.NoError(t, err)
	require.Equal(t, "secret", string(secret))
}

func TestConcurrentUse(t *testing.T) {
	k := wrap.NewKey()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				blob, err := k.Wrap(context.Background(), make([]byte, 32), binding)
				if err == nil {
					_, err = k.Unwrap(context.Background(), blob, binding)
				}
				if err != nil && !errors.Is(err, wrap.ErrDestroyed) {
					t.Error(err)
				}
			}
		})
	}
	k.Destroy()
	wg.Wait()
}

func FuzzUnwrap(f *testing.F) {
	k := wrap.ImportKey(fill(0x11))
	aes := keyOf(fill(0x11), wrap.AES256GCM)
	f.Add(must(k.Wrap(context.Background(), make([]byte, 32), binding)), "slot/phrase/v1", uint64(1))
	f.Add(must(aes.Wrap(context.Background(), make([]byte, 1), binding)), "slot/phrase/v1", uint64(1))
	f.Fuzz(func(t *testing.T, blob []byte, purpose string, epoch uint64) {
		b := binding
		b.Purpose, b.Epoch = purpose, epoch
		secret, err := k.Unwrap(t.Context(), blob, b)
		if err != nil {
			require.Nil(t, secret)
			return
		}
		require.Len(t, secret, len(blob)-wrap.Overhead)
		require.Equal(t, binding, b, "nobody else knows the key")
	})
}

// sealed is a blob with a commitment and a tag that are right for its header
// and its secret, whatever they are: who knows the key can make it.
func sealed(t *testing.T, kek [32]byte, version byte, s wrap.Suite, secret []byte) []byte {
	header := append([]byte{version, byte(s)}, make([]byte, 24)...)
	key, commitment, err := wrap.Derive(kek[:], binding, s, header[2:])
	require.NoError(t, err)
	header = append(header, commitment...)
	aead := must(bare(s, key))
	return aead.Seal(header, make([]byte, aead.NonceSize()), secret, header)
}

// TestWhatNobodyWrapsDoesNotOpen, even if all of it is authentic: another
// version or suite, an empty secret, and one that is too long.
func TestWhatNobodyWrapsDoesNotOpen(t *testing.T) {
	kek := fill(0x11)
	k := wrap.ImportKey(kek)
	for _, s := range suites {
		for _, n := range []int{1, wrap.MaxSecret} {
			require.Len(t, must(k.Unwrap(t.Context(), sealed(t, kek, 1, s, make([]byte, n)), binding)), n)
		}
		refused(t, k, sealed(t, kek, 1, s, nil), binding, "an empty secret")
		refused(t, k, sealed(t, kek, 1, s, make([]byte, wrap.MaxSecret+1)), binding, "a long secret")
		refused(t, k, sealed(t, kek, 2, s, make([]byte, 32)), binding, "version 2")
	}
	refused(t, k, sealed(t, kek, 1, 0, make([]byte, 32)), binding, "suite 0")
	refused(t, k, sealed(t, kek, 1, 3, make([]byte, 32)), binding, "suite 3")
}

// TestLongMiddleKeysAreNone: 33 bytes that begin with the key.
func TestLongMiddleKeysAreNone(t *testing.T) {
	outer := wrap.NewKey()
	wrappedKey, wrappedSecret, err := wrap.Double(t.Context(), outer, binding, []byte("secret"))
	require.NoError(t, err)
	key := must(outer.Unwrap(t.Context(), wrappedKey, binding))
	long := must(outer.Wrap(t.Context(), append(key, 0), binding))
	_, err = wrap.OpenDouble(t.Context(), outer, binding, long, wrappedSecret)
	require.Equal(t, wrap.ErrOpen, err)
}

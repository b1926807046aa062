package sjcl_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"embed"
	"encoding/base64"
	"fmt"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/wrap/sjcl"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/autonomail.json
var testdata embed.FS

type vector struct {
	Password   string      `json:"password"`
	Salt       testvec.Hex `json:"salt"`
	Iterations int         `json:"iterations"`
	Derived    testvec.Hex `json:"derived"`
	Key        testvec.Hex `json:"key"`
	Plaintext  string      `json:"plaintext"`
	JSON       string      `json:"json"`
}

func vectors(t testing.TB) []vector {
	v := testvec.Load[[]vector](t, testdata, "testdata/autonomail.json")
	require.Len(t, v, 4)
	return v
}

// parts are what a message is made of.
type parts struct {
	iv, adata, ct []byte
	ts            int
}

// String writes a message as SJCL does, with its defaults.
func (p parts) String() string {
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf(`{"iv":"%s","v":1,"iter":10000,"ks":128,"ts":%d,"mode":"gcm","adata":"%s","cipher":"aes","ct":"%s"}`,
		b64(p.iv), p.ts, b64(p.adata), b64(p.ct))
}

func (p parts) parse(t testing.TB) *sjcl.Message {
	t.Helper()
	m, err := sjcl.Parse([]byte(p.String()))
	require.NoError(t, err)
	return m
}

func newGCM(t testing.TB, key []byte, ivSize int) cipher.AEAD {
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	aead, err := cipher.NewGCMWithNonceSize(block, ivSize)
	require.NoError(t, err)
	return aead
}

// seal encrypts by the standard library and cuts the tag.
func seal(t testing.TB, key, iv, plaintext, adata []byte, ts int) parts {
	sealed := newGCM(t, key, len(iv)).Seal(nil, iv, plaintext, adata)
	return parts{iv, adata, sealed[:len(plaintext)+ts/8], ts}
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// everyKind yields a message for all lengths of key, IV and tag.
func everyKind(t *testing.T, check func(t *testing.T, key []byte, plaintext string, p parts)) {
	for _, keySize := range []int{16, 24, 32} {
		for _, ivSize := range []int{12, 16} {
			for _, ts := range []int{64, 96, 128} {
				t.Run(fmt.Sprintf("key%d/iv%d/tag%d", 8*keySize, 8*ivSize, ts), func(t *testing.T) {
					key, plaintext := random(keySize), "a plaintext of more than one block"
					check(t, key, plaintext, seal(t, key, random(ivSize), []byte(plaintext), []byte("adata"), ts))
				})
			}
		}
	}
}

func TestAutonomailsMessagesOpen(t *testing.T) {
	for _, v := range vectors(t) {
		derived, err := pbkdf2.Key(sha512.New, v.Password, v.Salt, v.Iterations, sha512.Size)
		require.NoError(t, err)
		require.EqualValues(t, v.Derived, derived)
		require.EqualValues(t, v.Key, derived[:32])
		m, err := sjcl.Parse([]byte(v.JSON))
		require.NoError(t, err)
		plaintext, err := m.OpenShortTag(derived[:32])
		require.NoError(t, err)
		require.NotNil(t, plaintext)
		require.Equal(t, v.Plaintext, string(plaintext))

		plaintext, err = m.Open(derived[:32])
		if m.TagBits() < 128 {
			require.Equal(t, sjcl.ErrShortTag, err)
			require.Nil(t, plaintext)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, v.Plaintext, string(plaintext))
	}
}

func TestEveryKindOpens(t *testing.T) {
	everyKind(t, func(t *testing.T, key []byte, want string, p parts) {
		m := p.parse(t)
		require.Equal(t, p.ts, m.TagBits())
		require.Equal(t, "adata", string(m.AData()))
		plaintext, err := m.OpenShortTag(key)
		require.NoError(t, err)
		require.Equal(t, want, string(plaintext))
		plaintext, err = m.Open(key)
		if p.ts < 128 {
			require.Equal(t, sjcl.ErrShortTag, err)
			require.Nil(t, plaintext)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want, string(plaintext))
	})
}

func TestEmptyPlaintextIsNotNil(t *testing.T) {
	key := random(32)
	for _, adata := range []string{"", "adata"} {
		m := seal(t, key, random(16), nil, []byte(adata), 128).parse(t)
		require.NotNil(t, m.AData())
		for _, open := range []func([]byte) ([]byte, error){m.Open, m.OpenShortTag} {
			plaintext, err := open(key)
			require.NoError(t, err)
			require.Equal(t, []byte{}, plaintext)
		}
	}
}

// refuse checks that neither way of opening gives anything but the error.
func refuse(t *testing.T, want error, m *sjcl.Message, key []byte) {
	t.Helper()
	plaintext, err := m.OpenShortTag(key)
	require.Equal(t, want, err)
	require.Nil(t, plaintext)
	plaintext, err = m.Open(key)
	if m.TagBits() < 128 {
		want = sjcl.ErrShortTag
	}
	require.Equal(t, want, err)
	require.Nil(t, plaintext)
}

func TestEverySingleBitIsAuthenticated(t *testing.T) {
	everyKind(t, func(t *testing.T, key []byte, _ string, good parts) {
		p := good
		for _, p.ct = range testvec.BitFlips(good.ct) {
			refuse(t, sjcl.ErrOpen, p.parse(t), key)
		}
		p = good
		for _, p.iv = range testvec.BitFlips(good.iv) {
			refuse(t, sjcl.ErrOpen, p.parse(t), key)
		}
		p = good
		for _, p.adata = range testvec.BitFlips(good.adata) {
			refuse(t, sjcl.ErrOpen, p.parse(t), key)
		}
		for _, flipped := range testvec.BitFlips(key) {
			refuse(t, sjcl.ErrOpen, good.parse(t), flipped)
		}
	})
}

func TestOtherLengthsAreRefused(t *testing.T) {
	everyKind(t, func(t *testing.T, key []byte, _ string, good parts) {
		p := good
		for p.ct = range testvec.Lengths(good.ct) {
			m, err := sjcl.Parse([]byte(p.String()))
			if len(p.ct) < p.ts/8 {
				require.ErrorIs(t, err, sjcl.ErrMalformed)
				require.Nil(t, m)
				continue
			}
			require.NoError(t, err)
			refuse(t, sjcl.ErrOpen, m, key)
		}
		p = good
		for p.adata = range testvec.Lengths(good.adata) {
			refuse(t, sjcl.ErrOpen, p.parse(t), key)
		}
		p = good
		for p.iv = range testvec.Lengths(good.iv) {
			m, err := sjcl.Parse([]byte(p.String()))
			if len(p.iv) != 12 && len(p.iv) != 16 {
				require.ErrorIs(t, err, sjcl.ErrMalformed)
				continue
			}
			require.NoError(t, err)
			refuse(t, sjcl.ErrOpen, m, key)
		}
	})
}

// TestTagsCanBeCut is the reason for Open: the length of the tag is not
// authenticated.
func TestTagsCanBeCut(t *testing.T) {
	key := random(32)
	p := seal(t, key, random(16), []byte("plaintext"), nil, 128)
	p.ct, p.ts = p.ct[:len(p.ct)-8], 64
	m := p.parse(t)
	plaintext, err := m.OpenShortTag(key)
	require.NoError(t, err)
	require.Equal(t, "plaintext", string(plaintext))
	_, err = m.Open(key)
	require.Equal(t, sjcl.ErrShortTag, err)
}

func TestKeysOfOtherLengthsAreRefused(t *testing.T) {
	everyKind(t, func(t *testing.T, _ []byte, _ string, p parts) {
		m := p.parse(t)
		for n := range 66 {
			if n != 16 && n != 24 && n != 32 {
				refuse(t, sjcl.ErrKey, m, make([]byte, n))
			}
		}
	})
}

// TestSameAsAEADOpen compares both ways of opening with the standard library's.
func TestSameAsAEADOpen(t *testing.T) {
	for n := range 200 {
		for _, ivSize := range []int{12, 16} {
			key, adata := random(16+8*(n%3)), random(n*7%50)
			p := seal(t, key, random(ivSize), random(n), adata, 128)
			if n%4 == 3 {
				p.ct[n*5%len(p.ct)] ^= byte(1 << (n % 8))
			}
			want, wantErr := newGCM(t, key, ivSize).Open([]byte{}, p.iv, p.ct, adata)
			if wantErr != nil {
				refuse(t, sjcl.ErrOpen, p.parse(t), key)
				continue
			}
			for _, open := range []func([]byte) ([]byte, error){p.parse(t).Open, p.parse(t).OpenShortTag} {
				got, err := open(key)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
		}
	}
}

// recorder keeps what a cipher wrote, to look at it afterwards.
type recorder struct {
	cipher.AEAD
	wrote [][]byte
}

func (r *recorder) Seal(dst, nonce, plaintext, adata []byte) []byte {
	out := r.AEAD.Seal(dst, nonce, plaintext, adata)
	r.wrote = append(r.wrote, out)
	return out
}

func TestOnlyThePlaintextIsLeftBehind(t *testing.T) {
	key := random(32)
	p := seal(t, key, random(16), []byte("plaintext"), nil, 64)
	r := &recorder{AEAD: newGCM(t, key, 16)}
	plaintext, err := sjcl.OpenTruncated(r, p.iv, p.ct, p.adata, p.ts/8)
	require.NoError(t, err)
	require.Len(t, r.wrote, 2)
	require.Equal(t, append([]byte("plaintext"), make([]byte, 16)...), r.wrote[0], "no tag behind the plaintext")
	require.Equal(t, len(plaintext), cap(plaintext))
	require.Equal(t, make([]byte, 9+16), r.wrote[1])

	p.ct[0] ^= 1
	r.wrote = nil
	_, err = sjcl.OpenTruncated(r, p.iv, p.ct, p.adata, p.ts/8)
	require.Equal(t, sjcl.ErrOpen, err)
	require.Len(t, r.wrote, 2)
	for _, b := range r.wrote {
		require.Equal(t, make([]byte, 9+16), b)
	}
}

func TestMessagesShareNothing(t *testing.T) {
	key := random(32)
	text := []byte(seal(t, key, random(16), []byte("plaintext"), []byte("adata"), 128).String())
	m, err := sjcl.Parse(text)
	require.NoError(t, err)
	clear(text)
	clear(m.AData())
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for _, open := range []func([]byte) ([]byte, error){m.Open, m.OpenShortTag} {
				plaintext, err := open(key)
				if err != nil || !bytes.Equal(plaintext, []byte("plaintext")) {
					t.Errorf("%q, %v", plaintext, err)
				}
				clear(plaintext)
			}
		})
	}
	group.Wait()
}

func TestZeroMessageOpensUnderNoKey(t *testing.T) {
	var m sjcl.Message
	_, err := m.Open(make([]byte, 16))
	require.Equal(t, sjcl.ErrShortTag, err)
	plaintext, err := m.OpenShortTag(make([]byte, 16))
	require.ErrorContains(t, err, "sjcl: ")
	require.Nil(t, plaintext)
}

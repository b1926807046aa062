package proton_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/proton"
	"github.com/stretchr/testify/require"
)

func TestPhrases(t *testing.T) {
	for _, v := range testvec.Load[[]struct {
		Entropy     testvec.Hex `json:"entropy"`
		Words       string      `json:"words"`
		Secret      string      `json:"secret"`
		Salt        testvec.Hex `json:"salt"`
		KeyPassword string      `json:"key_password"`
	}](t, testdata, "testdata/phrases.json") {
		phrase, err := recovery.ParsePhrase(v.Words)
		require.NoError(t, err)
		require.Equal(t, []byte(v.Entropy), phrase.Entropy())
		secret, err := proton.PhraseSecret(phrase)
		require.NoError(t, err)
		require.Equal(t, v.Secret, string(secret))
		again, err := proton.ParsePhraseSecret(secret)
		require.NoError(t, err)
		require.Equal(t, v.Words, again.Words())
		if v.KeyPassword == "" || testing.Short() { // the Example has bcrypt too
			continue
		}
		password, err := proton.PhraseKeyPassword(again, v.Salt)
		require.NoError(t, err)
		require.Equal(t, v.KeyPassword, string(password))
	}
}

func TestPhrasesOfOthersAreRefused(t *testing.T) {
	long, err := recovery.NewPhrase(24)
	require.NoError(t, err)
	_, err = proton.PhraseSecret(long)
	require.ErrorIs(t, err, proton.ErrPolicy)
	_, err = proton.PhraseKeyPassword(long, make([]byte, 16))
	require.ErrorIs(t, err, proton.ErrPolicy)
	phrase, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	for _, n := range []int{0, 10, 15, 17} {
		password, err := proton.PhraseKeyPassword(phrase, make([]byte, n))
		require.Equal(t, proton.ErrMalformed, err)
		require.Nil(t, password)
	}

	const good = "AAECAwQFBgcICQoLDA0ODw=="
	_, err = proton.ParsePhraseSecret([]byte(good))
	require.NoError(t, err)
	for _, bad := range []string{
		"", good[:23], good[:22], good + "=", good + "\n", "\n" + good, good[:8] + "\n" + good[8:23], strings.Repeat("A", 24),
		"AAECAwQFBgcICQoLDA0ODx==", "AAECAwQFBgcICQoLDA0OD===", "AAECAwQFBgcICQoLDA0_Dw==", strings.Repeat("A", 44),
		"AAECAwQFBgcICQoLDA0O\n\nw==",
	} {
		phrase, err := proton.ParsePhraseSecret([]byte(bad))
		require.Equal(t, proton.ErrMalformed, err, "%q", bad)
		require.Nil(t, phrase)
	}
}

// TestPhraseRecoversKey: the user's key, locked for a phrase, opens a message sealed
// before, when the password and the key locked by it are lost.
func TestPhraseRecoversKey(t *testing.T) {
	if testing.Short() {
		t.Skip("bcrypt")
	}
	entity, key := generate(t, "alice", nil)
	message := seal(t, entity, "written before")
	phrase, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	salt := []byte("16 random bytes.")
	password, err := proton.PhraseKeyPassword(phrase, salt)
	require.NoError(t, err)
	require.Len(t, password, 31)
	locked, err := key.Lock(password) // for the server
	require.NoError(t, err)

	typed, err := recovery.ParsePhrase(strings.ToUpper(phrase.Words()))
	require.NoError(t, err)
	require.Equal(t, phrase.Entropy(), typed.Entropy())
	recovered, err := proton.ParseKey([]byte(locked), password)
	require.NoError(t, err)
	require.Equal(t, "written before", unseal(t, recovered.Bytes(), message))
	for _, other := range []struct {
		phrase *recovery.Phrase
		salt   []byte
	}{{phrase, bytes.ToUpper(salt)}, {newPhrase(t), salt}} {
		password, err := proton.PhraseKeyPassword(other.phrase, other.salt)
		require.NoError(t, err)
		_, err = proton.ParseKey([]byte(locked), password)
		require.Equal(t, proton.ErrPassphrase, err)
	}
}

func newPhrase(t testing.TB) *recovery.Phrase {
	p, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	return p
}

func FuzzPhraseSecret(f *testing.F) {
	f.Add([]byte("AAECAwQFBgcICQoLDA0ODw=="))
	f.Add([]byte("AAECAwQFBgcICQoLDA0ODx=="))
	f.Fuzz(func(t *testing.T, secret []byte) {
		phrase, err := proton.ParsePhraseSecret(secret)
		if err != nil {
			require.Equal(t, proton.ErrMalformed, err)
			require.Nil(t, phrase)
			return
		}
		again, err := proton.PhraseSecret(phrase)
		require.NoError(t, err)
		require.Equal(t, secret, again)
	})
}

package openpgp_test

import (
	"bytes"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	pgp "github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/signed_moduli.json
var testdata embed.FS

func messages(t testing.TB) []string {
	return testvec.Load[[]string](t, testdata, "testdata/signed_moduli.json")
}

func protonKey(t testing.TB) *openpgp.Key {
	key, err := openpgp.ParseKey(openpgp.ProtonKey)
	require.NoError(t, err)
	return key
}

func TestProtonsModuli(t *testing.T) {
	key := protonKey(t)
	for i, want := range []string{"e9cc08b5", "b5eddd84"} {
		message := messages(t)[i]
		n, err := key.Modulus([]byte(message))
		require.NoError(t, err)
		require.Len(t, n, openpgp.ModulusSize)
		require.Equal(t, want, hex.EncodeToString(n[:4]))
		require.NoError(t, key.GroupPolicy()(n, 2, []byte(message)))

		for name, form := range map[string]string{
			"a line end":  message + "\n",
			"CRLF":        strings.ReplaceAll(message, "\n", "\r\n"),
			"CRLF at end": strings.ReplaceAll(message+"\n", "\n", "\r\n"),
		} {
			again, err := key.Modulus([]byte(form))
			require.NoError(t, err, name)
			require.Equal(t, n, again, name)
		}
	}
}

func TestProtonKeyIsTheOneKnown(t *testing.T) {
	entities, err := pgp.ReadArmoredKeyRing(strings.NewReader(openpgp.ProtonKey))
	require.NoError(t, err)
	require.Len(t, entities, 1)
	require.Equal(t, uint64(0x350585C4E9518F26), entities[0].PrimaryKey.KeyId)
}

func TestGroupPolicyRefuses(t *testing.T) {
	key := protonKey(t)
	first, second := []byte(messages(t)[0]), []byte(messages(t)[1])
	n, err := key.Modulus(first)
	require.NoError(t, err)
	accept := key.GroupPolicy()
	require.ErrorIs(t, accept(n, 2, second), openpgp.ErrUntrusted)
	require.ErrorIs(t, accept(n, 5, first), openpgp.ErrUntrusted)
	require.ErrorIs(t, accept(n[1:], 2, first), openpgp.ErrUntrusted)
	require.ErrorIs(t, accept(nil, 2, first), openpgp.ErrUntrusted)
	require.ErrorIs(t, accept(n, 2, nil), openpgp.ErrUntrusted)
	require.ErrorContains(t, accept(n, 2, nil), "no certificate")
	require.ErrorContains(t, accept(n, 2, second), "another group")
	require.ErrorIs(t, accept(n, 2, first[1:]), openpgp.ErrMalformed)
}

// TestOtherFormsAreRefused: any other form of a message is refused, even if its
// signature verifies.
func TestOtherFormsAreRefused(t *testing.T) {
	key := protonKey(t)
	good := messages(t)[0]
	lines := strings.Split(good, "\n")
	edit := func(f func(l []string) []string) string {
		return strings.Join(f(append([]string(nil), lines...)), "\n")
	}
	for name, bad := range map[string]string{
		"empty":               "",
		"no message":          "hello",
		"text before":         "x\n" + good,
		"empty line before":   "\n" + good,
		"text after":          good + "\nx",
		"two line ends":       good + "\n\n",
		"a second message":    good + "\n" + good,
		"text inside":         edit(func(l []string) []string { l[3] = "x" + l[3]; return l }),
		"empty body":          edit(func(l []string) []string { l[3] = ""; return l }),
		"no body":             edit(func(l []string) []string { return append(l[:3], l[4:]...) }),
		"two lines":           edit(func(l []string) []string { l[3] = l[3][:172] + "\n" + l[3][172:]; return l }),
		"trailing blank":      edit(func(l []string) []string { l[3] += " "; return l }),
		"dash escape":         edit(func(l []string) []string { l[3] = "- " + l[3]; return l }),
		"no header":           edit(func(l []string) []string { return append(l[:1], l[2:]...) }),
		"another header":      edit(func(l []string) []string { l[1] = "Comment: hi"; return l }),
		"a second header":     edit(func(l []string) []string { l[1] += "\nHash: SHA512"; return l }),
		"no signature":        strings.Join(lines[:4], "\n"),
		"an empty signature":  strings.Join(append(lines[:4:4], lines[4], "", lines[len(lines)-1]), "\n"),
		"signature cut short": strings.Join(lines[:len(lines)-1], "\n"),
		"only the header":     "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----",
		"too long":            good + strings.Repeat(" ", openpgp.MaxMessage),
		"a NUL":               strings.Replace(good, "Hash", "\x00Hash", 1),
	} {
		n, err := key.Modulus([]byte(bad))
		require.ErrorIs(t, err, openpgp.ErrMalformed, name)
		require.Nil(t, n, name)
	}
}

func TestAnotherBodyIsRefused(t *testing.T) {
	key := protonKey(t)
	a, b := strings.Split(messages(t)[0], "\n"), strings.Split(messages(t)[1], "\n")
	a[3], b[3] = b[3], a[3]
	for _, lines := range [][]string{a, b} {
		_, err := key.Modulus([]byte(strings.Join(lines, "\n")))
		require.ErrorIs(t, err, openpgp.ErrUntrusted)
	}
}

// TestEveryBitCounts: a flipped bit in the signed line never gives a modulus.
// Elsewhere it never gives another modulus, because OpenPGP has fields around a
// signature that nothing covers.
func TestEveryBitCounts(t *testing.T) {
	key := protonKey(t)
	good := []byte(messages(t)[0])
	n, err := key.Modulus(good)
	require.NoError(t, err)
	body := bytes.Index(good, []byte("\n\n")) + 2
	for bit, flipped := range testvec.BitFlips(good) {
		got, err := key.Modulus(flipped)
		if bit/8 >= body && bit/8 < body+344 {
			require.Error(t, err, "bit %d", bit)
		}
		if err == nil {
			require.Equal(t, n, got, "bit %d", bit)
		}
	}
}

// signer returns a key that signs what Proton would not sign.
func signer(t testing.TB) (*pgp.Entity, *openpgp.Key) { return signerWith(t, nil) }

func signerWith(t testing.TB, config *packet.Config) (*pgp.Entity, *openpgp.Key) {
	e, err := pgp.NewEntity("test", "", "test@example.org", config)
	require.NoError(t, err)
	var buf bytes.Buffer
	w, err := armor.Encode(&buf, pgp.PublicKeyType, nil)
	require.NoError(t, err)
	require.NoError(t, e.Serialize(w))
	require.NoError(t, w.Close())
	key, err := openpgp.ParseKey(buf.String())
	require.NoError(t, err)
	return e, key
}

func sign(t testing.TB, body string, keys ...*packet.PrivateKey) []byte {
	return signWith(t, &packet.Config{}, body, keys...)
}

func signWith(t testing.TB, config *packet.Config, body string, keys ...*packet.PrivateKey) []byte {
	var buf bytes.Buffer
	w, err := clearsign.EncodeMulti(&buf, keys, config)
	require.NoError(t, err)
	fmt.Fprint(w, body)
	require.NoError(t, w.Close())
	return buf.Bytes()
}

func modulusText(change func(le []byte)) string {
	le := bytes.Repeat([]byte{0xa5}, 256)
	le[0] = 0x0b
	change(le)
	return base64.StdEncoding.EncodeToString(le)
}

func TestSignedNumbersThatAreNoModulus(t *testing.T) {
	e, key := signer(t)
	good := modulusText(func([]byte) {})
	_, err := key.Modulus(sign(t, good, e.PrivateKey))
	require.NoError(t, err)
	for name, text := range map[string]string{
		"2047 bits":      modulusText(func(le []byte) { le[255] = 0x7f }),
		"≡ 7 mod 8":      modulusText(func(le []byte) { le[0] = 0x0f }),
		"≡ 1 mod 8":      modulusText(func(le []byte) { le[0] = 0x01 }),
		"even":           modulusText(func(le []byte) { le[0] = 0x02 }),
		"255 bytes":      base64.StdEncoding.EncodeToString(make([]byte, 255)),
		"258 bytes":      base64.StdEncoding.EncodeToString(make([]byte, 258)),
		"URL alphabet":   strings.ReplaceAll(strings.ReplaceAll(modulusText(func(le []byte) { le[9], le[10], le[11] = 255, 255, 255 }), "+", "-"), "/", "_"),
		"dead bits set":  good[:len(good)-3] + "R==",
		"not base64":     strings.Repeat("!", 344),
		"two numbers":    good + "\n" + good,
		"nothing at all": "",
	} {
		_, err := key.Modulus(sign(t, text, e.PrivateKey))
		require.ErrorIs(t, err, openpgp.ErrMalformed, name)
	}
}

func TestOtherKeysAreRefused(t *testing.T) {
	e, key := signer(t)
	other, _ := signer(t)
	body := modulusText(func([]byte) {})
	_, err := protonKey(t).Modulus(sign(t, body, e.PrivateKey))
	require.ErrorIs(t, err, openpgp.ErrUntrusted)
	_, err = key.Modulus(sign(t, body, other.PrivateKey))
	require.ErrorIs(t, err, openpgp.ErrUntrusted)
	_, err = key.Modulus([]byte(messages(t)[0]))
	require.ErrorIs(t, err, openpgp.ErrUntrusted)
	_, err = key.Modulus(sign(t, body, other.PrivateKey, e.PrivateKey))
	require.ErrorIs(t, err, openpgp.ErrMalformed, "a second signature")
}

// TestKeysMayExpire: a message that was signed while the key was valid stays
// valid, also for a client whose clock is behind.
func TestKeysMayExpire(t *testing.T) {
	body := modulusText(func([]byte) {})
	at := func(made time.Time) *packet.Config {
		return &packet.Config{Time: func() time.Time { return made }}
	}
	now := time.Now()
	short := at(now.Add(-48 * time.Hour))
	short.KeyLifetimeSecs = 3600
	e, key := signerWith(t, short)
	for name, c := range map[string]struct {
		made time.Time
		want error
	}{
		"while the key was valid": {now.Add(-48*time.Hour + time.Minute), nil},
		"after it had expired":    {now.Add(-46 * time.Hour), openpgp.ErrUntrusted},
		"now":                     {now, openpgp.ErrUntrusted},
		"before it was made":      {now.Add(-50 * time.Hour), openpgp.ErrUntrusted},
	} {
		_, err := key.Modulus(signWith(t, at(c.made), body, e.PrivateKey))
		require.ErrorIs(t, err, c.want, name)
	}
	e, key = signerWith(t, at(now.Add(time.Hour)))
	_, err := key.Modulus(signWith(t, at(now.Add(2*time.Hour)), body, e.PrivateKey))
	require.NoError(t, err, "the clock is behind")
}

// TestOtherSignatureTypesAreRefused: a signature over binary data, for the same
// number.
func TestOtherSignatureTypesAreRefused(t *testing.T) {
	e, key := signer(t)
	body := modulusText(func([]byte) {})
	good := string(sign(t, body, e.PrivateKey))
	_, err := key.Modulus([]byte(good))
	require.NoError(t, err)
	var binary bytes.Buffer
	require.NoError(t, pgp.ArmoredDetachSign(&binary, e, strings.NewReader(body), nil))
	before, _, ok := strings.Cut(good, "-----BEGIN PGP SIGNATURE-----")
	require.True(t, ok)
	_, err = key.Modulus([]byte(before + binary.String()))
	require.ErrorIs(t, err, openpgp.ErrMalformed)
}

func TestParseKeyRefuses(t *testing.T) {
	e, _ := signer(t)
	var private bytes.Buffer
	w, err := armor.Encode(&private, pgp.PrivateKeyType, nil)
	require.NoError(t, err)
	require.NoError(t, e.SerializePrivateWithoutSigning(w, nil))
	require.NoError(t, w.Close())
	for name, armored := range map[string]string{
		"empty":       "",
		"garbage":     "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----",
		"private":     private.String(),
		"message":     messages(t)[0],
		"text before": "x\n" + openpgp.ProtonKey,
		"text after":  openpgp.ProtonKey + "x",
		"two keys":    openpgp.ProtonKey + openpgp.ProtonKey,
		"cut":         openpgp.ProtonKey[:len(openpgp.ProtonKey)-10],
		"long":        openpgp.ProtonKey + strings.Repeat("\n", 1<<20),
	} {
		_, err := openpgp.ParseKey(armored)
		require.ErrorIs(t, err, openpgp.ErrMalformed, name)
	}
}

func TestConcurrentUse(t *testing.T) {
	key := protonKey(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, m := range messages(t) {
				if _, err := key.Modulus([]byte(m)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzModulus(f *testing.F) {
	for _, m := range messages(f) {
		f.Add([]byte(m))
		f.Add([]byte(m)[:400])
	}
	f.Add([]byte("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n\n-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----"))
	key := protonKey(f)
	known := make(map[string]bool)
	for _, m := range messages(f) {
		n, err := key.Modulus([]byte(m))
		require.NoError(f, err)
		known[string(n)] = true
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		n, err := key.Modulus(message)
		if err == nil {
			require.True(t, known[string(n)], "a modulus that Proton never signed")
			return
		}
		require.Nil(t, n)
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add(openpgp.ProtonKey)
	f.Fuzz(func(t *testing.T, armored string) {
		key, err := openpgp.ParseKey(armored)
		require.Equal(t, err == nil, key != nil)
	})
}

func ExampleKey_Modulus() {
	key, err := openpgp.ParseKey(openpgp.ProtonKey)
	if err != nil {
		panic(err)
	}
	n, err := key.Modulus([]byte(exampleMessage))
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d bits, ends in %x\n", 8*len(n), n[254:])
	// Output: 2048 bits, ends in a4cb
}

var exampleMessage = func() string {
	raw, err := testdata.ReadFile("testdata/signed_moduli.json")
	if err != nil {
		panic(err)
	}
	_, text, _ := strings.Cut(string(raw), `"-----BEGIN`)
	text, _, _ = strings.Cut(text, `",`)
	return "-----BEGIN" + strings.ReplaceAll(text, `\n`, "\n")
}()

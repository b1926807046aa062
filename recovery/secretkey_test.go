package recovery_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// secretKeys are known answers. Their last characters were computed without
// this package.
var secretKeys = map[string]string{
	"000102030405060708090a0b0c0d0e0f": "NSK1-000G4-0R40M-30E20-9185G-R38E1-WF",
	"ffffffffffffffffffffffffffffffff": "NSK1-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-WB",
	"00000000000000000000000000000001": "NSK1-00000-00000-00000-00000-00000-4P",
	"80000000000000000000000000000000": "NSK1-G0000-00000-00000-00000-00000-05",
	"9f8e7d6c5b4a39281706f5e4d3c2b1a0": "NSK1-KY77T-V2V98-WJG5R-6YQJD-7GNHM-06",
}

func unhex(text string) []byte { return must(hex.DecodeString(text)) }

func TestSecretKeyText(t *testing.T) {
	for key, text := range secretKeys {
		want := unhex(key)
		require.Equal(t, text, recovery.SecretKeyOf([16]byte(want)).Text())
		require.Equal(t, text, refSecretKeyText(want))
		for _, typed := range []string{
			text, strings.ToLower(text), strings.ReplaceAll(text, "-", ""), strings.ReplaceAll(text, "-", " "), " " + text + "\r\n",
			strings.ReplaceAll(text, "-", "-\t-"), strings.ReplaceAll(text, "0", "O"), strings.ReplaceAll(text, "0", "o"),
			strings.ReplaceAll(text, "1", "I"), strings.ReplaceAll(text, "1", "l"), strings.Join(strings.Split(text, ""), " "),
		} {
			k, err := recovery.ParseSecretKey(typed)
			require.NoError(t, err, typed)
			require.Equal(t, want, recovery.SecretKeyBytes(k), typed)
		}
	}
	seen := make(map[string]bool)
	for range 100 {
		k := recovery.NewSecretKey()
		require.Equal(t, refSecretKeyText(recovery.SecretKeyBytes(k)), k.Text())
		again, err := recovery.ParseSecretKey(k.Text())
		require.NoError(t, err)
		require.Equal(t, recovery.SecretKeyBytes(k), recovery.SecretKeyBytes(again))
		seen[k.Text()] = true
	}
	require.Len(t, seen, 100)
}

// canonical is a text in one spelling, without what a parser ignores.
func canonical(text string) string {
	text = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(norm.NFKD.String(text)))
	return strings.Join(strings.FieldsFunc(text, isListed), "")
}

// TestSecretKeyTypos tries all wrong characters and all swapped neighbours.
func TestSecretKeyTypos(t *testing.T) {
	refuse := func(text string) {
		k, err := recovery.ParseSecretKey(text)
		require.Equal(t, recovery.ErrMalformed, err, text)
		require.Nil(t, k)
	}
	for key, text := range secretKeys {
		if testing.Short() && key[:2] != "9f" {
			continue
		}
		text = strings.ReplaceAll(text, "-", "")
		for i := range len(text) {
			for c := range 256 {
				wrong := text[:i] + string([]byte{byte(c)}) + text[i+1:]
				if canonical(wrong) != text {
					refuse(wrong)
				}
			}
			if i > 0 && text[i] != text[i-1] {
				refuse(text[:i-1] + text[i:i+1] + text[i-1:i] + text[i+1:])
			}
			refuse(text[:i])
			refuse(text[:i] + text[i+1:])
			refuse(text[:i] + text[i:i+1] + text[i:])
		}
		for _, c := range crockford + "U!é" {
			refuse(text + string(c))
			refuse(string(c) + text)
		}
	}
}

// TestSecretKeyForm refuses texts with a right check character that are not
// keys.
func TestSecretKeyForm(t *testing.T) {
	check := func(chars string) string { return string(crockford[recovery.CheckCharacter(chars)]) }
	const chars = "000G40R40M30E209185GR38E1W"
	require.Equal(t, "F", check(chars))
	for _, last := range "XYZ" { // the padding is not zero
		padded := chars[:25] + string(last)
		_, err := recovery.ParseSecretKey("NSK1" + padded + check(padded))
		require.Equal(t, recovery.ErrMalformed, err)
	}
	zero := strings.Repeat("0", 26)
	for _, text := range []string{
		"", "NSK1", "NSK1" + zero + check(zero), "NSK2" + chars + "F", chars + "F", "NSK1NSK1" + chars + "F",
		"NSK1" + chars[:25] + "WW" + check(chars[:25]+"WW"), "NSK1" + chars[:24] + check(chars[:24]),
		"NSK1" + chars + "F" + strings.Repeat(" ", 4<<10-30), strings.Repeat("NSK1", 1<<16), "NSK1/" + chars + "F", "NSK1 " + chars + ":F",
		"NSK1" + chars + "\xff", "1. NSK1" + chars + "F", "(NSK1" + chars + "F)", "NſK1" + chars + "Fı",
	} {
		_, err := recovery.ParseSecretKey(text)
		require.Equal(t, recovery.ErrMalformed, err, text)
	}
}

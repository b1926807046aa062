package kdf_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/stretchr/testify/require"
)

// TestFIPSOnly runs once more in FIPS 140-only mode, which a program starts in.
// There crypto/hmac panics for short keys.
func TestFIPSOnly(t *testing.T) {
	if !fips140.Enforced() {
		again := exec.Command(os.Args[0], "-test.run=^TestFIPSOnly$", "-test.v")
		again.Env = append(os.Environ(), "GODEBUG=fips140=only")
		out, err := again.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "in FIPS 140-only mode")
		return
	}
	t.Log("in FIPS 140-only mode")
	f := exact(t, must(kdf.NewPBKDF2SHA512(1000)), []byte("saltsaltsaltsalt"))
	for n := 1; n < 20; n++ {
		_, err := f.Derive(t.Context(), []byte(strings.Repeat("p", n)), 32)
		if n < 14 {
			require.ErrorIs(t, err, kdf.ErrPassword)
		} else {
			require.NoError(t, err)
		}
	}
	_, err := kdf.Calibrate(t.Context(), kdf.PBKDF2SHA512, time.Millisecond, kdf.Policy{})
	require.NoError(t, err)
}

package wrap_test

import (
	"crypto/fips140"
	"encoding/base64"
	"os"
	"os/exec"
	"testing"

	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// TestFIPSOnly runs once more in FIPS 140-only mode, which a program starts in.
// There neither suite works, and nothing panics.
func TestFIPSOnly(t *testing.T) {
	kek := fill(0x11)
	if !fips140.Enforced() {
		for _, s := range suites {
			again := exec.Command(os.Args[0], "-test.run=^TestFIPSOnly$", "-test.v")
			again.Env = append(os.Environ(), "GODEBUG=fips140=only",
				"BLOB="+base64.StdEncoding.EncodeToString(must(keyOf(kek, s).Wrap(t.Context(), []byte("secret"), binding))))
			out, err := again.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), "in FIPS 140-only mode")
		}
		return
	}
	t.Log("in FIPS 140-only mode")
	blob := must(base64.StdEncoding.DecodeString(os.Getenv("BLOB")))
	k := keyOf(kek, wrap.Suite(blob[1]))
	_, err := k.Wrap(t.Context(), []byte("secret"), binding)
	require.ErrorContains(t, err, "FIPS 140-only mode")
	_, err = k.Unwrap(t.Context(), blob, binding)
	require.ErrorContains(t, err, "FIPS 140-only mode")
}

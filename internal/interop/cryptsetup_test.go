package interop_test

import (
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/stretchr/testify/require"
)

// TestCalibrateBesideCryptsetup: with the same target and the same memory,
// Calibrate chooses costs within a factor of two of what Debian's cryptsetup
// chooses on this machine. A machine that is busy for one of the two and not for
// the other gets more tries.
func TestCalibrateBesideCryptsetup(t *testing.T) {
	const target, memory = time.Second, 256 << 10 // KiB
	policy := kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxMemory: memory}}
	for _, c := range []struct {
		algorithm kdf.Algorithm
		args      []string
		cost      *regexp.Regexp // the numbers in it, multiplied, are the cost of the target
	}{
		{kdf.Argon2id, []string{"--pbkdf", "argon2id", "--iter-time", "1000", "--pbkdf-memory", "262144", "--pbkdf-parallel", "4"},
			regexp.MustCompile(`argon2id +(\d+) iterations, (\d+) memory`)},
		{kdf.PBKDF2SHA512, []string{"--pbkdf", "pbkdf2", "--hash", "sha512"},
			regexp.MustCompile(`PBKDF2-sha512 +(\d+) iterations per second`)},
	} {
		t.Run(c.algorithm.String(), func(t *testing.T) {
			var ratio float64
			for range 4 {
				out, err := exec.CommandContext(t.Context(), "cryptsetup", append([]string{"benchmark"}, c.args...)...).Output()
				require.NoError(t, err)
				numbers := c.cost.FindSubmatch(out)
				require.NotNil(t, numbers, "%s", out)
				theirs := 1.0
				for _, n := range numbers[1:] {
					v, err := strconv.ParseFloat(string(n), 64)
					require.NoError(t, err)
					theirs *= v
				}
				report, err := kdf.Calibrate(t.Context(), c.algorithm, target, policy)
				require.NoError(t, err)
				ratio = float64(report.Params.Cost()) / theirs
				t.Logf("%v, cryptsetup's cost %.0f: %.2f times as much", report, theirs, ratio)
				if ratio > 0.5 && ratio < 2 {
					return
				}
			}
			t.Errorf("the costs are %.2f times those of cryptsetup", ratio)
		})
	}
}

package server

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRFC6238 is Appendix B of RFC 6238, with SHA-1.
func TestRFC6238(t *testing.T) {
	for unix, code := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471",
		1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		require.Equal(t, code, totpCode([]byte("12345678901234567890"), unix/totpStep, 8))
	}
}

// TestRFC4226 is Appendix D of RFC 4226.
func TestRFC4226(t *testing.T) {
	for count, code := range []string{
		"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
	} {
		require.Equal(t, code, totpCode([]byte("12345678901234567890"), int64(count), 6))
	}
}

// TestStepsOnce: a code is good for its step and its neighbours, and no step is
// accepted after itself or a later one.
func TestStepsOnce(t *testing.T) {
	secret, now := []byte("12345678901234567890"), time.Unix(1_000_000_010, 0)
	current := now.Unix() / totpStep
	for offset := int64(-3); offset <= 3; offset++ {
		step, ok := totpCheck(secret, totpCode(secret, current+offset, 6), now, 0)
		require.Equal(t, offset >= -1 && offset <= 1, ok, offset)
		if ok {
			require.Equal(t, current+offset, step)
		}
		for last := current - 2; last <= current+2; last++ {
			_, ok := totpCheck(secret, totpCode(secret, current+offset, 6), now, last)
			require.Equal(t, offset >= -1 && offset <= 1 && current+offset > last, ok)
		}
	}
	for _, code := range []string{"", "0", "0000000", " 81804", "08180４"} {
		_, ok := totpCheck(secret, code, now, 0)
		require.False(t, ok, code)
	}
}

package recovery_test

import (
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestSizes are those that the package documentation gives.
func TestSizes(t *testing.T) {
	one := create(t, recovery.NewPassword([]byte("with the default KDF"), nil))
	size := 132 + 2593
	require.Equal(t, size, len(one.Bytes()))
	for _, s := range []struct {
		recovery.Sealer
		size int
	}{{export(1), 2610}, {phrase(t), 2579}, {recovery.NewFile(), 2578}, {passkey(1), 2643 + len("example.org")}} {
		_, err := one.Add(t.Context(), s.Sealer)
		require.NoError(t, err)
		size += s.size
		require.Equal(t, size, len(one.Bytes()), s.Type())
	}
	require.NoError(t, one.Rotate(t.Context()))
	require.Equal(t, size+110, len(one.Bytes()))
}

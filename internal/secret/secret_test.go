package secret_test

import (
	"testing"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

type login struct {
	name     string
	password secret.Value[[]byte]
}

func TestValue(t *testing.T) {
	v := secret.New([]byte("correct horse"))
	require.Equal(t, "correct horse", string(*v.Get()))
	clear(*v.Get())
	require.Equal(t, make([]byte, 13), *v.Get(), "one value, not a copy for each caller")
	*v.Get() = nil
	require.Nil(t, *v.Get())
}

func TestNilValue(t *testing.T) {
	var v secret.Value[[]byte]
	require.Nil(t, *v.Get())
	*v.Get() = []byte("dropped")
	require.Nil(t, *v.Get())
}

// TestNothingPrints: the struct has no Format method of its own, so that only
// Value hides the password.
func TestNothingPrints(t *testing.T) {
	password := []byte("correct horse")
	l := login{name: "alice", password: secret.New(password)}
	testvec.Redacted(t, l, password)
	testvec.Redacted(t, &l, password)
}

package client

import (
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

func TestOnlyCodesAreSent(t *testing.T) {
	for _, typed := range []string{"", "123456", "123 456", "K7M-2QX", "abcde-fghij", " 123456\n", "0123456789abcdef"} {
		require.NoError(t, checkCode(typed), typed)
	}
	for _, words := range []int{12, 24} {
		phrase, err := recovery.NewPhrase(words)
		require.NoError(t, err)
		require.ErrorIs(t, checkCode(phrase.Words()), ErrNotACode)
	}
	require.ErrorIs(t, checkCode("0123456789abcdefg"), ErrNotACode)
}

package kdf_test

import (
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/stretchr/testify/require"
)

func FuzzBinary(f *testing.F) {
	for _, c := range encodings {
		f.Add([]byte(c.binary))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p kdf.Params
		if p.UnmarshalBinary(b) != nil {
			require.Zero(t, p)
			return
		}
		again, err := p.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, b, again)
		require.LessOrEqual(t, len(b), kdf.MaxBinary)
		fuzzParams(t, p)
	})
}

func FuzzText(f *testing.F) {
	for _, c := range encodings {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := kdf.ParseParams(text)
		if err != nil {
			require.Zero(t, p)
			return
		}
		require.Equal(t, text, p.String())
		fuzzParams(t, p)
	})
}

// fuzzParams: one form leads to the other, and what the zero policy allows is
// bounded, whoever wrote it.
func fuzzParams(t *testing.T, p kdf.Params) {
	b, err := p.MarshalBinary()
	require.NoError(t, err)
	var q kdf.Params
	require.NoError(t, q.UnmarshalBinary(b))
	require.Equal(t, p, q)
	q, err = kdf.ParseParams(p.String())
	require.NoError(t, err)
	require.Equal(t, p, q)
	if _, err := kdf.New(p, kdf.Policy{}); err != nil {
		return
	}
	require.LessOrEqual(t, p.Memory(), uint64(1<<30+4<<10))
	require.GreaterOrEqual(t, len(p.Salt()), 16)
	switch p.Algorithm() {
	case kdf.PBKDF2SHA512:
		require.LessOrEqual(t, p.Cost(), uint64(1<<26))
		require.GreaterOrEqual(t, p.Cost(), uint64(210_000))
	case kdf.Argon2id:
		require.LessOrEqual(t, p.Cost(), uint64(4<<20))
		require.GreaterOrEqual(t, p.Cost(), uint64(38<<10))
	case kdf.Scrypt:
		require.LessOrEqual(t, p.Cost(), uint64(1<<25))
		require.GreaterOrEqual(t, p.Cost(), uint64(1<<19))
	}
}

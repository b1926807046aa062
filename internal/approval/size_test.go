package approval_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/stretchr/testify/require"
)

// TestMaxMessage: the longest message is a grant by QR code.
func TestMaxMessage(t *testing.T) {
	require.Equal(t, 5264, approval.MaxMessage)
	require.Equal(t, approval.MaxMessage, approval.EncSize+approval.MaxPayload+approval.TagSize+approval.MACSize)
	for _, size := range []int{1, approval.MaxPayload} {
		payload := bytes.Repeat([]byte{7}, size)
		r, c := newScan(t, approval.Share)
		grant, err := c.Grant(payload)
		require.NoError(t, err)
		require.Len(t, grant, 1168+size)
		got, _, err := r.Open(grant, "")
		require.NoError(t, err)
		require.Equal(t, payload, got)

		s := newSession(t, approval.Share)
		require.NoError(t, s.a.Check(s.atR))
		grant, err = s.a.Grant(payload)
		require.NoError(t, err)
		require.Len(t, grant, 16+size)
		got, _, err = s.r.Open(grant, s.atA)
		require.NoError(t, err)
		require.Equal(t, payload, got)
		for _, message := range [][]byte{s.ask, s.answer, s.reveal, grant} {
			require.LessOrEqual(t, len(message), approval.MaxMessage)
		}
	}
}

// TestLengthsOfGrants: a payload that no approver of this package seals is
// refused before any work.
func TestLengthsOfGrants(t *testing.T) {
	r := newRequest(t, approval.Device)
	r.QR()
	for _, n := range []int{0, 1, 32, 1120, 1151, 1168, 5265, 1 << 20} {
		requireRefuses(t, approval.ErrMalformed, r, make([]byte, n), "", n)
	}
	for _, n := range []int{1169, 5264} {
		requireRefuses(t, approval.ErrUntrusted, r, make([]byte, n), "", n)
	}
	require.NotNil(t, r.Ask(), "it goes on")

	s := newSession(t, approval.Device)
	for _, n := range []int{0, 1, 16, 4113, 5264, 1 << 20} {
		requireRefuses(t, approval.ErrMalformed, s.r, make([]byte, n), s.atA, n)
	}
	for _, n := range []int{17, 4112} {
		requireRefuses(t, approval.ErrUntrusted, s.r, make([]byte, n), s.atA, n)
	}
	requireOpens(t, s.r, s.grant(t), s.atA)
}

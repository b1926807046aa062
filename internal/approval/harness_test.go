package approval_test

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/stretchr/testify/require"
)

var (
	account = [16]byte(bytes.Repeat([]byte{0x42}, 16))
	other   = [16]byte(bytes.Repeat([]byte{0x43}, 16)) // another account
	payload = []byte("what the approver hands over")
)

var purposes = []approval.Purpose{approval.Device, approval.Share}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

func newRequest(t testing.TB, p approval.Purpose) *approval.Request {
	r, err := approval.NewRequest(p, account)
	require.NoError(t, err)
	return r
}

// session is an approval by short code before anyone has typed a half.
type session struct {
	r        *approval.Request
	a        *approval.Approval
	atR, atA string // the halves on the screens
	ask      []byte
	answer   []byte
	reveal   []byte
}

func newSession(t testing.TB, p approval.Purpose) *session {
	s := &session{r: newRequest(t, p)}
	s.ask = s.r.Ask()
	var err error
	s.a, err = approval.Begin(p, account, s.ask)
	require.NoError(t, err)
	s.answer = s.a.Answer()
	s.reveal, s.atR, err = s.r.Reveal(s.answer)
	require.NoError(t, err)
	s.atA, err = s.a.Code(s.reveal)
	require.NoError(t, err)
	return s
}

// grant types the requester's half at the approver.
func (s *session) grant(t testing.TB) []byte {
	require.NoError(t, s.a.Check(s.atR))
	grant, err := s.a.Grant(payload)
	require.NoError(t, err)
	return grant
}

// newScan returns a request and a scan of its QR code.
func newScan(t testing.TB, p approval.Purpose) (*approval.Request, *approval.Scan) {
	r := newRequest(t, p)
	c, err := approval.ScanQR(p, account, r.QR(), r.Ask())
	require.NoError(t, err)
	return r, c
}

// requireOpens opens a grant and compares the payload and the seed.
func requireOpens(t testing.TB, r *approval.Request, grant []byte, typed string) {
	t.Helper()
	want, _, _ := approval.RandomOf(r)
	got, seed, err := r.Open(grant, typed)
	require.NoError(t, err)
	require.Equal(t, payload, got)
	require.Equal(t, want, seed)
	requireRequestOver(t, r)
}

// requireRefuses requires an error of Open and nothing else from it.
func requireRefuses(t testing.TB, want error, r *approval.Request, grant []byte, typed string, msg ...any) {
	t.Helper()
	got, seed, err := r.Open(grant, typed)
	require.Equal(t, want, err, msg...)
	require.Nil(t, got, msg...)
	require.Nil(t, seed, msg...)
}

func requireRequestOver(t testing.TB, r *approval.Request, msg ...any) {
	t.Helper()
	requireRefuses(t, approval.ErrUsed, r, nil, "", msg...)
	_, _, err := r.Reveal(make([]byte, 1152))
	require.Equal(t, approval.ErrUsed, err, msg...)
	require.Empty(t, r.QR(), msg...)
	require.Nil(t, r.Ask(), msg...)
}

func requireApprovalOver(t testing.TB, a *approval.Approval, msg ...any) {
	t.Helper()
	_, err := a.Code(make([]byte, 32))
	require.Equal(t, approval.ErrUsed, err, msg...)
	require.Equal(t, approval.ErrUsed, a.Check(""), msg...)
	grant, err := a.Grant(payload)
	require.Equal(t, approval.ErrUsed, err, msg...)
	require.Nil(t, grant, msg...)
}

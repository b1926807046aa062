package approval

import (
	"crypto/hpke"
	"testing"

	"github.com/nescio-go/nescio/internal/secret"
)

// Sizes whose sums the tests check.
const (
	EncSize = encSize
	TagSize = tagSize
	MACSize = macSize
)

// Matches compares what a user has typed with the six characters of a half.
var Matches = matches

// ReadQR reads the text of a QR code and writes it again.
func ReadQR(text string) (again string, ok bool) {
	q, ok := parseQR(text)
	if !ok {
		return "", false
	}
	return q.text(), true
}

// RequestOf returns the request with these random values, which NewRequest
// draws.
func RequestOf(t testing.TB, p Purpose, account [16]byte, seed, qr, r1 []byte) *Request {
	s := requestState{live: true, seed: [seedSize]byte(seed), r1: [nonceSize]byte(r1)}
	copy(s.qr[:], qr)
	private, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	if err != nil {
		t.Fatal(err)
	}
	return &Request{subject: subject{p, account, private.PublicKey().Bytes()}, state: secret.New(s)}
}

// RandomOf returns copies of what NewRequest has drawn.
func RandomOf(r *Request) (seed, qr, r1 []byte) {
	s := *r.state.Get()
	return s.seed[:], s.qr[:], s.r1[:]
}

// Again returns a copy of a request that has not ended.
func Again(r *Request) *Request {
	return &Request{subject: r.subject, state: secret.New(*r.state.Get())}
}

// HalvesOfRequest returns both halves of a request's short code.
func HalvesOfRequest(r *Request) (requester, approver string) { return halvesOf(r.state.Get().t) }

// HalvesOfApproval returns both halves of an approval's short code.
func HalvesOfApproval(a *Approval) (requester, approver string) { return halvesOf(a.state.Get().t) }

func halvesOf(t []byte) (requester, approver string) {
	return show(requesterHalf(t)), show(approverHalf(t))
}

// WatchRequest returns a function that reports whether the memory of a
// request's state is empty.
func WatchRequest(r *Request) (wiped func() bool) {
	s := r.state.Get()
	return func() bool {
		return !s.live && s.seed == [seedSize]byte{} && s.qr == [qrSecretSize]byte{} && s.r1 == [nonceSize]byte{} &&
			!s.shown && s.enc == nil && s.t == nil
	}
}

// WatchApproval is WatchRequest for an approval.
func WatchApproval(a *Approval) (wiped func() bool) {
	s := a.state.Get()
	return func() bool { return s.sender == nil && s.t == nil && !s.checked }
}

// WatchScan is WatchRequest for a scan.
func WatchScan(c *Scan) (wiped func() bool) {
	s := c.state.Get()
	return func() bool { return *s == scanState{} }
}

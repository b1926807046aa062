package recovery

import (
	"bytes"
	"crypto/rand"
	"reflect"
	"testing"

	"github.com/nescio-go/nescio/internal/secret"
)

// QRWith is a QR code's text with another public key's hash.
func QRWith(text string, digest [32]byte) string {
	q, _ := parseQR(text)
	q.publicKey = digest
	return q.text()
}

// ReadQR reads the text of a QR code and writes it again.
func ReadQR(text string) (again string, ok bool) {
	q, ok := parseQR(text)
	if !ok {
		return "", false
	}
	return q.text(), true
}

// Again is a copy of a request that nothing was granted to.
func Again(r *Request) *Request {
	again := &Request{secrets: secret.New(*r.secrets.Get())}
	again.secrets.Get().over = false
	return again
}

// RequestOf is the request of these random values, which NewRequest draws.
func RequestOf(t testing.TB, p Purpose, account, seed, qr, r1 []byte) *Request {
	s := requestSecrets{purpose: p, account: [16]byte(account), seed: [keySize]byte(seed), r1: [nonceSize]byte(r1)}
	copy(s.qr[:], qr)
	var err error
	if s.publicKey, s.private, err = slotPublicKey(seed); err != nil {
		t.Fatal(err)
	}
	return &Request{secrets: secret.New(s)}
}

// RandomOf is what NewRequest has drawn.
func RandomOf(r *Request) (seed, qr, r1 []byte) {
	s := *r.secrets.Get()
	return s.seed[:], s.qr[:], s.r1[:]
}

// WatchRequest reports whether nothing is left in the memory of a request's secrets.
func WatchRequest(r *Request) (wiped func() bool) {
	s := r.secrets.Get()
	return func() bool { return reflect.DeepEqual(*s, requestSecrets{over: true}) }
}

// KeptBy is the share that an approval keeps.
func KeptBy(a *Approval) []byte { return *a.kept.Get() }

// WatchGrant watches the payload of an approval: what it was when it was sealed, and what
// the same memory holds now.
func WatchGrant(a *Approval) (sealed, now func() []byte) {
	a.payload, sealed, now = watch(a.payload)
	return sealed, now
}

// ApproveQRWatched is Keyring.ApproveQR with its payload watched.
func ApproveQRWatched(k *Keyring, qr string, ask []byte) (sealed, now func() []byte, err error) {
	payload, sealed, now := watch(k.admitDevice)
	_, _, err = approveQR(ForDevice, k.Account(), qr, ask, payload)
	return sealed, now, err
}

func watch(payload func([]byte) (SlotID, []byte, error)) (watched func([]byte) (SlotID, []byte, error), sealed, now func() []byte) {
	var was, is []byte
	watched = func(publicKey []byte) (SlotID, []byte, error) {
		id, b, err := payload(publicKey)
		was, is = bytes.Clone(b), b
		return id, b, err
	}
	return watched, func() []byte { return was }, func() []byte { return is }
}

// Foreseen is an approval of an ask that answers as another approval did, but for what
// is drawn anew: "enc" or "r2". So the relay that had the other answer foresaw the rest.
func Foreseen(t testing.TB, a *Approval, ask []byte, anew string) *Approval {
	b, err := newApproval(a.purpose, a.account, ask, a.payload)
	if err != nil {
		t.Fatal(err)
	}
	if anew != "enc" {
		b.enc, b.sender = a.enc, a.sender
	}
	if anew != "r2" {
		b.r2 = a.r2
	}
	return b
}

// CodeOf is the code that both sides show.
func CodeOf(p Purpose, account, ask, answer, r1 []byte) string {
	publicKey, commitment := ask[2:2+publicKeySize], ask[2+publicKeySize:]
	return shortCode(codeHash(p, [16]byte(account), publicKey, commitment, answer[:encSize], answer[encSize:], r1))
}

// ForgeWithSlots is a header with the slots of another, under keys of the forger's.
func ForgeWithSlots(t testing.TB, h *Header) []byte {
	c := &change{header: h.state.clone()}
	rand.Read(c.lineage[:])
	rand.Read(c.master[:])
	c.history = nil
	for i := range c.slots {
		s := &c.slots[i]
		var err error
		if s.sealed, err = sealMaster(c.account, s, c.epoch, &c.master); err != nil {
			t.Fatal(err)
		}
	}
	b, err := c.encode(&c.lineage, &c.master)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

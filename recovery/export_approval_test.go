package recovery

import (
	"crypto/rand"
	"testing"
)

// QRWith is a QR code's text with another public key's hash.
func QRWith(text string, digest [32]byte) string {
	q, _ := parseQR(text)
	q.publicKey = digest
	return q.text()
}

// Again is a copy of a request that nothing was granted to.
func Again(r *Request) *Request {
	s := *r.secrets()
	s.over = false
	return &Request{secrets: func() *requestSecrets { return &s }}
}

// CodeOf is the code that a requester would show.
func CodeOf(p Purpose, account, ask, answer, r1 []byte) string {
	publicKey, commitment, _ := splitAsk(ask, p)
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

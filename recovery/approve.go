package recovery

import (
	"bytes"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/nescio-go/nescio/internal/secret"
)

// Approval is one approval by short code, on the side of who is in: see Request. It
// lives in memory, and serves one grant. It is safe for concurrent use, and redacts
// itself.
type Approval struct {
	mu         sync.Mutex
	purpose    Purpose
	account    [16]byte
	publicKey  []byte
	commitment []byte
	payload    func(publicKey []byte) (SlotID, []byte, error)
	slot       SlotID // after Grant
	enc        []byte
	sender     secret.Value[*hpke.Sender]
	kept       secret.Value[[]byte] // a share, to clear
	r2         [nonceSize]byte
	t          []byte // after Compare
	over       bool
}

// Approve begins to approve a device by short code, whose Ask the server brought. The
// keyring is as before: it is Grant that adds the slot, when the users have compared the
// code. If the upload then loses to another change, begin a new approval on the keyring
// that won, with a new Request.
//
// It returns ErrMalformed for what is not the message of a request ForDevice, and
// ErrPolicy if the keyring has no room for a slot.
func (k *Keyring) Approve(ask []byte) (*Approval, error) {
	if len(k.Slots()) >= MaxSlots {
		return nil, errSlots // before people compare codes
	}
	return newApproval(ForDevice, k.Account(), ask, k.admitDevice)
}

// ApproveQR approves a device whose QR code the user has scanned, and returns the
// grant. The keyring then has the device's slot, of the returned id: upload it before
// the grant is sent. If the upload loses to another change, that grant is void: approve
// again on the keyring that won. Before it, ask the user whether the device that shows
// the code is before them, and theirs: it can do all that this one can. Never take a code
// from a link or a message.
//
// It returns ErrApproval for a message that the QR code is not of, or another account's;
// ErrMalformed for text that is no such code, white space around it aside, or a message
// that is not of a request ForDevice; and ErrPolicy if the keyring has no room.
func (k *Keyring) ApproveQR(qr string, ask []byte) (grant []byte, id SlotID, err error) {
	return approveQR(ForDevice, k.Account(), qr, ask, k.admitDevice)
}

// admitDevice adds a device's slot and returns what its grant says: slot id 16 ‖ MK ‖ L ‖
// Pin.
func (k *Keyring) admitDevice(publicKey []byte) (id SlotID, payload []byte, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id, err = only(k.apply(func(c *change) error { return c.addDevice(publicKey) })); err != nil {
		return id, nil, err
	}
	p, err := k.pin()
	if err != nil {
		return id, nil, err
	}
	pin, err := p.MarshalBinary()
	if err != nil {
		return id, nil, err
	}
	s := k.secrets.Get()
	payload = make([]byte, 0, len(id)+2*keySize+len(pin))
	payload = append(payload, id[:]...)
	payload = append(payload, s.master[:]...)
	payload = append(payload, s.lineage[:]...)
	return id, append(payload, pin...), nil
}

// ApproveShare begins to approve by short code that a share, of 1 to 4094 bytes, is
// handed out, for an account that the contact knows from the share itself.
func ApproveShare(account, ask, share []byte) (*Approval, error) {
	if err := checkShare(account, share); err != nil {
		return nil, err
	}
	share = bytes.Clone(share)
	a, err := newApproval(ForShare, [16]byte(account), ask, handOut(share))
	if err != nil {
		clear(share)
		return nil, err
	}
	a.kept = secret.New(share)
	return a, nil
}

// ApproveShareQR hands a share out to who showed the QR code, and returns the grant.
func ApproveShareQR(account []byte, qr string, ask, share []byte) (grant []byte, err error) {
	if err := checkShare(account, share); err != nil {
		return nil, err
	}
	share = bytes.Clone(share)
	defer clear(share)
	grant, _, err = approveQR(ForShare, [16]byte(account), qr, ask, handOut(share))
	return grant, err
}

// handOut is for shares what admitDevice is for devices.
func handOut(share []byte) func([]byte) (SlotID, []byte, error) {
	return func([]byte) (SlotID, []byte, error) { return SlotID{}, share, nil }
}

func checkShare(account, share []byte) error {
	switch {
	case len(account) != 16 || isZero(account):
		return errAccount
	case len(share) == 0 || len(share) > maxPayload-2:
		return errPayload
	}
	return nil
}

func newSender(p Purpose, account [16]byte, publicKey []byte) (enc []byte, s *hpke.Sender, err error) {
	pk, err := hpke.MLKEM768X25519().NewPublicKey(publicKey)
	if err != nil {
		return nil, nil, ErrMalformed
	}
	enc, s, err = hpke.NewSender(pk, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), approvalInfo(p, account))
	if err != nil {
		return nil, nil, ErrMalformed // a point of low order
	}
	return enc, s, nil
}

// plaintext is purpose u8 ‖ version 01 ‖ payload. It clears the payload.
func plaintext(p Purpose, payload []byte) []byte {
	defer clear(payload)
	return append([]byte{byte(p), version}, payload...)
}

func approveQR(p Purpose, account [16]byte, qr string, ask []byte, payload func([]byte) (SlotID, []byte, error)) (grant []byte, id SlotID, err error) {
	q, ok := parseQR(qr)
	publicKey, _, ok2 := splitAsk(ask, p)
	if !ok || !ok2 {
		return nil, id, ErrMalformed
	}
	if digest := sha256.Sum256(publicKey); q.purpose != p || q.account != account || !hmac.Equal(digest[:], q.publicKey[:]) {
		return nil, id, ErrApproval
	}
	enc, sender, err := newSender(p, account, publicKey)
	if err != nil {
		return nil, id, err
	}
	id, content, err := payload(publicKey)
	if err != nil {
		return nil, SlotID{}, err
	}
	plain := plaintext(p, content)
	defer clear(plain)
	ct, err := sender.Seal(nil, plain)
	if err != nil {
		return nil, SlotID{}, err
	}
	grant = append(enc, ct...)
	mac, err := grantMAC(p, account, q.secret[:], publicKey, grant)
	if err != nil {
		return nil, SlotID{}, err
	}
	return append(grant, mac...), id, nil
}

func newApproval(p Purpose, account [16]byte, ask []byte, payload func([]byte) (SlotID, []byte, error)) (*Approval, error) {
	publicKey, commitment, ok := splitAsk(ask, p)
	if !ok {
		return nil, ErrMalformed
	}
	a := &Approval{purpose: p, account: account, publicKey: bytes.Clone(publicKey), commitment: bytes.Clone(commitment), payload: payload}
	enc, sender, err := newSender(p, account, publicKey)
	if err != nil {
		return nil, err
	}
	a.enc, a.sender = enc, secret.New(sender)
	rand.Read(a.r2[:])
	return a, nil
}

// Answer returns the second message, 1152 bytes: enc ‖ r2.
func (a *Approval) Answer() []byte { return append(bytes.Clone(a.enc), a.r2[:]...) }

// Compare takes the requester's Reveal and returns the code to show. Go on only if
// the user says that the requester shows the same. It returns ErrApproval, and ends the
// approval, if the requester is not the one that asked; a second call is ErrUsed.
func (a *Approval) Compare(reveal []byte) (code string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over || a.t != nil {
		return "", ErrUsed
	}
	if len(reveal) != nonceSize || !hmac.Equal(commitment(a.publicKey, reveal), a.commitment) {
		a.discard()
		return "", ErrApproval
	}
	a.t = codeHash(a.purpose, a.account, a.publicKey, a.commitment, a.enc, a.r2[:], reveal)
	return shortCode(a.t), nil
}

// Grant returns the last message, after the user has said yes to the code: of a
// device's approval the keyring then has its slot, and is to be uploaded before the
// grant is sent. Before Compare it is ErrPolicy, and a second time ErrUsed.
func (a *Approval) Grant() ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return nil, ErrUsed
	}
	if a.t == nil {
		return nil, errCompared
	}
	a.over = true
	slot, content, err := a.payload(a.publicKey)
	if err != nil {
		return nil, err
	}
	a.slot = slot
	plain := plaintext(a.purpose, content)
	defer clear(plain)
	return (*a.sender.Get()).Seal(a.t, plain)
}

// Slot returns the id of the slot that Grant has made for a device, and zero before
// and for a share.
func (a *Approval) Slot() SlotID {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.slot
}

// Discard ends an approval that the user said no to, and clears what it would have
// granted.
func (a *Approval) Discard() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.discard()
}

func (a *Approval) discard() {
	a.over = true
	clear(*a.kept.Get())
}

// Format writes a placeholder for every verb.
func (a *Approval) Format(f fmt.State, _ rune) { redact(f, "Approval") }

// MarshalJSON writes a placeholder.
func (a *Approval) MarshalJSON() ([]byte, error) { return redactJSON("Approval") }

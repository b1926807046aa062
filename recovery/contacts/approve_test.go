package contacts_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/stretchr/testify/require"
)

// keptShare is a share that a contact keeps, of a keyring that is not needed.
func keptShare(t testing.TB) *contacts.Share {
	s, err := contacts.ParseShare(refNewSplit(refRandom(2), account, slotID, 3).share(2))
	require.NoError(t, err)
	return s
}

func requireOver(t testing.TB, r *contacts.Request, a *contacts.Approval) {
	t.Helper()
	if r != nil {
		require.Empty(t, r.QR())
		require.Nil(t, r.Ask())
		_, _, err := r.Reveal(make([]byte, 1152))
		require.ErrorIs(t, err, recovery.ErrPolicy)
		s, err := r.Open(make([]byte, 117), "")
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.Nil(t, s)
	}
	if a != nil {
		_, err := a.Code(make([]byte, 32))
		require.ErrorIs(t, err, recovery.ErrPolicy)
		grant, err := a.Grant("")
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.Nil(t, grant)
	}
}

// TestApprovals releases a share both ways, and checks the sizes of all
// messages.
func TestApprovals(t *testing.T) {
	s := keptShare(t)
	r := showing(t, account)
	require.Len(t, r.QR(), 102)
	require.Len(t, r.Ask(), 1250)
	got, grant := byQR(t, s, r)
	require.Len(t, grant, 1269)
	require.Equal(t, s.Secret(), got.Secret())
	requireOver(t, r, nil)

	r = request(t, account)
	x := exchange(t, s, r)
	require.Len(t, x.approval.Answer(), 1152)
	for _, half := range []string{x.atOwner, x.atContact} {
		require.Regexp(t, "^[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{3}$", half)
	}
	require.NotEqual(t, x.atOwner, x.atContact)
	grant, err := x.approval.Grant(" " + x.atOwner)
	require.NoError(t, err)
	require.Len(t, grant, 117)
	requireOver(t, nil, x.approval)
	got, err = r.Open(grant, x.atContact)
	require.NoError(t, err)
	require.Equal(t, s.Secret(), got.Secret())
	requireOver(t, r, nil)
}

// TestNoShareWithoutTheOthersHalf: a contact who types anything else releases
// nothing, and an owner who types anything else accepts nothing. Each side has
// one try.
func TestNoShareWithoutTheOthersHalf(t *testing.T) {
	s := keptShare(t)
	for name, typed := range map[string]func(mine, others string) string{
		"nothing":           func(_, _ string) string { return "" },
		"the own half":      func(mine, _ string) string { return mine },
		"half of it":        func(_, others string) string { return others[:3] },
		"both halves":       func(mine, others string) string { return mine + others },
		"another character": func(_, others string) string { return others[:6] + anotherCharacter(others[6]) },
	} {
		r := request(t, account)
		x := exchange(t, s, r)
		grant, err := x.approval.Grant(typed(x.atContact, x.atOwner))
		require.ErrorIs(t, err, recovery.ErrUntrusted, name)
		require.Nil(t, grant)
		requireOver(t, nil, x.approval)

		r = request(t, account)
		x = exchange(t, s, r)
		grant, err = x.approval.Grant(x.atOwner)
		require.NoError(t, err)
		got, err := r.Open(grant, typed(x.atOwner, x.atContact))
		require.ErrorIs(t, err, recovery.ErrUntrusted, name)
		require.Nil(t, got)
		requireOver(t, r, nil)
	}
}

// anotherCharacter of Crockford's base 32.
func anotherCharacter(c byte) string {
	if c == '0' {
		return "2"
	}
	return "0"
}

// TestAttack_RelayedApproval: the server runs a request of its own with the
// contact, and an approval of its own with the owner. The owner and the contact
// read their halves to each other.
func TestAttack_RelayedApproval(t *testing.T) {
	s, stolen := keptShare(t), keptShare(t)
	owner, servers := request(t, account), request(t, account)
	withContact := exchange(t, s, servers)
	withOwner := exchange(t, stolen, owner)
	require.NotEqual(t, withOwner.atOwner, withContact.atOwner)

	grant, err := withContact.approval.Grant(withOwner.atOwner) // what the owner reads
	require.ErrorIs(t, err, recovery.ErrUntrusted)
	require.Nil(t, grant, "the server gets no share")
	grant, err = withOwner.approval.Grant(withOwner.atOwner)
	require.NoError(t, err)
	got, err := owner.Open(grant, withContact.atContact) // what the contact reads
	require.ErrorIs(t, err, recovery.ErrUntrusted)
	require.Nil(t, got, "and the owner no share of the server's")
}

// TestOrderOfApproval: the steps in another order are refused, and do no harm.
func TestOrderOfApproval(t *testing.T) {
	s := keptShare(t)
	r := request(t, account)
	a, err := s.Approve(r.Ask())
	require.NoError(t, err)
	grant, err := a.Grant("") // before Code
	require.ErrorIs(t, err, recovery.ErrPolicy)
	require.Nil(t, grant)
	_, _, err = r.Reveal(a.Answer()[1:])
	require.Equal(t, contacts.ErrMalformed, err)
	reveal, atOwner, err := r.Reveal(a.Answer())
	require.NoError(t, err)
	_, _, err = r.Reveal(a.Answer())
	require.ErrorIs(t, err, recovery.ErrPolicy)
	require.Empty(t, r.QR())
	atContact, err := a.Code(reveal)
	require.NoError(t, err)
	_, err = a.Code(reveal)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	grant, err = a.Grant(atOwner)
	require.NoError(t, err)
	_, err = r.Open(grant[1:], atContact) // anyone may send this
	require.ErrorIs(t, err, recovery.ErrUntrusted)
	_, err = r.Open(nil, atContact)
	require.Equal(t, contacts.ErrMalformed, err)
	_, err = r.Open(grant, atContact)
	require.NoError(t, err)

	r = showing(t, account)
	_, _, err = r.Reveal(a.Answer())
	require.ErrorIs(t, err, recovery.ErrPolicy, "after QR")

	r = request(t, account)
	a, err = s.Approve(r.Ask())
	require.NoError(t, err)
	_, err = a.Code(make([]byte, 32)) // of another request
	require.ErrorIs(t, err, recovery.ErrUntrusted)
	requireOver(t, nil, a)

	r = request(t, account)
	x := exchange(t, s, r)
	r.Discard()
	x.approval.Discard()
	requireOver(t, r, x.approval)
}

// TestAlteredGrant: the server alters a grant by QR code, and the genuine one
// still opens.
func TestAlteredGrant(t *testing.T) {
	s := keptShare(t)
	r := request(t, account)
	grant, err := s.ApproveQR(r.QR(), r.Ask())
	require.NoError(t, err)
	for i, b := range testvec.BitFlips(grant) {
		if i%101 != 0 {
			continue
		}
		_, err := r.Open(b, "")
		require.ErrorIs(t, err, recovery.ErrUntrusted)
	}
	got, err := r.Open(grant, "")
	require.NoError(t, err)
	require.Equal(t, s.Secret(), got.Secret())

	for _, ask := range [][]byte{nil, {2}, make([]byte, 1250)} {
		_, err = s.Approve(ask)
		require.Equal(t, contacts.ErrMalformed, err)
		_, err = s.ApproveQR(request(t, account).QR(), ask)
		require.Equal(t, contacts.ErrMalformed, err)
	}
	for _, qr := range []string{"", "nescio-approve:", request(t, account).QR() + "A"} {
		_, err = s.ApproveQR(qr, request(t, account).Ask())
		require.Equal(t, contacts.ErrMalformed, err)
	}
}

// TestZeroValues: no method of a zero value panics or does anything.
func TestZeroValues(t *testing.T) {
	_, err := contacts.NewRequest(recovery.AccountID{})
	require.ErrorIs(t, err, recovery.ErrPolicy)
	r, a := new(contacts.Request), new(contacts.Approval)
	requireOver(t, r, a)
	require.Nil(t, a.Answer())
	r.Discard()
	a.Discard()

	share, key, split, c := new(contacts.Share), new(contacts.Key), new(contacts.Split), new(contacts.Collection)
	genuine := request(t, account)
	for _, err := range []error{
		second(share.Approve(genuine.Ask())),
		second(share.ApproveQR(genuine.QR(), genuine.Ask())),
	} {
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.ErrorContains(t, err, "zero")
	}
	require.Nil(t, share.Secret())
	require.Equal(t, contacts.ErrMalformed, c.Add(share))
	require.ErrorIs(t, c.Add(keptShare(t)), recovery.ErrPolicy)
	require.Equal(t, []int{0, 0, 0}, []int{c.Threshold(), c.Contacts(), c.Missing()})
	slot := contactsSlot(t, appoint(t, 1, 1).header(t))
	b := slotBinding(account, slotID)
	for _, s := range []recovery.Slot{{}, {Type: "contacts"}, slot} {
		_, err = c.Open(t.Context(), b, s)
		require.ErrorIs(t, err, recovery.ErrPolicy)
	}
	require.Nil(t, key.Secret())
	require.Nil(t, key.PublicKey())
	_, err = key.Open(make([]byte, 1500))
	require.ErrorIs(t, err, recovery.ErrPolicy)
	_, _, err = split.Seal(t.Context(), b, make([]byte, 64))
	require.ErrorIs(t, err, recovery.ErrPolicy)
	_, err = recovery.Create(t.Context(), split)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	require.Nil(t, split.Messages())
	require.Empty(t, split.Fingerprint())

	a2 := appoint(t, 2, 2)
	require.Equal(t, contacts.ErrMalformed, collection(t, a2.header(t), a2.id).Add(share))
}

func second[T any](_ T, err error) error { return err }

// TestApprovalsRedactThemselves in every state that has secrets.
func TestApprovalsRedactThemselves(t *testing.T) {
	s := keptShare(t)
	value := s.Secret()[69:]
	shown := showing(t, account)
	testvec.Redacted(t, shown, []byte(shown.QR()[70:]))
	r := request(t, account)
	a, err := s.Approve(r.Ask())
	require.NoError(t, err)
	testvec.Redacted(t, a, value)
	reveal, _, err := r.Reveal(a.Answer())
	require.NoError(t, err)
	_, err = a.Code(reveal)
	require.NoError(t, err)
	testvec.Redacted(t, r, reveal)
	testvec.Redacted(t, a, value)
	testvec.Redacted(t, &struct {
		r *contacts.Request
		a *contacts.Approval
	}{r, a}, reveal, value)
}

// TestConcurrentApproval: of many calls one gets the grant, and one the share.
func TestConcurrentApproval(t *testing.T) {
	s := keptShare(t)
	r := request(t, account)
	x := exchange(t, s, r)
	grants := make(chan []byte)
	for range 8 {
		go func() {
			_ = x.approval.Answer()
			grant, _ := x.approval.Grant(x.atOwner)
			grants <- grant
		}()
	}
	var grant []byte
	for range 8 {
		if b := <-grants; b != nil {
			require.Nil(t, grant)
			grant = b
		}
	}
	require.NotNil(t, grant)
	shares := make(chan *contacts.Share)
	for range 8 {
		go func() {
			_, _ = r.Ask(), r.QR()
			got, _ := r.Open(grant, x.atContact)
			shares <- got
		}()
	}
	var got [][]byte
	for range 8 {
		if s := <-shares; s != nil {
			got = append(got, s.Secret())
		}
	}
	require.Equal(t, [][]byte{s.Secret()}, got)
	require.True(t, bytes.Equal(account, s.Secret()[2:18]))

	// Discard beside everything.
	for range 8 {
		r := request(t, account)
		a, err := s.Approve(r.Ask())
		require.NoError(t, err)
		done := make(chan bool)
		for _, f := range []func(){r.Discard, a.Discard, func() { r.QR(); r.Ask() }, func() { _, _ = a.Grant("") }} {
			go func() { f(); done <- true }()
		}
		for range 4 {
			<-done
		}
		requireOver(t, r, a)
	}
}

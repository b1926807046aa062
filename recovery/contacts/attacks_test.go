package contacts_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/gtank/ristretto255"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// lying releases whatever bytes a contact likes through a genuine approval.
func lying(t testing.TB, payload []byte) (*contacts.Share, error) {
	r := request(t, recovery.ForShare)
	grant, err := recovery.ApproveShareQR(account, r.QR(), r.Ask(), payload)
	require.NoError(t, err)
	return contacts.OpenGrant(r, grant)
}

// altered is a header with some bytes of it replaced, as a server may hand out.
func altered(t testing.TB, h *recovery.Header, old, new []byte) *recovery.Header {
	require.Len(t, new, len(old))
	require.Equal(t, 1, bytes.Count(h.Bytes(), old))
	got, err := recovery.ParseHeader(bytes.Replace(h.Bytes(), old, new, 1))
	require.NoError(t, err)
	return got
}

// TestServerForgesTheCommitments: of the slot, in part or whole, with a polynomial of
// its own. All contacts disagree.
func TestServerForgesTheCommitments(t *testing.T) {
	a := appoint(t, account, 3, 4)
	h := a.header(t)
	genuine := contactsSlot(t, h).Params[32:]
	own := refRandom(3).commitments()
	for _, forged := range [][]byte{
		append([]byte{3, 4}, own...),
		append(bytes.Clone(genuine[:2+64]), own[64:]...),
		append([]byte{3, 5}, genuine[2:]...), // n
		append(append([]byte{3, 4}, genuine[34:66]...), append(bytes.Clone(genuine[2:34]), genuine[66:]...)...), // another order
	} {
		bad := altered(t, h, genuine, forged)
		c := collection(t, bad, a.id)
		for i, s := range a.shares {
			requireShare(t, i+1, contacts.ErrSplit, c.Add(s))
		}
		require.Equal(t, contacts.ErrFew, openErr(t, bad, c))

		// The genuine slot first, the forged one when it is to be opened.
		c = collection(t, h, a.id, a.shares[:3]...)
		require.Equal(t, recovery.ErrUntrusted, openErr(t, bad, c))
		requireOpens(t, a.keyring, h, c)
	}
}

// TestServerLowersTheThreshold: 2 of the 3 that it takes are not enough, whatever the
// slot says.
func TestServerLowersTheThreshold(t *testing.T) {
	a := appoint(t, account, 3, 3)
	slot := contactsSlot(t, a.header(t))
	_, public := newKeys(t, 3)
	split, err := contacts.NewSplit(2, public...)
	require.NoError(t, err)
	own, err := recovery.Create(t.Context(), account, split)
	require.NoError(t, err)
	low := contactsSlot(t, own.Header())
	params := bytes.Clone(low.Params)
	copy(params[34:], slot.Params[34:]) // of the genuine commitments those that fit in
	bad := altered(t, altered(t, own.Header(), low.Params, params), low.ID[:], a.id[:])
	c := collection(t, bad, a.id)
	require.Equal(t, 2, c.Threshold())
	for i, s := range a.shares {
		requireShare(t, i+1, contacts.ErrSplit, c.Add(s))
	}
}

// TestServerAltersTheSlot: the shares fit, and the slot does not open.
func TestServerAltersTheSlot(t *testing.T) {
	a := appoint(t, account, 2, 2)
	h := a.header(t)
	slot := contactsSlot(t, h)
	for _, part := range [][]byte{slot.Params[:32], slot.Wrapped[:26], slot.Wrapped[26:58], slot.Wrapped[58:]} {
		forged := bytes.Clone(part)
		forged[len(forged)-1] ^= 1
		bad := altered(t, h, part, forged)
		require.Equal(t, recovery.ErrUntrusted, openErr(t, bad, collection(t, bad, a.id, a.shares...)))
	}
	// The commitments are genuine, and what is wrapped is the server's own.
	other := contactsSlot(t, appoint(t, account, 2, 2).header(t))
	bad := altered(t, h, slot.Wrapped, other.Wrapped)
	require.Equal(t, recovery.ErrUntrusted, openErr(t, bad, collection(t, bad, a.id, a.shares...)))

	// The MACs are package recovery's.
	end := h.Bytes()[len(h.Bytes())-64:]
	for _, i := range []int{0, 63} {
		forged := bytes.Clone(end)
		forged[i] ^= 1
		bad := altered(t, h, end, forged)
		require.Equal(t, recovery.ErrUntrusted, openErr(t, bad, collection(t, bad, a.id, a.shares...)))
	}

	// A slot of another binding, given to the Opener itself.
	c := collection(t, h, a.id, a.shares...)
	b := wrap.Binding{Purpose: "nescio/slot/contacts/v1", Account: account, Item: a.id[:], Epoch: 1}
	secret, err := c.Open(t.Context(), b, slot)
	require.NoError(t, err)
	require.Len(t, secret, 64)
	for _, change := range []struct {
		change func(b *wrap.Binding, s *recovery.Slot)
		want   error
	}{
		{func(b *wrap.Binding, s *recovery.Slot) { b.Epoch = 2 }, recovery.ErrUntrusted},
		{func(b *wrap.Binding, s *recovery.Slot) { b.Purpose = "nescio/slot/file/v1" }, recovery.ErrUntrusted},
		{func(b *wrap.Binding, s *recovery.Slot) { b.Account = bytes.Repeat([]byte{1}, 16) }, recovery.ErrNotMine},
		{func(b *wrap.Binding, s *recovery.Slot) { s.Flags = 1 }, recovery.ErrUntrusted},
		{func(b *wrap.Binding, s *recovery.Slot) { s.Params = s.Params[:33] }, recovery.ErrUntrusted},
		{func(b *wrap.Binding, s *recovery.Slot) { s.Wrapped = nil }, recovery.ErrUntrusted},
		{func(b *wrap.Binding, s *recovery.Slot) { s.Type = recovery.SlotPhrase }, recovery.ErrNotMine},
		{func(b *wrap.Binding, s *recovery.Slot) { s.ID[0] ^= 1 }, recovery.ErrNotMine},
	} {
		b, slot := b, slot
		change.change(&b, &slot)
		_, err := c.Open(t.Context(), b, slot)
		require.Equal(t, change.want, err)
	}
}

// TestContactForgesAShare.
func TestContactForgesAShare(t *testing.T) {
	a := appoint(t, account, 2, 3)
	h := a.header(t)
	genuine := a.shares[1].Secret()
	slot := contactsSlot(t, h)
	commitments := slot.Params[34:]

	// Another value, or the own one under another's index.
	value := refRandom(1)[0].Bytes()
	for i := 1; i <= 3; i++ {
		s, err := lying(t, refShare(account, a.id[:], i, 2, 3, commitments, value))
		require.Nil(t, s)
		requireShare(t, i, contacts.ErrWrong, err)
	}
	for _, i := range []int{1, 3} {
		_, err := lying(t, refShare(account, a.id[:], i, 2, 3, commitments, genuine[len(genuine)-32:]))
		requireShare(t, i, contacts.ErrWrong, err)
	}

	// A polynomial of their own, and one with the genuine secret's commitment: they
	// fit themselves, and not the slot.
	s, err := lying(t, refRandom(2).share(account, a.id[:], 2, 3))
	require.NoError(t, err)
	c := collection(t, h, a.id, a.shares[0])
	requireShare(t, 2, contacts.ErrSplit, c.Add(s))
	// f(i)G − a_0 G = i·(a_1 G) defines a_1 G, whatever f(i) is said to be.
	point := ristretto255.NewIdentityElement().ScalarBaseMult(refScalar(value))
	zero, err := ristretto255.NewIdentityElement().SetCanonicalBytes(commitments[:32])
	require.NoError(t, err)
	point.Subtract(point, zero)
	point.ScalarMult(ristretto255.NewScalar().Invert(refSmall(2)), point)
	s, err = lying(t, refShare(account, a.id[:], 2, 2, 3, append(bytes.Clone(commitments[:32]), point.Bytes()...), value))
	require.NoError(t, err)
	requireShare(t, 2, contacts.ErrSplit, c.Add(s))

	// Other numbers of contacts.
	s, err = lying(t, refShare(account, a.id[:], 2, 2, 4, commitments, genuine[len(genuine)-32:]))
	require.NoError(t, err)
	requireShare(t, 2, contacts.ErrSplit, c.Add(s))

	// What is no share at all.
	for _, junk := range [][]byte{{0}, genuine[1:], append(bytes.Clone(genuine), 0), a.messages[1]} {
		_, err := lying(t, junk)
		require.Equal(t, contacts.ErrMalformed, err)
	}

	require.Equal(t, 1, c.Missing(), "none of them is in")
	require.NoError(t, c.Add(release(t, a.shares[1])))
	requireOpens(t, a.keyring, h, c)
}

// TestDuplicateShare: one contact twice is one contact.
func TestDuplicateShare(t *testing.T) {
	a := appoint(t, account, 2, 3)
	h := a.header(t)
	c := collection(t, h, a.id, a.shares[2])
	for _, s := range []*contacts.Share{a.shares[2], release(t, a.shares[2])} {
		requireShare(t, 3, contacts.ErrDuplicate, c.Add(s))
	}
	require.Equal(t, contacts.ErrFew, openErr(t, h, c))
	require.NoError(t, c.Add(a.shares[0]))
	requireOpens(t, a.keyring, h, c)
}

// TestForeignShare: of another account, though it has the slot's id and commitments, or
// of another slot.
func TestForeignShare(t *testing.T) {
	a := appoint(t, account, 2, 2)
	h := a.header(t)
	c := collection(t, h, a.id)
	commitments := contactsSlot(t, h).Params[34:]
	value := a.shares[0].Secret()[69+64-32:]
	other := bytes.Repeat([]byte{0x43}, 16)
	for _, b := range [][]byte{
		refShare(other, a.id[:], 1, 2, 2, commitments, value),
		refShare(account, other, 1, 2, 2, commitments, value),
	} {
		s, err := lying(t, b)
		require.NoError(t, err)
		requireShare(t, 1, contacts.ErrForeign, c.Add(s))
	}

	// An honest contact of another account refuses to begin with, or nothing opens.
	neighbour := appoint(t, other, 2, 2)
	r := request(t, recovery.ForShare)
	_, err := neighbour.shares[0].ApproveQR(r.QR(), r.Ask())
	require.Equal(t, recovery.ErrApproval, err)
	r = request(t, recovery.ForShare)
	approval, err := neighbour.shares[0].Approve(r.Ask())
	require.NoError(t, err)
	reveal, code, err := r.Reveal(approval.Answer())
	require.NoError(t, err)
	shown, err := approval.Compare(reveal)
	require.NoError(t, err)
	require.NotEqual(t, code, shown)
	grant, err := approval.Grant()
	require.NoError(t, err)
	_, err = contacts.OpenGrant(r, grant)
	require.Equal(t, recovery.ErrApproval, err)

	// The header of another account.
	_, err = recovery.Open(t.Context(), neighbour.header(t), collection(t, h, a.id, a.shares...), recovery.FirstUse(other))
	require.Equal(t, recovery.ErrNotMine, err)
	for _, id := range []recovery.SlotID{{}, neighbour.id, phraseSlot(t, h).ID} {
		_, err = contacts.NewCollection(h, id)
		require.Equal(t, recovery.ErrNotMine, err)
	}
}

func phraseSlot(t testing.TB, h *recovery.Header) recovery.Slot {
	for _, s := range h.Slots() {
		if s.Type == recovery.SlotPhrase {
			return s
		}
	}
	require.Fail(t, "no phrase")
	return recovery.Slot{}
}

// TestSharesOfTwoSplitsMixed: under one slot id, which an honest keyring never gives
// twice.
func TestSharesOfTwoSplitsMixed(t *testing.T) {
	a := appoint(t, account, 2, 2)
	h := a.header(t)
	f := refRandom(2)
	for i := 1; i <= 2; i++ {
		s, err := lying(t, f.share(account, a.id[:], i, 2))
		require.NoError(t, err)
		c := collection(t, h, a.id, a.shares[2-i])
		requireShare(t, i, contacts.ErrSplit, c.Add(s))
		require.Equal(t, contacts.ErrFew, openErr(t, h, c))
	}
}

// TestReleaseIsByApprovalAlone: what a contact keeps is no grant, nor is a grant for
// something else.
func TestReleaseIsByApprovalAlone(t *testing.T) {
	a := appoint(t, account, 2, 2)
	for _, grant := range [][]byte{nil, a.shares[0].Secret(), a.messages[0]} {
		_, err := contacts.OpenGrant(request(t, recovery.ForShare), grant)
		require.Error(t, err)
	}

	device := request(t, recovery.ForDevice)
	_, err := a.shares[0].ApproveQR(device.QR(), device.Ask())
	require.Equal(t, recovery.ErrMalformed, err)
	_, err = a.shares[0].Approve(device.Ask())
	require.Equal(t, recovery.ErrMalformed, err)
	grant, _, err := a.keyring.ApproveQR(device.QR(), device.Ask())
	require.NoError(t, err)
	_, err = contacts.OpenGrant(device, grant)
	require.Equal(t, recovery.ErrApproval, err)

	// The server puts its own key in the place of the device's.
	r, server := request(t, recovery.ForShare), request(t, recovery.ForShare)
	_, err = a.shares[0].ApproveQR(r.QR(), server.Ask())
	require.Equal(t, recovery.ErrApproval, err)
	grant, err = a.shares[0].ApproveQR(r.QR(), r.Ask())
	require.NoError(t, err)
	_, err = contacts.OpenGrant(server, grant)
	require.Equal(t, recovery.ErrApproval, err)
	require.False(t, bytes.Contains(grant, a.shares[0].Secret()[69+64-32:]))
}

// TestStrangerSealsAMessage: to a contact, whose key is public. A wrong share is found
// out there, and one that fits itself when it meets the slot.
func TestStrangerSealsAMessage(t *testing.T) {
	a := appoint(t, account, 2, 2)
	public := a.keys[0].PublicKey()
	f, g := refRandom(2), refRandom(2)
	message, err := refSeal(public, refShare(account, a.id[:], 1, 2, 2, f.commitments(), g.at(1).Bytes()))
	require.NoError(t, err)
	_, err = a.keys[0].Open(message)
	requireShare(t, 1, contacts.ErrWrong, err)

	for _, junk := range [][]byte{nil, {1}, make([]byte, 69+64), f.share(account, a.id[:], 1, 2)[1:]} {
		message, err = refSeal(public, junk)
		require.NoError(t, err)
		_, err = a.keys[0].Open(message)
		require.Equal(t, contacts.ErrMalformed, err)
	}

	message, err = refSeal(public, f.share(account, a.id[:], 1, 2))
	require.NoError(t, err)
	s, err := a.keys[0].Open(message)
	require.NoError(t, err)
	requireShare(t, 1, contacts.ErrSplit, collection(t, a.header(t), a.id).Add(s))
}

// TestMessageOfAnotherContact.
func TestMessageOfAnotherContact(t *testing.T) {
	a := appoint(t, account, 2, 2)
	_, err := a.keys[0].Open(a.messages[1])
	require.Equal(t, contacts.ErrOpen, err)
	mixed := append(bytes.Clone(a.messages[0][:2+1120]), a.messages[1][2+1120:]...)
	for _, k := range a.keys {
		_, err := k.Open(mixed)
		require.Equal(t, contacts.ErrOpen, err)
	}
}

// TestEveryFlippedBitOfAMessage is refused.
func TestEveryFlippedBitOfAMessage(t *testing.T) {
	a := appoint(t, account, 2, 2)
	for i, b := range testvec.BitFlips(a.messages[0]) {
		if testing.Short() && i >= 64 && i < 8*1100 && i%61 != 0 {
			continue
		}
		s, err := a.keys[0].Open(b)
		require.Nil(t, s)
		want := contacts.ErrOpen
		if i < 16 {
			want = contacts.ErrMalformed
		}
		require.Equal(t, want, err, i)
	}
	for b := range testvec.Lengths(a.messages[0]) {
		_, err := a.keys[0].Open(b)
		if len(b) < 2+1120+16 {
			require.Equal(t, contacts.ErrMalformed, err)
		} else {
			require.Equal(t, contacts.ErrOpen, err)
		}
	}
	_, err := a.keys[0].Open(append(bytes.Clone(a.messages[0]), make([]byte, 4096)...))
	require.Equal(t, contacts.ErrMalformed, err)
}

// TestEveryFlippedBitOfAShare is refused: by itself, or at the latest by the slot.
func TestEveryFlippedBitOfAShare(t *testing.T) {
	a := appoint(t, account, 2, 3)
	h := a.header(t)
	const inside = 8 * (2 + 32) // before it kind, version, account and slot
	for i, b := range testvec.BitFlips(a.shares[1].Secret()) {
		s, err := contacts.ParseShare(b)
		switch n := i >= inside+16 && i < inside+24; {
		case i < 16 || i >= inside && !n:
			require.Error(t, err, i)
			require.Nil(t, s)
		case n && err != nil:
			require.Equal(t, contacts.ErrMalformed, err)
		default:
			require.NoError(t, err, i)
			want := contacts.ErrForeign
			if n {
				want = contacts.ErrSplit
			}
			requireShare(t, 2, want, collection(t, h, a.id).Add(s))
		}
	}
}

// TestRecoveryGoesOnAfterAFailure: an error of one share leaves the others in place.
func TestRecoveryGoesOnAfterAFailure(t *testing.T) {
	a := appoint(t, account, 2, 3)
	h := a.header(t)
	c := collection(t, h, a.id, a.shares[0])
	_, err := recovery.Open(context.Background(), h, c, recovery.FirstUse(account))
	require.Equal(t, contacts.ErrFew, err)
	forged, err := lying(t, refRandom(2).share(account, a.id[:], 2, 3))
	require.NoError(t, err)
	require.Error(t, c.Add(forged))
	require.NoError(t, c.Add(a.shares[1]))
	require.NoError(t, c.Add(a.shares[2]), "more than k")
	require.Zero(t, c.Missing())
	requireOpens(t, a.keyring, h, c)
}

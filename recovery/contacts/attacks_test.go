package contacts_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// lying releases the bytes that a contact likes, through a genuine approval of
// a request for the account.
func lying(t testing.TB, account, payload []byte) (*contacts.Share, error) {
	r := request(t, account)
	scan, err := approval.ScanQR(approval.Share, [16]byte(account), r.QR(), r.Ask())
	require.NoError(t, err)
	grant, err := scan.Grant(payload)
	require.NoError(t, err)
	return r.Open(grant, "")
}

// released is a share that is well formed.
func released(t testing.TB, payload []byte) *contacts.Share {
	s, err := lying(t, payload[2:18], payload)
	require.NoError(t, err)
	return s
}

// altered is a header with some of its bytes replaced, as a server may do.
func altered(t testing.TB, h *recovery.Header, old, new []byte) *recovery.Header {
	require.Equal(t, 1, bytes.Count(h.Bytes(), old))
	got, err := recovery.ParseHeader(bytes.Replace(h.Bytes(), old, new, 1))
	require.NoError(t, err)
	return got
}

// withParams is a header whose slot of contacts has other params. The length of
// the slot's body is in front of them.
func withParams(t testing.TB, h *recovery.Header, params []byte) *recovery.Header {
	genuine := contactsSlot(t, h).Params
	b := h.Bytes()
	i := bytes.Index(b, genuine)
	length := int(binary.BigEndian.Uint16(b[i-2:])) + len(params) - len(genuine)
	return altered(t, h, b[i-2:i+len(genuine)], append(binary.BigEndian.AppendUint16(nil, uint16(length)), params...))
}

// forgeries are params that a server may put in place of the genuine params of
// 3 of 4.
func forgeries(t testing.TB, a *appointed) map[string][]byte {
	genuine := contactsSlot(t, a.header(t)).Params
	require.Equal(t, []byte{3, 4}, genuine[32:34])
	c := func(i int) []byte { return genuine[34+32*(i-1):][:32] }
	own := refNewSplit(refRandom(3), a.account, a.id[:], 4).params
	join := func(k, n byte, commitments ...[]byte) []byte {
		return slices.Concat(genuine[:32], []byte{k, n}, bytes.Join(commitments, nil))
	}
	forged := map[string][]byte{
		"all of it":              own,
		"all commitments":        append(bytes.Clone(genuine[:34]), own[34:]...),
		"one commitment":         join(3, 4, c(1), c(2), c(3), own[34:66]),
		"commitments swapped":    join(3, 4, c(2), c(1), c(3), c(4)),
		"a commitment twice":     join(3, 4, c(1), c(1), c(3), c(4)),
		"k lower":                join(2, 4, c(1), c(2), c(3), c(4)),
		"k of 1":                 join(1, 4, c(1), c(2), c(3), c(4)),
		"k higher":               join(4, 4, c(1), c(2), c(3), c(4)),
		"n lower":                join(3, 3, c(1), c(2), c(3)),
		"n higher":               join(3, 5, c(1), c(2), c(3), c(4), own[34:66]),
		"one contact":            join(1, 1, c(1)),
		"another salt":           append(bytes.Clone(own[:32]), genuine[32:]...),
		"a bit of a commitment":  append(bytes.Clone(genuine[:len(genuine)-1]), genuine[len(genuine)-1]^1),
		"first bit of the first": join(3, 4, append([]byte{c(1)[0] ^ 0x80}, c(1)[1:]...), c(2), c(3), c(4)),
	}
	for name, params := range forged {
		require.NotEqual(t, genuine, params, name)
	}
	return forged
}

// TestServerForgesTheParams: whatever the server alters, all contacts disagree,
// and nothing opens.
func TestServerForgesTheParams(t *testing.T) {
	a := appoint(t, 3, 4)
	h := a.header(t)
	for name, params := range forgeries(t, a) {
		bad := withParams(t, h, params)
		c := collection(t, bad, a.id)
		for i, s := range a.shares {
			requireShare(t, i+1, contacts.ErrSplit, c.Add(s))
		}
		require.Equal(t, contacts.ErrFew, openErr(t, bad, c), name)

		// The genuine slot first, and the forged one when it is to be opened.
		c = collection(t, h, a.id, a.shares[:3]...)
		require.ErrorIs(t, openErr(t, bad, c), recovery.ErrUntrusted, name)
		requireOpens(t, a.keyring, h, c)
	}
}

// TestServerAndContactsForgeTheParams: contacts release their genuine values
// under the digest of params that the server has altered. The key depends on
// the params, so nothing opens.
func TestServerAndContactsForgeTheParams(t *testing.T) {
	a := appoint(t, 3, 4)
	h := a.header(t)
	complete := 0
	for name, params := range forgeries(t, a) {
		bad := withParams(t, h, params)
		c := collection(t, bad, a.id)
		digest := refSplitDigest(a.account, a.id[:], params)
		for i, value := range a.values()[:min(4, params[33])] {
			s := released(t, refShare(a.account, a.id[:], i+1, int(params[32]), int(params[33]), digest, value))
			if err := c.Add(s); err != nil {
				requireShare(t, i+1, contacts.ErrWrong, err)
			}
		}
		want := contacts.ErrFew
		if c.Missing() == 0 {
			want = recovery.ErrUntrusted
			complete++
		}
		require.ErrorIs(t, openErr(t, bad, c), want, name)
	}
	require.Equal(t, 11, complete, "in these, k commitments fit the contacts' values")
}

// TestServerLowersTheThreshold: 1 and 2 shares of 3 are not enough, even if the
// slot and the shares say so.
func TestServerLowersTheThreshold(t *testing.T) {
	a := appoint(t, 3, 3)
	h := a.header(t)
	for _, k := range []int{1, 2} {
		params := bytes.Clone(contactsSlot(t, h).Params)
		params[32] = byte(k)
		bad := withParams(t, h, params)
		c := collection(t, bad, a.id)
		require.Equal(t, k, c.Threshold())
		for i, s := range a.shares {
			requireShare(t, i+1, contacts.ErrSplit, c.Add(s))
		}
		for i, value := range a.values()[:k] {
			digest := refSplitDigest(a.account, a.id[:], params)
			require.NoError(t, c.Add(released(t, refShare(a.account, a.id[:], i+1, k, 3, digest, value))))
		}
		require.Zero(t, c.Missing())
		require.ErrorIs(t, openErr(t, bad, c), recovery.ErrUntrusted)
	}
}

// TestServerAltersTheSlot: the shares are right, and the slot does not open.
func TestServerAltersTheSlot(t *testing.T) {
	a := appoint(t, 2, 2)
	h := a.header(t)
	slot := contactsSlot(t, h)
	for _, part := range [][]byte{slot.Wrapped[:26], slot.Wrapped[26:58], slot.Wrapped[58:]} {
		forged := bytes.Clone(part)
		forged[len(forged)-1] ^= 1
		bad := altered(t, h, part, forged)
		require.ErrorIs(t, openErr(t, bad, collection(t, bad, a.id, a.shares...)), recovery.ErrUntrusted)
	}
	// The params are genuine, and the server has wrapped its own secret.
	other := contactsSlot(t, appoint(t, 2, 2).header(t))
	bad := altered(t, h, slot.Wrapped, other.Wrapped)
	require.ErrorIs(t, openErr(t, bad, collection(t, bad, a.id, a.shares...)), recovery.ErrUntrusted)

	// The MACs are package recovery's.
	end := h.Bytes()[len(h.Bytes())-64:]
	for _, i := range []int{0, 63} {
		forged := bytes.Clone(end)
		forged[i] ^= 1
		bad := altered(t, h, end, forged)
		require.ErrorIs(t, openErr(t, bad, collection(t, bad, a.id, a.shares...)), recovery.ErrUntrusted)
	}

	// A slot of another binding, given to the Opener itself.
	c := collection(t, h, a.id, a.shares...)
	b := slotBinding(a.account, a.id[:])
	secret, err := c.Open(t.Context(), b, slot)
	require.NoError(t, err)
	require.Len(t, secret, 64)
	for _, change := range []struct {
		change func(b *wrap.Binding, s *recovery.Slot)
		want   error
	}{
		{func(b *wrap.Binding, s *recovery.Slot) { b.Epoch = 2 }, recovery.ErrUntrusted},
		{func(b *wrap.Binding, s *recovery.Slot) { b.Purpose = "nescio/slot/file/v1" }, recovery.ErrUntrusted},
		{func(b *wrap.Binding, s *recovery.Slot) { b.Account = bytes.Repeat([]byte{1}, 16) }, recovery.ErrWrongSecret},
		{func(b *wrap.Binding, s *recovery.Slot) { s.Flags = 1 }, recovery.ErrUntrusted},
		{func(b *wrap.Binding, s *recovery.Slot) { s.Params = s.Params[:33] }, recovery.ErrUntrusted},
		{func(b *wrap.Binding, s *recovery.Slot) { s.Params = nil }, recovery.ErrUntrusted},
		{func(b *wrap.Binding, s *recovery.Slot) { s.Wrapped = nil }, recovery.ErrUntrusted},
		{func(b *wrap.Binding, s *recovery.Slot) { s.Type = "phrase" }, recovery.ErrWrongSecret},
		{func(b *wrap.Binding, s *recovery.Slot) { s.ID[0] ^= 1 }, recovery.ErrWrongSecret},
	} {
		b, slot := b, slot
		change.change(&b, &slot)
		_, err := c.Open(t.Context(), b, slot)
		require.ErrorIs(t, err, change.want)
	}
}

// TestContactForgesAShare: every forgery is refused, the error names the share,
// and the others still open the slot.
func TestContactForgesAShare(t *testing.T) {
	a := appoint(t, 2, 3)
	h := a.header(t)
	c := collection(t, h, a.id, a.shares[0])
	split := refSplitDigest(a.account, a.id[:], contactsSlot(t, h).Params)
	genuine := a.values()[1]
	own := refNewSplit(refRandom(2), a.account, a.id[:], 3)

	// Another value under each index, one that was added included.
	for i := 1; i <= 3; i++ {
		s := released(t, refShare(a.account, a.id[:], i, 2, 3, split, own.values[i-1]))
		requireShare(t, i, contacts.ErrWrong, c.Add(s))
		s = released(t, refShare(a.account, a.id[:], i, 2, 3, split, make([]byte, 32)))
		requireShare(t, i, contacts.ErrWrong, c.Add(s))
	}
	// The genuine value under another contact's index.
	for _, i := range []int{1, 3} {
		s := released(t, refShare(a.account, a.id[:], i, 2, 3, split, genuine))
		requireShare(t, i, contacts.ErrWrong, c.Add(s))
	}
	// An index out of range.
	for _, i := range []int{0, 4, 255} {
		s, err := lying(t, a.account, refShare(a.account, a.id[:], i, 2, 3, split, genuine))
		require.Nil(t, s)
		require.Equal(t, contacts.ErrMalformed, err)
	}
	s := released(t, refShare(a.account, a.id[:], 4, 2, 4, split, genuine))
	requireShare(t, 4, contacts.ErrSplit, c.Add(s))

	// A split of the contact's own, and the genuine value with its digest.
	requireShare(t, 2, contacts.ErrSplit, c.Add(released(t, own.share(2))))
	s = released(t, refShare(a.account, a.id[:], 2, 2, 3, own.digest(), genuine))
	requireShare(t, 2, contacts.ErrSplit, c.Add(s))

	// Another k or n.
	for _, numbers := range [][2]int{{1, 3}, {3, 3}, {2, 2}, {2, 4}, {2, 32}} {
		s = released(t, refShare(a.account, a.id[:], 2, numbers[0], numbers[1], split, genuine))
		requireShare(t, 2, contacts.ErrSplit, c.Add(s))
	}

	// Bytes that are not a share.
	valid := a.shares[1].Secret()
	for _, junk := range [][]byte{{0}, valid[1:], append(bytes.Clone(valid), 0), a.messages[1], own.plaintext(2)} {
		_, err := lying(t, a.account, junk)
		require.Equal(t, contacts.ErrMalformed, err)
	}

	require.Equal(t, 1, c.Missing(), "no forgery was added")
	require.NoError(t, c.Add(release(t, a.shares[1])))
	requireOpens(t, a.keyring, h, c)
}

// TestDuplicateShare: one contact twice is one contact.
func TestDuplicateShare(t *testing.T) {
	a := appoint(t, 2, 3)
	h := a.header(t)
	c := collection(t, h, a.id, a.shares[2])
	for _, s := range []*contacts.Share{a.shares[2], release(t, a.shares[2])} {
		requireShare(t, 3, contacts.ErrDuplicate, c.Add(s))
	}
	require.Equal(t, contacts.ErrFew, openErr(t, h, c))
	require.NoError(t, c.Add(a.shares[0]))
	requireOpens(t, a.keyring, h, c)
}

// TestForeignShare: a share of another account or another slot, even one with
// the slot's digest and value.
func TestForeignShare(t *testing.T) {
	a := appoint(t, 2, 2)
	h := a.header(t)
	c := collection(t, h, a.id)
	value := a.values()[0]
	params := contactsSlot(t, h).Params
	other := bytes.Repeat([]byte{0x43}, 16)
	for _, from := range [][2][]byte{{other, a.id[:]}, {a.account, other}} {
		for _, split := range [][]byte{refSplitDigest(a.account, a.id[:], params), refSplitDigest(from[0], from[1], params)} {
			s := released(t, refShare(from[0], from[1], 1, 2, 2, split, value))
			requireShare(t, 1, contacts.ErrForeign, c.Add(s))
		}
	}

	// A genuine share of another slot or account, relabelled.
	neighbour, sibling := appoint(t, 2, 2), *a
	sibling.split(t, 2, 2, nil)
	for _, from := range []*appointed{neighbour, &sibling} {
		b := from.shares[0].Secret()
		require.Equal(t, slices.Concat(from.account, from.id[:]), b[2:34])
		copy(b[2:], a.account)
		copy(b[18:], a.id[:])
		requireShare(t, 1, contacts.ErrSplit, c.Add(released(t, b)))
		copy(b[37:], refSplitDigest(a.account, a.id[:], params))
		requireShare(t, 1, contacts.ErrWrong, c.Add(released(t, b)))
	}

	// An honest contact of another account refuses to begin with, or the halves
	// of the short code differ.
	r := request(t, a.account)
	_, err := neighbour.shares[0].ApproveQR(r.QR(), r.Ask())
	require.ErrorIs(t, err, recovery.ErrUntrusted)
	r = request(t, a.account)
	x := exchange(t, neighbour.shares[0], r)
	grant, err := x.approval.Grant(x.atOwner)
	require.ErrorIs(t, err, recovery.ErrUntrusted)
	require.Nil(t, grant)
	_, err = r.Open(make([]byte, 117), x.atContact)
	require.ErrorIs(t, err, recovery.ErrUntrusted)

	// A lying contact of another account.
	_, err = lying(t, a.account, neighbour.shares[0].Secret())
	requireShare(t, 1, contacts.ErrForeign, err)

	// The header of another account.
	opener := collection(t, h, a.id, a.shares...)
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, neighbour.header(t), opener))
	for _, id := range []recovery.SlotID{{}, neighbour.id, phraseSlot(t, h).ID} {
		_, err = contacts.NewCollection(h, id)
		require.Equal(t, recovery.ErrWrongSecret, err)
	}
}

func phraseSlot(t testing.TB, h *recovery.Header) recovery.Slot {
	for _, s := range h.Slots() {
		if s.Type == "phrase" {
			return s
		}
	}
	require.Fail(t, "no phrase")
	return recovery.Slot{}
}

// TestSharesOfTwoSplitsMixed: two splits under one slot id, which an honest
// keyring never uses twice.
func TestSharesOfTwoSplitsMixed(t *testing.T) {
	a := appoint(t, 2, 2)
	h := a.header(t)
	other := refNewSplit(refRandom(2), a.account, a.id[:], 2)
	for i := 1; i <= 2; i++ {
		c := collection(t, h, a.id, a.shares[2-i])
		requireShare(t, i, contacts.ErrSplit, c.Add(released(t, other.share(i))))
		require.Equal(t, contacts.ErrFew, openErr(t, h, c))
	}
}

// TestCommitmentsAreBoundToTheirPlace: equal shares, as k = 1 has them, have
// different commitments under another account, slot or index.
func TestCommitmentsAreBoundToTheirPlace(t *testing.T) {
	a := appoint(t, 1, 3)
	params := contactsSlot(t, a.header(t)).Params
	value := a.values()[0]
	seen := make(map[string]bool)
	for i := range 3 {
		require.Equal(t, value, a.values()[i])
		seen[string(params[34+32*i:][:32])] = true
	}
	for _, elsewhere := range [][2][]byte{{slotID, a.id[:]}, {a.account, slotID}} {
		seen[string(refParams(params[:32], elsewhere[0], elsewhere[1], 1, [][]byte{value})[34:])] = true
	}
	require.Len(t, seen, 5)
}

// TestReleaseIsByApprovalAlone: neither the bytes that a contact keeps nor a
// grant for another purpose is accepted as a grant.
func TestReleaseIsByApprovalAlone(t *testing.T) {
	a := appoint(t, 2, 2)
	share := a.shares[0]
	for _, grant := range [][]byte{nil, share.Secret(), a.messages[0]} {
		for _, r := range []*contacts.Request{request(t, a.account), showing(t, a.account)} {
			got, err := r.Open(grant, "")
			require.Error(t, err)
			require.Nil(t, got)
		}
	}

	// A contact approves a request for a device, and a device one for a share.
	device, err := recovery.NewRequest(recovery.AccountID(a.account))
	require.NoError(t, err)
	r := request(t, a.account)
	_, err = share.ApproveQR(device.QR(), device.Ask())
	require.Equal(t, contacts.ErrMalformed, err)
	_, err = share.ApproveQR(device.QR(), r.Ask())
	require.ErrorIs(t, err, recovery.ErrUntrusted)
	_, err = share.ApproveQR(r.QR(), device.Ask())
	require.Equal(t, contacts.ErrMalformed, err)
	_, err = share.Approve(device.Ask())
	require.Equal(t, contacts.ErrMalformed, err)
	_, err = approval.ScanQR(approval.Device, [16]byte(a.account), r.QR(), r.Ask())
	require.Error(t, err)

	// A device's approver signs for the purpose that its message states.
	other := relabelled(r.Ask(), approval.Device)
	scan, err := approval.ScanQR(approval.Device, [16]byte(a.account), relabelledQR(t, r.QR(), approval.Device), other)
	require.NoError(t, err)
	grant, err := scan.Grant(share.Secret())
	require.NoError(t, err)
	_, err = r.Open(grant, "")
	require.ErrorIs(t, err, recovery.ErrUntrusted)

	// The server substitutes its own key for the owner's.
	server := request(t, a.account)
	_, err = share.ApproveQR(r.QR(), server.Ask())
	require.ErrorIs(t, err, recovery.ErrUntrusted)
	grant, err = share.ApproveQR(r.QR(), r.Ask())
	require.NoError(t, err)
	_, err = server.Open(grant, "")
	require.ErrorIs(t, err, recovery.ErrUntrusted)
	require.False(t, bytes.Contains(grant, a.values()[0]))
	got, err := r.Open(grant, "")
	require.NoError(t, err, "none of this has ended the request")
	require.Equal(t, share.Secret(), got.Secret())
}

// relabelled is an ask that states another purpose.
func relabelled(ask []byte, p approval.Purpose) []byte {
	return append([]byte{byte(p)}, ask[1:]...)
}

func relabelledQR(t testing.TB, qr string, p approval.Purpose) string {
	prefix, text, ok := strings.Cut(qr, ":")
	require.True(t, ok)
	b, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	return prefix + ":" + base64.RawURLEncoding.EncodeToString(relabelled(b, p))
}

// TestStrangerSealsAMessage: a contact's key is public. The contact refuses a
// share that does not fit the commitments beside it, and the slot refuses any
// other.
func TestStrangerSealsAMessage(t *testing.T) {
	a := appoint(t, 2, 3)
	public := a.keys[0].PublicKey()
	f, g := refNewSplit(refRandom(2), a.account, a.id[:], 3), refNewSplit(refRandom(2), a.account, a.id[:], 3)
	open := func(plaintext []byte) (*contacts.Share, error) {
		message, err := refSeal(public, plaintext)
		require.NoError(t, err)
		return a.keys[0].Open(message)
	}
	for name, b := range map[string]struct {
		share []byte
		want  error
	}{
		"another value":  {refShare(a.account, a.id[:], 1, 2, 3, f.digest(), g.values[0]), contacts.ErrWrong},
		"another index":  {refShare(a.account, a.id[:], 2, 2, 3, f.digest(), f.values[0]), contacts.ErrWrong},
		"another digest": {refShare(a.account, a.id[:], 1, 2, 3, g.digest(), f.values[0]), contacts.ErrSplit},
		"another k":      {refShare(a.account, a.id[:], 1, 3, 3, f.digest(), f.values[0]), contacts.ErrSplit},
		"a higher n":     {refShare(a.account, a.id[:], 4, 2, 32, f.digest(), f.values[0]), contacts.ErrSplit},
		"a slot":         {refShare(a.account, slotID, 1, 2, 3, f.digest(), f.values[0]), contacts.ErrSplit},
		"an account":     {refShare(slotID, a.id[:], 1, 2, 3, f.digest(), f.values[0]), contacts.ErrSplit},
	} {
		s, err := open(append(bytes.Clone(b.share), f.params...))
		require.Nil(t, s, name)
		requireShare(t, int(b.share[34]), b.want, err)
	}

	valid := f.plaintext(1)
	params := func(k, n byte, commitments int) []byte {
		return slices.Concat(f.share(1), f.params[:32], []byte{k, n}, make([]byte, 32*commitments))
	}
	for _, junk := range [][]byte{
		nil, {1}, make([]byte, len(valid)), valid[1:], f.share(1), f.params, append(f.params, f.share(1)...),
		params(0, 3, 3), params(4, 3, 3), params(2, 33, 33), params(2, 3, 2), params(2, 3, 4), params(2, 0, 0),
	} {
		s, err := open(junk)
		require.Nil(t, s)
		require.Equal(t, contacts.ErrMalformed, err)
	}
	for b := range testvec.Lengths(valid) {
		_, err := open(b)
		require.Equal(t, contacts.ErrMalformed, err)
	}

	s, err := open(valid)
	require.NoError(t, err)
	requireShare(t, 1, contacts.ErrSplit, collection(t, a.header(t), a.id).Add(s))
}

// TestEveryFlippedBitOfACommitment is found, even under a digest of the altered
// params. It is compared whole.
func TestEveryFlippedBitOfACommitment(t *testing.T) {
	keys, public := newKeys(t, 1)
	f := refNewSplit(refRandom(2), account, slotID, 3)
	for i, c := range testvec.BitFlips(f.params[34:66]) {
		params := slices.Concat(f.params[:34], c, f.params[66:])
		altered := &refSplit{f.account, f.slot, f.k, f.n, f.values, params}
		for j, want := range []error{contacts.ErrWrong, nil} {
			message, err := refSeal(public[0], altered.plaintext(j+1))
			require.NoError(t, err)
			_, err = keys[0].Open(message)
			require.ErrorIs(t, err, want, i)
		}
	}
}

// TestMessageOfAnotherContact: it does not open, in whole or in part.
func TestMessageOfAnotherContact(t *testing.T) {
	a := appoint(t, 2, 2)
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
	a := appoint(t, 2, 2)
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

// TestEveryFlippedBitOfAShare is refused, by the parser or by the slot.
func TestEveryFlippedBitOfAShare(t *testing.T) {
	a := appoint(t, 2, 3)
	h := a.header(t)
	for i, b := range testvec.BitFlips(a.shares[1].Secret()) {
		s, err := contacts.ParseShare(b)
		if err != nil {
			require.Nil(t, s)
			require.Equal(t, contacts.ErrMalformed, err)
			head := i < 2*8 || i >= 34*8 && i < 37*8
			require.True(t, head || i >= 69*8, "only kind, version, numbers and value have a form: %d", i)
			continue
		}
		var want error
		switch {
		case i < 2*8:
			require.Fail(t, "another kind or version")
		case i < 34*8:
			want = contacts.ErrForeign
		case i < 35*8: // the index
			want = contacts.ErrWrong
		case i < 69*8:
			want = contacts.ErrSplit
		default:
			want = contacts.ErrWrong
		}
		requireShare(t, int(b[34]), want, collection(t, h, a.id).Add(s))
	}
}

// TestRecoveryGoesOnAfterAFailure: an error of one share leaves the others in
// place.
func TestRecoveryGoesOnAfterAFailure(t *testing.T) {
	a := appoint(t, 2, 3)
	h := a.header(t)
	c := collection(t, h, a.id, a.shares[0])
	require.Equal(t, contacts.ErrFew, openErr(t, h, c))
	forged := a.shares[1].Secret()
	forged[69] ^= 1
	requireShare(t, 2, contacts.ErrWrong, c.Add(released(t, forged)))
	require.NoError(t, c.Add(a.shares[1]))
	require.NoError(t, c.Add(a.shares[2]), "more than k")
	require.Zero(t, c.Missing())
	requireOpens(t, a.keyring, h, c)
}

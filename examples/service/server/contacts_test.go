package server

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/stretchr/testify/require"
)

func invitationOf(n byte) api.ID { return api.ID(numbered(n)) }

// TestInviteLimit: an account has a number of invitations of its own. Those of
// which it is the contact do not count.
func TestInviteLimit(t *testing.T) {
	s := newFuzzed(t)
	invite := func() api.Code {
		_, code := ask[api.InvitationID](t, s, fullToken, "POST", "/v1/contacts/invite", api.Empty{})
		return code
	}
	must[api.Empty](t, s, fullToken, "POST", "/v1/contacts/accept", api.Acceptance{Invitation: invitationOf(invitedByCarol), Answer: []byte("answer")})
	for range api.MaxContacts - 2 { // fuzzed has two
		require.Empty(t, invite())
	}
	require.Equal(t, api.Full, invite())
	must[api.Empty](t, s, fullToken, "POST", "/v1/contacts/remove", api.InvitationID{Invitation: invitationOf(invitedBob)})
	require.Empty(t, invite())
	require.Equal(t, api.Full, invite())
}

// TestAccept: the first account that has the link accepts, once, and not its
// own invitation. An account is a contact of another one once.
func TestAccept(t *testing.T) {
	s := newFuzzed(t)
	own := must[api.InvitationID](t, s, fullToken, "POST", "/v1/contacts/invite", api.Empty{}).Invitation
	accept := func(token string, id api.ID, answer string) api.Code {
		_, code := ask[api.Empty](t, s, token, "POST", "/v1/contacts/accept", api.Acceptance{Invitation: id, Answer: []byte(answer)})
		return code
	}
	require.Equal(t, api.Conflict, accept(fullToken, own, "answer"), "its own")
	require.Equal(t, api.Conflict, accept(contactToken, own, "answer"), "a contact already")
	require.Equal(t, api.NotFound, accept(contactToken, api.ID{9}, "answer"))
	require.Equal(t, api.Malformed, accept(contactToken, invitationOf(invitedByCarol), string(bytes.Repeat([]byte("a"), api.MaxAcceptance+1))))
	require.Empty(t, accept(contactToken, invitationOf(invitedByCarol), string(bytes.Repeat([]byte("a"), api.MaxAcceptance))))
	require.Equal(t, api.Conflict, accept(contactToken, invitationOf(invitedByCarol), "another answer"))
	require.Equal(t, api.Conflict, accept(fullToken, invitationOf(invitedByCarol), "answer"), "another account")
	require.Empty(t, accept(contactToken, invitationOf(invitedByCarol), string(bytes.Repeat([]byte("a"), api.MaxAcceptance))), "the answer was lost")
	of := must[api.Contacts](t, s, contactToken, "GET", "/v1/contacts", nil).Of
	require.Len(t, of, 2)
}

// TestShares: the owner delivers a share for a slot of the keyring to a contact
// who has accepted, and the contact keeps it.
func TestShares(t *testing.T) {
	s := newFuzzed(t)
	slot := api.ID(s.ring.slots["contacts"])
	deliver := func(token string, id, slot api.ID, message string) api.Code {
		_, code := ask[api.Empty](t, s, token, "POST", "/v1/contacts/deliver", api.Delivery{Invitation: id, Slot: slot, Message: []byte(message)})
		return code
	}
	i := must[api.InvitationID](t, s, contactToken, "POST", "/v1/contacts/invite", api.Empty{}).Invitation
	require.Equal(t, api.NotFound, deliver(fullToken, i, slot, "message"), "of another owner")
	own := must[api.InvitationID](t, s, fullToken, "POST", "/v1/contacts/invite", api.Empty{}).Invitation
	require.Equal(t, api.Conflict, deliver(fullToken, own, slot, "message"), "nobody has accepted")
	require.Equal(t, api.Conflict, deliver(fullToken, invitationOf(invitedCarol), api.ID(s.ring.slots["file"]), "message"), "no slot of contacts")
	require.Equal(t, api.Malformed, deliver(fullToken, invitationOf(invitedCarol), slot, string(make([]byte, api.MaxDelivery+1))))
	require.Empty(t, deliver(fullToken, invitationOf(invitedCarol), slot, "message"))
	require.Empty(t, deliver(fullToken, invitationOf(invitedCarol), slot, "message"), "the answer was lost")
	require.Equal(t, api.Conflict, deliver(fullToken, invitationOf(invitedCarol), slot, "another message"))
	invited := must[api.Contacts](t, s, fullToken, "GET", "/v1/contacts", nil).Invited
	require.Len(t, invited, 3)
	for _, one := range invited {
		switch one.ID {
		case own:
			require.Nil(t, one.Answer)
			require.Nil(t, one.Slot)
		case invitationOf(invitedCarol):
			require.Equal(t, &slot, one.Slot)
			require.False(t, one.Received)
		}
	}
}

// TestReceived: only the contact can say that it has kept the share, and the
// message is deleted then.
func TestReceived(t *testing.T) {
	s := newFuzzed(t)
	slot := api.ID(s.ring.slots["contacts"])
	received := func(token string) api.Code {
		_, code := ask[api.Empty](t, s, token, "POST", "/v1/contacts/received", api.Receipt{Invitation: invitationOf(invitedBob), Slot: slot})
		return code
	}
	other := api.Receipt{Invitation: invitationOf(invitedBob), Slot: api.ID{1}}
	i := s.invitations()[invitedBob]
	i.Received, i.Slot = false, nil
	s.setInvitation(t, i)
	require.Equal(t, api.Conflict, received(contactToken), "no share")
	must[api.Empty](t, s, fullToken, "POST", "/v1/contacts/deliver", api.Delivery{Invitation: invitationOf(invitedBob), Slot: slot, Message: []byte("message")})
	want := api.ContactOf{ID: invitationOf(invitedBob), Slot: &slot, Message: []byte("message")}
	require.Equal(t, []api.ContactOf{want}, must[api.Contacts](t, s, contactToken, "GET", "/v1/contacts", nil).Of)
	require.Equal(t, api.NotFound, received(fullToken))
	_, code := ask[api.Empty](t, s, contactToken, "POST", "/v1/contacts/received", other)
	require.Equal(t, api.Conflict, code, "a share that was replaced meanwhile")
	want.Message, want.Received = nil, true
	for range 2 {
		require.Empty(t, received(contactToken))
		require.Equal(t, []api.ContactOf{want}, must[api.Contacts](t, s, contactToken, "GET", "/v1/contacts", nil).Of)
	}
}

// TestRemoveInvitation: the owner and the contact end an invitation, and nobody
// else.
func TestRemoveInvitation(t *testing.T) {
	for n, want := range map[byte]api.Code{invitedBob: "", invitedCarol: "", invitedByCarol: api.NotFound, 9: api.NotFound} {
		s := newFuzzed(t)
		_, code := ask[api.Empty](t, s, fullToken, "POST", "/v1/contacts/remove", api.InvitationID{Invitation: invitationOf(n)})
		require.Equal(t, want, code)
		require.Equal(t, want == "", len(s.kinds(t)) == 1)
	}
	s := newFuzzed(t)
	i := s.invitations()[invitedByCarol]
	i.Contact = s.id[:]
	s.setInvitation(t, i)
	must[api.Empty](t, s, fullToken, "POST", "/v1/contacts/remove", api.InvitationID{Invitation: invitationOf(invitedByCarol)})
	require.Empty(t, must[api.Contacts](t, s, fullToken, "GET", "/v1/contacts", nil).Of)
}

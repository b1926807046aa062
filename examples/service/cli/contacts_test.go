package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/stretchr/testify/require"
)

// TestContacts: two of three contacts give the account back, one with codes and
// one with a QR code.
func TestContacts(t *testing.T) {
	w := newWorld(t, server.Config{})
	a := w.device()
	a.must(pass, "signup", "alice")
	a.must(pass, "add", "-title", "Note", "-text", "kept")
	require.Contains(t, a.must(pass, "contacts"), "there are no contacts")
	contacts := make([]person, 3)
	for i := range contacts {
		c := w.device()
		contacts[i] = c
		label := fmt.Sprintf("Contact %d", i+1)
		out := a.must(pass, "contacts", "-invite", label, "-qr")
		require.Contains(t, strings.Join(strings.Fields(out), " "), "Give this link to "+label+" in private.")
		link := find(t, `(?m)^(http\S+/contact#\S+)$`, out)
		c.must(pass, "signup", fmt.Sprintf("contact%d", i+1))
		c.fails("that is not the link of an invitation", pass, "contacts", "-accept", "nonsense", "-label", "Alice")
		require.Contains(t, a.must(pass, "contacts"), label+"                  has not accepted yet\n")
		fingerprint := find(t, `(?m)^  (\S.{20,})$`, c.must(pass, "contacts", "-accept", link, "-label", "Alice"))
		out = a.must(pass, "contacts")
		require.Contains(t, out, label+"                  accepted, not appointed\n")
		require.Contains(t, out, "key:    "+fingerprint+"\n")
		require.Contains(t, c.must(pass, "contacts"), "you are a contact of:\n")
		require.Contains(t, c.must(pass, "contacts", "-receive"), "no share waits for you")
	}
	a.fails("K is 4, and 3 contacts have accepted", pass, "contacts", "-appoint", "4")
	a.fails("a person with a forged fingerprint would get a share", pass, "contacts", "-appoint", "2")
	a.fails("there is no contact whose id begins with", pass, "contacts", "-appoint", "1", "none")
	out := a.must(pass+"yes\n", "contacts", "-appoint", "2")
	split := find(t, `(?m)^  (\S.{20,})$`, out)
	require.Contains(t, out, "Any 2 of 3 contacts can open the account with you")
	require.Contains(t, a.must(pass, "contacts"), "appointed, share not received\n")
	require.NotRegexp(t, `(?m) $`, a.must(pass, "contacts"))
	require.Contains(t, a.must(pass, "slots"), "  contacts together, with the server\n")
	for _, c := range contacts {
		require.Contains(t, c.must(pass, "contacts"), "use contacts -receive\n")
		require.Contains(t, c.must(pass, "contacts", "-receive"), "\n  "+split+"\n")
		require.Contains(t, c.must(pass, "contacts"), "you have a share\n")
	}
	out = a.must(pass, "contacts")
	require.Equal(t, 3, strings.Count(out, "has a share\n"))
	require.Equal(t, 3, strings.Count(out, "share:  "+split+"\n"))

	// Alice loses everything. After a mistyped code, both begin again.
	b := w.device()
	here := &side{person: b, lines: "GKC-YM5\n", args: []string{"recover", "-contacts", "-code", "alice"}}
	there := &side{person: contacts[0], lines: pass + otherRequest + otherCode, args: []string{"approve"}}
	both(t, here, there)
	require.NoError(t, there.err, there.out.String())
	require.ErrorContains(t, here.err, "the contact may give the share again")
	require.Contains(t, here.out.String(), "If the other side reports an error, press Ctrl-C and begin again.")
	require.NotContains(t, here.out.String(), "picture")
	here = &side{person: b, lines: otherCode, args: []string{"recover", "-contacts", "-code"}}
	there = &side{person: contacts[0], lines: pass + otherRequest + otherCode, args: []string{"approve"}}
	both(t, here, there)
	require.NoError(t, there.err, there.out.String())
	require.NoError(t, here.err, here.out.String())
	require.Contains(t, there.out.String(), "  your share for Alice  ")
	require.Contains(t, strings.Join(strings.Fields(there.out.String()), " "), "Your share is given to Alice. It was sent: ask whether the other screen shows it")
	require.Contains(t, here.out.String(), "the contact has given a share: 1 more is missing\n")
	require.Contains(t, b.must("", "recover"), "claim:    with contacts\nstate:    2 shares were sent. The claim ends on ")
	require.NotContains(t, a.must(pass, "list"), "attention")

	here = &side{person: b, args: []string{"recover", "-contacts"}}
	there = &side{person: contacts[2], lines: pass + otherQR + "yes\n", args: []string{"approve", "-qr"}}
	both(t, here, there)
	require.NoError(t, there.err, there.out.String())
	require.NoError(t, here.err, here.out.String())
	require.Contains(t, here.out.String(), "enough contacts have given their shares\n")
	require.Contains(t, here.out.String(), "state:    it waits until ")
	require.Contains(t, a.must(pass, "list"), "attention: 1 claim of this account is open.")
	w.seconds.Add(day + 60)
	require.Contains(t, b.must("another horse\nyes\n", "recover"), "The password is set.")
	require.Contains(t, b.must("another horse\n", "list"), "Note")

	// One contact goes, and the others are appointed again.
	out = b.must("another horse\n", "contacts")
	id := find(t, `  ([0-9a-f]{8})  Contact 1 `, out)
	out = b.must("another horse\n", "contacts", "-remove", id)
	require.Contains(t, out, "removed "+id+"  Contact 1\n")
	require.Contains(t, out, "the contact still has a share")
	two, three := find(t, `  ([0-9a-f]{8})  Contact 2 `, b.must("another horse\n", "contacts")), find(t, `  ([0-9a-f]{8})  Contact 3 `, out+b.must("another horse\n", "contacts"))
	b.fails("flags come first", "another horse\nyes\n", "contacts", two, "-appoint", "1")
	out = b.must("another horse\nyes\nyes\n", "contacts", "-appoint", "1", two, three, two)
	require.Contains(t, out, "Any 1 of 2 contacts can open the account with you")
	require.Contains(t, contacts[2].must(pass, "contacts", "-receive"), "You keep a share for Alice.")
	id = find(t, `  ([0-9a-f]{8})  Alice `, contacts[1].must(pass, "contacts"))
	require.Contains(t, contacts[1].must(pass, "contacts", "-remove", id), "removed "+id)
	require.Contains(t, contacts[1].must(pass, "contacts"), "there are no contacts")
}

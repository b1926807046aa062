// Quickstart is a service in memory. Its accounts log in with SRP, in Proton's
// profile, or with OPAQUE, and can have a keyring. This file tells a story with
// it. Copy from server.go and client.go, and add the network between them.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

// must and try end the program on an unexpected error.
func must[T any](v T, err error) T { try(err); return v }

func try(err error) {
	if err != nil {
		log.Fatal("quickstart: ", err)
	}
}

func main() { story(context.Background(), os.Stdout) }

const password, note = "correct horse", "The spare key is under the third pot."

func story(ctx context.Context, w io.Writer) {
	say := func(format string, a ...any) { fmt.Fprintf(w, format+"\n", a...) }
	server := newServer()
	client := newClient(server)

	say("1. Alice has an account with SRP, on a modulus that Proton signed, and logs in.")
	s, request, err := client.srp.Register(nil, []byte(password))
	try(err)
	try(client.register(ctx, "alice.srp", request, s.Finish))
	must(client.login(ctx, "alice.srp", password))

	say("2. She has another one with OPAQUE. Its keyring opens with her password, or\n" +
		"   with twelve words that she writes down.")
	o, request, err := client.opaque.Register(nil, []byte(password))
	try(err)
	try(client.register(ctx, "alice", request, o.Finish))
	session := must(client.login(ctx, "alice", password))
	laptop, phrase := client.keyring("alice", session), must(recovery.NewPhrase(12))
	try(laptop.Create(ctx, recovery.NewExportKey(session.exportKey, session.record), phrase))
	binding := wrap.Binding{Purpose: "example.org/note/v1"}
	first := must(laptop.Wrap([]byte(note), binding))

	say("3. Her phone gets in when the laptop scans its QR code.")
	phone, ask := client.keyring("alice", session), must(recovery.NewRequest(laptop.Account()))
	grant, phoneID, err := laptop.ApproveQR(ctx, ask.QR(), ask.Ask())
	try(err)
	try(phone.Open(ctx, must(phone.Join(ctx, ask, grant, ""))))
	say("   There she reads: %s", must(phone.Unwrap(first, binding)))

	say("4. It is stolen. On a tablet she logs in, types her words, and revokes it.")
	tablet := client.keyring("alice", must(client.login(ctx, "alice", password)))
	try(tablet.OpenFirst(ctx, laptop.Account(), must(recovery.ParsePhrase(phrase.Words()))))
	try(tablet.MarkSeen(ctx, tablet.Unseen())) // when she has looked at the list
	try(tablet.Revoke(ctx, phoneID))
	second := must(tablet.Wrap([]byte("It is in the shed now."), binding))
	say("   She reads: %s", must(tablet.UnwrapOld(first, binding)))
	_, err = phone.Unwrap(second, binding)
	say("   Her new note on the phone: %v\n   After a refresh: %v", err, phone.Refresh(ctx))

	say("5. With a wrong password a name that nobody has fails as one of hers does:")
	for _, name := range []string{"alice.srp", "alice", "nobody1", "nobody2", "nobody3"} {
		_, err := client.login(ctx, name, "wrong password")
		say("   %-10s %v", name, err)
	}

	all := string(server.records["alice"]) + string(server.headers["alice"].Bytes()) + string(first)
	say("6. A server has her record, her keyring's header and her first note, %d bytes.", len(all))
	say("   Is the password in it? %t. Is the note? %t.", strings.Contains(all, password), strings.Contains(all, note))
}

// Quickstart is a service in memory whose accounts log in with SRP, in Proton's
// profile, or with OPAQUE. It runs the server and a client over HTTP on loopback.
// This file is the story. Copy from server.go and client.go.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/nescio-go/nescio/wrap"
)

// must ends the program if something fails that should not.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal("quickstart: ", err)
	}
	return v
}

func main() { story(context.Background(), os.Stdout) }

const password, note = "correct horse", "The spare key is under the third pot."

func story(ctx context.Context, w io.Writer) {
	listener, server := must(net.Listen("tcp", "127.0.0.1:0")), newServer()
	go http.Serve(listener, server.handler())
	client := newClient("http://" + listener.Addr().String())

	fmt.Fprintln(w, "1. Alice has an account with SRP, on a modulus that Proton signed, and logs in.")
	s, request, err := client.srp.Register(nil, []byte(password))
	must(s, err)
	must(client.register(ctx, "alice.srp", request, s.Finish))
	must(client.login(ctx, "alice.srp", password))

	fmt.Fprintln(w, "2. She has another one with OPAQUE, and a key that only she knows.")
	o, request, err := client.opaque.Register(nil, []byte(password))
	must(o, err)
	must(client.register(ctx, "alice", request, o.Finish))
	session := must(client.login(ctx, "alice", password))
	binding := wrap.Binding{Purpose: "example.org/note/v1", Account: []byte("alice")}
	wrapped := must(session.key.Wrap(ctx, []byte(note), binding))
	must(client.post("/note", message{Name: "alice", Token: session.token, Note: wrapped}))

	session = must(client.login(ctx, "alice", password))
	stored := must(client.post("/note", message{Name: "alice", Token: session.token})).Note
	fmt.Fprintf(w, "   After her next login she reads: %s\n", must(session.key.Unwrap(ctx, stored, binding)))

	fmt.Fprintln(w, "3. With a wrong password a name that nobody has fails as one of hers does:")
	for _, name := range []string{"alice.srp", "alice", "nobody1", "nobody2", "nobody3"} {
		_, err := client.login(ctx, name, "wrong password")
		fmt.Fprintf(w, "   %-10s %v\n", name, err)
	}

	fmt.Fprintln(w, "4. All that the server has for her account with OPAQUE:")
	record := server.records["alice"]
	fmt.Fprintf(w, "   a record of %d bytes: public key, masking key, envelope\n   %x...\n", len(record), record[:32])
	fmt.Fprintf(w, "   her note, wrapped, %d bytes\n   %x...\n", len(stored), stored[:32])
	all := string(record) + string(stored)
	fmt.Fprintf(w, "   Is the password in it? %t. Is the note? %t.\n", strings.Contains(all, password), strings.Contains(all, note))
}

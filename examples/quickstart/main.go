// Quickstart tells the story of one account, on one machine and without
// arguments: a server that listens on the loopback interface, a client that
// talks to it over HTTP, and what each of them gets to know.
//
// Each chapter is a file or two: chapter1_login.go and so on. The server's side is in
// server.go and the files server_*.go beside it, the client's in client.go and
// client_*.go, what they send each other in wire.go, and what the client encrypts in
// vault.go and vault_keyring.go. What Mallory does with a stolen database, and when he
// works at the service, is in mallory.go.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := story(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// story runs the chapters in order, with one server.
func story(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n := narrator{out}
	s, base, err := login(ctx, n)
	if err != nil {
		return err
	}
	if err := keys(ctx, n, s, base); err != nil {
		return err
	}
	if err := moving(ctx, n, s, base); err != nil {
		return err
	}
	w := &work{narrator: n, s: s, base: base}
	defer w.burn()
	if err := w.recovering(ctx); err != nil {
		return err
	}
	return w.approving(ctx)
}

// narrator prints the story.
type narrator struct {
	out io.Writer
}

func (n narrator) chapter(number int, title string) {
	fmt.Fprintf(n.out, "\nChapter %d. %s\n\n", number, title)
}

func (n narrator) say(format string, args ...any) {
	fmt.Fprintf(n.out, "  "+format+"\n", args...)
}

// detail prints a line that belongs to the one before it.
func (n narrator) detail(name, format string, args ...any) {
	fmt.Fprintf(n.out, "      %-18s "+format+"\n", append([]any{name}, args...)...)
}

package recoverytest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/nescio-go/nescio/wrap"
)

// A program is tested with a server that is honest at first. The user revokes a
// lent phrase, whose holder then tells the server everything that it opened.
func Example() {
	ctx := context.Background()
	remote, local := new(recoverytest.Remote), new(recoverytest.Local)
	client := recovery.NewClient(local, remote) // or the program under test

	// The sign-up, with two phrases.
	mine, err := recovery.NewPhrase(12)
	if err != nil {
		fmt.Println(err)
		return
	}
	lent, err := recovery.NewPhrase(12)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := client.Create(ctx, mine, lent); err != nil {
		fmt.Println(err)
		return
	}

	// The other phrase opens the keyring on a device of its own, and is
	// revoked.
	holder := recoverytest.NewHolder(lent)
	theirs := recovery.NewClient(new(recoverytest.Local), remote)
	if err := theirs.OpenFirst(ctx, client.Account(), holder); err != nil {
		fmt.Println(err)
		return
	}
	if err := holder.Learn(remote.Stored()); err != nil {
		fmt.Println(err)
		return
	}
	if err := client.Revoke(ctx, holder.Slot); err != nil {
		fmt.Println(err)
		return
	}
	honest := remote.Stored()

	// The server and the holder forge headers. The client accepts none.
	forgeries, err := holder.Forgeries(honest)
	if err != nil {
		fmt.Println(err)
		return
	}
	for what, forged := range forgeries {
		remote.Serve(forged)
		if err := client.Refresh(ctx); err == nil {
			fmt.Println("accepted:", what)
		}
	}
	// Nor does it accept an old header, or a data key of the holder.
	remote.Serve(remote.Headers()[0])
	fmt.Println(errors.Is(client.Refresh(ctx), recovery.ErrRollback))
	binding := wrap.Binding{Purpose: "example.org/note/v1"}
	planted, err := holder.Blob([]byte("a key of the holder"), binding, 1, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Unwrap(planted, binding)
	fmt.Println(errors.Is(err, recovery.ErrOldKey))

	// The client continues when the server is honest again.
	remote.Serve(honest)
	fmt.Println(client.Refresh(ctx), client.Epoch())
	// Output:
	// true
	// true
	// <nil> 2
}

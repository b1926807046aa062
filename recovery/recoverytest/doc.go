// Package recoverytest is a malicious server for tests of programs that use
// package recovery. It shows that a program stays with what it has seen,
// whatever its server and a removed holder do together.
//
// # Where to start
//
// Give the program a [Remote] instead of its server and a [Local] instead of
// its store. Both are honest until the test tells them otherwise. Wrap the
// secret of somebody who will be removed in a [Holder], which keeps what it
// opens. After the removal, let the server hand out forgeries:
//
//	forgeries, err := holder.Forgeries(remote.Stored())
//	// ...
//	for what, forged := range forgeries {
//		remote.Serve(forged)
//		if err := program.Refresh(ctx); err == nil {
//			t.Errorf("the program accepted %s", what)
//		}
//	}
//
// A server can also withhold answers ([Remote.Fault]), roll back and replay
// ([Remote.Serve] with one of [Remote.Headers]), and answer two devices
// differently ([Remote.Fork]). For everything else, [Split] takes a header
// apart. Every one of its [Parts] can be changed, and keys that the attacker
// has make it look authentic again.
//
// # What a program must do
//
// After each attack, the call fails with one of the errors of package recovery.
// The program still reads and writes with the keyring that it had, and follows
// the honest header when the server hands that out again. It never drops the
// checkpoint, and never starts again with [recovery.Client.OpenFirst].
//
// # Limits
//
// The package makes inputs and checks nothing. It implements FORMAT.md of
// package recovery by itself. Its types show their secrets when they are
// printed, so use them in tests only.
package recoverytest

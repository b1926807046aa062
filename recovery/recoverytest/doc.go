// Package recoverytest is a malicious server for tests of programs that use
// package recovery. It shows that a program keeps to what it has seen, whatever
// its server and a removed holder do together.
//
// # Where to start
//
// Give the program a [Remote] instead of its server and a [Local] instead of
// its store. Both are honest until the test changes them. Wrap the secret of a
// holder who will be removed in a [Holder], which keeps what it opens. After
// the removal, let the server serve forgeries:
//
//	forgeries, err := holder.Forgeries(remote.Stored())
//	for what, forged := range forgeries {
//		remote.Serve(forged)
//		if err := program.Refresh(ctx); err == nil {
//			t.Errorf("the program accepted %s", what)
//		}
//	}
//
// The field Fault of [Remote] withholds answers. [Remote.Serve] with one of
// [Remote.Headers] rolls back or replays. [Remote.Fork] answers two devices
// differently. For everything else, [Split] takes a header apart. Each of its
// [Parts] can be changed, and [Parts.Sign] makes the header look authentic
// again, with keys that the attacker has.
//
// # What a program must do
//
// After each attack, the call fails with one of the errors of package recovery.
// The program still reads and writes with the keyring that it had, and follows
// the honest header when the server serves it again. It never drops the
// checkpoint, and never starts again with [recovery.Client.OpenFirst].
//
// # Limits
//
// The package makes inputs and checks nothing. It has its own implementation of
// package recovery's FORMAT.md. Its types show their secrets when they are
// printed, so use them in tests only.
package recoverytest

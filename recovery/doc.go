// Package recovery keeps an account's keys on a server that cannot read them.
// Each account has one keyring, which any of its slots opens, such as a
// password, a phrase or an approved device. FORMAT.md specifies it.
//
// # Where to start
//
// A [Client] keeps the keyring on one device. The application implements
// [Local] and [Remote]:
//
//	client := recovery.NewClient(local, remote)
//	login := recovery.NewExportKey(exportKey, record)
//	err := client.Create(ctx, login, phrase)     // at sign-up
//	err := client.OpenAfterLogin(ctx, login)     // at each login
//	err := client.OpenFirst(ctx, account, login) // on a new device
//
//	key, blob, err := client.Generate(binding)
//	secret, err := client.Unwrap(blob, binding)
//	if errors.Is(err, recovery.ErrOldKey) { // only read with it
//		secret, err = client.UnwrapOld(blob, binding)
//	}
//
// The server stores a [Header] with the slots. Every edit makes its next
// revision. Removing a slot also rotates: a new master key begins the next
// epoch. Devices accept only headers that follow from their [Checkpoint].
//
// # What the application must do
//
//  1. Store headers and login records as in the Example of [Header.Follows],
//     and change login secrets as in the Example of [Edit.Supersede]. Otherwise an
//     interrupted change locks the user out.
//  2. Require a fresh login to replace a header, because any session can send
//     garbage. Keep the old header encrypted for some days, then delete it,
//     because passwords can be guessed from it.
//  3. Refuse uploads of new blobs whose [BlobEpoch] is below the stored
//     header's epoch, in one transaction. Otherwise a device can write under an
//     old key.
//  4. Release headers and halves of a [File] only after a login or review, at a
//     limited rate.
//  5. Delete what belonged to slots in [Header.Gone]: halves of files, records
//     of phrases, sessions of devices.
//  6. Give approved devices their own login. A [Device] only opens the keyring.
//  7. Show [Client.Unseen] to the user and call [Client.MarkSeen]. Otherwise
//     removals return [ErrUnseen].
//  8. Close old epochs as in the Example of [Edit.CloseBefore]. After 255
//     rotations the next returns [ErrPolicy].
//  9. Call [Client.Refresh] when the user returns or another process changes
//     something. Until then the client writes under the old key.
//  10. Plan for restored backups with OPERATIONS.md.
//  11. If a data key wraps other keys, replace those too when it is old. They
//     return no [ErrOldKey].
//
// # Limits
//
// A keyring has at most 20 slots, 3 of them passwords. While login secrets
// change, it may have 24 and 4. It needs a slot other than passkeys. A header
// has at most 128 KiB.
//
// # Security
//
// After a device has seen a removal, the removed holder cannot read what the
// device writes, even with the server's help. Nor can they make it accept a
// header, slot or key of theirs. [Client.OpenFirst] has no such protection.
// Prefer [Client.Join]. [Client.RotateLineage] with new secrets restores it.
//
// Slots use HPKE with MLKEM768X25519. Secrets are compared in constant time,
// redacted when printed, and cleared, except for strings and copies in
// crypto/hpke. Types are safe for concurrent use, except [Edit] and an unsealed
// [File].
//
// # Compatibility
//
// Later versions read what version 1 wrote.
package recovery

// Package recovery keeps one keyring per account. Many slots unlock it: a
// password, OPAQUE's export key, a phrase of words, a file in split custody, a
// passkey, an approved device, contacts. A user who has lost one secret opens the
// same data with another. The server stores the keyring and learns nothing of it.
//
// # Where to start
//
// A [Client] keeps the keyring on one device, in step with the server. It needs
// the server as a [Remote] and a place on the device as a [Local]:
//
//	client := recovery.NewClient(local, remote)
//
//	err := client.Create(ctx, recovery.NewExportKey(exportKey, record), phrase)   // at sign-up
//	err := client.OpenAfterLogin(ctx, recovery.NewExportKey(exportKey, nil))      // after each login
//	err := client.OpenFirst(ctx, account, phrase)                                 // on a new device
//
// The keyring wraps data keys, and data keys encrypt data:
//
//	binding := wrap.Binding{Purpose: "example.org/note/v1", Item: noteID}
//	key, blob, err := client.Generate(binding)   // a new data key, and the blob to store
//	secret, err := client.Unwrap(blob, binding)  // again later
//	if errors.Is(err, recovery.ErrOldKey) {
//		// Of before a removal: read with it, and write with a new key.
//		secret, err = client.UnwrapOld(blob, binding)
//	}
//
// Slots come and go with [Client.Add], [Client.Revoke] and [Client.Change].
// Applications that have a sync engine of their own use [Create], [Open] and
// [Keyring.Edit] without a Client.
//
// # The parts
//
// A keyring has a master key for each epoch, which wraps data keys, and a lineage
// key, which proves that a header was made by somebody with access. The server
// stores a [Header]: the slots, each of which gives its holder both keys, and the
// history, in which each master key wraps the one before. Every edit makes the next
// revision of the header. An edit that removes a slot also starts the next epoch.
//
// A device remembers a [Checkpoint] of the last header that it has seen, and
// accepts only headers that follow from it.
//
// # Slots
//
//   - [Password], with a [SecretKey] or without, for accounts that log in with SRP.
//     Ask the user whether there is a secret key. The header must not decide it.
//   - [ExportKey], for accounts that log in with OPAQUE. Such an account has no
//     Password slot: anyone who has the header can try passwords against one.
//   - [Phrase], 12 or 24 words. [Phrase.AuthSecret] logs in to an account of its
//     own, whose id is [PhraseLoginID].
//   - [File], a file that the user keeps and a half that the server keeps.
//   - [Passkey], with WebAuthn's PRF extension. It is never the only slot.
//   - [Device], approved by QR code or by short code: see [Request].
//   - Contacts, of whom some number open the keyring together: package contacts.
//
// # What it promises
//
// Once an edit that removes a slot is confirmed, the slot's holder and the server
// together cannot do the following to devices that have seen the edit: read what
// is written afterwards, have a header, a slot or a key of theirs accepted, or have
// new data encrypted under a key that they know. Approving a device needs a person
// on each side. Two things are outside the promise:
//
//   - The first use on a new device with [Client.OpenFirst]. A removed holder and
//     the server can make a header that opens with a secret which was not changed
//     since. Prefer [Client.Join], which brings a checkpoint. [Client.RotateLineage]
//     ends it for slots whose secrets are new.
//   - Keys that are wrapped by a data key instead of the keyring. They are as old
//     as the oldest key above them. After [ErrOldKey] draw a new data key.
//
// # Changing the login secret
//
// A password change, the move from SRP to OPAQUE, and a new password after recovery
// are the same steps. They can stop anywhere: the user logs in with one of the two
// passwords, and that login opens the keyring.
//
//	 who     writes what                                  if it stops here
//	1 client Supersede: a slot for the new secret          both slots, old record
//	2 server the new login record; ends other sessions     both slots, one of the records
//	3 client a login with the new record                   both slots, new record
//	4 client OpenAfterLogin: revokes the other slot        done
//
// In step 1 the client seals a slot with the secret of a registration that the
// server has not stored yet, and calls [Client.Change] with [Edit.Supersede]. The
// old slot is the one of the type "export" or "password" in [Client.Slots] that the
// stored record belongs to. After a login with its secret that is
// [Client.OpenedBy]. Step 4 happens at every login. A few changes may fail before
// one succeeds. Sign-up stores the record first and then runs [Client.Create]. If
// it stops between the two, the next login runs Create, with the record that the
// login returns.
//
// # The server's half
//
// The server stores one header per account. It takes a new one only if
// [Header.Follows] allows it and, for OPAQUE, [Header.HasRecord] finds the slot of
// the stored record in it. It takes a new record only if the stored header has its slot. For SRP the
// client sends the id of the password slot with the record, and the server looks
// for this id in [Header.Slots]. Each of these checks and its write are one
// transaction, which also checks that the session's login record is still the
// account's. The Example of Header.Follows shows it. The server refuses everything
// longer than [MaxHeader].
//
// # What the application must do
//
//  1. Store headers and records as above. Otherwise an interrupted password change
//     can lock the user out.
//  2. Delete old headers. Anyone who has one can try passwords against its slots.
//     A session without a secret can replace the header by garbage that Follows
//     accepts. So ask for a fresh login or a second factor before a header is
//     replaced, and keep the replaced one for a few days, apart and sealed.
//  3. Refuse to store a blob whose [BlobEpoch] is lower than the stored header's
//     epoch, in one transaction with it. Otherwise a device that is behind can write
//     under an old key after a removal.
//  4. Hand out headers after a login, and the server's half of a [File] after a
//     login or a review, both at a limited rate. When a header comes in, drop what
//     belonged to slots that it no longer has: halves of files, tokens and sessions of
//     devices.
//  5. Give an approved device a login of its own, such as a random token whose hash
//     is stored under the slot's id. A Device opens data. It does not log in.
//  6. Show [Client.Unseen] to the user and then call [Client.MarkSeen]. Otherwise
//     removals fail with [ErrUnseen]. After [ErrOvertaken] ask the user and call
//     [Client.Resolve]. Names of devices belong beside slot ids, wrapped by the
//     keyring.
//  7. Before the history is full, at 255 rotations, wrap old blobs again with
//     [Client.Rewrap] and call [Edit.CloseBefore]. Until then edits that rotate
//     return [ErrPolicy].
//  8. Call [Client.Refresh] when the user comes back, and in every other process
//     or browser tab after one of them made a change. Until then they write under
//     the old key.
//  9. Restore a backup of the server only together with a plan: devices refuse
//     older headers with [ErrRollback]. If the operator allows it, [Client.Restore]
//     brings the newer header back.
//
// # Limits
//
// A keyring has at most 20 slots, 3 of them with a password. While login secrets
// change, 24 and 4 are allowed. A header is at most 128 KiB long: 134 bytes, 106
// for each earlier epoch, and about 2.6 KiB for each slot. The KDF runs at most 4
// times for an opening, and never on parameters that the policy refuses.
//
// # Security
//
// Slots are sealed with HPKE over MLKEM768X25519, and are as strong against quantum
// computers as ML-KEM-768. Comparisons of secrets take constant time. Secrets are
// cleared after use as far as Go allows. Package crypto/hpke keeps copies for a
// while. Words of a phrase and texts of files are strings, which cannot be cleared.
//
// FORMAT.md has all byte formats, and testdata/keyring.json has test vectors with
// all intermediate values.
//
// # Compatibility
//
// The formats carry a version. Later versions read what version 1 wrote.
package recovery

// Package recovery keeps one keyring per account. Many slots unlock it: a
// password, OPAQUE's export key, a phrase of words, a file in split custody, a
// passkey, an approved device, contacts. A user who has lost one secret opens
// the same data with another. The server stores the keyring and learns nothing
// of it.
//
// # Where to start
//
// A [Client] keeps the keyring on one device, in step with the server. It needs
// the server as a [Remote] and a place on the device as a [Local]:
//
//	client := recovery.NewClient(local, remote)
//	err := client.Create(ctx, recovery.NewExportKey(exportKey, record), phrase) // at sign-up
//
//	// After each login, with its export key and record:
//	login := recovery.NewExportKey(exportKey, record)
//	err := client.OpenAfterLogin(ctx, login)
//	if errors.Is(err, recovery.ErrNoCheckpoint) { // a new device
//		err = client.OpenFirst(ctx, account, login) // or with a phrase
//	}
//	if errors.Is(err, fs.ErrNotExist) { // the sign-up stopped before Create
//		err = client.Create(ctx, login, phrase)
//	}
//
// The keyring wraps data keys, and data keys encrypt data:
//
//	binding := wrap.Binding{Purpose: "example.org/note/v1", Item: noteID}
//	key, blob, err := client.Generate(binding)   // a new data key, and the blob to store
//	secret, err := client.Unwrap(blob, binding)  // again later
//	if errors.Is(err, recovery.ErrOldKey) {
//		// The key is older than a removal. Read with it, and write with a new one.
//		secret, err = client.UnwrapOld(blob, binding)
//	}
//
// Slots come and go with [Client.Add], [Client.Revoke] and [Client.Change].
// Applications that have a sync engine of their own use [Create], [Open] and
// [Keyring.Edit] without a Client.
//
// # The parts
//
// A keyring has a master key for each epoch, which wraps data keys, and a
// lineage key, which proves that a header was made by somebody with access. The
// server stores a [Header]: the slots, each of which gives its holder both
// keys, and the history, in which each master key wraps the one before. Every
// edit makes the next revision of the header. An edit that removes a slot also
// starts the next epoch.
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
//     own, whose id is [PhraseLoginID]. Show the words first, then store the record
//     of this login, then add the slot.
//   - [File], a file that the user keeps and a half that the server keeps.
//   - [Passkey], with WebAuthn's PRF extension. It is never the only slot.
//   - [Device], approved by QR code or by short code: see [Request].
//   - Contacts, of whom some number open the keyring together: package contacts.
//
// # What it promises
//
// After an edit that removes a slot is confirmed, the removed holder and the
// server together cannot read what devices write that have seen the edit. They
// cannot make these devices accept a header, a slot or a key, or encrypt with a
// key that they know. Approving a device needs a person on each side. Two
// things are outside the promise:
//
//   - The first use on a new device with [Client.OpenFirst]. A removed holder and
//     the server can make a header that opens with a secret which was not changed
//     since. Prefer [Client.Join], which brings a checkpoint.
//     [Client.RotateLineage] removes this risk for slots whose secrets are new.
//   - Keys that a data key wraps instead of the keyring. They have no [ErrOldKey] of
//     their own. Replace them when the data key above them is old.
//
// # Changing the login secret
//
// A password change, the move from SRP to OPAQUE, and a new password after
// recovery are the same steps. They can stop anywhere: the user logs in with
// one of the two passwords, and that login opens the keyring.
//
//	 who     writes what                                  if it stops here
//	1 client Supersede: a slot for the new secret          both slots, old record
//	2 server the new login record; ends other sessions     both slots, one of the records
//	3 client a login with the new record                   both slots, new record
//	4 client OpenAfterLogin: revokes the other slot        done
//
// In step 1 the client seals a slot with the secret of a registration that the
// server has not stored yet, and calls [Client.Change] with [Edit.Supersede].
// The old slot is [Client.OpenedBy] after a login with its secret. Otherwise
// take the slot of the type "export" or "password" in [Client.Slots]. If there
// are several of one family, any will do. Step 4 happens at every login. It
// rotates, so data keys are old afterwards. Changes may fail until there are 24
// slots, or 4 with a password. Then Supersede returns [ErrPolicy] until step 4
// has run. Sign-up stores the record first and then runs [Client.Create].
//
// # The server's half
//
// The server stores one header per account. It takes a new one only if
// [Header.Follows] allows it and, for OPAQUE, [Header.HasRecord] finds the slot
// of the stored record in it. It takes a new record only if the stored header
// has its slot. For SRP the client sends the id of the password slot with the
// record, and the server looks for this id in [Header.Slots]. Each of these
// checks and its write are one transaction, which also checks that the
// session's login record is still the account's. The Example of Header.Follows
// shows it. The server refuses everything longer than [MaxHeader].
//
// # What the application must do
//
//  1. Store headers and records as above. Otherwise an interrupted password change
//     can lock the user out.
//  2. Delete old headers. Anyone who has one can try passwords against its slots.
//     A session without a secret can replace the header by garbage that Follows
//     accepts. So ask for a fresh login or a second factor before the call that
//     changes a header, and keep the replaced header for a few days, encrypted and
//     apart. A Swap that is refused for lack of a fresh login leaves the change
//     pending.
//  3. Refuse to store a blob whose [BlobEpoch] is lower than the stored header's
//     epoch, in one transaction with it. Otherwise a device that is behind can write
//     under an old key after a removal.
//  4. Send the header and its account number after a login, and the server's half of
//     a [File] after a login or a review, both at a limited rate. When a header comes
//     in, drop what belonged to the slots in [Header.Gone]: halves of files, records
//     of phrases, tokens and sessions of devices.
//  5. Give an approved device a login of its own, such as a random token whose hash
//     is stored under the slot's id. A Device opens data. It does not log in.
//  6. Show [Client.Unseen] to the user and then call [Client.MarkSeen]. Otherwise
//     removals fail with [ErrUnseen]. After [ErrOvertaken] ask the user and call
//     [Client.Resolve]. Names of devices belong beside slot ids, wrapped by the
//     keyring. Keep a name until its slot's removal was shown.
//  7. The history is full after 255 rotations. Edits that rotate then return
//     [ErrPolicy] until [Edit.CloseBefore] has raised the floor. Before that, wrap
//     old blobs again with [Client.Rewrap], and replace each only if it has not
//     changed meanwhile. The server can refuse a header whose [Header.Floor] is
//     above the lowest BlobEpoch that it stores.
//  8. Call [Client.Refresh] when the user comes back, and in every other process
//     or browser tab after one of them made a change. Until then they write under
//     the old key.
//  9. Plan how to restore a backup of the server. Devices refuse older headers with
//     [ErrRollback]. If the operator allows it, [Client.Restore] brings the newer
//     header back.
//
// # Limits
//
// A keyring has at most 20 slots, 3 of them with a password. While login
// secrets change, 24 and 4 are allowed. A header is at most 128 KiB long: 134
// bytes, 106 for each earlier epoch, and 2.4 to 3.6 KiB for each slot. The KDF
// runs at most 4 times for an opening, and never on parameters that the policy
// refuses.
//
// # Security
//
// Slots are sealed with HPKE over MLKEM768X25519, and are as strong against
// quantum computers as ML-KEM-768. Comparisons of secrets take constant time.
// Secrets are cleared after use as far as Go allows. Package crypto/hpke keeps
// copies for a while. Words of a phrase and texts of files are strings, which
// cannot be cleared.
//
// FORMAT.md has all byte formats, and testdata/keyring.json has test vectors
// with all intermediate values.
//
// # Compatibility
//
// The formats carry a version. Later versions read what version 1 wrote.
package recovery

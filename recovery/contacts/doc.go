// Package contacts lets other people open an account's keyring together. The
// account's owner appoints n contacts, who get one share each. Any k of them
// open the owner's slot, 1 ≤ k ≤ n ≤ 32. Fewer than k learn nothing of its
// secret. A wrong share is detected and named.
//
// # Where to start
//
// Each contact makes a key pair once, keeps its secret form in the platform's
// key store, and gives the public key to the owner:
//
//	key, err := contacts.NewKey()
//	keep(key.Secret())
//	send(key.PublicKey())
//
// The owner compares the [Fingerprint] of each public key with the contact, and
// appoints the contacts, here two of three. The client is a [recovery.Client].
// Each contact gets one message, in the order of the keys, over any channel:
//
//	split, err := contacts.NewSplit(2, first, second, third)
//	id, err := client.Add(ctx, split)
//	messages := split.Messages()
//
// The contact opens the message, compares the fingerprint with the owner by
// voice or in person, and keeps the share. The owner's device shows
// [Split.Fingerprint]:
//
//	share, err := key.Open(message)
//	fmt.Println(share.Fingerprint())
//	keep(share.Secret())
//
// An owner who has lost the secrets of all other slots makes one [Request] for
// each contact, and shows its QR code. The contact's device answers with a
// grant. Without a camera, [Share.Approve] releases the share by short code. A
// share is released in no other form:
//
//	request, err := contacts.NewRequest(account)                // owner
//	grant, err := share.ApproveQR(request.QR(), request.Ask())  // contact
//	share, err := request.Open(grant, "")                       // owner
//
// With k shares the slot opens:
//
//	collection, err := contacts.NewCollection(header, share.Slot())
//	err = collection.Add(share)  // the error names a share that it refuses
//	err = client.OpenFirst(ctx, account, collection)
//
// The account's number is in the header, which the server releases after a
// review, and in every share. After this first use the owner replaces the slots
// whose secrets were lost.
//
// The owner can keep collected shares for days with [Share.Secret]. A Request
// cannot be kept, so both devices must be online when a contact approves.
//
// # Choosing k
//
// Any k contacts who have the header can open the keyring without the owner.
// The server has the header, so the server together with k contacts can as
// well.
//
// k = 1 means that one contact and the server are enough. It suits an owner who
// trusts one person completely, for example a partner or an heir. The
// application should add a waiting time: it releases the header only some days
// after a contact's request, tells the owner's devices at once, and lets the
// owner refuse. The waiting time protects against a contact alone. It does not
// protect against a contact together with the server, which enforces it.
//
// A contact can lose a key or a share without anyone noticing. Choose n greater
// than k.
//
// # Replacing contacts
//
// A new [Split] shares another random secret. Shares of the old Split do not
// open its slot. There are two ways to replace contacts:
//
//   - At once, if a share may be in the wrong hands. Seal the new Split with
//     [recovery.Keyring.Seal], and put its slot in place of the old one with
//     [recovery.Edit.Replace]. From then on the old contacts cannot help, and
//     the new ones can only once they have kept their shares.
//   - With an overlap. Call [recovery.Client.Add] with the new Split, and then
//     [recovery.Client.Revoke] with the old slot once all new contacts have kept
//     their shares. Until then the old contacts can still help.
//
// Replace and Revoke draw a new master key. Old shares still open an old header
// that somebody kept, and what was wrapped before. [recovery.Edit.Rotate]
// changes nothing for contacts. [recovery.Client.RotateLineage] removes all
// slots and takes a new Split. If a change fails, its Split is used up, unless
// the application still has the slot from Seal and adds that.
//
// # What the application must do
//
//   - Get a contact's public key from the contact in person, or compare its
//     [Fingerprint]. A server that substitutes its own keys for k contacts can
//     open the keyring.
//   - Have the contact compare [Share.Fingerprint] with the owner, and note
//     whose share it is. A message does not prove its sender: anyone who knows
//     the contact's public key can seal a share to it. Keep no share that was
//     not compared. If k contacts keep shares that the server made up, it can
//     lead an owner who lost everything into a keyring of its own.
//   - Have the contact approve by hand, one request at a time, and only after
//     recognising the owner by face or voice. The contact scans the owner's
//     screen, or hears half of the short code from the owner. Neither may come
//     in a message: see [Request].
//   - Limit the rate of requests, hold the header and the requests for review,
//     and tell the owner's other devices. This package does none of it.
//   - Rehearse. Only a [Request], its grant and [Collection.Add] show that a
//     contact has a share.
//
// Contacts learn that they are contacts, k, n and the account's number. They
// learn nothing of the master key.
//
// # Sharing
//
// The secret is a random scalar of ristretto255 (RFC 9496), shared by Shamir's
// method ("How to share a secret", CACM 22, 1979) with
// github.com/cloudflare/circl/secretsharing. The slot contains one SHA-256
// commitment for each share. [Collection.Add] checks a share against its
// commitment before shares are combined.
//
// Feldman's and other verifiable sharing also proves to contacts that the
// dealer shared consistently. That is not needed here, because the dealer is
// the owner: only a contact can be wrong. Commitments by hash are also as
// strong against quantum computers as the rest of a slot, and points of a group
// would not be. A commitment does not help to find a share, which is one of
// 2^252 scalars.
//
// A share also contains the digest of the slot's parameters, with k, n and all
// commitments, and the fingerprint is the start of this digest. A server that
// alters the parameters opens nothing: every genuine share is then refused with
// [ErrSplit].
//
// FORMAT.md describes the byte formats, and testdata/contacts.json contains
// test vectors with all intermediate values.
//
// # Security
//
// Messages are sealed with the hybrid KEM MLKEM768X25519. Arithmetic on secret
// scalars in circl, and in github.com/bwesterb/go-ristretto below it, has no
// branches or table look-ups that depend on them. Commitments and digests are
// compared in constant time. Which contacts answered is not hidden. This
// package clears its secrets after use. The copies inside circl, which include
// the polynomial's coefficients, and inside crypto/hpke cannot be reached, and
// are left to the garbage collector.
//
// # Compatibility
//
// Later versions read what this version wrote.
package contacts

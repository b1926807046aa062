// Package contacts lets k of n people open an account's keyring together. The
// account's owner appoints them. Fewer than k learn nothing of the slot's
// secret. A wrong share is detected and named.
//
// Source: A. Shamir, "How to share a secret", CACM 22, 1979, over ristretto255
// (RFC 9496). FORMAT.md has the formats.
//
// # Where to start
//
// The owner's client is a [recovery.Client]:
//
//	key, err := contacts.NewKey() // each contact, once
//
//	split, err := contacts.NewSplit(2, first, second, third) // owner
//	id, err := client.Add(ctx, split)
//	messages := split.Messages()
//
//	share, err := key.Open(message) // contact, who keeps share.Secret()
//
//	request, err := contacts.NewRequest(account)               // owner, who has lost everything
//	grant, err := share.ApproveQR(request.QR(), request.Ask()) // contact
//	share, err := request.Open(grant, "")                      // owner
//
//	collection, err := contacts.NewCollection(header, share.Slot())
//	err = collection.Add(share) // k shares
//	err = client.OpenFirst(ctx, account, collection)
//
// # What the application must do
//
//  1. Have the owner compare the [Fingerprint] of each public key with the
//     contact. A server that substitutes k keys can open the keyring.
//  2. Have each contact compare [Share.Fingerprint] with the owner before
//     keeping the share, and note whose it is. A server can seal shares of its
//     own to k contacts, and lead an owner who has lost everything into its
//     own keyring.
//  3. Have contacts approve by hand, one request at a time, after they
//     recognize the owner by face or voice. No code may come in a message.
//  4. Limit the rate of requests, hold the header and the requests for review,
//     and tell the owner's other devices.
//  5. Rehearse, because contacts can lose shares unnoticed, and choose n
//     greater than k.
//  6. Have the owner replace the slots whose secrets were lost.
//
// # Choosing k
//
// Any k contacts and the server, which has the header, can open the keyring
// without the owner. With k = 1, release the header only days after a contact's
// request, and let the owner refuse. This protects against a contact, but not
// against a contact and the server.
//
// # Replacing contacts
//
// If a share may be in the wrong hands, put the slot of a new [Split] in place
// of the old one with [recovery.Edit.Replace]. Otherwise add the new slot, and
// revoke the old one when all new contacts have their shares. Old shares still
// open old headers.
//
// # Security
//
// Shares are checked against SHA-256 commitments in the slot before they are
// combined. If the server alters the slot, genuine shares are refused with
// [ErrSplit]. Messages are sealed with HPKE and MLKEM768X25519. Contacts learn
// k, n and the account's number. Which contacts answered is not hidden.
//
// Arithmetic on secrets and comparisons take constant time. Secrets are
// redacted when printed, and cleared, except for copies in circl and
// crypto/hpke. Types are safe for concurrent use.
//
// # Compatibility
//
// Later versions read what this version wrote.
package contacts

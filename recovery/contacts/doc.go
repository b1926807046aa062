// Package contacts is the way into a keyring that an account's owner spreads over
// other people: n contacts have a share each, and k of them together let the owner in
// again. Fewer than k learn nothing, and a wrong share is found out.
//
// # Where to start
//
// A contact makes a key pair once, keeps its secret form in the platform's key store,
// and gives the public key to the owner:
//
//	key, err := contacts.NewKey()
//	keep(key.Secret()); send(key.PublicKey())
//
// The owner appoints them, here two of three, and uploads the header as after any
// change, after comparing [Fingerprint] of each public key with its contact. Each
// contact gets one message, in the order of the keys, over any channel:
//
//	split, err := contacts.NewSplit(2, first, second, third) // their public keys
//	id, err := keyring.Add(ctx, split)
//	messages := split.Messages()
//
// and opens it, compares the fingerprint with the owner, by voice or in person, and
// keeps the share:
//
//	share, err := key.Open(message)
//	fmt.Println(share.Fingerprint())                         // split.Fingerprint() at the owner's
//	keep(share.Secret())
//
// Whoever lost every other way in makes one [recovery.Request] for each contact, and
// shows its QR code or compares its short code with them. The contact's device answers
// with a grant, the only form in which a share leaves it:
//
//	request, err := recovery.NewRequest(recovery.ForShare, account)
//	grant, err := share.ApproveQR(request.QR(), request.Ask())   // the contact; or Approve
//
// With k of them the slot opens:
//
//	share, err := contacts.OpenGrant(request, grant)
//	collection, err := contacts.NewCollection(header, share.Slot())
//	err = collection.Add(share)                                  // names a share that it refuses
//	keyring, err := recovery.Open(ctx, header, collection, recovery.FirstUse(account))
//
// The account's number is in the header, which the server hands out after a review, and
// in every share.
//
// Shares that were collected can be kept over days, by [Share.Secret]; a Request
// cannot, so both devices are there when a contact approves.
//
// # Replacing contacts
//
// Add a new [Split], and Revoke the old slot once all the new contacts have kept their
// shares: until then those of before count, and nobody is without. A new Split is
// another random polynomial, so that old shares open nothing of it. They still open a
// header from before, which somebody may have kept. [recovery.Keyring.Replace] does both
// at once, for who needs no time between. Rotate changes nothing for contacts. Renew,
// which removes all ways in, takes a new Split.
//
// # What the application must do
//
//   - Learn a contact's public key from the contact: in person, or compare its
//     [Fingerprint]. A server that passes keys of its own for k contacts gets in.
//   - Have the contact compare [Share.Fingerprint] with the owner, and tell them whose
//     share it is, since nothing in a message does: whoever has a contact's public key
//     can seal one to it, with the account's number and the slot's id. Keep no share
//     that was not compared. If k contacts keep what the server made up, it can let an
//     owner who lost everything into a keyring of its own.
//   - Have the contact approve by hand, one request at a time, and only after they have
//     recognised who asks by face or voice: never for a message that just came in. By
//     short code each is a try of 2^30 for who sits between: see [recovery.Request].
//   - Limit the rate of requests, hold the header and the requests for review, and tell
//     the owner's other devices of them: none of this is done here.
//   - Rehearse: a share was received if a request, a grant and [Collection.Add] say so.
//
// # Limits
//
// Any k contacts together can open the keyring, without the owner, if they have the
// header; the server with k contacts can as well. Contacts learn that they are, how many
// there are, and an account's number; of the master key they learn nothing. A contact
// who loses their key or share is one share less, and nobody notices: keep n above k.
// Shares of a slot are fixed: a new one means a new Split for all.
//
// # Sharing
//
// Shamir's sharing ("How to share a secret", CACM 22, 1979) with Feldman's commitments
// ("A practical scheme for non-interactive verifiable secret sharing", FOCS 1987), over
// the group ristretto255 (RFC 9496) of prime order l and generator G, by
// github.com/cloudflare/circl/secretsharing, whose threshold t is k − 1:
//
//	f(x) = a_0 + a_1 x + … + a_(k-1) x^(k-1) mod l   random, s = a_0
//	share of contact i, 1 ≤ i ≤ n                    = f(i)
//	commitments                                      = a_0 G, …, a_(k-1) G
//	a share is right if                              f(i) G = Σ i^j (a_j G)
//	DK = HKDF-SHA256(enc(s), "", "nescio/slot/contacts/v1", 32)
//
// DK is the ikm of the slot's key-encryption key: see package recovery. The commitments
// are in the slot, and again in every contact's share, where the server cannot change
// them without changing its fingerprint: all have to agree.
//
// # Format
//
// A slot of type 7 has the flags 0 and, with the salt first, the params
//
//	params  = salt 32 ‖ k u8 ‖ n u8 ‖ k × commitment 32
//
// with 2 ≤ k ≤ n ≤ 32. A header becomes longer by 2,580 + 32k bytes.
//
//	key     = 'C' ‖ version 01 ‖ seed 32
//	share   = 'S' ‖ version 01 ‖ account 16 ‖ slot id 16 ‖ i u8 ‖ k u8 ‖ n u8 ‖ k × commitment 32 ‖ f(i) 32
//	message = 'M' ‖ version 01 ‖ enc 1120 ‖ ct
//
// key is what [Key.Secret] returns, 34 bytes; its seed is the private key of HPKE's
// MLKEM768X25519 (KEM 0x647a, draft-ietf-hpke-pq), whose public key has 1,216 bytes.
//
// share is what [Share.Secret] returns, 69 + 32k bytes. Scalars and commitments have
// the encodings of RFC 9496, Sections 4.4 and 4.3.1. Neither is zero, account and slot
// id are not either, and f(i) fits the commitments. The payload of an approval is the
// same.
//
// message is what [Split.Messages] returns, 1,207 + 32k bytes: enc ‖ ct is a share
// sealed by HPKE in base mode (RFC 9180) with HKDF-SHA256 (0x0001) and
// ChaCha20-Poly1305 (0x0003), "nescio/contacts/share/v1" as info, and 'M' ‖ 01 as
// associated data. All that a share says is inside, so that the channel learns of it
// its length and no more.
//
// Fingerprints are the first 160 bits of a hash, in Crockford's base 32, in groups of
// four characters with dashes between:
//
//	key's    SHA-256("nescio/contacts/key/v1" ‖ 00 ‖ public key 1216)
//	split's  SHA-256("nescio/contacts/split/v1" ‖ 00 ‖ account 16 ‖ slot id 16 ‖ k u8 ‖ n u8 ‖ k × commitment 32)
//
// testdata/contacts.json has a keyring, its shares and messages, and all values on the
// way.
//
// # Security
//
// Shares are worth as much as the group's discrete logarithms are hard, of which the
// server sees commitments: a quantum computer that reads a_0 G from the header opens
// the slot. The channels are hybrid, the commitments cannot be.
//
// Arithmetic on secret scalars, by circl and github.com/bwesterb/go-ristretto below it,
// is written without branches or table look-ups that depend on them: sharing,
// committing, verifying and combining. Which contacts answered is not hidden. Secrets
// of ours are cleared after use; circl's copies, the coefficients of f among them,
// cannot be reached, and are left to the garbage collector. The same holds for
// crypto/hpke's.
//
// # Compatibility
//
// What this version wrote, every later one reads.
package contacts

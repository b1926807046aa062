// Package recovery keeps one master key per account behind many ways in: a
// password, OPAQUE's export key, a phrase of words, a file in split custody, a
// passkey. Whoever lost one comes in by another, to the same data. The server keeps
// all of it, learns none of it, and cannot deceive a device that has been in before.
//
// # Where to start
//
// A [Keyring] is made once, at sign-up, with at least one way in. What it protects
// is wrapped under its master key:
//
//	keyring, err := recovery.Create(ctx, account, recovery.NewExport(exportKey, raw), phrase)
//	master, err := keyring.Key(keyring.Epoch())      // a wrap.Key, for data keys
//	pin, err := keyring.Pin()                        // for this device, before the upload
//	header := keyring.Bytes()                        // for the server
//
// and opened by any of its ways in:
//
//	h, err := recovery.ParseHeader(header)
//	keyring, err := recovery.Open(ctx, h, phrase, pin)  // or FirstUse(account), on a new device
//	pin, err = keyring.Pin()                            // in the place of the old one, every time
//
// [Keyring.Add], [Keyring.Remove], [Keyring.Replace] and [Keyring.Rotate] change it;
// each change is a new header.
//
// Two secrets, 32 random bytes each, are behind it. The master key, of which there
// is one for every epoch, wraps data keys. The lineage key never changes; a header
// that holds its MAC comes from somebody who was in. Each slot gives to its holder the
// seed of a key pair, and the lineage key; the master key is sealed to the key pair,
// so that it can change without anybody's secret.
//
// # Ways in
//
//   - [Password], with [SecretKey] or without: for accounts that log in by SRP. Ask the
//     user whether there is a secret key. The header is the server's and cannot say it.
//   - [Export]: for accounts that log in by OPAQUE. Such an account has no Password
//     slot beside it, which a thief of the headers could guess at without OPAQUE's
//     keys. When an account moves, Add the one, and Revoke the other after the first
//     login by OPAQUE.
//   - [Phrase]: 12 or 24 words. Its [Phrase.AuthSecret] is the password of an account
//     of its own that guards the download.
//   - [File]: a file that the user keeps, with a half that the server keeps.
//   - [Passkey]: WebAuthn's PRF extension.
//   - [Device]: a device that another one has approved, by QR code or by a short code that
//     is compared: see [Request].
//   - Contacts, of whom some number together open the keyring: package contacts.
//
// # Pins
//
// A server that keeps headers can hand out an old one, in which a removed way in is
// still there. A device therefore keeps a [Pin] of the last header that it saw, and
// Open refuses what does not follow from it. The order of writes, so that a crash at
// any moment locks nobody out: the new pin beside the old one; the upload, which the
// server takes only in the place of the header that it names by [Header.Previous];
// the new pin alone. If the server answers that it did not take the header, delete the
// new pin; if there was no answer, keep both. After a crash both are there: try the newer,
// on any error the older, and then keep the pin of the keyring that opened, alone.
//
// [FirstUse] is for a device without a pin. It cannot see that a header is old. And
// who was in once and was removed still knows the lineage key: together with the
// server they can make a header that a device on first use, or with a pin older than
// their removal, accepts. They cannot deceive a device pinned after [Keyring.Revoke]
// removed them. [Keyring.Renew] ends it for ways in whose secrets are new: a phrase
// that is used again still opens its slot of an old header, under the old lineage key.
//
// # Changing a password, moving to OPAQUE
//
// Both take three steps, after each of which everybody can still log in and open:
//
//  1. Add the new slot, and upload the header with both.
//  2. Replace the login record: SRP's verifier or OPAQUE's record, whose Raw is what
//     Export names. The server stores it only beside a header that has its slot, which
//     the client names by its digest.
//  3. At the next login, which is by the new record, Revoke the old slot and upload.
//
// Another device may have begun a login by the old record before step 2, and would take
// the new slot for the one to revoke. So the server ends the sessions of a record with
// it: it finishes no login, and takes no header, by a record that is not the account's
// any more.
//
// Revoke rotates the master key, since whoever guesses the old password from an old
// header has that one. Data that the old master key wraps stays within their reach
// until it is encrypted anew: see [Keyring.Forget].
//
// # What the application must do
//
//   - Store headers by compare-and-swap: take a new one only if its
//     [Header.Previous] is the [Header.Digest] of the stored one, in one transaction,
//     and from a session whose login record is still the account's.
//     Check no more: what a header holds is not the server's to judge, beyond
//     [MaxHeader] and ParseHeader.
//   - Delete old headers: whoever keeps one can guess at its password slots.
//   - Hand out the header to who has logged in, and the secret of a [File] after a
//     login or a review, both at a limited rate.
//   - Give an approved device a login of its own, since a [Device] is none: a random
//     token, whose hash the server keeps by the slot's id. It opens the data; to set a
//     password let it take more, such as a review, since it can be stolen unlocked.
//   - When a header comes in, drop with the slots that it no longer has what belongs to
//     them: the server's half of a file, a device's token and sessions. The names that
//     users give their devices go beside slot ids, sealed under the keyring.
//   - Never make the account number from a name or address.
//   - Wrap data keys under the master key, never data itself, with a binding that
//     names its epoch.
//
// # Format
//
// Numbers are big-endian. HMAC(key, message) and HKDF(key, salt, info, length) are over
// SHA-256.
//
//	header  = "NSCO" ‖ version 01 ‖ u8 16 ‖ account 16 ‖ revision u64 ‖ epoch u32 ‖ prevDigest 32
//	          ‖ u8 h ‖ h × (epoch e u32 ‖ wrap(MK of e + 1, MK of e) 106)
//	          ‖ u8 n ‖ n × slot
//	          ‖ HMAC(HKDF(L, "", "nescio/keyring/v1", 32), all before)
//	          ‖ HMAC(HKDF(MK, "", "nescio/keyring/v1", 32), all before)
//	slot    = type u8 ‖ flags u8 ‖ id 16 ‖ born u32 ‖ u16 len ‖ body
//	body    = params ‖ wrap(KEK, seed 32 ‖ L 32) 138 ‖ pk 1216 ‖ enc 1120 ‖ ct 48
//	          (device: pk ‖ enc ‖ ct)
//
// "All before" is everything from "NSCO" on: for the second, the first too.
//
// Revision and epoch begin at 1. prevDigest is SHA-256 of the header before, zero in
// the first. The history is in the order of its epochs, has no gap, and ends before
// the current one; epoch 0 is an adopted key. Slots are in the order of their ids,
// each once. born is the epoch in which a slot was made.
//
// wrap(key, secret) is package wrap's format 1, suite 1, for a binding:
//
//	wrap    = 01 ‖ 01 ‖ nonce 24 ‖ commitment 32 ‖ XChaCha20-Poly1305(Ke, nonce, secret, associated data: the 58 bytes before)
//	Ke 32 ‖ commitment 32 = HKDF(key, nonce, "keywrap/v1" ‖ 00 ‖ 01 ‖ 01 ‖ u32 len ‖ binding, 64)
//	binding = 01 ‖ u8 len ‖ purpose ‖ u16 len ‖ account ‖ u16 len ‖ slot ‖ epoch u64
//
// Its binding {purpose, account, slot, epoch} is for a slot
// {"nescio/slot/‹type›/v1", account, id, born}, where the type is a name of the table
// below, and for the history {"nescio/history/v1", account, empty, e}.
//
// pk is the public key of HPKE's MLKEM768X25519 (KEM 0x647a, draft-ietf-hpke-pq) whose
// private key is seed; enc ‖ ct is the master key by HPKE in base mode (RFC 9180) with
// HKDF-SHA256 (0x0001) and ChaCha20-Poly1305 (0x0003), empty associated data, and as
// info the binding {"nescio/slot/mk/v1", account, id, the header's epoch}.
//
// The params of every type but device begin with a salt of 32 bytes, and
//
//	KEK = HKDF(ikm, salt = id ‖ salt, "nescio/slot/‹type›/v1" ‖ 00 ‖ flags ‖ params, 32)
//
// where params include the salt:
//
//	type        params after the salt                                          ikm
//	1 password  u16 len ‖ kdf                                                  KDF(password, salt) 32 [‖ secret key 16]
//	2 export    SHA-256(RFC 9807's record)                                     the export key
//	3 phrase    length of the entropy u8                                       the entropy
//	4 file      nothing                                                        F 32 ‖ S 32
//	5 passkey   evaluation salt 32 ‖ SHA-256(credential id) ‖ u8 len ‖ rp id   the PRF's output 32
//	6 device    (no salt)                                                      no KEK
//	7 contacts  k u8 ‖ n u8 ‖ n × commitment 32                                a shared key
//
//	kdf = 'K' ‖ 01 ‖ costs ‖ 00, which is package kdf's binary form without a salt
//	costs of PBKDF2-HMAC-SHA512      = 1 u8 ‖ iterations u32
//	costs of Argon2id, version 1.3   = 2 u8 ‖ memory in KiB u32 ‖ passes u32 ‖ lanes u8
//	costs of scrypt                  = 3 u8 ‖ log2(N) u8 ‖ r u32 ‖ p u32
//
// Flags of a password slot: 1 with a secret key; of a passkey's: 1 if the user is
// verified. Otherwise they are 0. testdata/keyring.json has a keyring with the types 1
// to 5, and all values on the way. The forms of pins, files, secret keys and AuthSecret
// are at [Pin.MarshalBinary], [File.Text], [SecretKey.Text] and [Phrase.AuthSecret].
//
// # Approvals
//
// The messages of [Request] and [Approval], and what they are made of:
//
//	QR      = "nescio-approve:" ‖ base64url(purpose u8 ‖ account 16 ‖ SHA-256(pk) ‖ s 16)
//	ask     = purpose u8 ‖ version 01 ‖ pk 1216 ‖ c 32
//	c       = SHA-256("nescio/approve/v1/commit" ‖ 00 ‖ pk ‖ r1)
//	answer  = enc 1120 ‖ r2 32
//	reveal  = r1 32
//	t       = SHA-256("nescio/approve/v1/code" ‖ 00 ‖ purpose u8 ‖ account ‖ pk ‖ c ‖ enc ‖ r2 ‖ r1)
//	code    = the first 30 bits of t, in Crockford's base 32, with a dash in the middle
//	grant   = by short code ct; by QR code enc ‖ ct ‖ HMAC(HKDF(s, "", "nescio/approve/v1/mac", 32), purpose u8 ‖ account ‖ pk ‖ enc ‖ ct)
//	payload = purpose u8 ‖ version 01 ‖ (slot id 16 ‖ MK 32 ‖ L 32 ‖ Pin, or a share)
//
// purpose is 1 for a device and 2 for a share; pk is the public key of the new slot, whose
// seed never leaves the device; ct is the payload by the same HPKE as above, with the info
// "nescio/approve/v1" ‖ 00 ‖ purpose u8 ‖ account, and t as associated data, which by QR
// code is empty. testdata/approval.json has an approval of each kind.
//
// # Sizes
//
// A header has 132 bytes, and each password slot adds 2,593 with Argon2id or scrypt, an export slot 2,610, a
// phrase 2,579, a file 2,578, a passkey 2,643 and its rp id, each epoch of the history
// 110; a device adds 2,408, contacts 2,580 and 32 for each of them. So one with a
// password, a phrase and a file has 7,882. It has at most 128 KiB, 24
// slots, of them 4 with a password, and 255 epochs of history.
//
// # Security
//
// Whatever the server does, Open ends with the account's master key or a typed error,
// never with another key. At first use this needs two things of the application: that
// codes and fingerprints of approvals and contacts are compared, and that no [Device] or
// share comes from anywhere else. The KDF does not run on parameters that the policy
// refuses, and runs at most [MaxPasswords] times for an opening. Comparisons of secrets
// take constant time. Secrets are cleared after use as far as Go allows; crypto/hpke
// keeps copies of its own for a while. Words of a phrase and texts of files are strings,
// which cannot be cleared.
//
// # Compatibility
//
// What this version wrote, every later one reads.
package recovery

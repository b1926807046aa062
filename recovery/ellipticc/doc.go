// Package ellipticc imports the master key of an account of Ellipticc Drive.
// The old server keeps the account's master key MK, encrypted for a recovery
// phrase, in two blobs:
//
//	RKEK = SHA-256(SHA-256(phrase))
//	RK   = 32 random bytes, encrypted with XChaCha20-Poly1305 under RKEK
//	MK   = 32 bytes, encrypted with XChaCha20-Poly1305 under RK
//
// The phrase is hashed as UTF-8, in lower case and without white space around
// it. There is no associated data. Each ciphertext is 48 bytes long and each
// nonce 24 bytes. The server returns the four of them in base64: see [Fields].
//
// # Where to start
//
// [Open] returns MK. To the keyring it is a secret like any other. Wrap it
// once, under a purpose of its own, and store the blob with the account:
//
//	typed, err := recovery.ParsePhrase(words)  // the old phrase, as typed
//	old, err := ellipticc.Open(typed.Words(), fields)
//	defer clear(old[:])
//	mk := wrap.Binding{Purpose: "example.org/ellipticc-master-key/v1"}
//	blob, err := keyring.Wrap(old[:], mk)
//
// Any device with the keyring then reads old data:
//
//	old, err := keyring.UnwrapOld(blob, mk)
//
// The new account gets a keyring with a new master key and a new phrase.
// Nothing of the keyring is derived from MK, and the old phrase does not open
// it.
//
// # Decrypt with the old key, never encrypt
//
// RKEK is a hash of the phrase without a salt or a label. Anyone who stores
// SHA-256(phrase), for example a server that recognises the phrase by it,
// computes RKEK with one more hash and opens both blobs. So the old server may
// know MK, and with it every data key that MK protects, now and later.
//
//   - Decrypt old data with MK and with the data keys below it. Encrypt nothing
//     with them.
//   - The keyring cannot enforce this rule. A secret that was just wrapped
//     counts as new until the next rotation, and Unwrap returns it without
//     recovery.ErrOldKey. Use UnwrapOld, which says what the secret is for.
//   - To protect old data from the old server, encrypt the data again with a new
//     data key from Keyring.Generate. It is not enough to wrap an old data key
//     again. Copies that the old server kept stay readable to it.
//   - Delete the blob when nothing is left that MK protects.
//
// # What the format does not protect
//
// The two blobs are not bound to an account. The old server can exchange them
// for older ones, or for those of another account with the same phrase. Then
// Open returns another MK, which does not open the account's data. Use this
// format for nothing new.
//
// # Compatibility
//
// Later versions open what this version opens.
package ellipticc

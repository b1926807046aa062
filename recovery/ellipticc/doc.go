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
// nonce 24 bytes. The server returns them in base64, as [Fields]. Test vectors
// are in testdata/ellipticc.json.
//
// # Where to start
//
// [Open] returns MK. Wrap it once, under a purpose of its own, and store the
// blob with the account:
//
//	typed, err := recovery.ParsePhrase(words) // the old phrase, as typed
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
// Nothing in the keyring is derived from MK, and the old phrase does not
// open it.
//
// # What the application must do
//
// RKEK is a hash of the phrase without a salt or a label. A server that stores
// SHA-256(phrase), for example to recognize the phrase, can open both blobs
// with one more hash. The old server may therefore know MK, and every data key
// that MK protects.
//
//  1. Decrypt old data with MK and the data keys below it. Encrypt nothing with
//     them. The keyring cannot enforce this: until the next rotation,
//     [github.com/nescio-go/nescio/recovery.Keyring.Unwrap] returns MK like a
//     new secret. Use UnwrapOld.
//  2. To protect old data from the old server, encrypt it again with a new data
//     key from [github.com/nescio-go/nescio/recovery.Keyring.Generate].
//     Wrapping an old data key again is not enough. The old server can still
//     read copies that it has kept.
//  3. Delete the blob when MK protects nothing any more.
//
// # Limits
//
// The two blobs are not bound to an account. The old server can replace them
// with older ones, or with blobs of another account with the same phrase. Then
// [Open] returns another MK, which does not open the account's data. Use this
// format for nothing new.
//
// # Compatibility
//
// Later versions open what this version opens.
package ellipticc

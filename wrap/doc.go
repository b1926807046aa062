// Package wrap protects keys with keys. A wrapped key opens under one key only,
// and only for the purpose, account, item and epoch that it was wrapped for. If
// it is moved anywhere else, it does not open.
//
// Sources: RFC 2104 and RFC 5869 for HMAC and HKDF, NIST SP 800-38D for
// AES-GCM, RFC 8439 for ChaCha20-Poly1305, and draft-irtf-cfrg-xchacha for its
// nonce of 24 bytes. The envelope around them is defined in FORMAT.md.
//
// # Where to start
//
// A key-encryption key is a [Key], from [NewKey], [DeriveKey] or [ImportKey].
// [Key.Wrap] and [Key.Unwrap] take a [Binding]:
//
//	kek, err := wrap.DeriveKey(secret, nil, "example.org/kek/v1") // from a password hash
//	blob, err := kek.Wrap(ctx, dataKey, binding)                  // store it anywhere
//	dataKey, err := kek.Unwrap(ctx, blob, binding)
//
// [Rewrap] moves a blob to another key and another binding. [Double] puts a
// middle key between the outer key and the secret, so that the outer key can
// change without touching the secret's blob. A key service or an HSM implements
// [Wrapper] and takes the place of a Key.
//
// # Limits
//
// Secrets are at most 64 KiB long: wrap a data key, not a file. A blob hides
// neither the length of its secret nor which blobs were made together. This
// package does not slow down guesses at passwords: use a password hash before
// [DeriveKey].
//
// Wrapping again does not invalidate old blobs: anyone who keeps an old blob
// and its key can still open it. If a key may have leaked, so may everything
// that it wraps. Draw a new data key and encrypt the data again.
//
// A wrong password, a damaged blob and a blob that belongs elsewhere return the
// same error, because the caller who sees the difference may be an attacker. To
// tell users about damage, store a checksum of the blob beside it. The checksum
// is no protection: anyone who replaces the blob replaces it as well.
//
// # Security
//
// XChaCha20-Poly1305 and AES-GCM do not commit to their key: an attacker can
// make one ciphertext that opens under two keys, and use an honest recipient to
// test guesses. Blobs contain a commitment to the key, which is compared before
// anything is decrypted. The nonce is derived from the secret as well as from
// random bytes. If the random source fails, it does not repeat a nonce for
// another secret.
//
// Comparisons of secrets take constant time. So do the ciphers on machines with
// AES instructions. On other machines prefer [XChaCha20Poly1305].
//
// In the standard library's FIPS 140-only mode neither suite works: Wrap and
// Unwrap return its error.
//
// # Compatibility
//
// The format is fixed by its version byte: later versions open what this
// version wrapped.
package wrap

// Package wrap encrypts keys with other keys. A wrapped key opens only with the
// right key, purpose, account, item and epoch.
//
// # Where to start
//
//	kek, err := wrap.DeriveKey(secret, nil, "example.org/kek/v1")
//	blob, err := kek.Wrap(ctx, dataKey, binding)
//	dataKey, err := kek.Unwrap(ctx, blob, binding)
//
// [Rewrap] changes the key or the binding of a blob. With [Double], the outer
// key can change without access to the secret. Key services and HSMs implement
// [Wrapper].
//
// # What the application must do
//
//  1. Hash passwords with package kdf before [DeriveKey], which does not slow
//     down guesses.
//  2. If a key leaks, encrypt the data with new data keys. [Rewrap] does not
//     invalidate old blobs.
//  3. To report damage, store a checksum beside each blob, because [ErrOpen]
//     may also mean a wrong password. Attackers can replace the checksum.
//
// # Limits
//
// A secret is at most 64 KiB. Blobs do not hide its length or which blobs
// belong together.
//
// # Security
//
// A blob includes a commitment to its key, because otherwise one ciphertext
// could open with two keys. If the random source fails, nonces do not repeat
// for another secret.
//
// Comparisons take constant time, and so does AES-GCM on processors with AES
// instructions. Neither suite works in FIPS 140-only mode.
//
// # Compatibility
//
// FORMAT.md defines the format and names its sources. Later versions open it.
package wrap

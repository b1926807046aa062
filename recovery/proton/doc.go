// Package proton reads and writes two recovery methods of Proton's accounts,
// the recovery phrase and the recovery file. Both give access to the user's
// OpenPGP keys.
//
// Sources: Proton's web clients, packages/shared/lib/mnemonic and
// packages/shared/lib/recoveryFile, and RFC 9580 for OpenPGP, with
// ProtonMail/go-crypto.
//
// New accounts should use package [github.com/nescio-go/nescio/recovery]
// instead. Its phrase gives a password and a key that do not reveal each other,
// and no server can put a key into its file.
//
// # Where to start
//
// A phrase has 12 words, the BIP-39 encoding of 16 random bytes. It gives the
// password P of a separate login with the profile
// [github.com/nescio-go/nescio/srp.Proton](4), and a password that locks the
// user's keys:
//
//	phrase, err := recovery.ParsePhrase(words)
//	secret, err := proton.PhraseSecret(phrase) // P = base64(entropy)
//	password, err := proton.PhraseKeyPassword(phrase, salt)
//	key, err := proton.ParseKey(locked, password)
//	locked, err := key.Lock(newPassword)
//
// A recovery file is an armored message with the user's unlocked secret keys,
// encrypted under a recovery secret of 256 random bits. The server keeps the
// secret with a signature by the user's key. Neither opens anything alone:
//
//	secret, err := proton.NewFileSecret(keys[0])       // for the server
//	file, err := proton.MakeFile(secret, keys...)      // for the user
//	keys, err := proton.OpenFile(ctx, file, secrets...)
//
// An account that moves to package recovery wraps its keys as data:
//
//	blob, err := keyring.Wrap(key.Bytes(), binding)
//
// # What the application must do
//
//  1. Use only opened keys whose [Key.Fingerprint] is the [Fingerprint] of a
//     locked key of the account, as the device saw it earlier. The author of a
//     file can add keys.
//  2. Release recovery secrets, and keys locked for a phrase, only after a
//     login and at a limited rate.
//  3. When a file is lost, delete its secret on the server, and make a new
//     secret and file.
//
// # Limits
//
// Costs are bounded before any work. RSA moduli have at most 8192 bits and DSA
// moduli at most 3072. ElGamal is refused. The moduli of one call have at most
// 2^18 bits together, and each part of a key counts as at least 2048. On one
// core of a small server, [ParseKey] takes at most 3 s, or 20 s if someone who
// knows the passphrase made the key for that purpose. [NewFileSecret] takes at
// most 10 s, and [OpenFile] 15 s.
//
// # Security
//
// A message is authenticated before its contents are parsed. [MakeFile] writes
// AES-256 in SEIPD version 1, as Proton does, whose encrypted SHA-1 hash
// suffices for a secret of 256 bits. [OpenFile] also reads version 2. It
// refuses unprotected data and 64-bit ciphers.
//
// The public and secret parts of a key must fit. User IDs and signatures are
// kept but not verified, except for the key that signed a recovery secret.
//
// Secrets of a [Key] cannot be cleared. bcrypt does not take constant time.
//
// # Compatibility
//
// Later versions open what this version opens.
package proton

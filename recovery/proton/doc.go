// Package proton reads and writes two recovery methods that Proton's accounts
// have beside the password: the recovery phrase and the recovery file. Both
// contain or unlock the user's OpenPGP keys. Neither changes the keys, so each
// method still works after the other was used.
//
// Sources: Proton's web clients, packages/shared/lib/mnemonic and
// packages/shared/lib/recoveryFile; RFC 9580 for OpenPGP, which
// ProtonMail/go-crypto implements.
//
// A new account should use package recovery instead. Its phrase gives a password
// and a key that do not reveal each other, no server can put a key into its
// file, and its headers cannot be rolled back.
//
// # The phrase
//
// The phrase has 12 words, the BIP-39 encoding of 16 random bytes. BIP-39's seed
// is not used. Two values are derived:
//
//	P            = base64(entropy), 24 characters
//	key password = the last 31 characters of bcrypt(P, mnemonic salt, cost 10)
//
// P is the password of an SRP verifier with the profile srp.Proton(4). The caller
// makes the verifier and the server keeps it. A user who has the words logs in
// with P. The server then sends the mnemonic salt, 16 random bytes, and the
// user's keys, locked with the key password:
//
//	phrase, err := recovery.ParsePhrase(words)
//	secret, err := proton.PhraseSecret(phrase)                  // the password for srp.Proton(4)
//	password, err := proton.PhraseKeyPassword(phrase, salt)
//	key, err := proton.ParseKey(locked, password)
//	locked, err := key.Lock(newPassword)                        // for the new login password
//
// # The file
//
// The file is one armored message, usually named *.asc. Its plaintext is the
// concatenation of the user's binary secret keys, not locked. Its password is the
// recovery secret, the base64 of 32 random bytes. The server keeps the secret
// with a detached signature by the user's primary key over these 44 characters.
// Neither the file nor the server's data opens anything alone. The file names no
// account.
//
//	secret, err := proton.NewFileSecret(keys[0])       // for the server, unless it has one
//	file, err := proton.MakeFile(secret, keys...)      // for the user
//	keys, err := proton.OpenFile(ctx, file, secrets...)
//
// [MakeFile] and [OpenFile] always require the signature. MakeFile takes whole
// keys only. Files that other software made can also contain keys that this
// package cannot use, such as a stub for a smart card. OpenFile returns the usable
// keys of such a file, and a [SkippedKeysError] that names the others.
//
// # Under a keyring
//
// An account that moves from Proton to package recovery keeps its keys as data,
// up to 64 KiB each, wrapped with the master key:
//
//	wrapped, err := master.Wrap(ctx, key.Bytes(), binding)   // master, err := keyring.Key(epoch)
//
// # What the application must do
//
//   - Compare the [Key.Fingerprint] of opened keys with the [Fingerprint] of the
//     account's locked keys, as the device saw them earlier. Use no other key.
//   - Serve recovery secrets, and keys locked for a phrase, only to users who have
//     logged in, at a limited rate.
//   - When a file is lost, delete its secret on the server, and make a new secret
//     and a new file.
//
// # Security
//
// Everything that a file or a key could cost is bounded before the work: sizes,
// packets, keys, the decompressed size of a message, the memory and passes of
// Argon2, and the numbers of a key. RSA moduli have at most 8192 bits, with primes
// of half that size, and DSA moduli at most 3072. The moduli of one call have at
// most 2^18 bits together, and each part of a key counts as at least 2048 bits:
// 32 keys with two parts of RSA-4096 fit. ElGamal is refused because checking 2048
// bits takes a second. The worst cases on one core of a small server are:
//
//   - [ParseKey]: 3 s, with 16 parts of RSA-8192; 20 s if a person who knows the
//     passphrase locked the key for that purpose.
//   - [NewFileSecret]: 10 s, with RSA-8192 and hundreds of signatures on a slow
//     curve.
//   - [OpenFile]: 15 s, with the same keys, once a secret opens the file. It checks
//     its context between keys.
//
// A message is authenticated as a whole before its contents are parsed. MakeFile
// writes AES-256 in SEIPD version 1, as Proton does. SEIPD version 1 authenticates
// with an encrypted SHA-1 hash, which is sufficient with a secret of 256 random
// bits. OpenFile also reads SEIPD version 2, which has an AEAD. It refuses
// unprotected data and ciphers with 64-bit blocks.
//
// The S2K protection of a locked key does not authenticate the public part. This
// package checks for every key that the public part fits the secret part. User IDs
// and signatures are kept but not verified, except that the key which signed a
// recovery secret must be valid.
//
// The secrets of a [Key] are stored by other packages and cannot be cleared.
// bcrypt does not run in constant time.
//
// # Compatibility
//
// Later versions open everything that this version opens.
package proton

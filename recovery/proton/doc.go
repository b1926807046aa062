// Package proton reads and writes two ways in that Proton's accounts have beside the
// password: the recovery phrase and the recovery file. Both keep the user's OpenPGP
// keys, and neither changes them, so that each survives the use of the other.
//
// Sources: Proton's web clients, packages/shared/lib/mnemonic and
// packages/shared/lib/recoveryFile; RFC 9580 for OpenPGP, by ProtonMail/go-crypto.
//
// For an account of one's own, package recovery has better: a phrase whose password
// and key do not lead to each other, a file in which no server can put a key, and
// headers that cannot be rolled back.
//
// # The phrase
//
// Its 12 words are BIP-39's for 16 random bytes; BIP-39's seed is not used. From
// them come
//
//	P            = base64(entropy), 24 characters
//	key password = the last 31 characters of bcrypt(P, mnemonic salt, cost 10)
//
// P is the password of an SRP verifier, by srp.Proton(4), that the caller makes and
// the server keeps: who has the words logs in with it and gets the mnemonic salt, 16
// random bytes, and the user's keys, locked by the key password:
//
//	phrase, err := recovery.ParsePhrase(words)
//	secret, err := proton.PhraseSecret(phrase)                  // log in with it, by srp.Proton(4)
//	password, err := proton.PhraseKeyPassword(phrase, salt)
//	key, err := proton.ParseKey(locked, password)
//	locked, err := key.Lock(newPassword)                        // for the new login password
//
// # The file
//
// It is one armored message, by name ending in .asc, whose plaintext is the
// concatenation of the user's binary secret keys, not locked. Its password is the
// recovery secret, the base64 of 32 random bytes, which the server keeps with a detached signature
// by the user's primary key over these 44 characters. So neither the file nor what the
// server has opens anything without the other. The file names no account.
//
//	secret, err := proton.NewFileSecret(keys[0])       // for the server; or one that it has kept
//	file, err := proton.MakeFile(secret, keys...)      // for the user
//	keys, err := proton.OpenFile(ctx, file, secrets...)
//
// Signatures are not optional: MakeFile and OpenFile have no way around them.
//
// # Under a keyring
//
// An account that comes from Proton keeps its keys as data, of up to 64 KiB each, under
// the master key of package recovery, for whose phrase and file see there:
//
//	wrapped, err := master.Wrap(ctx, key.Bytes(), binding)   // master, err := keyring.Key(epoch)
//
// # What the application must do
//
//   - Compare the [Key.Fingerprint] of opened keys with [Fingerprint] of the account's
//     locked keys, as a device has seen them before, and take no other. See [OpenFile].
//   - Hand out secrets of files, and keys locked for a phrase, to who has logged in,
//     at a limited rate.
//   - Give up a secret when a file of it is lost: let the server drop it, and make a
//     new secret and a new file.
//
// # Security
//
// All that a file or a key could cost is bounded before it is paid: sizes, packets,
// keys, what a message decompresses to, Argon2's memory and passes, and the numbers
// by which the two parts of a key are compared. RSA has up to 8192 bits and primes of
// half of that, DSA 3072; the moduli of one call, 2^18 bits together, in which each
// part of a key counts as 2048 at least: 32 keys of two parts of RSA-4096. ElGamal is
// refused, since package openpgp takes a second to check 2048 bits of it. What
// remains, on one core of a small server: 3 s for [ParseKey], by 16 parts of RSA-8192,
// or 20 s if it was locked for that by one who knows the passphrase; 10 s for
// [NewFileSecret] and 15 s for [OpenFile] once a secret opens the file, by RSA-8192
// and by hundreds of signatures on a slow curve. OpenFile looks at its context
// between keys.
//
// A message is authenticated as a whole before anything in it is parsed. Written
// files have AES-256 in SEIPD version 1, as Proton's do, which authenticates by an
// encrypted SHA-1: enough under a secret of 256 bits that nobody else chooses;
// OpenFile reads version 2, with an AEAD, too. Unprotected data and 64-bit ciphers
// are refused.
//
// The S2K of locked keys does not authenticate their public part. That it fits the
// secret part is checked for every key. User ids and signatures are kept as they are
// and not judged, except that the key which signs a recovery secret must be valid.
//
// The secrets of a [Key] are big integers and bytes in other packages, and cannot be
// cleared. bcrypt is not constant time.
//
// # Compatibility
//
// What this version opens, every later one does.
package proton

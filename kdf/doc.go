// Package kdf turns passwords into keys, at a cost that is chosen, bounded on
// both sides, and measured.
//
// Sources: RFC 8018 for PBKDF2, RFC 9106 for Argon2id, RFC 7914 for scrypt; the
// PHC string format specification for the text form.
//
// # Where to start
//
// [Params] says how: an algorithm, its costs, a salt. [Default] is Argon2id
// with 64 MiB and 3 passes; [Calibrate] measures what this machine can bear.
// [Params.WithNewSalt] gives it a salt, [New] makes it a [Function],
// and [Function.Derive] the key:
//
//	params := kdf.Default().WithNewSalt()
//	function, err := kdf.New(params, kdf.Policy{})
//	key, err := function.Derive(ctx, password, 32)
//
// Store the parameters, by their text or binary form, beside what the key
// protects: they are public. Whoever reads parameters from elsewhere, a server
// or a file, passes them through Check too, which is the only way to a
// Function. A [Policy] refuses what is too weak, and so would help someone
// guess, and what is excessive, and so would tie up the machine, before any
// work or allocation. Its zero value is the safe default.
//
// # Which algorithm
//
// [Argon2id], unless something else decides: it makes guessing expensive in
// memory as well as in time. [Scrypt] does too. [PBKDF2SHA512] only costs time,
// of which attackers have machines full; it is here for those who have no other,
// such as the mail service Autonomail (see [Params.WithoutIterations]), and runs faster than
// the standard library's so that the same second buys more iterations. Nothing in a
// Policy chooses among them: who takes only one looks at [Params.Algorithm].
//
// # Which costs
//
// Calibrate once, on the weakest device that must bear them, while it does nothing
// else, and keep what comes out with the program's configuration: what strangers
// see before a login, as with package srp, must not differ by user. For what only
// the user sees, such as a password slot of package recovery, a device can
// calibrate when the password is set: in the background, since it takes many
// derivations, and with a floor of its own in the Policy, since a busy machine looks
// like a slow one.
//
// To raise the costs of an account, wait until its password is at hand: derive by
// the old parameters, then by new ones with a new salt, and wrap the same key anew.
// [Params.Cost] compares two of one algorithm. Who kept the old parameters and the
// old wrap can go on guessing at the old price.
//
// # Passwords
//
// Passwords have 1 to 1024 bytes and are used as given: two programs that
// should get one key must normalise alike (RFC 8265 has OpaqueString). A password
// may also log in, by package srp or opaque: the key's salt is its own. A thief of
// both a record of srp and what hangs on the key guesses at the cheaper one, which
// is the record where its profile has a fast hash, or bcrypt. Do not use this
// package where the input is a key already: package wrap has DeriveKey for that.
//
// # Security
//
// The time of PBKDF2 depends on public values and, by one hash, on whether the
// password has more than 128 bytes. Argon2id's first half pass is independent of the
// password and its rest is not, scrypt reads memory at places that depend on the
// password, and so does the bcrypt of [ProtonKeyPassword], by its S-boxes: who
// shares the machine's cache may learn something of the password. What the package
// owns is cleared after use; the memory of Argon2id and scrypt and the pads of
// crypto/hmac are beyond its reach.
//
// In the standard library's FIPS 140-only mode PBKDF2 takes passwords of 14 bytes
// or more, and ErrPassword is the answer to others. Argon2id and scrypt are not
// approved.
//
// # Compatibility
//
// Text and binary form are fixed: what this version wrote, every later one
// reads. What [Default] returns and what the zero Policy allows does not change
// within a major version, so that no account is shut out by an update.
package kdf

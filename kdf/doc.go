// Package kdf turns passwords into keys. The cost of a derivation is chosen,
// limited in both directions, and measured.
//
// Sources: RFC 8018 for PBKDF2, RFC 9106 for Argon2id, RFC 7914 for scrypt, and
// the PHC string format for the text form.
//
// # Where to start
//
// [Params] states an algorithm, its costs and a salt. [Default] is Argon2id
// with 64 MiB and 3 passes. [Calibrate] measures what this machine can bear.
// [Params.WithNewSalt] adds a salt, [New] returns a [Function], and
// [Function.Derive] derives the key:
//
//	params := kdf.Default().WithNewSalt()
//	function, err := kdf.New(params, kdf.Policy{})
//	key, err := function.Derive(ctx, password, 32)
//
// Parameters are public: store their text or binary form beside what the key
// protects. Parameters from a server or a file go through [New] as well, which
// is the only way to get a Function. A [Policy] refuses parameters that are too
// weak, which would help an attacker guess, and excessive ones, which would
// exhaust the machine. It does so before any work or allocation. The zero
// Policy is a safe default.
//
// # Which algorithm
//
// Use [Argon2id] unless something else decides. It makes each guess expensive
// in memory as well as in time. So does [Scrypt]. [PBKDF2SHA512] costs only
// time, of which attackers have plenty; use it where nothing else is available,
// as for the mail service Autonomail (see [Params.WithoutIterations]). A Policy
// allows all three: a caller that accepts only one checks [Params.Algorithm].
//
// # Which costs
//
// Calibrate once, on the weakest device that has to bear the costs, while the
// device does nothing else. Keep the result in the program's configuration.
// What strangers see before a login, as with package srp, must not differ from
// user to user. For parameters that only the user sees, such as those of a
// password slot in package recovery, a device can calibrate when the password
// is set. Let it do so in the background, because it takes many derivations,
// and with a floor of its own in the Policy, because a busy machine looks like
// a slow one.
//
// To raise the costs of an account, wait until its password is at hand. Derive
// with the old parameters, then with new parameters and a new salt, and wrap
// the same key again. [Params.Cost] compares parameters of one algorithm. An
// attacker who kept the old parameters and the old wrapped key can still guess
// at the old cost.
//
// # Passwords
//
// A password is 1 to 1,024 bytes long and used as given. Two programs that need
// the same key from the same typed text must prepare it in the same way:
// package [github.com/nescio-go/nescio/kdf/prepare] does so by RFC 8265. The
// same password may also log in, with package srp or opaque, because the key
// has its own salt. An attacker who steals both a record of srp and something
// that the key protects guesses at the cheaper one. With profiles of srp that
// use a fast hash or bcrypt, the cheaper one is the record. If the input
// already is a key, do not use this package: use DeriveKey of package wrap.
//
// # Browsers
//
// In WebAssembly (js/wasm) a derivation uses one thread, and nothing else runs
// meanwhile. Under Node.js 20.20, on one core of a server, Argon2id with 64 MiB
// and 3 passes took 0.3 to 0.45 seconds, three to four times as long as native
// code. On slower machines it takes longer. Run derivations in a Web Worker,
// otherwise the page stands still. A WebAssembly memory grows but never
// shrinks: end the Worker after the derivation to release the memory. Deadlines
// of a context stop PBKDF2 there. A message from the page does not, because it
// is read only after the derivation: end the Worker. Set MaxMemory in
// [Argon2idLimits] and [ScryptLimits] to what the weakest browser has. The
// parameters come from the server, and a page that needs more memory than there
// is ends.
//
// # Security
//
// The time of PBKDF2 depends on public values and, by one hash, on whether the
// password is longer than 128 bytes. In Argon2id the first half of the first
// pass is independent of the password, the rest is not. scrypt reads memory at
// places that depend on the password. So does the bcrypt of
// [ProtonKeyPassword], through its S-boxes. An attacker who shares the cache of
// the machine may learn something about the password. The package clears its
// own buffers after use. It cannot clear the memory of Argon2id and scrypt and
// the padded keys in crypto/hmac.
//
// In the standard library's FIPS 140-only mode PBKDF2 needs passwords of at
// least 14 bytes and returns [ErrPassword] for shorter ones. Argon2id and
// scrypt are not approved.
//
// # Compatibility
//
// The text and binary forms are fixed: later versions read what this version
// wrote. What [Default] returns and what the zero Policy allows does not change
// within a major version, so no update locks an account out.
package kdf

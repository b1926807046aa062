// Package kdf derives keys from passwords with Argon2id (RFC 9106), scrypt (RFC
// 7914) or PBKDF2 (RFC 8018), and limits their costs.
//
// # Where to start
//
//	params := kdf.Default().WithNewSalt()
//	function, err := kdf.New(params, kdf.Policy{})
//	key, err := function.Derive(ctx, password, 32)
//
// [Params] are public: store them beside the protected data. [New] refuses
// parameters that are too weak or exhaust the machine. The zero [Policy] is a
// safe default.
//
// Prefer Argon2id, which costs attackers memory too. PBKDF2 is for
// compatibility. To accept only one algorithm, check [Params.Algorithm].
//
// # What the application must do
//
//  1. Choose costs with [Default], or with [Calibrate] on the weakest device
//     while it is idle, because a busy machine looks slow. Set MaxMemory to
//     what every device has, because a derivation without enough memory
//     crashes. Anyone can see the costs of a login with srp or opaque. Use
//     the same for all users. Otherwise they reveal accounts.
//  2. On a user's device, calibrate only costs that nobody else sees, in the
//     background, with a Policy whose floors you chose.
//  3. Prepare typed passwords with [github.com/nescio-go/nescio/kdf/prepare],
//     because devices encode letters differently.
//  4. Replace old parameters and their salt when the password is at hand: see
//     Example (PasswordHash). Old copies can be attacked at the old cost.
//  5. In browsers, derive in a Web Worker, because derivations block the page.
//     End the Worker to cancel or to free memory.
//
// # Limits
//
// Passwords are used as given. For input that already is a key, use
// [github.com/nescio-go/nescio/wrap.DeriveKey]. If the password also logs in
// with srp, an attacker with both records guesses at the cheaper one.
//
// # Security
//
// Argon2id, scrypt and [ProtonKeyPassword] access memory depending on the
// password, which an attacker who shares the cache may observe. PBKDF2's time
// reveals only whether the password exceeds 128 bytes. Argon2id, scrypt and
// crypto/hmac do not clear their memory.
//
// In FIPS 140-only mode, PBKDF2 requires passwords of at least 14 bytes.
// Argon2id and scrypt are not approved.
//
// # Compatibility
//
// Later versions read the forms in FORMAT.md. [Default] and the zero Policy do
// not change within a major version.
package kdf

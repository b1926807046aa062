// Package srp implements SRP-6a, the Secure Remote Password protocol. A client
// logs in with a password, and the server learns neither the password nor
// anything that could replace it. Both end with the same fresh key.
//
// Sources: RFC 5054 and RFC 2945 for the protocol; Wu, "SRP-6: Improvements and
// Refinements to the Secure Remote Password Protocol" (2002), for k and u;
// Proton's published test data for its profiles.
//
// # Where to start
//
// [NewClient] and [NewServer], each once per process. Everything that travels is
// bytes, beside the id of the account:
//
//	client                                      server
//	Client.Register      ── request ──→         Server.BeginRegistration
//	Registration.Finish  ←── response ──
//	                     ── upload ──→          Server.FinishRegistration, then store the record
//
//	Client.Login         ── request ──→         Server.BeginLogin    (keeps pending)
//	Login.Respond        ←── response ──
//	                     ── final ──→           Server.FinishLogin   (has the key)
//	Login.Finish         ←── reply ──
//	(has the key)
//
// Once [Server.FinishLogin] returns without an error the user is logged in: issue
// a session cookie. The key is new at every login. You may use it to protect
// other data, or drop it.
//
// The servers of this package and of package opaque have the same methods, so
// that one handler serves both: see the examples of package opaque. Applications
// that need another wire format, Proton's JSON for example, find the same steps
// with typed values: [Registration.MakeRecord], [Server.Challenge],
// [Login.Answer], [Server.Verify], [Login.Confirm]. The typed form ends with the
// protocol's own key, the byte form with 32 bytes derived from it. Use one form
// on both sides.
//
// # Id and identity
//
// The id is the name that the server looks up. It binds a login's state to its
// account and makes the answers for unknown names. The identity is the I of the
// protocol, which the client hashes and the record contains. Proton's versions 3
// and 4 ignore it, and it may be empty. A client must give the same identity at
// registration and at every login. Where one account has several names, leave
// it empty. [Server.FinishRegistration] checks it against what it must be.
//
// # Profiles and groups
//
// A [Profile] fixes the formulas. [Nescio] is the default. It hashes passwords
// with Argon2id, at costs that the server offers and the client's policy bounds,
// and its proofs cover everything that was said. The other profiles are for
// meeting others: [Proton] for Proton's accounts, with bcrypt; the RFC 5054
// profiles for other libraries; [HomeKit] for accessories; [ImportSJCL] for the
// verifiers of SJCL. The hash of the last three is fast, so that a stolen record
// is soon guessed, and [Record.NeedsUpgrade] says so.
//
// To find out which [Flags] a peer uses, compare a whole login with leading
// zeros. Of the peers tested live, pysrp with OpenSSL, in its RFC 5054 mode, has
// [MinimalValues] and fast-srp-hap has [MinimalG].
//
// A [Group] is the prime field of the protocol. It exists only after
// verification: N is a safe prime and g generates the whole group. A client asks
// its [GroupPolicy] and then proves the group, both before it touches the
// password. A server proves a group when it is configured or a record is
// imported (see [CheckRecord]), and never at a login.
//
// # Kinds of accounts
//
// A [Kind] is what a stranger sees of an account before authentication: profile,
// group, costs. A server offers one kind to new registrations, accepts others,
// and knows old ones, whose accounts log in and should register again
// ([Server.NeedsRegistration]). An unknown name answers as one of all these
// kinds, by their weights, always as the same. To replace a kind on a fleet of
// servers:
//
//  1. Every replica accepts the new kind, with weight 0. The kind before needs a
//     weight above 0 and keeps it. A kind that was alone without a weight may get
//     any.
//  2. Every replica offers the new kind, and accepts the one before.
//  3. Every replica lists the one before as old. Accounts now move at their next
//     login.
//  4. The weight of the new kind rises as accounts move. In a service that has
//     both protocols, ServerConfig.Others of the other server follows at the same
//     time.
//
// Before each step wait until all replicas have made the last one, and
// registrations in progress are over. Then no registration is refused, and no
// account moves twice. Raise the weight of the offered kind, and no other. Never
// lower a weight, and never remove a kind that has one. Otherwise answers for
// unknown names change where no account's do, and a stranger sees the difference.
// Distribute a new weight with the time from which all replicas use it.
//
// # Errors
//
// The table gives the HTTP status that fits an error, by call. Package opaque
// has the same table and the same error values. A status is given also where only
// the other package returns the error.
//
//	                    BeginRegistration  FinishRegistration  BeginLogin  FinishLogin
//	ErrAuthentication   -                  -                   -           401
//	ErrState            -                  -                   -           401
//	ErrMalformed        400                400                 400         400
//	ErrPolicy           400                400                 400         -
//	ErrRecord           -                  400                 500         -
//	ErrBusy             -                  -                   503         -
//	any other           500                500                 500         500
//
// Answer [ErrAuthentication] and [ErrState] with the same response. Other errors
// come from the context and from the [Replay].
//
// # What the application must do
//
//  1. Use TLS. SRP protects the password and the session key, not the traffic,
//     and not the registration, which sends the verifier.
//  2. At registration refuse an id that is taken, and replace a record only after
//     a fresh login for that change. That a name is taken tells that it exists,
//     so limit the rate there too.
//  3. Bring the id to one spelling, by its syntax alone and before the look-up,
//     for known and unknown names alike: package kdf/prepare does it, at the
//     client and again at the server. An alias that takes a look-up can be
//     enumerated.
//  4. Look the record up again for FinishLogin, and insert the session in a
//     transaction that compares the record once more. Otherwise a login with an
//     old password can end after the change.
//  5. Limit the rate of BeginLogin by id and by address. A login that was begun
//     counts as a try: an attacker learns as much from a wrong proof as from a
//     right one.
//  6. Keep pending state on the server's side where possible: at BeginLogin set
//     an unguessable cookie and store pending and id under it, at FinishLogin
//     take and delete both. Where pending state must travel, give FinishLogin the
//     id of the web session that asks.
//  7. Name the application, the table and the tenant in ServerIdentity. Servers
//     that share state keys need one Replay for each set of state keys.
//  8. When a password changes, let the client register again up to the upload,
//     and log in with the old password in a context that names the account and
//     hashes the upload. In one transaction compare the old record, store the new
//     one, and end all other sessions. Package opaque has an example.
//  9. Rotate state keys daily ([Server.WithStateKeys]) and destroy old ones. Never
//     rotate the decoy key.
//
// Before a password, a recovery method or a device changes, let the user log in
// again for that change alone: [Client.WithContext] and [Server.WithContext]. Of
// the profiles only Nescio can; for other accounts use a fresh login of any kind.
//
// # Security
//
// All arithmetic on secrets is constant time, by package internal/modexp. Some
// things are not and cannot be: bcrypt, whose table look-ups depend on the
// password; the memory accesses of Argon2id after its first half pass; and the
// profiles with [MinimalValues], whose hash takes one byte less when S starts
// with a zero byte. Passwords are used as given. Secrets that the package owns
// are cleared after use, as far as Go allows: copies that the compiler or the
// arithmetic's stack makes, and the state of Argon2id, are beyond reach.
//
// In two cases a stranger can tell a known name. The salts of decoys, like new
// ones, never start with a zero byte: an imported salt that does, one in 256, gives
// its account away until its password changes. And a name whose salt changes is
// known to anyone who asked before: its password changed, or it moved to OPAQUE.
//
// Do not use this package as a password hash for a server that sees passwords,
// nor the session key to encrypt stored data: it is new at every login.
//
// # WebAssembly
//
// On js/wasm run logins in a Web Worker, since nothing else of the page runs
// meanwhile. Measured with Node.js 20 on one core of a server: 1.9 s for the
// first proof of a modulus of 2048 bits (0.3 s natively), 60 ms for a client's
// proofs with Nescio at 3072 bits or Proton at 2048, 80 ms for bcrypt, and 0.3 to
// 0.45 s for Argon2id with default costs. Keep [Group.Digest] of proved moduli on
// the device, for [KnownGroup]. The memory of a WebAssembly instance never
// shrinks: lower the ceiling of [ClientConfig].KDFPolicy to what the page can bear.
//
// # Compatibility
//
// Nothing has been released. From the first release on, the bytes of records, of
// their text form and of all messages are fixed by their version byte.
package srp

// Package srp implements SRP-6a, the Secure Remote Password protocol: a client
// logs in by password, the server learns neither the password nor anything
// that would do in its place, and both end with the same fresh key.
//
// Sources: RFC 5054 and RFC 2945 for the protocol, Wu, "SRP-6: Improvements and
// Refinements to the Secure Remote Password Protocol" (2002) for k and u, and
// Proton's published test data for its profiles.
//
// # Where to start
//
// [NewClient] and [NewServer], each once per process. A login is two messages
// each way, in byte form:
//
//	client                                server
//	Client.Login     ── request ──→       Server.Begin    (keeps pending)
//	Login.Respond    ←── response ──
//	                 ── final ──→         Server.Finish   (has the key)
//	Login.Finish     ←── reply ──
//	(has the key)
//
// The id of the account travels beside the request. Once Server.Finish returns
// without an error the user is logged in: issue a session cookie. The key, new
// at every login, is for whatever else the two sides want to protect or prove;
// whoever has no use for it drops it.
//
// A registration, or a change of password in a login for it:
//
//	Client.Register  ←── offer ──         Template.Offer, Offer.Bytes
//	Record.Bytes     ── record ──→        Server.Admit, then store it
//
// in code, with what travels between the two as bytes:
//
//	offered, err := srp.DefaultTemplate().Offer().Bytes()     // server
//	offer, err := srp.ParseOffer(offered)                     // client
//	record, err := client.Register(ctx, offer, name, password)
//	registered := record.Bytes()
//	err := server.Admit(registered)                           // server
//
// Applications that need another wire format, Proton's JSON for example, find
// the same steps with typed values beneath: [Server.Challenge], [Login.Answer],
// [Server.Verify], [Login.Confirm]. The typed form ends with the protocol's own
// key, the byte form with 32 bytes derived from it: use one form on both sides.
//
// # Id and identity
//
// The id is the name that the server looks up: it binds a login's state to its
// account and makes the answers for unknown names. The identity is the I of the
// protocol, which the client hashes and the record holds; Proton's versions 3
// and 4 ignore it, and it may be empty. A client must spell it the same way at
// registration and at every login, so use the same canonical bytes for both.
// Nothing here compares the two. Where one account has several names, leave the
// identity empty.
//
// # Profiles and groups
//
// A [Profile] fixes the formulas. [Nescio] is the default, with Argon2id for the
// password at costs that the server offers and the client's policy bounds, and
// with proofs that hold all that was said. The others are for meeting others:
// [Proton] is for Proton's accounts, and hashes passwords by bcrypt. The RFC 5054
// profiles are for interoperation with other libraries, and [HomeKit] for
// accessories; their hash of the password is fast, so that a stolen record is
// soon guessed, and [Record.NeedsUpgrade] says so.
// Which [Flags] a peer needs, a login with it tells: of those tested live,
// pysrp over OpenSSL, in its RFC 5054 mode, has MinimalValues and fast-srp-hap
// MinimalG.
// [ImportSJCL] takes over the verifiers of SJCL.
//
// A [Group] is the prime field of the protocol, and is obtained only after
// verification: N a safe prime, g a generator of all of it. A client accepts a group by the
// policy in its [ClientConfig] and then proves it, both before it touches the
// password. A server proves a group when it admits a record, with [CheckRecord]
// or by a [Template], and never at a login.
//
// # Sensitive changes
//
// A session says who logged in some time ago. Before a password, a recovery
// method or a device changes, let the user log in anew for that change alone:
// [Client.WithContext] and [Server.WithContext] return copies whose logins hold a
// description of the change, and fail if the two sides mean different ones.
// Profiles other than Nescio cannot: for their accounts a fresh login of any kind
// has to do.
//
// # What the application must do
//
//   - At registration refuse an id that is taken, and replace a record only
//     after a fresh login for that change has finished: Admit does not know the
//     account. That a name is taken
//     tells that it exists, so limit the rate there too.
//   - Bring the id to one spelling, by its syntax alone and before the look-up,
//     for known and unknown names alike. An alias that takes a look-up can be
//     enumerated.
//   - Limit the rate of Begin, by id and by address. A login that was begun
//     counts as a try, since an attacker learns from a wrong proof as much as
//     from a right one.
//   - Use TLS. SRP protects the password and the session key, not the traffic,
//     and not the registration, which sends the verifier.
//   - Keep pending state on the server's side where possible: at Begin set an
//     unguessable cookie and store pending and id under it, at Finish take and
//     delete both. Pending state is encrypted and opens once, but what nobody
//     sees nobody can collect. Where it must travel, give Finish the id of the
//     web session that asks, so that nobody finishes the login of somebody
//     else.
//   - When a record is replaced, forget the pending state of its account: who
//     began a login under the old password could still finish it. Where pending
//     state is not on the server's side, keep beside it a hash of the record that
//     Begin had, and compare when Finish has succeeded.
//   - Rotate Secrets.State daily, by [Server.WithState], and destroy old keys: a
//     key that leaks opens the recorded states of its day, with verifiers in
//     them. Never rotate Secrets.Decoy: unknown names would change their salts.
//     Share both among replicas, and a [Replay], or a login must end where it
//     began.
//   - Answer [ErrAuthentication] and [ErrState] with one and the same response.
//
// # Security
//
// All arithmetic on secrets is constant time, by package internal/modexp. Some
// things are not and cannot be: bcrypt, whose table look-ups depend on the
// password, the memory accesses of Argon2id after its first half pass, and the
// profiles with [MinimalValues], whose hash takes one byte
// less when S starts with a zero byte. Names and passwords are used as given;
// normalising them (RFC 8265) is the caller's. Secrets that the package owns
// are cleared after use, as far as Go allows: copies that the compiler or the
// arithmetic's stack makes are beyond reach.
//
// An unknown name is told from a known one by what its kind of account shows
// and decoys do not: the salts of decoys, like new ones, never start with a
// zero byte, so that an imported salt that does, one in 256, gives its account
// away until its password changes. And to somebody who has polled it before, a name
// whose salt changes is known: its password changed, or it moved to OPAQUE.
//
// Do not use this package as a password hash for a server that sees passwords,
// nor the session key to encrypt stored data: it is new at every login.
//
// # Compatibility
//
// The bytes of records, of the text form and of all messages are fixed by
// their version byte: what this version wrote, every later one reads.
package srp

// Package opaque implements OPAQUE, RFC 9807: a client logs in by password, the
// server learns neither the password nor, until its own keys and records are both
// stolen, anything that passwords could be tried against. Both end with the same
// fresh key, and the client with an export key that the server does not know.
//
// Sources: RFC 9807 for the protocol, RFC 9497 for its OPRF, RFC 9496, RFC 9380
// and RFC 7748 for the groups. All nine vectors of RFC 9807, Appendix C, are
// reproduced, with every intermediate value.
//
// # Where to start
//
// [NewSetup] once in the life of a server, its Bytes into a vault; [NewServer] and
// [NewClient] once per process. A registration and a login, with what travels
// between the two as bytes:
//
//	client                                      server
//	Client.Register      ── request ──→         Server.Register
//	Registration.Finish  ←── response ──
//	(has the export key) ── upload ──→          Server.Admit, then store it
//
//	Client.Login         ── request ──→         Server.Begin    (keeps pending)
//	Login.Respond        ←── response ──
//	                     ── final ──→           Server.Finish   (has the key)
//	Login.Finish         ←── reply ──
//	(has the key, and the export key)
//
// The id of the account travels beside each request. Once Server.Finish returns
// without an error the user is logged in: issue a session cookie. The session key,
// new at every login, is for whatever else the two sides want to protect or prove.
// The Server and the Login of package srp have the same Begin, Finish and Respond, so that one
// handler serves both protocols.
//
// # Id and identity
//
// The id is the name that the server looks up, the RFC's credential_identifier. It
// is part of every OPRF key: an account that gets another id must register anew.
// The identity is the RFC's client_identity, which both sides authenticate; the
// record holds it, and the client must give the same one at every login. Leave it
// empty unless a peer wants one: it then is the client's public key. The same goes
// for ServerIdentity on the server's side. An empty identity and an absent one are
// the same.
//
// # Suites and key stretching
//
// A [Suite] is fixed by the setup. [Ristretto255] is the default, and what
// deployments of opaque-ke have.
// The key stretching function, the RFC's KSF, is package kdf's, by default
// Argon2id with 64 MiB: [DefaultKSF]. On the [Framed] wire the server names its
// parameters, the client's policy judges them before the password is touched, and
// both sides authenticate them.
//
// A server holds numbered setups, and a list of templates, the kinds of accounts
// that it has. To replace a setup or a KSF put a new template in front: accounts of
// the old kind still log in, their clients learn by [Login.NeedsRegistration] that a
// fresh registration is wanted, and make it with the password at hand: see the example
// of [Migration]. Give Begin the new record as soon as it is stored, together with what
// is wrapped under its export key, and forget the old one when that login has finished.
// Clients that pin the server get the new public key before the template goes in front.
// It takes a new Server: what the old one began it finishes, unless both share a Replay.
//
// # From opaque-ke
//
// [ParseSetup] reads the ServerSetup of opaque-ke, [ImportRecord] its records, and on
// the [RFC] wire its clients log in here; a second Server on the [Framed] wire can hold
// the same setup and records for new clients. In the terms of @serenity-kit/opaque, whose
// values are base64url without padding: userIdentifier is the id, identifiers.client the
// identity, identifiers.server the ServerIdentity, and keyStretching the KSF, by
// kdf.NewArgon2id(memory, iterations, parallelism) and without a salt.
//
// # The export key
//
// It is the same at every login and new at every registration, which a change of
// the password is, too. So wrap other keys under it and nothing else: package recovery
// has a slot for it, or do it by hand,
//
//	kek, err := wrap.DeriveKey(exportKey, nil, "example.org/export-key/v1")
//	blob, err := kek.Wrap(ctx, dataKey, binding)
//
// # Sensitive changes
//
// A session says who logged in some time ago. Before a password, a recovery
// method or a device changes, let the user log in anew for that change alone:
// [Client.WithContext] and [Server.WithContext] return copies whose logins hold a
// description of the change, and fail if the two sides mean different ones.
//
// # From SRP to OPAQUE
//
// An account moves inside a login that has finished on both sides, without its
// user noticing: see [Migration]. A wrong password shows in different places: by SRP it
// is the server's answer, by OPAQUE an error of [Login.Respond], of which the server
// hears nothing. Unknown names must move with the known ones:
// answer a name that nobody has as SRP while [Secrets.Draw] of it is below the share
// of accounts that are still on SRP, and never let that share rise.
// examples/quickstart does all of it.
//
// # What the application must do
//
//   - Register over an authenticated and encrypted channel (RFC 9807, Section
//     10.10): whoever sits between could register a password of their own.
//   - At registration refuse an id that is taken, and replace a record only after a
//     fresh login for that change has finished: Admit does not know the account.
//     That a name is taken tells that it exists, so limit the rate there
//     (Section 10.9).
//   - Count Begin and Register as tries, by id and by address: a login that is never
//     finished has told an attacker as much as one that failed.
//   - Bring the id to one spelling, by its syntax alone and before the look-up, for
//     known and unknown names alike, at registration and at login. Never give two
//     accounts the same id, nor an id of a deleted account to another user while
//     its records may still exist.
//   - Keep pending state on the server's side where possible: at Begin set an
//     unguessable cookie and store pending and id under it, at Finish take and
//     delete both. Where it must travel, give Finish the id of the web session that
//     asks, so that nobody finishes the login of somebody else.
//   - When a record is replaced, forget the pending state of its account, or keep
//     beside it a hash of the record that Begin had, and compare when Finish has
//     succeeded.
//   - Keep setups apart from records, in another vault or behind [Keys]: together
//     they are as good as password hashes. Never lose one, and never drop one that
//     records name.
//   - Rotate Secrets.State daily, by [Server.WithState], and destroy old keys.
//     Never rotate Secrets.Decoy. Share both among replicas, and a [Replay], or a
//     login must end where it began.
//   - Answer [ErrAuthentication] and [ErrState] with one and the same response.
//   - Let the context, or ServerIdentity, name the application, if others use the
//     same setup (Section 10.10 of the RFC speaks of both).
//
// # Security
//
// All arithmetic on secrets is constant time, by packages ristretto255, edwards25519,
// nistec and bigmod, by crypto/ecdh, and by internal/oprf on top of them. Argon2id's memory accesses after its first half pass
// depend on the OPRF's output. Names and passwords are used as given; normalising
// them (RFC 8265) is the caller's. Secrets that the package owns are cleared after
// use, as far as Go allows: copies on the stack, and those that crypto/ecdh keeps
// of X25519 private keys, are beyond reach.
//
// What a stranger sees of an unknown name is what they would see of a known one:
// the same kinds of answers, fixed for the name, by the same work. One thing shows: the
// answers for a name change when it registers under another setup than its template
// named.
//
// # Speed
//
// Begin takes what about five variable-base multiplications in the group take,
// 0.25 ms, and a whole login without the KSF twelve to thirteen: run
//
//	go test -run xxx -bench . ./opaque
//
// whose BenchmarkScalarMult is one such multiplication.
//
// # Compatibility
//
// The bytes of records, setups and all messages are fixed by their version byte:
// what this version wrote, every later one reads.
package opaque

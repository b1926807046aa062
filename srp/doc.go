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
// Whoever must speak another wire, Proton's JSON for example, finds the same
// steps with typed values beneath: [Server.Challenge], [Login.Answer],
// [Server.Verify], [Login.Confirm]. Registration is [Template.Offer] on the
// server, [Client.Register] on the client, [Server.Admit] on the server.
//
// # Profiles and groups
//
// A [Profile] fixes the formulas. [Proton] meets Proton's accounts, and hashes
// passwords by bcrypt. The RFC 5054 profiles meet other libraries; their hash
// of the password is fast, so that a stolen record is soon guessed, and
// [Record.NeedsUpgrade] says so.
//
// A [Group] is the prime field of the protocol, and can only be had verified:
// N a safe prime, g a generator of all of it. A client accepts a group by the
// policy in its [ClientConfig] and then proves it, both before it touches the
// password. A server proves a group when it admits a record, with [CheckRecord]
// or by a [Template], and never at a login.
//
// # What the embedder must do
//
//   - Bring the id to one spelling, by its syntax alone and before the look-up,
//     for known and unknown names alike. An alias that takes a look-up can be
//     enumerated.
//   - Limit the rate of Begin, by id and by address. A login that was begun
//     counts as a try, since an attacker learns from a wrong proof as much as
//     from a right one.
//   - Use TLS. SRP protects the password and the session key, not the traffic,
//     and not the registration, which sends the verifier.
//   - Keep pending state on the server's side where possible, in a session or a
//     database row. It is sealed and opens once, but who cannot see it cannot
//     collect it.
//   - Rotate Secrets.State daily and destroy old keys; never rotate
//     Secrets.Decoy. Share both, and a [Replay], among the replicas.
//   - Give Finish the id of the session that asks, so that nobody finishes the
//     login of somebody else.
//   - Answer [ErrAuthentication] and [ErrState] with one and the same response.
//
// # Security
//
// All arithmetic on secrets is constant time, by package internal/modexp. Two
// things are not and cannot be: bcrypt, whose table look-ups depend on the
// password, and the profiles with [MinimalValues], whose hash takes one byte
// less when S starts with a zero byte. Names and passwords are used as given;
// normalising them (RFC 8265) is the caller's. Secrets that the package owns
// are cleared after use, as far as Go allows: copies that the compiler or the
// arithmetic's stack makes are beyond reach.
//
// Do not use this package as a password hash for a server that sees passwords,
// nor the session key to encrypt stored data: it is new at every login.
//
// # Compatibility
//
// The bytes of records, of the text form and of all messages are fixed by
// their version byte: what this version wrote, every later one reads.
package srp

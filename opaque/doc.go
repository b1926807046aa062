// Package opaque implements OPAQUE, RFC 9807. A client logs in with a password.
// The server never learns the password. Without the server's setup its records
// do not help a thief to guess passwords. A login ends with the same new session
// key on both sides, and with an export key that only the client knows.
//
// Sources: RFC 9807 for the protocol, RFC 9497 for its OPRF, RFC 9496, RFC 9380
// and RFC 7748 for the groups. The tests reproduce all vectors of RFC 9807,
// Appendix C, with every intermediate value, and those of opaque-ke.
//
// # Where to start
//
// Call [NewSetup] once in the life of a server and store its bytes in a vault.
// Call [NewServer] and [NewClient] once per process. A registration and a
// login, with bytes as messages:
//
//	registration, request, err := client.Register(nil, password)
//	response, err := server.BeginRegistration(ctx, id, request)
//	upload, err := registration.Finish(ctx, response)
//	record, err := server.FinishRegistration(nil, upload) // store record
//
//	login, request, err := client.Login(nil, password)
//	// The server looks up the record and keeps pending.
//	response, pending, err := server.BeginLogin(ctx, id, record, request)
//	final, err := login.Respond(ctx, response)
//	// The server looks up the record again. Without an error it issues a session.
//	reply, key, err := server.FinishLogin(ctx, id, record, pending, final)
//	key, err := login.Finish(reply)
//	exportKey, err := login.ExportKey()
//
// The id is the name that the server looks up, RFC 9807's
// credential_identifier. It travels beside each request. It is part of the
// account's OPRF key: an account that gets another id must register again. The
// identity, nil above, is client_identity, which both sides authenticate. Leave
// it empty unless a peer requires one.
//
// The servers of this package and of package srp satisfy one interface, and
// their errors are the same values: one handler serves both. The example of
// both protocols shows it.
//
// # Errors and HTTP statuses
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
// A status is given also where only the other package returns the error.
//
// Send the same response for [ErrAuthentication] and [ErrState]. Other errors come
// from ctx, from the [Replay] and from the [KeyService].
//
// # Kinds, and how to switch a fleet
//
// A [Kind] is a setup and a key stretching function (the RFC's KSF, by default
// [DefaultKSF]). New registrations get the kind in Offer of [ServerConfig].
// Kinds in Accept may register too. Accounts of kinds in Old log in, and
// [Login.NeedsRegistration] tells their clients to register again, with the
// password at hand: see [Migration]. To switch to another setup or KSF:
//
//  1. Every replica names the kind that it has in Offer, which may have been
//     left out while there was one setup. Every replica gets the setup, in Setups. Clients that pin the server's
//     public key get the new one.
//  2. Every replica accepts the new kind, with weight 0. From now on the old
//     kind needs a weight above 0, and keeps it. A kind that was alone without
//     a weight may get any.
//  3. Every replica offers the new kind and accepts the old one.
//  4. Every replica moves the old kind to Old.
//  5. Every replica raises the new kind's weight as accounts move. Others of
//     the srp server gets the same weight at the same time.
//
// Before each step wait until every replica has made the last step, and until
// the registrations in progress are over. No registration is refused on the
// way, and no account moves more than once. To change kinds at run time, make a
// new [Server]. With a nil [Replay], logins that began at the old one end with
// [ErrState].
//
// A server always offers a kind. A service that stops registering accounts with
// one of the two protocols, such as SRP, sends that server no registrations. It
// keeps all kinds and their weights.
//
// # Unknown names
//
// A stranger sees of an unknown name what they would see of an account: an
// answer of one of the service's kinds, fixed for the name, made with the same
// work. Weights decide how many unknown names have each kind. A service that
// has SRP accounts too gives each server the kinds of the other, in Others:
// [Weights] here, and [github.com/nescio-go/nescio/srp.Weights] there. One
// difference remains: a name's answer changes when it registers under another
// kind than it seemed to have.
//
// A client that does not know which protocol an account has sends the first
// messages of both, of package srp and of this one. The server answers one: the
// protocol of the record that it found, or for an unknown name what
// [Server.AnswersAsSRP] returns. Answers to requests for a name must never say
// more. The first byte of the response, 'S' or 'O', tells the client which
// login continues. The client discards the other. A client that has seen OPAQUE
// for an account sends only OPAQUE from then on.
//
// # What the application must do
//
//  1. Register over an authenticated and encrypted channel (RFC 9807, Section
//     10.10).
//  2. Refuse to register an id that is taken, and replace a record only after a
//     new login for that change: [Server.FinishRegistration] does not know the
//     account. That a name is taken shows that it exists, so limit the rate.
//  3. Count [Server.BeginLogin] and [Server.BeginRegistration] as tries, by id
//     and by address. An attacker learns as much from a login that is never
//     finished as from one that failed.
//  4. Bring ids to one spelling, by their syntax alone and before the look-up,
//     for known and unknown names alike. Package
//     [github.com/nescio-go/nescio/kdf/prepare] does this. Never give two
//     accounts one id, nor the id of a deleted account to another user while
//     its records may exist.
//  5. Store records byte for byte. Give [Server.FinishLogin] the record that
//     the store has at that time. Insert the session in a transaction that
//     compares the record once more.
//  6. Let ServerIdentity name the application, the table of accounts and the
//     tenant.
//  7. Keep pending state at the server if possible, under an unguessable
//     cookie, and delete it when it is used. If it must travel, take the id for
//     [Server.FinishLogin] from the web session that asks.
//  8. Give all replicas the same DecoyKey and StateKeys, and one [Replay] for
//     each set of state keys. Never rotate DecoyKey. Rotate StateKeys daily:
//     see [StateKey].
//  9. Raise only the weight of the offered kind. Never lower a weight, and
//     never remove a kind that has one. Distribute weights with the time from
//     which all replicas use them.
//  10. Keep setups apart from records, in a vault or behind a [KeyService]. With
//     a setup, and with the record of an account or one answer to a login that
//     anyone may ask for, a thief can guess at the account's password. Never
//     lose a setup. Never remove one that records name or whose kind has a
//     weight. Test stored records with [Server.Check] at start-up.
//  11. Before a password, a recovery method or a device changes, ask for a new
//     login for this change, with [Client.WithContext] and
//     [Server.WithContext].
//  12. When a password changes, let the client register again up to the upload,
//     and then log in with the old password. The context of this login names
//     the account and hashes the upload and all blobs that change. In one
//     transaction compare the old record once more, store the new record and
//     blobs, delete an unused record of a [Migration], and end all other
//     sessions. A login with the old password that began before then ends with
//     [ErrState]. The example of a password change shows it.
//
// # The export key
//
// It is the same at every login and changes with every registration, so also
// when the password changes. Wrap other keys under it, and use it for nothing
// else. Package recovery has a slot for it.
//
// # opaque-ke and its wrappers
//
// Accounts of opaque-ke 4 fit if their KSF is Argon2id, in all three suites.
// [ParseSetup] reads its ServerSetup and [ImportRecord] its records. Its
// clients log in on [WireRFC9807], and new clients on [WireFramed] to a second
// [Server] with the same setup and records. The KSF is [kdf.NewArgon2id] with
// its memory, iterations and parallelism, without a salt. In
// @serenity-kit/opaque 1 the values are base64url without padding,
// userIdentifier is the id, identifiers.client the identity, identifiers.server
// the ServerIdentity, and keyStretching the KSF. Setups of versions before 4
// need a change: see [ParseSetup].
//
// A deployment whose KSF is Identity does not fit, because this package
// always stretches: the right password returns [ErrAuthentication]. Records
// do not show it. Look at the Ksf of the deployment's CipherSuite, which is
// opaque_ke's ksf::Identity or argon2::Argon2, and at the KSF that its
// clients pass to finish. Its users must register again, at a login to the
// old software.
//
// # Browsers
//
// With js/wasm, run the client in a Worker: Argon2id with default costs blocks
// its thread for 0.3 to 0.45 s, measured with Node.js 20. The memory of a
// WebAssembly instance never shrinks, so lower the memory ceiling of KSFPolicy in
// [ClientConfig] to what the page can spare.
//
// # Security
//
// All arithmetic on secrets is constant time. The memory accesses of
// Argon2id after its first half pass depend on the output of the OPRF.
// Secrets that the package owns are cleared after use, except copies on the
// stack and the X25519 private keys that crypto/ecdh keeps. Types that hold
// secrets redact themselves.
//
// The bytes of records, setups and messages are fixed by their version byte.
// Later versions of this package read what this version wrote.
package opaque

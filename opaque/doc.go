// Package opaque implements OPAQUE, RFC 9807. A client logs in with a password
// that the server never learns. Both sides get a new session key, and the
// client an export key that only it knows. Without the server's setup, stolen
// records do not help to guess passwords.
//
// # Where to start
//
// Call [NewSetup] once, and [NewServer] and [NewClient] once per process.
// Without errors:
//
//	registration, request := client.Register(nil, password)
//	response := server.BeginRegistration(ctx, id, request)
//	upload := registration.Finish(ctx, response)
//	record := server.FinishRegistration(nil, upload) // store record
//
//	login, request := client.Login(nil, password)
//	response, pending := server.BeginLogin(ctx, id, record, request) // keep pending
//	final := login.Respond(ctx, response)
//	reply, key := server.FinishLogin(ctx, id, record, pending, final) // issue a session
//	key := login.Finish(reply)
//
// The id is the name that the server looks up. It travels beside each request.
// To change it, register again. The identity, nil above, is for peers that
// require one. The server of package srp has the same methods and errors.
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
// Answer [ErrAuthentication] and [ErrState] alike, and a taken id with 409. If
// every login fails, compare ServerIdentity and identity. Other errors come
// from ctx, the KSF, the [Replay] and the [KeyService].
//
// # Kinds, and how to switch a fleet
//
// A [Kind] is a setup and a key stretching function (KSF). To switch:
//
//  1. Name the old kind in Offer and add the new setup. Clients that pin public
//     keys get the new one.
//  2. Accept the new kind, with weight 0. Give the old kind a weight above 0,
//     if it has none.
//  3. Offer the new kind and accept the old one.
//  4. Move the old kind to Old.
//  5. Raise the new kind's weight as accounts move, also in Others of the
//     srp server.
//
// Before each step, wait until all replicas have finished the previous one and
// registrations in progress are over.
//
// # Unknown names
//
// An unknown name is answered like an account, always of the same kind. Weights
// decide how many names have each kind. In a service with both protocols, each
// server lists the other's kinds in Others. The answer changes if a name
// registers under another kind.
//
// A client that does not know the protocol sends the first messages of both,
// and [Server.AnswersAsSRP] decides for unknown names. Once the client has seen
// OPAQUE, it refuses SRP for the account. Example (BothProtocols) shows this.
//
// # What the application must do
//
//  1. Register over an authenticated and encrypted channel.
//  2. Refuse to register an id that is taken. This shows that the name exists,
//     so limit the rate. No other answer may show it.
//  3. Count [Server.BeginLogin] and [Server.BeginRegistration] as tries, by id
//     and by address.
//  4. Normalize ids before the look-up, by syntax alone, with package
//     [github.com/nescio-go/nescio/kdf/prepare]. Never reuse an id while old
//     records of it may exist.
//  5. Store records byte for byte. Give [Server.FinishLogin] the record as
//     stored then, and compare it again in the transaction that inserts
//     the session.
//  6. Keep pending state at the server, under an unguessable cookie, until it
//     is used or Lifetime has passed. If it must travel, take the id from the
//     web session.
//  7. Give all replicas the same DecoyKey and StateKeys, and one [Replay].
//     Rotate StateKeys daily and DecoyKey never.
//  8. Raise only the weight of the offered kind, on all replicas at once. Never
//     lower a weight or remove a kind that has one.
//  9. Keep setups apart from records. Never lose or remove one that records or
//     weights need.
//  10. Confirm a change of password, recovery method or device with a new
//     login, with [Server.WithContext]. Example (PasswordChange)
//     shows the transaction.
//
// # Security
//
// Arithmetic on secrets is constant time. Memory accesses of Argon2id are not.
// Secrets are cleared after use, except copies on the stack and X25519 keys in
// crypto/ecdh. Types with secrets redact themselves. All types are safe for
// concurrent use, as a [Replay] and a [KeyService] must be.
//
// # Compatibility
//
// FORMAT.md defines all bytes and names its sources. Later versions read them.
package opaque

// Package srp implements SRP-6a (RFC 5054, RFC 2945). A client logs in with a
// password, and the server learns neither the password nor anything that can
// replace it. Both sides end with the same new key. FORMAT.md has all formulas
// and formats.
//
// # Where to start
//
// Call [NewServer] and [NewClient] once per process. Errors are left out:
//
//	registration, request := client.Register(nil, password)
//	response := server.BeginRegistration(ctx, id, request)
//	upload := registration.Finish(ctx, response)
//	record := server.FinishRegistration(nil, upload)
//
//	login, request := client.Login(nil, password)
//	response, pending := server.BeginLogin(ctx, id, record, request)
//	final := login.Respond(ctx, response)
//	reply, key := server.FinishLogin(ctx, id, record, pending, final)
//	key := login.Finish(reply)
//
// The id is the name that the server looks up. The identity, nil here, is the
// protocol's I and never changes. Typed forms are for other wire formats. All
// types are safe for concurrent use. In browsers use a Web Worker and
// [KnownGroup].
//
// # Kinds and fleets
//
// An unknown name is answered as one of the server's kinds, the same at every
// request. To replace a [Kind] on a fleet:
//
//  1. Every replica accepts the new kind, with weight 0. The old kind gets a
//     weight above 0, if it has none.
//  2. Every replica offers the new kind and accepts the old one.
//  3. Every replica moves the old kind to Old.
//  4. The new kind's weight rises as accounts move, in Others of the opaque
//     server too.
//
// Before each step wait until all replicas have finished the previous one and
// registrations in progress are over. Raise only the weight of the offered
// kind. Never lower a weight, or remove a kind that has one: answers for
// unknown names would change. Replicas change weights at the same time.
//
// # Errors
//
// HTTP statuses, for package opaque too:
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
// Send the same response for [ErrAuthentication] and [ErrState].
//
// # What the application must do
//
//  1. Use TLS. A registration sends the verifier.
//  2. Refuse to register an id that is taken, unless its owner has just logged
//     in. The refusal shows that the id exists, so limit the rate.
//  3. Bring ids to one spelling before the look-up, by syntax alone, known or
//     not.
//  4. Give [Server.FinishLogin] the record that the store has then. Insert the
//     session in a transaction that compares it again.
//  5. Count every [Server.BeginLogin] as a try, by id and by address.
//  6. Keep pending state at the server, under an unguessable cookie, until it
//     is used or Lifetime has passed. If it travels, take the id from the web
//     session that asks.
//  7. Name application, table and tenant in ServerIdentity.
//  8. Use one [Replay] for each set of state keys. Rotate state keys daily,
//     DecoyKey never.
//  9. Before a sensitive change ask for a login whose context describes it: see
//     [Server.WithContext].
//  10. To change a password, run a registration until the client has the
//     upload. Then log in with the old password, in a context with the hash of
//     the upload. In one transaction
//     compare the old record, store the new one and end other sessions.
//
// # Security
//
// Arithmetic on secrets is constant time. bcrypt, Argon2id and [MinimalValues]
// are not. Secrets are cleared, except copies on the stack and Argon2id's
// memory. Strangers see when a name's salt changes. Imported salts that begin
// with a zero byte reveal their accounts. Encrypt no stored data under session
// keys, which are new at every login.
//
// Version bytes fix the formats of records and messages.
package srp

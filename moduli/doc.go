// Package moduli finds, proves, signs and distributes safe primes for SRP. A
// search finds the first one of the form 24·k + 11 after a start, as Proton
// does. 2 generates its whole group.
//
// Sources: RFC 8032, FIPS 204, OpenSSH's moduli(5), and PKCS #3. FORMAT.md
// defines the encodings.
//
// # Where to start
//
// Operators use the program examples/moduli, or:
//
//	start, err := moduli.VerifiableStart(2048, "example.org/srp/2030", 0)
//	result, err := moduli.Generate(ctx, start)
//	record, err := moduli.NewRecord(result, "example.org/srp", created, notAfter)
//	record, err = key.Sign(record)
//
// A server proves the modulus:
//
//	group, err := srp.NewGroup(record.Modulus().N, record.Modulus().G)
//	group, err = group.WithCertificate(record.Bytes())
//
// Put the group of each record that passes [Keys.CheckNew] and is not retired
// into Offer of [github.com/nescio-go/nescio/srp.ServerConfig], and all other
// groups into Old. Clients accept groups with [Keys.GroupPolicy].
//
// Parsers accept the forms of FORMAT.md, and return [ErrMalformed] otherwise.
// They prove and verify nothing.
//
// # What the application must do
//
//  1. Use several moduli of at least 2048 bits. An attacker who breaks one can
//     guess all its passwords offline.
//  2. Prefer verifiable starts. No proof shows a hidden weakness, but anyone
//     can repeat the search.
//  3. Use [Keys.RegistrationPolicy] for registrations and password changes. It
//     refuses expired records.
//  4. Keep records and public keys as long as accounts need them to log in.
//  5. Renew records before they expire, and rotate keys. OPERATIONS.md has the
//     steps.
//  6. Keep private keys away from servers. A thief can sign weak moduli of any
//     date. Removing the public key locks out accounts: follow "After a leak"
//     in OPERATIONS.md.
//
// # Security
//
// Everything except private keys is public. Only signing is constant time, as
// far as crypto/ed25519 and circl's ML-DSA are. All types except [Search] are
// immutable and safe for concurrent use.
//
// # Compatibility
//
// Later versions read what this version writes, and find the same moduli.
package moduli

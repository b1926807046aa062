// Package moduli finds, proves, signs and distributes the prime groups that SRP
// runs in: safe primes N = 2q + 1 whose whole multiplicative group 2 generates,
// found by Proton's rule, the first N ≡ 11 (mod 24) from a start on.
//
// # Where to start
//
// [Generate] finds a modulus from a [RandomStart] or, so that anyone can repeat
// the search, from a [VerifiableStart]. [Search] is the same as a value that can be
// stopped, kept, and split among machines. [Modulus.Verify] proves any modulus,
// whoever made it.
//
//	start, err := moduli.VerifiableStart(2048, "example.org/srp/2030", 0)
//	found, err := moduli.Generate(ctx, start)
//
// A [Record] is what is distributed: the modulus, its origin, what it is for, and
// a signature by Ed25519 and ML-DSA-65. A [Pool] is many of them, from which a
// server picks one for every new password:
//
//	record, err := moduli.NewRecord(found, "example.org/srp", created, notAfter)
//	signed, err := key.Sign(record)
//	pool, err := moduli.NewPool(signed)
//	picked, err := pool.Pick(keys, "example.org/srp", time.Now())
//
// The record is the credential of a group in package srp. A server makes a template
// of each record when it starts, which proves the modulus, retired ones too as
// long as an account has them; what it offers for a new password is the template
// of the record it picked:
//
//	group, err := srp.NewGroup(record.Modulus().N, record.Modulus().G)
//	group, err = group.WithCredential(record.Bytes())
//	template := srp.Template{Profile: srp.Nescio(), Group: group, Weight: 1}
//	server, err := srp.NewServer(srp.ServerConfig{Secrets: secrets, Templates: templates})
//
// Clients accept the groups of records by [Keys.AcceptGroup], and prove each modulus
// for themselves; those that register or change a password, by a client of its own,
// with [Keys.AcceptNewGroup]:
//
//	client, err := srp.NewClient(srp.ClientConfig{AcceptGroup: srp.AnyOf(
//		srp.RFC5054Groups, // accounts from before the pool
//		keys.AcceptGroup("example.org/srp"),
//	)})
//
// Moduli of others come in by [ParseOpenSSH] and [ParsePEM]; package
// moduli/openpgp reads Proton's.
//
// # Why another modulus
//
// Whoever computes discrete logarithms in a group can guess the passwords of all
// its accounts at leisure, and most of that computation is for the group, not for
// the account. With many groups it has to be done many times. Below 2048 bits it
// is within reach: such moduli are for tests and demonstrations, and package srp
// refuses them.
//
// # Speed
//
// go run ./examples/moduli bench, 2048 bits, two cores of a shared machine, Go 1.26,
// CPU seconds:
//
//	                      runs   mean
//	ours, by slots          20    5.2        20.5 µs a slot × 254,253 slots a hit
//	ours, whole searches    20    5.1 ± 1.0  from 0.9 to 16
//	openssl dhparam -2      20   27.3 ± 8.8  from 0.8 to 172
//
// Nine tenths of the time is the base-2 test, which is in assembly on amd64 with BMI2;
// elsewhere, by math/big or filippo.io/bigmod, a search takes half as long again.
//
// # Security
//
// Everything but a private key is public here, and nothing but its use is
// constant time. A search cannot be trusted for its origin if its start is random:
// prefer public starts.
//
// # Compatibility
//
// All encodings are fixed by their version byte, and so is what a public start
// leads to: what this version found and wrote, every later one finds and reads.
package moduli

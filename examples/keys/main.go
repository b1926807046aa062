// Keys makes, shows, checks and rotates the secrets of a server: decoy keys,
// database keys, state keys, OPAQUE setups, and keys that sign moduli.
//
//	go run ./examples/keys make decoy -o decoy.key
//	go run ./examples/keys make state -o state.key
//	go run ./examples/keys make setup -o setup.key
//	go run ./examples/keys check decoy.key state.key setup.key
//	go run ./examples/keys rotate state.key
//
// A service that seals values in its database also needs a database key:
//
//	go run ./examples/keys make database -o database.key
//
// go run ./examples/keys help COMMAND explains a command. The exit status is 0,
// 1 if something failed, or 2 for a wrong command line. OPERATIONS.md has the
// procedures that use these commands.
package main

import "github.com/nescio-go/nescio/examples/internal/cli"

var program *cli.Program

func init() {
	program = &cli.Program{
		Name:    "keys",
		Path:    "github.com/nescio-go/nescio/examples/keys",
		Summary: "Keys makes, shows, checks and rotates the secrets of a server.",
		Commands: []cli.Command{
			{Name: "make", Purpose: "make a decoy, database, state or signing key, or a setup", Run: makeKey},
			{Name: "show", Purpose: "print the contents of files, without the secrets", Run: show},
			{Name: "public", Purpose: "print the public keys of setups and signing keys", Run: public},
			{Name: "check", Purpose: "test whether a server can use files", Run: check},
			{Name: "rotate", Purpose: "add the next state key, setup or signing key to a file", Run: rotate},
			{Name: "lock", Purpose: "encrypt a file under a passphrase, or change the passphrase", Run: lock},
			{Name: "unlock", Purpose: "decrypt a locked file", Run: unlock},
		},
	}
}

func main() { program.Main() }

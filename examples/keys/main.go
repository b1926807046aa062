// Keys makes, shows, checks and rotates the secrets of a server: decoy keys,
// state keys, setups of OPAQUE, and keys that sign moduli.
//
//	go run ./examples/keys make decoy -o decoy.key
//	go run ./examples/keys make state -o state.key
//	go run ./examples/keys make setup -o setup.key
//	go run ./examples/keys check decoy.key state.key setup.key
//	go run ./examples/keys rotate state.key
//
// go run ./examples/keys help COMMAND explains a command. The exit status is 0,
// or 1 if something failed, or 2 if the command was called wrongly. OPERATIONS.md
// has the procedures around these commands.
package main

import "github.com/nescio-go/nescio/examples/internal/cli"

var program *cli.Program

func init() {
	program = &cli.Program{
		Name:    "keys",
		Path:    "github.com/nescio-go/nescio/examples/keys",
		Summary: "Keys makes, shows, checks and rotates the secrets of a server.",
		Commands: []cli.Command{
			{Name: "make", Purpose: "make a decoy key, a state key, a setup or a signing key", Run: makeKey},
			{Name: "show", Purpose: "print what files contain, without the secrets", Run: show},
			{Name: "public", Purpose: "print the public forms of setups and signing keys", Run: public},
			{Name: "check", Purpose: "find out whether a server can use files", Run: check},
			{Name: "rotate", Purpose: "add the next state key, setup or signing key to a file", Run: rotate},
			{Name: "lock", Purpose: "put a file under a passphrase, or change it", Run: lock},
			{Name: "unlock", Purpose: "take the passphrase off a file", Run: unlock},
		},
	}
}

func main() { program.Main() }

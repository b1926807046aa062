// Moduli finds, proves, signs and distributes the moduli of package moduli.
//
//	go run ./examples/moduli generate -label example.org/2030 -purpose example.org/srp -o pool.moduli
//	go run ./examples/moduli verify pool.moduli
//	go run ./examples/keys make signing -o signing.key
//	go run ./examples/moduli sign -key signing.key pool.moduli
//	go run ./examples/moduli verify -key signing.key.pub -purpose example.org/srp pool.moduli
//
// go run ./examples/moduli help COMMAND explains a command. The exit status is
// 0, 1 if something failed, or 2 for a wrong command line.
package main

import (
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
)

var program *cli.Program

func init() {
	program = &cli.Program{
		Name:    "moduli",
		Path:    "github.com/nescio-go/nescio/examples/moduli",
		Summary: "Moduli finds, proves, signs and distributes prime groups for SRP.",
		Commands: []cli.Command{
			{Name: "generate", Purpose: "find moduli and write a pool of them", Run: generate},
			{Name: "verify", Purpose: "prove the moduli of pools and check their signatures", Run: verify},
			{Name: "show", Purpose: "print the contents of records", Run: show},
			{Name: "sign", Purpose: "prove and sign the records of a pool", Run: sign},
			{Name: "retire", Purpose: "stop the use of moduli for new passwords", Run: retire},
			{Name: "import", Purpose: "make a pool from moduli of OpenSSH, OpenSSL, Proton and others", Run: importModuli},
			{Name: "export", Purpose: "write moduli for OpenSSH, OpenSSL and others", Run: export},
		},
	}
}

func main() { program.Main() }

// plain returns the text of an error without the name of its package.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "moduli: ") }

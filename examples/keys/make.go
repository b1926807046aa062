package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/opaque"
)

const makeUsage = `
KIND -o FILE [flags]

Makes a secret and writes it to a new file that only its owner can read. The
kinds:

  decoy     computes answers for unknown names. There is one for each service,
            and it is never rotated.
  database  seals what a service's database keeps secret, such as second factors
            and state keys. It is made once and never rotated. If it is lost,
            nothing that was sealed with it can be read.
  state     protects logins in progress. Rotate it daily.
  setup     is the key material of OPAQUE. If it is lost, nobody can log in.
  signing   signs moduli. Keep it away from the servers. The public key is
            written to FILE.pub, for clients and servers.
`

func makeKey(ctx context.Context, args []string, out, _ io.Writer) error {
	kind := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		kind, args = args[0], args[1:]
	}
	fs := program.Flags("make", makeUsage)
	file := fs.String("o", "", "`file` to write, which must not exist")
	number := fs.Uint("number", 1, "number of a setup")
	suite := fs.String("suite", "ristretto255", "suite of a setup: ristretto255, p256 or curve25519")
	notBefore, notAfter := cli.Date{}, cli.Date{Last: true}
	fs.Var(&notBefore, "not-before", "`date` from which a state key seals (default always), or from which a signing key signs records (default today)")
	fs.Var(&notAfter, "not-after", "`date` until which a signing key signs records (default no end)")
	passphraseFlag(fs)
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	switch {
	case !slices.Contains([]string{"decoy", "database", "state", "setup", "signing"}, kind):
		return cli.Misuse(fs, "the first argument must be decoy, database, state, setup or signing")
	case fs.NArg() > 0:
		return cli.Misuse(fs, "%s: the file to write follows -o", fs.Arg(0))
	case *file == "":
		return cli.Misuse(fs, "-o FILE is missing")
	case strings.HasPrefix(*file, "-"):
		return cli.Misuse(fs, "-o %s: a file name must not begin with a hyphen", *file)
	case *number > math.MaxUint16:
		return cli.Misuse(fs, "-number must be from 0 to %d", math.MaxUint16)
	case !suites[*suite].Valid():
		return cli.Misuse(fs, "-suite must be ristretto255, p256 or curve25519")
	}
	if err := checkFlags(fs, kind); err != nil {
		return err
	}
	phrase, err := passphrase(fs, "passphrase")
	if err != nil {
		return err
	}
	var keys *keyfile.Keys
	switch kind {
	case "decoy":
		keys = keyfile.NewDecoyKey()
	case "database":
		keys = keyfile.NewDatabaseKey()
	case "state":
		keys = &keyfile.Keys{StateKeys: []opaque.StateKey{keyfile.NewStateKey(notBefore.Time)}}
	case "setup":
		keys, err = newSetup(uint16(*number), suites[*suite])
	case "signing":
		keys, err = newSigning(notBefore.Time, notAfter.Time)
		if err != nil {
			return cli.Misuse(fs, "-not-after must be later than -not-before")
		}
	}
	if err != nil {
		return err
	}
	if err := writeNew(ctx, *file, keys, phrase); err != nil {
		return err
	}
	if phrase != nil {
		fmt.Fprintf(out, "%s: locked\n", *file)
	}
	return printed(*file, describe(out, *file, keys))
}

var suites = map[string]opaque.Suite{"ristretto255": opaque.Ristretto255, "p256": opaque.P256, "curve25519": opaque.Curve25519}

// checkFlags refuses flags of other kinds.
func checkFlags(fs *flag.FlagSet, kind string) error {
	for name, kinds := range map[string]string{"number": "setup", "suite": "setup", "not-before": "state signing", "not-after": "signing"} {
		if cli.Given(fs, name) && !slices.Contains(strings.Fields(kinds), kind) {
			return cli.Misuse(fs, "-%s is not for this kind", name)
		}
	}
	return nil
}

func newSetup(number uint16, suite opaque.Suite) (*keyfile.Keys, error) {
	setup, err := opaque.NewSetup(suite)
	return &keyfile.Keys{Setups: map[uint16]*opaque.Setup{number: setup}}, err
}

// newSigning returns a key for records created from notBefore on, by default
// from the beginning of today, because records are often made before the key.
func newSigning(notBefore, notAfter time.Time) (*keyfile.Keys, error) {
	if notBefore.IsZero() {
		notBefore = time.Now().UTC().Truncate(24 * time.Hour)
	}
	key, err := moduli.GenerateKey(notBefore, notAfter)
	return &keyfile.Keys{Signing: []*moduli.PrivateKey{key}}, err
}

// writeNew writes a new file. For a signing key it also writes the public key.
// It writes both files or none.
func writeNew(ctx context.Context, file string, keys *keyfile.Keys, passphrase []byte) error {
	if err := cli.Absent(file); err != nil {
		return err
	}
	data, err := encode(ctx, keys, passphrase)
	if err != nil {
		return err
	}
	defer clear(data)
	if len(keys.Signing) > 0 {
		if err := cli.Create(publicFile(file), publicKeys(keys), 0o644); err != nil {
			return err
		}
	}
	if err := cli.Create(file, data, 0o600); err != nil {
		if len(keys.Signing) > 0 {
			os.Remove(publicFile(file))
		}
		return err
	}
	return nil
}

func publicFile(file string) string { return file + ".pub" }

// publicKeys returns the text that moduli.ParseKeys reads.
func publicKeys(keys *keyfile.Keys) []byte {
	var text []byte
	for _, k := range keys.Signing {
		text = fmt.Appendln(text, k.Public().Text())
	}
	return text
}

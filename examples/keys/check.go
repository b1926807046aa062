package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
)

const checkUsage = `
[-passphrase FILE] FILE...

Tests whether a server can use the files. Only their owner can read them, they
are well-formed, no secret occurs twice, a state key seals now, and servers
start with them. A test user registers and logs in with each setup. Each signing
key signs a record, and FILE.pub contains its public key. Nothing is written.

Check all files of one server together. A signing key does not belong on a
server: check it separately.
`

func check(ctx context.Context, args []string, out, _ io.Writer) error {
	fs := program.Flags("check", checkUsage)
	passphraseFlag(fs)
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return cli.Misuse(fs, "a file is missing")
	}
	phrase, err := passphrase(fs, "passphrase")
	if err != nil {
		return err
	}
	all := new(keyfile.Keys)
	var problems []error
	for _, path := range fs.Args() {
		keys, err := keyfile.Load(ctx, path, phrase)
		if err == nil && len(keys.Signing) > 0 {
			err = checkPublicFile(path, keys)
		}
		if err == nil {
			if err = all.Add(keys); err != nil {
				err = fmt.Errorf("%s: %w", path, err)
			}
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if err := describe(out, path, keys); err != nil {
			return err
		}
	}
	if len(problems) == 0 {
		problems = checkTogether(ctx, all, out)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	_, err = fmt.Fprintln(out, verdict(all))
	return err
}

// verdict names the kinds of secrets that were not checked. It does not name
// the database key, because not every server has one.
func verdict(keys *keyfile.Keys) string {
	if len(keys.Signing) > 0 {
		return "good"
	}
	var missing []string
	for name, ok := range map[string]bool{"a decoy key": keys.Decoy != nil, "state keys": len(keys.StateKeys) > 0, "setups": len(keys.Setups) > 0} {
		if !ok {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	text := "good"
	if len(missing) > 0 {
		text += ", without " + strings.Join(missing, " and ")
	}
	if len(keys.Setups) > 1 {
		text += "; with several setups opaque.ServerConfig must name one in Offer"
	}
	return text
}

// checkPublicFile compares the public keys beside a file of signing keys.
func checkPublicFile(path string, keys *keyfile.Keys) error {
	text, err := cli.Read(publicFile(path), moduli.MaxKeys)
	if err != nil {
		return fmt.Errorf("%w: use keys public -o to write it", err)
	}
	if !bytes.Equal(text, publicKeys(keys)) {
		return fmt.Errorf("%s does not contain the public keys of %s: use keys public to print them", publicFile(path), path)
	}
	return nil
}

// checkTogether returns the problems with the secrets of one server.
func checkTogether(ctx context.Context, keys *keyfile.Keys, out io.Writer) (problems []error) {
	if len(keys.Signing) > 0 && (keys.Decoy != nil || keys.Database != nil || len(keys.StateKeys) > 0 || len(keys.Setups) > 0) {
		problems = append(problems, errors.New("a signing key beside the secrets of a server: an intruder in the server could sign moduli"))
	}
	for _, k := range keys.StateKeys {
		if keys.Decoy != nil && k.Key == *keys.Decoy {
			problems = append(problems, errors.New("a state key equals the decoy key: state keys are rotated, and the decoy key never is"))
		}
		if keys.Database != nil && k.Key == *keys.Database {
			problems = append(problems, errors.New("a state key equals the database key: state keys are rotated, and the database key never is"))
		}
	}
	if keys.Database != nil {
		switch {
		case *keys.Database == [32]byte{}:
			problems = append(problems, errors.New("the database key must be 32 random bytes"))
		case keys.Decoy != nil && *keys.Database == *keys.Decoy:
			problems = append(problems, errors.New("the database key equals the decoy key: a leak of one would be a leak of both"))
		}
	}
	byPublicKey := make(map[string]uint16)
	for _, number := range keys.SetupNumbers() {
		public := string(keys.Setups[number].PublicKey())
		if first, ok := byPublicKey[public]; ok {
			problems = append(problems, fmt.Errorf("setups %d and %d have the same key pair", first, number))
		}
		byPublicKey[public] = number
	}
	if err := checkSRP(keys); err != nil {
		problems = append(problems, err)
	}
	for _, number := range keys.SetupNumbers() {
		if err := checkSetup(ctx, keys, number); err != nil {
			problems = append(problems, fmt.Errorf("setup %d: %w", number, err))
			continue
		}
		fmt.Fprintf(out, "a user has registered and logged in with setup %d\n", number)
	}
	for _, k := range keys.Signing {
		if err := checkSigning(k); err != nil {
			problems = append(problems, fmt.Errorf("signing key %s: %w", k.Public().ID(), err))
			continue
		}
		fmt.Fprintf(out, "a record is signed and verified with key %s\n", k.Public().ID())
	}
	return problems
}

// checkSRP starts an SRP server with the decoy key and the state keys. It makes
// missing keys.
func checkSRP(keys *keyfile.Keys) error {
	decoy, state := serverKeys(keys)
	cfg := srp.ServerConfig{DecoyKey: decoy}
	for _, k := range state {
		cfg.StateKeys = append(cfg.StateKeys, srp.StateKey(k))
	}
	if _, err := srp.NewServer(cfg); err != nil {
		if len(keys.StateKeys) > 0 && sealing(keys, time.Now()) < 0 {
			return errors.New("no state key seals yet: servers do not start")
		}
		return err
	}
	return nil
}

func serverKeys(keys *keyfile.Keys) (decoy [32]byte, state []opaque.StateKey) {
	rand.Read(decoy[:])
	if keys.Decoy != nil {
		decoy = *keys.Decoy
	}
	if state = keys.StateKeys; len(state) == 0 {
		state = []opaque.StateKey{keyfile.NewStateKey(time.Time{})}
	}
	return decoy, state
}

// checkSetup registers a user with a setup, and logs them in.
func checkSetup(ctx context.Context, keys *keyfile.Keys, number uint16) error {
	ksf, err := kdf.NewArgon2id(19<<10, 2, 1) // the floor of the zero kdf.Policy
	if err != nil {
		return err
	}
	setup := keys.Setups[number]
	decoy, state := serverKeys(keys)
	server, err := opaque.NewServer(opaque.ServerConfig{
		DecoyKey:  decoy,
		StateKeys: state,
		Setups:    map[uint16]*opaque.Setup{number: setup},
		Offer:     opaque.Kind{Suite: setup.Suite(), Setup: number, KSF: ksf},
	})
	if err != nil {
		return err
	}
	client, err := opaque.NewClient(opaque.ClientConfig{Suite: setup.Suite(), ServerPublicKeys: [][]byte{setup.PublicKey()}})
	if err != nil {
		return err
	}
	id, password := []byte("check"), []byte("a password that nobody has")
	registration, request, err := client.Register(nil, password)
	if err != nil {
		return err
	}
	defer registration.Discard()
	response, err := server.BeginRegistration(ctx, id, request)
	if err != nil {
		return err
	}
	upload, err := registration.Finish(ctx, response)
	if err != nil {
		return err
	}
	record, err := server.FinishRegistration(nil, upload)
	if err != nil {
		return err
	}
	login, request, err := client.Login(nil, password)
	if err != nil {
		return err
	}
	defer login.Discard()
	response, pending, err := server.BeginLogin(ctx, id, record, request)
	if err != nil {
		return err
	}
	final, err := login.Respond(ctx, response)
	if err != nil {
		return err
	}
	_, _, err = server.FinishLogin(ctx, id, record, pending, final)
	return err
}

// checkSigning signs a record and verifies it.
func checkSigning(key *moduli.PrivateKey) error {
	group, err := srp.RFC5054Group(2048)
	if err != nil {
		return err
	}
	n := group.Unverified()
	result, err := moduli.ImportedResult(moduli.Modulus{N: n.N, G: n.G})
	if err != nil {
		return err
	}
	created, _ := key.Public().Window()
	record, err := moduli.NewRecord(result, "check", created, created.Add(time.Hour))
	if err != nil {
		return err
	}
	signed, err := key.Sign(record)
	if err != nil {
		return err
	}
	return moduli.NewKeys(key.Public()).Check(signed, "check")
}

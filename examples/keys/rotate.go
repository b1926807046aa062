package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/opaque"
)

const rotateUsage = `
[flags] FILE

Rewrites a file with the next secret of the kind that it contains. Run it on one
machine and copy the file: files that are rotated apart do not fit together.

  state    adds a key that seals in an hour, so that the file reaches all
           servers before. Removes the keys before the one that has sealed for
           an hour. Run it daily. With -leaked it replaces all keys at once,
           and logins in progress fail.
  setup    adds a setup with the next number. No setup is removed: accounts and
           unknown names need it.
  signing  adds a key for records from 30 days on, and rewrites FILE.pub, which
           reaches clients and servers before. The old keys stay: each signs
           the records of its time. If a key leaked, OPERATIONS.md has the
           procedure.

A decoy key is never rotated: another key changes the answers for all unknown
names at once, and a stranger sees which names have accounts.
`

// keep is how long a state key stays after the next one began to seal: much
// longer than a login takes, for clocks that differ.
const keep = time.Hour

// lead is the shortest time for a file to reach the servers.
const lead = 5 * time.Minute

func rotate(ctx context.Context, args []string, out, _ io.Writer) error {
	fs := program.Flags("rotate", rotateUsage)
	fs.Bool("leaked", false, "a state key is known to somebody else: replace all of them at once")
	var notBefore cli.Date
	fs.Var(&notBefore, "not-before", "`date` from which the new state key seals (default +1h), or of the first records that the new signing key signs (default +30d)")
	fs.String("suite", "", "suite of the new setup: ristretto255, p256 or curve25519 (default that of the last one)")
	passphraseFlag(fs)
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return cli.Misuse(fs, "give one file")
	}
	phrase, err := passphrase(fs, "passphrase")
	if err != nil {
		return err
	}
	var rotated *keyfile.Keys
	var removed []string
	err = edit(ctx, fs.Arg(0), phrase, func(path string, keys *keyfile.Keys, locked bool) ([]byte, error) {
		if !locked && phrase != nil {
			return nil, fmt.Errorf("%s is not locked: lock puts it under a passphrase", path)
		}
		var err error
		if removed, err = rotateKeys(fs, path, keys); err != nil {
			return nil, err
		}
		rotated = keys
		if len(keys.Signing) > 0 { // first: a key that is not public yet would sign in vain
			if err := cli.Replace(publicFile(path), publicKeys(keys), 0o644); err != nil {
				return nil, err
			}
		}
		return encode(ctx, keys, phrase)
	})
	if err != nil {
		return err
	}
	for _, fingerprint := range removed {
		fmt.Fprintf(out, "%s: removed state key %s\n", fs.Arg(0), fingerprint)
	}
	return printed(fs.Arg(0), describe(out, fs.Arg(0), rotated))
}

// rotateKeys adds the next secret to keys. It returns the fingerprints of what it
// removed.
func rotateKeys(fs *flag.FlagSet, path string, keys *keyfile.Keys) (removed []string, err error) {
	leaked := fs.Lookup("leaked").Value.String() == "true"
	notBefore := fs.Lookup("not-before").Value.(*cli.Date).Time
	suite := fs.Lookup("suite").Value.String()
	kind, err := onlyKind(keys)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %w", path, err)
	case kind == "decoy":
		return nil, fmt.Errorf("%s contains a decoy key, which is never rotated: strangers would see which names have accounts", path)
	case leaked && kind != "state":
		return nil, cli.Misuse(fs, "-leaked is for state keys; for other secrets see OPERATIONS.md")
	case leaked && !notBefore.IsZero():
		return nil, cli.Misuse(fs, "-leaked replaces the keys at once: it goes without -not-before")
	case suite != "" && (kind != "setup" || !suites[suite].Valid()):
		return nil, cli.Misuse(fs, "-suite is ristretto255, p256 or curve25519, for a setup")
	case kind == "setup" && !notBefore.IsZero():
		return nil, cli.Misuse(fs, "-not-before means nothing for a setup")
	case kind == "state":
		before := keys.StateKeys
		if err := rotateState(keys, notBefore, leaked, time.Now()); err != nil {
			return nil, err
		}
		for _, k := range before {
			if !slices.Contains(keys.StateKeys, k) {
				removed = append(removed, keyfile.Fingerprint("state", k.Key[:]))
			}
		}
		return removed, nil
	case kind == "setup":
		return nil, addSetup(keys, suites[suite])
	}
	if err := checkPublicFile(path, keys); err != nil {
		return nil, err // it would lose what somebody has added
	}
	if notBefore.IsZero() {
		notBefore = time.Now().AddDate(0, 0, 30).UTC().Truncate(24 * time.Hour)
	}
	next, err := newSigning(notBefore, time.Time{})
	if err == nil {
		keys.Signing = append(keys.Signing, next.Signing...)
	}
	return nil, err
}

// onlyKind returns the kind of the secrets of a file.
func onlyKind(keys *keyfile.Keys) (string, error) {
	var kinds []string
	if keys.Decoy != nil {
		kinds = append(kinds, "decoy")
	}
	if len(keys.StateKeys) > 0 {
		kinds = append(kinds, "state")
	}
	if len(keys.Setups) > 0 {
		kinds = append(kinds, "setup")
	}
	if len(keys.Signing) > 0 {
		kinds = append(kinds, "signing")
	}
	if len(kinds) != 1 {
		return "", errors.New("contains secrets of several kinds: rotate needs a file for each kind")
	}
	return kinds[0], nil
}

// maxStateKeys is how many a server takes.
const maxStateKeys = 16

func rotateState(keys *keyfile.Keys, notBefore time.Time, leaked bool, now time.Time) error {
	if leaked {
		keys.StateKeys = []opaque.StateKey{keyfile.NewStateKey(time.Time{})}
		return nil
	}
	if notBefore.IsZero() {
		notBefore = now.Add(time.Hour)
	}
	notBefore = notBefore.UTC().Truncate(time.Second)
	if notBefore.Before(now.Add(lead)) {
		return errors.New("-not-before must be at least 5 minutes from now: otherwise logins fail while the file travels to the servers")
	}
	for _, k := range keys.StateKeys {
		if !k.NotBefore.Before(notBefore) {
			return fmt.Errorf("a key that seals from %s is waiting already: rotate after that, or give a later -not-before", k.NotBefore.UTC().Format(time.RFC3339))
		}
	}
	// The newest key that has sealed for so long that nothing older is needed.
	if settled := sealing(keys, now.Add(-keep)); settled >= 0 {
		since := keys.StateKeys[settled].NotBefore
		keys.StateKeys = slices.DeleteFunc(keys.StateKeys, func(k opaque.StateKey) bool { return k.NotBefore.Before(since) })
	}
	if len(keys.StateKeys) >= maxStateKeys {
		return fmt.Errorf("the file has %d keys, none of which can go yet: rotate less often", len(keys.StateKeys))
	}
	keys.StateKeys = append(keys.StateKeys, keyfile.NewStateKey(notBefore))
	return nil
}

// addSetup adds a setup of the suite, or of the suite of the last one if it is 0.
func addSetup(keys *keyfile.Keys, suite opaque.Suite) error {
	numbers := keys.SetupNumbers()
	last := numbers[len(numbers)-1]
	if last == math.MaxUint16 {
		return errors.New("there is no higher number")
	}
	if !suite.Valid() {
		suite = keys.Setups[last].Suite()
	}
	next, err := newSetup(last+1, suite)
	if err != nil {
		return err
	}
	return keys.Add(next)
}

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

Adds the next secret to a file. Run it on one machine and copy the file to the
others. Files that are rotated separately contain different secrets.

  state    adds a key that seals in an hour. Copy the file to all servers
           within the hour. Removes keys that were replaced more than an hour
           ago. Run it daily. With -leaked it replaces all keys at once, and
           logins in progress fail.
  setup    adds a setup with the next number. No setup is removed, because
           accounts and unknown names need all of them.
  signing  adds a key for records that are created in 30 days or later, and
           rewrites FILE.pub. Ship FILE.pub to clients and servers before that.
           The old keys stay, because each signs the records of its time. If a
           key has leaked, follow OPERATIONS.md.

A decoy key is never rotated. Another key changes the answers for all unknown
names at once, and a stranger sees which names have accounts. A database key is
never rotated either. Everything that was sealed with it would be unreadable.
`

// keep is how long a state key stays after the next one begins to seal. It is
// much longer than a login takes, because clocks differ.
const keep = time.Hour

// lead is the shortest time for a file to reach the servers.
const lead = 5 * time.Minute

func rotate(ctx context.Context, args []string, out, _ io.Writer) error {
	fs := program.Flags("rotate", rotateUsage)
	fs.Bool("leaked", false, "replace all state keys at once, because one has leaked")
	var notBefore cli.Date
	fs.Var(&notBefore, "not-before", "`date` from which the new state key seals (default +1h), or from which the new signing key signs records (default +30d)")
	fs.String("suite", "", "suite of the new setup: ristretto255, p256 or curve25519 (default the suite of the last one)")
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
			return nil, fmt.Errorf("%s is not locked: use lock first", path)
		}
		var err error
		if removed, err = rotateKeys(fs, path, keys); err != nil {
			return nil, err
		}
		rotated = keys
		if len(keys.Signing) > 0 { // comes first, because an unpublished key is useless
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

// rotateKeys adds the next secret to keys. It returns the fingerprints of
// removed state keys.
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
	case kind == "database":
		return nil, fmt.Errorf("%s contains a database key, which is never rotated: everything that was sealed with it would be unreadable", path)
	case leaked && kind != "state":
		return nil, cli.Misuse(fs, "-leaked is for state keys; for other secrets see OPERATIONS.md")
	case leaked && !notBefore.IsZero():
		return nil, cli.Misuse(fs, "-leaked replaces the keys at once, and cannot be used with -not-before")
	case suite != "" && (kind != "setup" || !suites[suite].Valid()):
		return nil, cli.Misuse(fs, "-suite is for setups, and must be ristretto255, p256 or curve25519")
	case kind == "setup" && !notBefore.IsZero():
		return nil, cli.Misuse(fs, "-not-before is not for setups")
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
		return nil, err // rewriting the file would lose other keys in it
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
	if keys.Database != nil {
		kinds = append(kinds, "database")
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

// maxStateKeys is the largest number that a server accepts.
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
		return errors.New("-not-before must be at least 5 minutes from now: otherwise logins fail until all servers have the file")
	}
	for _, k := range keys.StateKeys {
		if !k.NotBefore.Before(notBefore) {
			return fmt.Errorf("the file already has a key that seals from %s: rotate after that, or use a later -not-before", k.NotBefore.UTC().Format(time.RFC3339))
		}
	}
	// Keys older than this one are not needed any more.
	if settled := sealing(keys, now.Add(-keep)); settled >= 0 {
		since := keys.StateKeys[settled].NotBefore
		keys.StateKeys = slices.DeleteFunc(keys.StateKeys, func(k opaque.StateKey) bool { return k.NotBefore.Before(since) })
	}
	if len(keys.StateKeys) >= maxStateKeys {
		return fmt.Errorf("the file has %d keys, and none can be removed yet: rotate less often", len(keys.StateKeys))
	}
	keys.StateKeys = append(keys.StateKeys, keyfile.NewStateKey(notBefore))
	return nil
}

// addSetup adds a setup of the suite. If the suite is 0, it uses that of the
// last setup.
func addSetup(keys *keyfile.Keys, suite opaque.Suite) error {
	numbers := keys.SetupNumbers()
	last := numbers[len(numbers)-1]
	if last == math.MaxUint16 {
		return errors.New("there is no higher number than 65535")
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

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/moduli"
)

const generateUsage = `
[-bits N] [-count N] [-label TEXT] [flags] -o FILE

Finds moduli with Proton's rule: each is the first safe prime N = 11 (mod 24)
after its start. Writes a pool of unsigned records to a new file.

With -label the starts are computed from the label. Then anyone can repeat the
search and see that nobody chose the moduli. The first modulus has the label
itself, and the others have LABEL/2, LABEL/3 and so on. Without -label the
starts are random.

Ctrl-C stops the search and saves it in the checkpoint file. The same command
continues it, here or on another machine that has the file. A checkpoint is also
saved at the start, every minute, and after each modulus. It is removed when the
pool is written.
`

const saveEvery = time.Minute

// maxCount bounds the moduli of a run. A pool has room for as many signed
// records of any size.
const maxCount = 1000

// generation is one run of generate.
type generation struct {
	*checkpoint
	terms
	bits, count, workers int
	label, file          string
	saved                string // path of the checkpoint
}

func generate(ctx context.Context, args []string, out, errOut io.Writer) error {
	var g generation
	fs := program.Flags("generate", generateUsage)
	fs.IntVar(&g.bits, "bits", 2048, "size; below 2048 for tests and demonstrations only")
	fs.IntVar(&g.count, "count", 1, "`number` of moduli")
	fs.StringVar(&g.label, "label", "", "`text` that the starts are computed from (default random starts)")
	fs.IntVar(&g.workers, "workers", 0, "`number` of cores to use (default all)")
	fs.StringVar(&g.saved, "checkpoint", "", "`file` to save the search to (default the file of -o with .checkpoint appended)")
	fs.StringVar(&g.file, "o", "", "`file` to write, which must not exist")
	g.register(fs)
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	if err := g.check(fs); err != nil {
		return err
	}
	m := newMeter(errOut)
	defer m.clear()
	unlock, err := cli.Lock(g.saved)
	if errors.Is(err, cli.ErrLocked) {
		return fmt.Errorf("another process is searching with %s: wait for it, or name another file with -checkpoint", g.saved)
	}
	if err != nil {
		return err
	}
	defer unlock()
	if err := g.begin(ctx, m); err != nil {
		return err
	}
	if err := g.run(ctx, m); err != nil {
		if saveErr := g.save(g.saved); saveErr != nil {
			return fmt.Errorf("%s; the search could not be saved: %w", plain(err), saveErr)
		}
		m.say("The search is saved in %s. To continue:\n\n  %s\n", g.saved, program.CommandLine(append([]string{"generate"}, args...)...))
		return err
	}
	return g.finish(out)
}

func (g *generation) check(fs *flag.FlagSet) error {
	if err := checkBits(fs, g.bits); err != nil {
		return err
	}
	if err := checkWorkers(fs, g.workers); err != nil {
		return err
	}
	if err := g.terms.check(fs); err != nil {
		return err
	}
	switch {
	case fs.NArg() > 0:
		return cli.Misuse(fs, "%s: generate reads no file; the file to write follows -o", fs.Arg(0))
	case g.label == "" && cli.Given(fs, "label"):
		return cli.Misuse(fs, "-label is empty: leave it out for random starts")
	case g.file == "":
		return cli.Misuse(fs, "-o FILE is missing")
	case g.count < 1 || g.count > maxCount:
		return cli.Misuse(fs, "-count must be from 1 to %d", maxCount)
	case len(g.numbered(g.count+1)) > moduli.MaxLabel: // the last checkpoint has a search for one more
		return cli.Misuse(fs, "the label is too long: with the next number appended, it is longer than %d bytes", moduli.MaxLabel)
	}
	if g.saved == "" {
		g.saved = g.file + ".checkpoint"
	}
	if filepath.Clean(g.saved) == filepath.Clean(g.file) {
		return cli.Misuse(fs, "-checkpoint and -o name the same file")
	}
	return nil
}

// numbered returns the label of the i-th modulus, counted from 1.
func (g *generation) numbered(i int) string {
	if g.label == "" || i == 1 {
		return g.label
	}
	return fmt.Sprintf("%s/%d", g.label, i)
}

// newSearch returns the search for the i-th modulus, counted from 1.
func (g *generation) newSearch(i int) (*moduli.Search, error) {
	start, err := moduli.RandomStart(g.bits)
	if g.label != "" {
		start, err = moduli.VerifiableStart(g.bits, g.numbered(i), 0)
	}
	if err != nil {
		return nil, err
	}
	return moduli.NewSearch(start)
}

// begin loads the checkpoint, or saves a new one. If the disk is not writable,
// that fails before the search and not after it.
func (g *generation) begin(ctx context.Context, m *meter) error {
	if err := cli.Absent(g.file); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Dir(g.file)); err != nil {
		return err
	}
	saved, err := loadCheckpoint(g.saved)
	if err == nil {
		g.checkpoint = saved
		if err := g.checkOrigin(); err != nil {
			return err
		}
		for _, r := range g.found { // the file may be forged
			_, signed := r.KeyID()
			if err := r.Modulus().Verify(ctx); signed || (err != nil && ctx.Err() == nil) {
				return fmt.Errorf("%s contains records that generate did not write: remove it to start again", g.saved)
			}
		}
		m.say("Continuing from %s: %d of %d moduli are found, and the search is at slot %s.",
			g.saved, len(g.found), g.count, thousands(g.search.Next()))
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	search, err := g.newSearch(1)
	if err != nil {
		return err
	}
	g.checkpoint = &checkpoint{search: search}
	m.say("Searching for %s of %d bits from %s. Ctrl-C saves the search to %s.",
		plural(g.count, "modulus", "moduli"), g.bits, g.origins(), g.saved)
	return g.save(g.saved)
}

func (g *generation) origins() string {
	switch {
	case g.label == "" && g.count == 1:
		return "a random start"
	case g.label == "":
		return "random starts"
	case g.count == 1:
		return fmt.Sprintf("the start of the label %q", g.label)
	}
	return fmt.Sprintf("the starts of the labels %q to %q", g.label, g.numbered(g.count))
}

// checkOrigin refuses a checkpoint of a run with other flags.
func (g *generation) checkOrigin() error {
	const advice = "use the same again, name another file with -checkpoint, or remove this one to start again"
	bits, label := g.origin()
	switch {
	case bits != g.bits:
		return fmt.Errorf("%s was started with -bits %d: %s", g.saved, bits, advice)
	case label != g.label && label == "":
		return fmt.Errorf("%s was started without -label: %s", g.saved, advice)
	case label != g.label:
		return fmt.Errorf("%s was started with -label %q: %s", g.saved, label, advice)
	case len(g.found) > g.count:
		return fmt.Errorf("%s already contains %d moduli: use -count %d or more", g.saved, len(g.found), len(g.found))
	}
	for i, r := range g.found {
		if r.Purpose() != g.purpose {
			return fmt.Errorf("%s was started with -purpose %q: %s", g.saved, r.Purpose(), advice)
		}
		if !g.notAfter.IsZero() && r.NotAfter().Unix() != g.notAfter.Unix() {
			return fmt.Errorf("%s was started with another -not-after: %s", g.saved, advice)
		}
		if !g.created.IsZero() && r.Created().Unix() != g.created.Unix() {
			return fmt.Errorf("%s was started with another -created: %s", g.saved, advice)
		}
		if r.Result().Start.Bits() != bits || r.Result().Start.Label() != g.numbered(i+1) {
			return fmt.Errorf("%s contains moduli of several runs: remove it to start again", g.saved)
		}
	}
	if start := g.search.Start(); start.Bits() != bits || start.Label() != g.numbered(len(g.found)+1) {
		return fmt.Errorf("%s contains a search of another run: remove it to start again", g.saved)
	}
	if !isWhole(g.search) {
		return fmt.Errorf("%s contains a search of a part of the slots, which can miss the first modulus: remove it to start again", g.saved)
	}
	return nil
}

// isWhole reports whether a search covers all slots after its start.
func isWhole(s *moduli.Search) bool {
	whole, err := moduli.NewSearch(s.Start())
	if err != nil {
		return false
	}
	first, end := s.Slots()
	wholeFirst, wholeEnd := whole.Slots()
	return first == wholeFirst && end == wholeEnd
}

// run finds the remaining moduli, and saves each of them.
func (g *generation) run(ctx context.Context, m *meter) error {
	if err := ctx.Err(); err != nil {
		return err // begin may have been stopped before it proved all found moduli
	}
	for len(g.found) < g.count {
		i := len(g.found) + 1
		m.show("%d of %d: sieving", i, g.count)
		g.search.Workers = g.workers
		saved := time.Now()
		found, err := g.search.Run(ctx, func(p moduli.Progress) {
			m.show("%d of %d: %s", i, g.count, searching(p, g.count-i+1))
			if time.Since(saved) > saveEvery && g.save(g.saved) == nil {
				saved = time.Now()
			}
		})
		if err != nil {
			return err
		}
		record, err := g.record(found)
		if err != nil {
			return err
		}
		m.say("%d of %d: N = start + %d", i, g.count, found.Offset)
		g.found = append(g.found, record)
		if g.search, err = g.newSearch(i + 1); err != nil {
			return err
		}
		if err := g.save(g.saved); err != nil {
			return err
		}
	}
	return nil
}

// finish writes the pool and removes the checkpoint.
func (g *generation) finish(out io.Writer) error {
	pool, err := moduli.NewPool(g.found...)
	if err != nil {
		return err
	}
	if err := cli.Create(g.file, []byte(pool.Text()), 0o644); err != nil {
		return err
	}
	if err := os.Remove(g.saved); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %s of %d bits%s for the purpose %q, unsigned\n",
		g.file, plural(g.count, "modulus", "moduli"), g.bits, small(g.bits), g.purpose)
	return err
}

// small marks sizes that are too small for use.
func small(bits int) string {
	if bits < 2048 {
		return " (for tests and demonstrations only)"
	}
	return ""
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

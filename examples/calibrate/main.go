// Calibrate measures the password hashes of package kdf on this machine. For
// each algorithm it prints the costs with which a derivation takes the target
// time, and how many guesses an attacker with a stolen record or wrapped key can
// make.
//
//	go run ./examples/calibrate [-target 1s] [-memory 256]
//
// It takes twenty to thirty times the target. The machine should do nothing
// else meanwhile.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/kdf"
)

const leastMemory = 64 // MiB, which scrypt needs at the policy's floor

func main() {
	target := flag.Duration("target", kdf.DefaultTarget, "time that a derivation should take")
	memory := flag.Uint("memory", 256, "memory of a derivation in `MiB`, at least 64; as much as the smallest device can spare")
	flag.Parse()
	if flag.NArg() > 0 || *target <= 0 || *memory < leastMemory || *memory > 1<<20 {
		fmt.Fprintf(os.Stderr, "calibrate: -target must be above 0, -memory must be from %d to %d, and there are no other arguments\n",
			leastMemory, 1<<20)
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fmt.Fprintf(os.Stderr, "This takes twenty to thirty times the target of %v.\n", *target)
	if err := run(ctx, os.Stdout, newProgress(os.Stderr), *target, uint32(*memory)<<10); err != nil {
		fmt.Fprintln(os.Stderr, "calibrate:", err)
		os.Exit(1)
	}
}

// run calibrates all algorithms and prints the table.
func run(ctx context.Context, out io.Writer, p *progress, target time.Duration, memory uint32) error {
	policy := kdf.Policy{
		Argon2id: kdf.Argon2idLimits{MaxMemory: memory},
		Scrypt:   kdf.ScryptLimits{MaxMemory: memory},
	}
	var rows []row
	var refusals []error
	for _, a := range []kdf.Algorithm{kdf.Argon2id, kdf.Scrypt, kdf.PBKDF2SHA512} {
		done := p.start("calibrating " + a.String())
		r, err := measure(ctx, a, target, policy)
		done()
		if errors.Is(err, kdf.ErrExcessive) {
			refusals = append(refusals, fmt.Errorf("%v: %w", a, err))
			continue
		}
		if err != nil {
			return fmt.Errorf("%v: %w", a, err)
		}
		rows = append(rows, r)
	}
	if len(rows) == 1 { // PBKDF2, which needs no memory
		return errors.Join(refusals...)
	}
	fmt.Fprintf(out, "Target %v, memory up to %d MiB, %d cores, %s/%s.\n\n",
		target, memory>>10, runtime.GOMAXPROCS(0), runtime.GOOS, runtime.GOARCH)
	for _, err := range refusals {
		fmt.Fprintf(out, "%v\n\n", err)
	}
	return table(out, rows)
}

// row is a line of the table.
type row struct {
	kdf.Report
	oneCore time.Duration // of a derivation
}

// measure calibrates one algorithm, and times a derivation on one core. That is
// the cost of a guess. A derivation with several lanes of Argon2id uses several
// cores.
func measure(ctx context.Context, a kdf.Algorithm, target time.Duration, policy kdf.Policy) (row, error) {
	report, err := kdf.Calibrate(ctx, a, target, policy)
	if err != nil {
		return row{}, err
	}
	function, err := kdf.New(report.Params.WithNewSalt(), policy)
	if err != nil {
		return row{}, err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	best := time.Duration(math.MaxInt64)
	for range 3 {
		start := time.Now()
		if _, err := function.Derive(ctx, []byte("a guess"), 32); err != nil {
			return row{}, err
		}
		best = min(best, time.Since(start))
	}
	return row{report, best}, nil
}

func table(out io.Writer, rows []row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "algorithm\tchosen cost\tmemory\ttime\tguesses/s\tper day\t")
	for _, r := range rows {
		perSecond := float64(time.Second) / float64(r.oneCore)
		fmt.Fprintf(w, "%v\t%s\t%s\t%v\t%.2f\t%s\t\n", r.Params.Algorithm(), cost(r.Params), mebibytes(r.Params.Memory()),
			r.Measured.Round(time.Millisecond), perSecond, thousands(uint64(perSecond*86400)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, r := range rows {
		if r.AtFloor || r.AtCeiling || r.MemoryLimited || r.BelowDefault() || r.Unsteady() {
			fmt.Fprintln(out, cli.Wrap("", r.Report.String()))
		}
		if err := (kdf.Policy{}).Check(r.Params); err != nil {
			fmt.Fprintln(out, cli.Wrap("", fmt.Sprintf("%v: the zero kdf.Policy refuses these costs. Every device of the account needs a "+
				"Policy with a MaxMemory of %d MiB for kdf.New.", r.Params.Algorithm(), r.Params.Memory()>>20)))
		}
	}
	fmt.Fprintln(out, cli.Wrap("", "Guesses are per second on one core of this machine. A user's derivation can use several cores. "+
		"Do not compare the algorithms by their guesses: graphics cards and special machines make far more guesses against "+
		"PBKDF2, which needs no memory, and fewer against the others."))
	_, err := fmt.Fprintln(out, cli.Wrap("", "Text for a configuration, to be read by kdf.ParseParams (m in KiB, t passes, p lanes, ln = log2 N, i iterations):"))
	for _, r := range rows {
		fmt.Fprintf(out, "  %v\n", r.Params)
	}
	return err
}

// Calibrate shows what package kdf would choose on this machine: for each
// algorithm the costs with which a derivation takes the target, and what an
// attacker who has stolen a record or a wrapped key gets for it.
//
//	go run ./examples/calibrate [-target 1s] [-memory 256]
//
// It takes twenty to thirty times the target. A machine that is busy with something
// else looks like a slow one.
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

const leastMemory = 64 // MiB: what scrypt takes at the policy's floor

func main() {
	target := flag.Duration("target", kdf.DefaultTarget, "time that a derivation should take")
	memory := flag.Uint("memory", 256, "memory that it may take, in `MiB`: what the smallest device can spare, 64 or more")
	flag.Parse()
	if flag.NArg() > 0 || *target <= 0 || *memory < leastMemory || *memory > 1<<20 {
		fmt.Fprintf(os.Stderr, "calibrate: the target must be more than 0, the memory %d to %d MiB, and there is no other argument\n",
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
	if len(rows) == 1 { // PBKDF2, which takes no memory
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

// measure calibrates one algorithm, and times a derivation on one core, which
// is what a guess costs an attacker: with several lanes Argon2id uses as many.
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
			fmt.Fprintln(out, cli.Wrap("", fmt.Sprintf("%v: the zero kdf.Policy refuses these costs. Give kdf.New a Policy with a "+
				"MaxMemory of %d MiB, on every device of the account.", r.Params.Algorithm(), r.Params.Memory()>>20)))
		}
	}
	fmt.Fprintln(out, cli.Wrap("", "Guesses are per second on one core like this machine's. A user's derivation may use several cores. "+
		"Do not compare the algorithms by them: graphics cards and special machines make far more guesses against PBKDF2, "+
		"which takes no memory, and fewer against the others."))
	_, err := fmt.Fprintln(out, cli.Wrap("", "For the configuration, and kdf.ParseParams (m in KiB, t passes, p lanes, ln = log2 N, i iterations):"))
	for _, r := range rows {
		fmt.Fprintf(out, "  %v\n", r.Params)
	}
	return err
}

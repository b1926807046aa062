package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os/exec"
	"runtime"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/nescio-go/nescio/moduli"
)

const benchUsage = `
[-bits N] [-searches N] [-least DURATION] [-openssl N] [-pairs N]

Compares whole searches from random starts, on one core, with openssl dhparam -2,
in CPU seconds and by turns, so that whatever else this machine does slows both.
The time of a search varies as much as its mean; that of a slot does not, which
is why ours is also given as CPU seconds per slot times the slots that a search
passes on average. Then two cores against one on the same starts, in slots per
second of the clock. It takes some twenty minutes at 2048 bits.
`

// benchmark is what has been measured so far.
type benchmark struct {
	bits         int
	ours, theirs []float64 // CPU seconds of each run
	slots        float64   // that ours passed
	expected     float64   // that a search passes on average
	one, two     passed    // by one core and by two, from the same starts
	measured     bool      // CPU seconds, not those of the clock
}

// passed is slots and the seconds that they took by the clock.
type passed struct{ slots, seconds float64 }

func (p passed) rate() float64 { return p.slots / p.seconds }

func bench(ctx context.Context, args []string, out, errOut io.Writer) error {
	fs := newFlags("bench", benchUsage)
	bits := fs.Int("bits", 2048, "size of the moduli")
	searches := fs.Int("searches", 20, "`number` of our searches, or more if they take less than -least")
	least := fs.Duration("least", time.Minute, "CPU time of our searches, at least")
	runs := fs.Int("openssl", 20, "`number` of runs of openssl; 0: none")
	pairs := fs.Int("pairs", 5, "`number` of searches that two cores repeat; 0: none")
	if err := parse(fs, args, out); err != nil {
		return err
	}
	if err := checkBits(fs, *bits); err != nil {
		return err
	}
	if fs.NArg() > 0 || *searches < 1 || *least < 0 || *runs < 0 || *pairs < 0 {
		return misuse(fs, "it takes numbers that are not negative, at least one search, and no files")
	}
	m := newMeter(errOut)
	defer m.clear()
	openssl := ""
	if *runs > 0 {
		path, err := exec.LookPath("openssl")
		if err != nil {
			m.say("There is no openssl here: ours is measured alone.")
		}
		openssl = path
	}
	if *pairs > 0 && runtime.GOMAXPROCS(0) < 2 {
		m.say("There is one core here: two are not measured.")
		*pairs = 0
	}
	b := &benchmark{bits: *bits}
	_, b.measured = processTime()

	var err error
	spent := 0.0
	for i := 0; err == nil && (i < *searches || spent < least.Seconds() || openssl != "" && i < *runs); i++ {
		if openssl != "" && i < *runs {
			m.show("run %d of openssl", i+1)
			err = b.runOpenSSL(ctx, openssl)
		}
		if err == nil && (i < *searches || spent < least.Seconds()) {
			err = b.search(ctx, m, i < *pairs)
			spent = sum(b.ours)
		}
	}
	m.clear()
	if len(b.ours) > 0 { // even if it was stopped
		if err := b.table(out); err != nil {
			return err
		}
	}
	return err
}

// search runs a search on one core and, if it is one of a pair, again on two,
// the second first every other time.
func (b *benchmark) search(ctx context.Context, m *meter, pair bool) error {
	start, err := moduli.RandomStart(b.bits)
	if err != nil {
		return err
	}
	twoFirst := len(b.ours)%2 == 1
	if pair && twoFirst {
		if err := b.searchOn(ctx, m, start, 2, &b.two); err != nil {
			return err
		}
	}
	var one passed
	before, _ := processTime()
	if err := b.searchOn(ctx, m, start, 1, &one); err != nil {
		return err
	}
	after, _ := processTime()
	seconds := (after - before).Seconds()
	if !b.measured {
		seconds = one.seconds
	}
	b.ours = append(b.ours, seconds)
	b.slots += one.slots
	if !pair {
		return nil
	}
	b.one.slots += one.slots
	b.one.seconds += one.seconds
	if twoFirst {
		return nil
	}
	return b.searchOn(ctx, m, start, 2, &b.two)
}

// searchOn runs a search and adds what it took to p.
func (b *benchmark) searchOn(ctx context.Context, m *meter, start moduli.Start, workers int, p *passed) error {
	s, err := moduli.NewSearch(start)
	if err != nil {
		return err
	}
	s.Workers = workers
	what := fmt.Sprintf("search %d on %s", len(b.ours)+1, plural(workers, "core", "cores"))
	m.show("%s: sieving", what)
	begin := time.Now()
	_, err = s.Run(ctx, func(now moduli.Progress) {
		b.expected = now.Expected
		m.show("%s: %s", what, searching(now, 1))
	})
	if err != nil {
		return err
	}
	p.seconds += time.Since(begin).Seconds()
	p.slots += float64(s.Next() + 1)
	return nil
}

func (b *benchmark) runOpenSSL(ctx context.Context, path string) error {
	cmd := exec.CommandContext(ctx, path, "dhparam", "-2", strconv.Itoa(b.bits))
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%v: %w: %s; -openssl 0 leaves it out", cmd, err, bytes.TrimSpace(complaint.Bytes()))
	}
	b.theirs = append(b.theirs, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	return nil
}

func (b *benchmark) table(out io.Writer) error {
	fmt.Fprintf(out, "%d bits, %s/%s, %d cores, %s\n", b.bits, runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), runtime.Version())
	if !b.measured {
		fmt.Fprintln(out, "(ours in seconds of the clock: this system does not tell the CPU time)")
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "CPU seconds\truns\tmean\tits error\tleast\tmost\t")
	row(w, "ours, whole searches", b.ours)
	bySlots := sum(b.ours) / b.slots * b.expected
	fmt.Fprintf(w, "ours, by slots\t%d\t%.4g\t\t\t\t\n", len(b.ours), bySlots)
	if len(b.theirs) > 0 {
		row(w, "openssl dhparam -2", b.theirs)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nBy slots: %.3g µs × %s, of %s in %.3g s.\n", sum(b.ours)/b.slots*1e6,
		thousands(uint64(b.expected)), thousands(uint64(b.slots)), sum(b.ours))
	if len(b.theirs) > 0 {
		theirs := mean(b.theirs)
		fmt.Fprintf(out, "OpenSSL takes %.2f × as long as ours by slots, and %.2f × as long as our whole searches.\n",
			theirs/bySlots, theirs/mean(b.ours))
	}
	if b.two.seconds > 0 && b.one.seconds > 0 {
		fmt.Fprintf(out, "Two cores pass %.2f × the slots per second of one: %s against %s.\n",
			b.two.rate()/b.one.rate(), thousands(uint64(b.two.rate())), thousands(uint64(b.one.rate())))
	}
	return nil
}

// row prints a line of the table; the error is the standard error of the mean.
func row(w io.Writer, name string, seconds []float64) {
	var squares float64
	least, most := seconds[0], seconds[0]
	for _, s := range seconds {
		squares += (s - mean(seconds)) * (s - mean(seconds))
		least, most = min(least, s), max(most, s)
	}
	n := float64(len(seconds))
	deviation := "-"
	if n > 1 {
		deviation = fmt.Sprintf("± %.2g", math.Sqrt(squares/(n-1)/n))
	}
	fmt.Fprintf(w, "%s\t%d\t%.4g\t%s\t%.3g\t%.3g\t\n", name, len(seconds), mean(seconds), deviation, least, most)
}

func sum(values []float64) (total float64) {
	for _, v := range values {
		total += v
	}
	return total
}

func mean(values []float64) float64 { return sum(values) / float64(len(values)) }

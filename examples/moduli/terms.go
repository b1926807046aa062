package main

import (
	"flag"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/moduli"
)

// terms are the flags for the fields of a record, except the modulus.
type terms struct {
	purpose  string
	created  cli.Date
	notAfter cli.Date
}

func (t *terms) register(fs *flag.FlagSet) {
	t.notAfter.Last = true
	fs.StringVar(&t.purpose, "purpose", "demo", "purpose of the moduli, such as example.org/srp, which clients require")
	fs.Var(&t.created, "created", "`date` of creation, for a file that anyone can make again (default now)")
	fs.Var(&t.notAfter, "not-after", "last `date` on which the moduli are chosen for new passwords (default a year after -created)")
}

func (t *terms) check(fs *flag.FlagSet) error {
	if t.purpose == "" || len(t.purpose) > moduli.MaxPurpose {
		return cli.Misuse(fs, "-purpose must be 1 to %d bytes long", moduli.MaxPurpose)
	}
	if t.end().Unix() <= t.recordTime().Unix() {
		return cli.Misuse(fs, "-not-after must be later than -created, which is now by default")
	}
	return nil
}

// recordTime returns the time of creation of a new record.
func (t *terms) recordTime() time.Time {
	if t.created.IsZero() {
		return time.Now()
	}
	return t.created.Time
}

// end returns the last time of a new record.
func (t *terms) end() time.Time {
	if t.notAfter.IsZero() {
		return t.recordTime().AddDate(1, 0, 0)
	}
	return t.notAfter.Time
}

func (t *terms) record(found moduli.SearchResult) (*moduli.Record, error) {
	return moduli.NewRecord(found, t.purpose, t.recordTime(), t.end())
}

package main

import (
	"flag"
	"time"

	"github.com/nescio-go/nescio/moduli"
)

// terms are the flags for what a record says beside its modulus.
type terms struct {
	purpose  string
	created  date
	notAfter date
}

func (t *terms) register(fs *flag.FlagSet) {
	t.notAfter.last = true
	fs.StringVar(&t.purpose, "purpose", "demo", "what the moduli are for, such as example.org/srp: clients ask for it")
	fs.Var(&t.created, "created", "`date` of the records, for a file that anyone can make again (default now)")
	fs.Var(&t.notAfter, "not-after", "last `date` on which the moduli are chosen for new passwords (default none)")
}

func (t *terms) check(fs *flag.FlagSet) error {
	if t.purpose == "" || len(t.purpose) > moduli.MaxPurpose {
		return misuse(fs, "-purpose has 1 to %d bytes", moduli.MaxPurpose)
	}
	if !t.notAfter.IsZero() && t.notAfter.Unix() <= t.recordTime().Unix() {
		return misuse(fs, "-not-after is not after the records' creation")
	}
	return nil
}

// recordTime is when a record that is made now is said to be created.
func (t *terms) recordTime() time.Time {
	if t.created.IsZero() {
		return time.Now()
	}
	return t.created.Time
}

func (t *terms) record(found moduli.SearchResult) (*moduli.Record, error) {
	return moduli.NewRecord(found, t.purpose, t.recordTime(), t.notAfter.Time)
}

//go:build unix

package moduli_test

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime returns the CPU time of this process, all threads together.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

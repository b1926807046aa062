//go:build unix

package main

import (
	"syscall"
	"time"
)

// processTime returns the CPU time of this process, all threads together, and
// whether this system tells it.
func processTime() (time.Duration, bool) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, false
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), true
}

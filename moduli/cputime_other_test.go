//go:build !unix

package moduli_test

import (
	"testing"
	"time"
)

// cpuTime returns the time of the clock, which one worker takes too, on systems
// whose CPU time the standard library does not return.
func cpuTime(b *testing.B) time.Duration { return b.Elapsed() }

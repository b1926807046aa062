package testvec

import (
	"testing"
	"time"
)

// InTime fails the test if f does not return within 30 seconds: it is for tests
// of deadlocks. A call that hangs is left running.
func InTime(t testing.TB, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("the call does not return: a deadlock")
	}
}

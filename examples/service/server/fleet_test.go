package server

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestClock: a server whose clock differs from the database's does not tend the
// fleet's keys.
func TestClock(t *testing.T) {
	s := newTestServer(t, Limits{})
	s.realClock = true
	for offset, good := range map[time.Duration]bool{0: true, time.Second: true, 10 * time.Second: false, -10 * time.Second: false} {
		s.Now = func() time.Time { return time.Now().Add(offset) }
		require.Equal(t, good, s.Tend(t.Context()) == nil, offset)
	}
}

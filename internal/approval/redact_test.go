package approval_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

// TestRedaction: nothing that prints a side shows a secret.
func TestRedaction(t *testing.T) {
	r, c := newScan(t, approval.Device)
	s := newSession(t, approval.Device)
	require.NoError(t, s.a.Check(s.atR))
	for _, x := range []struct {
		name string
		side any
		of   *approval.Request // whose secrets must not show
	}{{"Request", s.r, s.r}, {"Approval", s.a, s.r}, {"Scan", c, r}} {
		placeholder := "approval." + x.name + "(redacted)"
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%08x", "%z"} {
			require.Equal(t, placeholder, fmt.Sprintf(verb, x.side), verb)
		}
		b, err := json.Marshal([]any{x.side})
		require.NoError(t, err)
		require.Equal(t, `["`+placeholder+`"]`, string(b))
		seed, secret, r1 := approval.RandomOf(x.of)
		testvec.Redacted(t, x.side, seed, secret, r1)
	}
}

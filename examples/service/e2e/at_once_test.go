package e2e

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/stretchr/testify/require"
)

// TestQuestionsAtOnce: questions that are sent at the same moment do not show
// whether a name has an account.
func TestQuestionsAtOnce(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		w.account(0)
		taken := func(name string) (most int32) {
			for range 8 {
				var claimed api.Claimed
				require.Equal(w, 200, w.post("/v1/claims/begin", "", api.BeginClaim{Name: name, Way: api.WayDevice}, &claimed))
				var ok atomic.Int32
				var wait sync.WaitGroup
				for range 12 {
					wait.Go(func() {
						if w.post("/v1/claims/ask", "", api.NewAsk{Token: claimed.Token, Ask: []byte("ask")}, nil) == 200 {
							ok.Add(1)
						}
					})
				}
				wait.Wait()
				most = max(most, ok.Load())
			}
			return most
		}
		known, unknown := taken("alice0"), taken("nobody")
		require.Equal(w, [2]int32{1, 1}, [2]int32{known, unknown})
	})
}

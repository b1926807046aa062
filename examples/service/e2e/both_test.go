package e2e

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/examples/service/server"
)

// inWorlds runs a test on both databases. Without a change, both run at the same
// time.
func inWorlds(t *testing.T, change func(*server.Config), test func(*world)) {
	if change == nil {
		atOnce(t, nil, test)
		return
	}
	inSQLite(t, change, test)
	inPostgres(t, change, test)
}

// atOnce runs a test on both databases at the same time.
func atOnce(t *testing.T, change func(*server.Config), test func(*world)) {
	var both sync.WaitGroup
	both.Go(func() { inSQLite(t, change, test) })
	both.Go(func() { inPostgres(t, change, test) })
	both.Wait()
}

func inSQLite(t *testing.T, change func(*server.Config), test func(*world)) {
	t.Run("SQLite", func(t *testing.T) {
		test(newWorld(t, filepath.Join(t.TempDir(), "test.db"), 1, change))
	})
}

func inPostgres(t *testing.T, change func(*server.Config), test func(*world)) {
	t.Run("PostgreSQL", func(t *testing.T) {
		if cluster == nil {
			t.Skip("PostgreSQL is not installed")
		}
		test(newWorld(t, cluster.Create(t, template), 2, change))
	})
}

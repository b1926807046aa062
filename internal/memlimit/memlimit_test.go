package memlimit_test

import (
	"io/fs"
	"math"
	"testing"
	"testing/fstest"

	"github.com/nescio-go/nescio/internal/memlimit"
	"github.com/stretchr/testify/require"
)

const (
	mib  = 1 << 20
	none = math.MaxUint64
)

func files(f map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, text := range f {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// TestAvailable: each limit counts, the strictest decides, and what is not there or
// cannot be read is no limit.
func TestAvailable(t *testing.T) {
	for name, c := range map[string]struct {
		source memlimit.Source
		want   uint64
	}{
		"nothing":             {memlimit.Source{Runtime: none}, none},
		"no limit of Go's":    {memlimit.Source{Runtime: math.MaxInt64, RuntimeUsed: 10}, none},
		"GOMEMLIMIT":          {memlimit.Source{Runtime: 100 * mib, RuntimeUsed: 30 * mib}, 70 * mib},
		"GOMEMLIMIT is used":  {memlimit.Source{Runtime: 100 * mib, RuntimeUsed: 130 * mib}, 0},
		"an empty root":       {memlimit.Source{Runtime: none, AddressSpace: none, Root: files(nil)}, none},
		"ulimit -v":           {memlimit.Source{Runtime: none, AddressSpace: 900 * mib, Root: files(map[string]string{"proc/self/status": "VmPeak:\t9 kB\nVmSize:\t  204800 kB\n"})}, 350 * mib},
		"free memory":         {root(map[string]string{"proc/meminfo": "MemTotal: 9 kB\nMemAvailable:    2048 kB\n"}), 2 * mib},
		"cgroup 2":            {root(map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "1000\n", "sys/fs/cgroup/a/b/memory.current": "400\n"}), 600},
		"cgroup 2, unlimited": {root(map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}), none},
		"cgroup 2, a parent's": {root(map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n",
			"sys/fs/cgroup/a/memory.max": "1000\n", "sys/fs/cgroup/a/memory.current": "1\n"}), 999},
		"cgroup 2, in a container": {root(map[string]string{"proc/self/cgroup": "0::/docker/abc\n", "sys/fs/cgroup/memory.max": "1000\n",
			"sys/fs/cgroup/memory.current": "1001\n"}), 0},
		"cgroup 1": {root(map[string]string{"proc/self/cgroup": "12:cpu,cpuacct:/x\n5:memory:/y\n", "sys/fs/cgroup/memory/y/memory.limit_in_bytes": "5000\n",
			"sys/fs/cgroup/memory/y/memory.usage_in_bytes": "1000\n"}), 4000},
		"cgroup 1, unlimited": {root(map[string]string{"proc/self/cgroup": "5:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}), 9223372036854771712},
		"the strictest": {memlimit.Source{Runtime: 5000, AddressSpace: none, Root: files(map[string]string{"proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "3000\n", "proc/meminfo": "MemAvailable: 4 kB\n"})}, 3000},
		"nonsense": {root(map[string]string{"proc/self/cgroup": "0::..\n\n:::\n5:memory\n0::/../..\n", "proc/meminfo": "MemAvailable: many kB\n",
			"sys/fs/cgroup/memory.max": "-1\n"}), none},
	} {
		require.Equal(t, c.want, c.source.Available(), name)
	}
}

func root(f map[string]string) memlimit.Source {
	return memlimit.Source{Runtime: none, AddressSpace: none, Root: files(f)}
}

// TestNow: this process may take some memory.
func TestNow(t *testing.T) {
	require.Greater(t, memlimit.Now().Available(), uint64(16*mib))
}

func FuzzAvailable(f *testing.F) {
	f.Add("0::/a\n", "1000\n", "MemAvailable: 5 kB\n")
	f.Fuzz(func(t *testing.T, cgroup, limit, meminfo string) {
		root(map[string]string{"proc/self/cgroup": cgroup, "sys/fs/cgroup/a/memory.max": limit, "proc/meminfo": meminfo}).Available()
	})
}

package memlimit

import (
	"runtime"
	"runtime/debug"
)

// ofRuntime returns what the Go runtime knows, after garbage is collected.
func ofRuntime() Source {
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return Source{
		Runtime:     uint64(debug.SetMemoryLimit(-1)),
		RuntimeUsed: stats.Sys - stats.HeapIdle,
		Idle:        stats.HeapIdle,
	}
}

//go:build !linux

package memlimit

// Now collects garbage and returns the source of this process. Only the
// runtime's limit is known.
func Now() Source { return ofRuntime() }

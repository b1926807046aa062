package memlimit

import (
	"math"
	"os"
	"syscall"
)

// Now collects garbage and returns the source of this process.
func Now() Source {
	s := ofRuntime()
	s.Root, s.AddressSpace = os.DirFS("/"), math.MaxUint64
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &limit) == nil {
		s.AddressSpace = uint64(limit.Cur)
	}
	return s
}

// Package memlimit tells how much memory the process may still take. It reads
// the limits that a container, a shell or the Go runtime sets, so that a
// measurement does not end the process.
//
// Sources: the kernel's documentation of control groups, versions 1 and 2, of
// proc(5), and package runtime/debug for GOMEMLIMIT.
package memlimit

import (
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Source is what limits are read from.
type Source struct {
	Root         fs.FS  // of the file system, nil where there is none
	Runtime      uint64 // the runtime's limit for the process, GOMEMLIMIT
	RuntimeUsed  uint64 // what the runtime has of it and cannot use again
	AddressSpace uint64 // the limit of the address space, RLIMIT_AS
	Idle         uint64 // what the heap has of the address space and can use again
}

// Available returns the bytes that the process may take in addition to what it
// has, by the strictest limit. It returns [math.MaxUint64] if no limit is known.
func (s Source) Available() uint64 {
	least := left(s.Runtime, s.RuntimeUsed)
	if s.Root == nil {
		return least
	}
	used, _ := s.kilobytes("proc/self/status", "VmSize")
	if space := left(s.AddressSpace, used-min(s.Idle, used)); space < math.MaxUint64 {
		// Threads and the heap take it in pieces of 64 MiB, which need not be
		// next to each other.
		least = min(least, space/2)
	}
	if free, ok := s.kilobytes("proc/meminfo", "MemAvailable"); ok {
		least = min(least, free) // what the machine can give without swapping
	}
	for _, g := range s.groups() {
		least = min(least, s.group(g))
	}
	return least
}

// left returns what is left of a limit. The largest number is no limit.
func left(limit, used uint64) uint64 {
	switch {
	case limit >= math.MaxInt64:
		return math.MaxUint64
	case used >= limit:
		return 0
	}
	return limit - used
}

// kilobytes returns the value of a line of a file in /proc, such as "VmSize: 8 kB",
// in bytes.
func (s Source) kilobytes(file, name string) (value uint64, ok bool) {
	for line := range strings.Lines(s.read(file)) {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 54)
			return kib << 10, err == nil
		}
	}
	return 0, false
}

// A group is a control group, with the names of its files.
type group struct {
	dir, limit, used string
}

// groups returns the control groups of the process that limit memory, and those
// above them.
func (s Source) groups() (all []group) {
	for line := range strings.Lines(s.read("proc/self/cgroup")) {
		// hierarchy:controllers:path
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) != 3 || !path.IsAbs(parts[2]) {
			continue
		}
		g := group{"sys/fs/cgroup", "memory.max", "memory.current"}
		if parts[1] != "" {
			if !slices.Contains(strings.Split(parts[1], ","), "memory") {
				continue
			}
			g = group{"sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"}
		}
		// Inside a container the path may be that outside. Then the root of the
		// mount is the container's group.
		for dir := path.Clean(parts[2]); ; dir = path.Dir(dir) {
			all = append(all, group{path.Join(g.dir, dir), g.limit, g.used})
			if dir == "/" {
				break
			}
		}
	}
	return all
}

// group returns what is left of a control group's limit. "max" and what cannot
// be read are no limit.
func (s Source) group(g group) uint64 {
	limit, err := strconv.ParseUint(strings.TrimSpace(s.read(path.Join(g.dir, g.limit))), 10, 64)
	if err != nil {
		return math.MaxUint64
	}
	used, err := strconv.ParseUint(strings.TrimSpace(s.read(path.Join(g.dir, g.used))), 10, 64)
	if err != nil {
		used = 0
	}
	return left(limit, used)
}

// read returns a file's text, or nothing. The files are short.
func (s Source) read(name string) string {
	b, err := fs.ReadFile(s.Root, name)
	if err != nil {
		return ""
	}
	return string(b)
}

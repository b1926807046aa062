//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock keeps other processes from searching for the same file until unlock is
// called or the process ends. It locks the checkpoint's own lock file, since the
// checkpoint itself is replaced.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another process is searching with %s: wait for it, or name another file by -checkpoint", path)
		}
		return nil, err
	}
	return func() {
		os.Remove(f.Name())
		f.Close()
	}, nil
}

//go:build unix

package cli

import (
	"errors"
	"os"
	"syscall"
)

// Lock prevents other processes from locking the same path until unlock is
// called or the process ends. It locks a file beside path, because path itself
// is replaced. If another process has the lock, Lock returns ErrLocked.
func Lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil && !isAt(f, f.Name()) {
		err = syscall.EWOULDBLOCK // another process has removed it, and may have made another one
	}
	if err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, err
	}
	return func() {
		os.Remove(f.Name())
		f.Close()
	}, nil
}

// isAt reports whether path still names the open file.
func isAt(f *os.File, path string) bool {
	open, err1 := f.Stat()
	there, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && os.SameFile(open, there)
}
